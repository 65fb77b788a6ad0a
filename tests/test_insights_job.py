"""Insights in a browser: a mark leads to History, tables and files open, both themes can be read by all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import clock, insights
from core.settings import load_settings
from core.studio import open_studio
from tests.browser import Server, accessible, open_page, serving, settled
from tests.conftest import BY
from tests.parts.many import fill


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A desk with pictures of twenty days."""
    folder = tmp_path_factory.mktemp("busy desk")
    settings = load_settings(
        database_url=f"sqlite:///{folder / 'packshot.db'}",
        upload_dir=folder / "media",
        app_secret="a secret for tests",
    )
    with open_studio(settings, work=False) as desk:
        fill(desk.engine, outputs=600, days=20, until=clock.now())
        insights.rebuild(desk, by=BY)
    with serving(folder) as server:
        yield server


def chart(page: Any, key: str) -> Any:
    return page.locator(f".st-key-card-{key} svg.marks")


def test_a_mark_leads_to_what_is_behind_it(browser: Any, busy: Server) -> None:
    page = open_page(browser, f"{busy.url}/insights?last=90")
    chart(page, "approval").locator(".mark-rect path").first.click()
    link = page.locator(".st-key-card-approval a")
    link.wait_for()
    link.click()
    page.wait_for_url("**/history?**")
    settled(page)
    assert "preset=" in page.url and page.url.count("days=") == 2
    page.locator(".card").first.wait_for()
    assert page.outside == []


def test_a_table_opens_and_its_file_has_the_same_rows(browser: Any, busy: Server) -> None:
    page = open_page(browser, f"{busy.url}/insights?last=90", language="zh")
    page.locator(".st-key-card-latency summary").click()
    page.locator(".st-key-card-latency [data-testid=stDataFrame]").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="下載 CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 3 and all(float(row["p95"]) > float(row["p50"]) > 0 for row in rows)
    assert accessible(page) == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1440])
def test_everybody_can_read_it(browser: Any, busy: Server, dark: bool, width: int) -> None:
    page = open_page(browser, f"{busy.url}/insights?last=90", dark=dark, width=width)
    chart(page, "reviewers").wait_for()
    assert accessible(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.outside == []


@pytest.mark.parametrize("dark", [False, True])
def test_what_is_stored_can_be_read_and_its_growth_opens(browser: Any, busy: Server, dark: bool) -> None:
    page = open_page(browser, f"{busy.url}/system", dark=dark, language="zh", width=390)
    page.get_by_text("儲存用量").wait_for()
    page.get_by_text("每週增長").click()
    page.locator(".st-key-stored svg.marks").wait_for()
    assert accessible(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.outside == []
