"""What an order may carry, and that one that fails at any step leaves nothing behind."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import generation, history, language
from core.database import schema
from core.database.engine import reading
from core.errors import (
    DatabaseCorrupt,
    DatabaseError,
    DatabaseReadOnly,
    DatabaseUnavailable,
    NotFound,
    OrderRefused,
    StorageFull,
    StorageUnavailable,
    TextTooLong,
)
from core.model import OutputState
from core.storage import ObjectStore
from core.studio import Studio
from core.text import clean
from tests.conftest import BY, Scripted, finished, order, upload

Open = Callable[..., Studio]


def rows(desk: Studio) -> int:
    with reading(desk.engine) as connection:
        tables = (schema.tasks, schema.photos, schema.outputs, schema.events)
        return sum(
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables
        )


def files(desk: Studio) -> list[Path]:
    return [path for path in desk.settings.upload_dir.rglob("*") if path.is_file()]


class Failing:
    """A real store whose n-th put fails, before or after the bytes are there."""

    def __init__(self, store: ObjectStore, *, at: int, error: Exception, after: bool = False) -> None:
        self._store, self._error, self._after = store, error, after
        self._left = iter([False] * at + [True])
        self.name = store.name

    def put(self, key: str, data: bytes, content_type: str) -> None:
        fails = next(self._left, False)
        if self._after or not fails:
            self._store.put(key, data, content_type)
        if fails:
            raise self._error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def with_store(desk: Studio, store: object) -> Studio:
    from dataclasses import replace

    return replace(desk, store=store)  # type: ignore[arg-type]


@pytest.mark.parametrize(("at", "after"), [(0, False), (1, False), (3, False), (5, False), (5, True)])
def test_a_store_that_fails_at_any_put_leaves_nothing(desk: Open, photo: bytes, at: int, after: bool) -> None:
    opened = desk(work=False)
    failing = with_store(
        opened, Failing(opened.store, at=at, error=StorageUnavailable("gone away"), after=after)
    )
    with pytest.raises(StorageUnavailable):
        generation.submit(failing, [upload(photo)] * 3, order(), by=BY)
    assert (rows(opened), files(opened)) == (0, [])
    assert generation.submit(opened, [upload(photo)], order(), by=BY), "the next press works"


def test_a_full_store_leaves_nothing(desk: Open, photo: bytes) -> None:
    opened = desk(work=False)
    with no_file_over(60_000), pytest.raises(StorageFull):
        generation.submit(opened, [upload(photo)], order(), by=BY)
    assert (rows(opened), files(opened)) == (0, [])


@contextmanager
def no_file_over(size: int) -> Iterator[None]:
    """As on a disk without space: this process can't write a file of more bytes."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def locked(database: Path) -> Iterator[None]:
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


@contextmanager
def damaged(database: Path) -> Iterator[None]:
    whole = database.read_bytes()
    database.write_bytes(b"this is no database" * 500)
    yield
    database.write_bytes(whole)


@pytest.mark.parametrize(
    ("trouble", "error"),
    [(locked, DatabaseUnavailable), (damaged, DatabaseCorrupt)],
    ids=["locked", "damaged"],
)
def test_a_database_that_fails_leaves_no_object(
    desk: Open,
    photo: bytes,
    tmp_path: Path,
    trouble: Callable[[Path], Any],
    error: type[DatabaseError],
) -> None:
    opened = desk(work=False)

    @sa.event.listens_for(opened.engine, "checkout")
    def impatient(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA busy_timeout = 200")

    opened.engine.dispose()
    for beside in ("packshot.db-wal", "packshot.db-shm"):
        (tmp_path / beside).unlink(missing_ok=True)
    with trouble(tmp_path / "packshot.db"):
        with pytest.raises(error):
            generation.submit(opened, [upload(photo)], order(), by=BY)
        assert files(opened) == []
        opened.engine.dispose()
    assert rows(opened) == 0


def test_a_database_that_may_not_be_written_leaves_no_object(desk: Open, photo: bytes) -> None:
    opened = desk(work=False)

    @sa.event.listens_for(opened.engine, "checkout")
    def only_read(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    with pytest.raises(DatabaseReadOnly):
        generation.submit(opened, [upload(photo)], order(), by=BY)
    assert files(opened) == []


def test_two_presses_at_once_make_one_task(desk: Open, photo: bytes) -> None:
    opened = desk(work=False)
    key = str(uuid.uuid4())
    with ThreadPoolExecutor(4) as pool:
        pressed = [
            pool.submit(generation.submit, opened, [upload(photo)], order(outputs=2), by=BY, key=key)
            for _ in range(4)
        ]
        assert {press.result() for press in pressed} == {key}
    assert len(generation.view(opened, key).outputs) == 2
    assert len(files(opened)) == 2, "one photo and its thumbnail"


def test_the_same_photo_twice_is_two_photos(desk: Open, scripted: Scripted, photo: bytes) -> None:
    opened = desk()
    key = generation.submit(opened, [upload(photo), upload(photo)], order(), by=BY)
    view = finished(opened, key)
    assert view.count(OutputState.SUCCEEDED) == 2
    assert view.photos[0].sha256 == view.photos[1].sha256
    assert view.photos[0].object_key != view.photos[1].object_key


def test_invisible_characters_go_no_further(desk: Open, photo: bytes) -> None:
    opened = desk(work=False)
    sent = upload(
        photo, "a\0b\x1b[2J\ud800\u202e.jpg", sku=" JP-1\0\n", product_name="Ramen\tcup\r\n茶 \U0001f375"
    )
    key = generation.submit(opened, [sent], order(style="warm\0 sun\r\non wood\x07\n"), by=BY)
    view = generation.view(opened, key)
    assert view.photos[0].original_name == "a b [2J  .jpg"
    assert view.photos[0].sku == "JP-1"
    assert view.photos[0].product_name == "Ramen cup 茶 \U0001f375"
    assert view.task.style == "warm  sun\non wood"
    assert not any(ord(c) < 32 and c != "\n" for c in view.photos[0].prompt)
    found = history.page(opened, history.Filter(text="jp\0"))
    assert [entry.sku for entry in found.entries] == ["JP-1"]
    assert clean("👩\u200d🍳 ไทย") == "👩\u200d🍳 ไทย", "joiners and vowels are letters' parts"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"sku": "x" * 129}, "sku"),
        ({"product_name": "x" * 301}, "product_name"),
    ],
)
def test_a_text_that_is_too_long_is_refused(
    desk: Open, photo: bytes, values: dict[str, str], field: str
) -> None:
    opened = desk(work=False)
    with pytest.raises(TextTooLong) as refused:
        generation.submit(opened, [upload(photo, **values)], order(), by=BY)
    assert refused.value.data["field"] == field
    said = language.words("en").error(refused.value)
    assert said.startswith(f"{field} has {refused.value.data['length']} characters, at most")
    assert (rows(opened), files(opened)) == (0, [])


@pytest.mark.parametrize(
    "parameters",
    [
        {"fill": float("nan")},
        {"fill": float("inf")},
        {"fill": 10**400},
        {"fill": None},
        {"fill": object()},
        {"fill": [0.5]},
        {"style": "a\0b"},
        {"na\0me": 1},
        {f"p{n}": n for n in range(51)},
        {"text": "x" * 2001},
    ],
)
def test_parameters_that_cannot_be_kept_are_refused(
    desk: Open, photo: bytes, parameters: dict[str, object]
) -> None:
    opened = desk(work=False)
    with pytest.raises(OrderRefused) as refused:
        generation.submit(opened, [upload(photo)], order(parameters=parameters), by=BY)
    assert str(refused.value.data["field"]).startswith("parameters")
    assert (rows(opened), files(opened)) == (0, [])


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"fill": "large"}, "fill should be a number"),
        ({"fill": 7}, "fill should be a number from 0.3 to 1.0"),
        ({"fill": True}, "fill should be a number"),
        ({"shadow": "yes"}, "shadow should be true or false"),
        ({"glow": 1}, "glow is no choice of the local cut-out"),
    ],
)
def test_what_the_cutout_does_not_understand_is_said(
    desk: Open, photo: bytes, parameters: dict[str, object], sentence: str
) -> None:
    opened = desk()
    asked = order(provider="local", model="cutout", parameters=parameters)
    output = finished(opened, generation.submit(opened, [upload(photo)], asked, by=BY)).outputs[0]
    assert (output.state, output.error_kind) == (OutputState.FAILED, "BadRequest")
    assert str(output.error_data["detail"]).startswith(sentence)


@pytest.mark.parametrize("key", ["", "../x", "a/b", "x" * 37, "a\0", "茶", "-a"])
def test_a_key_that_is_none_is_refused(desk: Open, photo: bytes, key: str) -> None:
    opened = desk(work=False)
    with pytest.raises(OrderRefused):
        generation.submit(opened, [upload(photo)], order(), by=BY, key=key)
    assert (rows(opened), files(opened)) == (0, [])


@pytest.mark.parametrize("key", ["", "a\0b", "\ud800", "x" * 100_000, "' OR 1=1 --"])
def test_a_link_to_nothing_is_not_found(desk: Open, key: str) -> None:
    opened = desk(work=False)
    verbs: Sequence[Callable[[], object]] = (
        lambda: generation.view(opened, key),
        lambda: generation.retry(opened, key, by=BY),
        lambda: generation.retry_output(opened, key, by=BY),
        lambda: history.details(opened, key),
    )
    for verb in verbs:
        with pytest.raises(NotFound) as missing:
            verb()
        assert len(missing.value.data["key"]) <= 80


def test_no_photo_and_too_many_are_refused(desk: Open, photo: bytes) -> None:
    opened = desk(work=False)
    for number in (0, 51):
        with pytest.raises(OrderRefused):
            generation.submit(opened, [upload(photo)] * number, order(), by=BY)
    assert (rows(opened), files(opened)) == (0, [])
