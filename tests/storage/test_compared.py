"""Storage and records compared on every store of the contract."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import generation, reconcile, repair
from core.differences import Kind
from core.settings import load_settings
from core.storage import ObjectStore
from core.studio import Studio, open_studio
from tests.conftest import BY, Scripted, finished, order, upload


@pytest.fixture
def desk(tmp_path: Path, store: ObjectStore, scripted: Scripted) -> Iterator[Studio]:
    """A desk of its own on a store that others have used before."""
    settings = load_settings(
        database_url=f"sqlite:///{tmp_path / 'packshot.db'}",
        upload_dir=tmp_path / "media",
        app_secret="a secret for tests",
    )
    with open_studio(settings, providers={"gemini": scripted}, store=store) as opened:
        yield opened


def test_what_is_lost_in_a_store_is_found_and_set_right(desk: Studio, photo: bytes) -> None:
    key = generation.submit(desk, [upload(photo)], order(outputs=2), by=BY)
    lost, kept = finished(desk, key).outputs
    assert lost.object_key and lost.thumb_key and kept.thumb_key
    before = reconcile.compare(desk, deep=True)
    assert before.found.total() == 0 and before.matched >= 6
    desk.store.delete([lost.object_key, lost.thumb_key, kept.thumb_key])
    young = f"input/{uuid.uuid4()}/new.jpg"
    desk.store.put(young, photo, "image/jpeg")
    report = repair.fix(desk, by=BY)
    assert (report.found[Kind.MISSING], report.found[Kind.THUMB], report.left) == (1, 2, 0)
    assert desk.store.head(kept.thumb_key) and desk.store.head(young)
    assert reconcile.compare(desk).found.total() == 0
