"""The rules of keeping in a real browser: an emptied field, a preview, a run; and its accessibility."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import clock, review
from core.database import schema
from core.database.engine import writing
from core.settings import load_settings
from core.studio import open_studio
from tests.browser import Server, accessible, open_page, serving, settled
from tests.conftest import BY
from tests.parts.judging import add_pictures


@pytest.fixture
def old(tmp_path: Path) -> Iterator[tuple[Server, Path]]:
    """A desk with RETENTION_DAYS and four old pictures: three rejected, one that nobody judged."""
    file = tmp_path / "packshot.db"
    settings = load_settings(
        database_url=f"sqlite:///{file}", upload_dir=tmp_path / "media", app_secret="a secret for tests"
    )
    with open_studio(settings, work=False) as desk:
        keys = add_pictures(desk, 2, each=2)
        for key in keys[:3]:
            review.decide(desk, key, review.Verdict.REJECTED, by=BY)
        then = clock.now() - timedelta(days=100)
        with writing(desk.engine) as connection:
            connection.execute(sa.update(schema.outputs).values(finished_at=then, touched_at=then))
    with serving(tmp_path, RETENTION_DAYS="7") as server:
        yield server, file


def ask(file: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file, timeout=20)) as connection:
        return list(connection.execute(statement))


def test_a_field_is_emptied_and_the_rest_is_run(old: tuple[Server, Path], browser: Any) -> None:
    server, file = old
    page = open_page(browser, server.url + "/system")
    card = page.locator(".st-key-retention")
    card.locator("summary").click()
    card.locator("input").nth(3).wait_for()
    card.locator("input").nth(2).fill("")
    card.get_by_role("button", name="Preview and save").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("3 pictures are old enough now").wait_for()
    assert accessible(page) == []
    dialog.get_by_role("button", name="Save rules").click()
    dialog.wait_for(state="detached")
    card.get_by_text("Failed: 7 days · Rejected: 7 days").wait_for()
    assert ask(file, "SELECT what FROM retention_rules WHERE days IS NULL ORDER BY what") == [
        ("approved",), ("to_review",),
    ]  # fmt: skip
    settled(page)
    card.get_by_role("button", name="Run now").click()
    dialog.get_by_role("button", name="Move 3 pictures to the trash").click()
    card.get_by_text("by local: 3 pictures").wait_for()
    dialog.wait_for(state="detached")
    assert ask(file, "SELECT count(*) FROM outputs WHERE deleted_at IS NOT NULL") == [(3,)]
    assert accessible(page) == [] and page.outside == []
