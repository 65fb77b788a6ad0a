"""A folder is listed page by page as an object store would be."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.storage.folder import FolderStore
from core.storage.links import LinkSigner


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path, LinkSigner("a secret for tests"))


def test_pages_hold_every_key_once_in_key_order(store: FolderStore) -> None:
    names = random.Random(3)
    keys = {
        "/".join(names.choice(["a", "b", "ab", "a.b", "a-b", "A"]) for _ in range(names.randint(1, 3)))
        + f"/f{names.choice('.-_')}{names.randint(0, 30)}.x"
        for _ in range(200)
    }
    for key in keys:
        store.put(key, b"1", "text/plain")
    for prefix in ("", "a", "a/", "ab/f", "a/b/", "none/", "a.b/a"):
        for limit in (1, 7, 1000):
            got: list[str] = []
            after = None
            while True:
                page = store.list(prefix, after=after, limit=limit)
                assert len(page.objects) <= limit
                got += [item.key for item in page.objects]
                if (after := page.after) is None:
                    break
            assert got == sorted(key for key in keys if key.startswith(prefix))


def test_an_object_says_when_it_was_stored(store: FolderStore) -> None:
    store.put("a/b.jpg", b"1", "image/jpeg")
    found = store.head("a/b.jpg")
    assert found and abs(datetime.now(UTC) - found.modified) < timedelta(minutes=1)
    assert store.list().objects == (found,)
