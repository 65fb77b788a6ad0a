"""Storage and records compared: a real SQLite file, a real folder, every way in which they can differ."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image

from core import clock, comparing, generation, reconcile, repair
from core.database import schema
from core.database.engine import reading, writing
from core.differences import Kind
from core.errors import MostAreGone, NotAllowed
from core.model import Actor, Role
from core.studio import Studio
from tests.conftest import BY, on_both, order, upload
from tests.differing import OLD, everything, file_of, found, made, put, row, verbs

pytestmark = on_both
Open = Callable[..., Studio]


def test_a_desk_that_agrees_is_clean(desk: Open, photo: bytes) -> None:
    opened = desk()
    made(opened, photo, 2)
    report = reconcile.compare(opened, deep=True)
    assert found(report) == {} and report.left == 0
    assert (report.objects, report.matched, report.rows) == (6, 6, 8), "two keys are named by their call too"


def test_an_old_object_without_a_row_is_deleted_and_a_young_one_is_not(desk: Open, photo: bytes) -> None:
    opened = desk()
    made(opened, photo)
    task, doctors = str(uuid.uuid4()), "input/doctor/left.jpg"
    old = [put(opened, f"input/{task}/a.jpg"), put(opened, f"thumb/{task}/a.webp"), put(opened, doctors)]
    young = put(opened, f"input/{task}/b.jpg", age=timedelta(hours=23))
    before = everything(opened)
    report = reconcile.compare(opened)
    assert found(report) == {"orphan": 3} and report.young == 1
    assert everything(opened) == before, "nothing is changed without fix"
    fixed = repair.fix(opened, by=BY)
    assert (fixed.fixed[Kind.ORPHAN], fixed.left) == (3, 0)
    assert [opened.store.head(key) for key in old] == [None] * 3
    assert opened.store.head(young)
    assert verbs(opened, "object.deleted") == [("object.deleted", "local")] * 3
    assert found(reconcile.compare(opened)) == {}


def test_objects_from_before_this_database_are_never_touched(desk: Open, photo: bytes) -> None:
    """A bucket shared with the former system, or a new database on an old bucket."""
    opened = desk()
    made(opened, photo)
    key = put(opened, "generated/former-task/picture.jpg", age=timedelta(days=30))
    elsewhere = put(opened, "backup/of/something.bin", age=timedelta(days=1))
    report = repair.fix(opened, by=BY)
    assert found(report) == {} and report.foreign == 1
    assert opened.store.head(key) and opened.store.head(elsewhere)


def test_a_picture_that_is_gone_is_said_and_comes_back(desk: Open, photo: bytes) -> None:
    opened = desk()
    output, kept = made(opened, photo, 2)
    path = file_of(opened, output.object_key)
    path.rename(path.with_name(".part-aside"))
    before = everything(opened)
    assert found(reconcile.compare(opened)) == {"missing": 1}
    assert everything(opened) == before
    assert repair.fix(opened, by=BY).left == 0
    after = row(opened, output)
    assert (after.state, after.error_kind) == ("failed", "ObjectMissing")
    assert (after.cost_micros, after.object_key) == (33_600, output.object_key), "what was paid stays"
    assert row(opened, kept).state == "succeeded"
    assert verbs(opened, "object.missing") == [("object.missing", "local")] * 2, "the output's and its call's"
    again = repair.fix(opened, by=BY)
    assert found(again) == {} and again.known == 1
    path.with_name(".part-aside").rename(path)
    assert found(reconcile.compare(opened)) == {"unfinished": 1}
    assert repair.fix(opened, by=BY).left == 0
    assert (row(opened, output).state, row(opened, output).error_kind) == ("succeeded", None)
    assert found(reconcile.compare(opened, deep=True)) == {}


def test_a_photo_that_is_gone_is_said_on_its_task(desk: Open, photo: bytes) -> None:
    opened = desk()
    [output] = made(opened, photo)
    with reading(opened.engine) as connection:
        key = connection.execute(sa.select(schema.photos.c.object_key)).scalar_one()
    opened.store.delete([key])
    assert found(reconcile.compare(opened)) == {"missing": 1}
    assert repair.fix(opened, by=BY).left == 0
    assert row(opened, output).state == "succeeded", "its pictures are still there"
    again = reconcile.compare(opened)
    assert found(again) == {} and again.known == 1


def test_thumbnails_are_made_again(desk: Open, photo: bytes) -> None:
    opened = desk()
    made(opened, photo)
    thumbs = [item.key for item in opened.store.list("thumb/").objects]
    opened.store.delete(thumbs)
    assert found(reconcile.compare(opened)) == {"thumb": 2}
    assert opened.store.head(thumbs[0]) is None
    assert repair.fix(opened, by=BY).left == 0
    for key in thumbs:
        with Image.open(io.BytesIO(opened.store.get(key))) as picture:
            assert (picture.format, max(picture.size)) == ("WEBP", 512)
    assert verbs(opened, "thumb%") == [("thumb.remade", "local")] * 2
    assert found(reconcile.compare(opened)) == {}


def test_a_thumbnail_of_a_lost_picture_is_lost_too(desk: Open, photo: bytes) -> None:
    opened = desk()
    output, _ = made(opened, photo, 2)
    opened.store.delete([output.object_key or "", output.thumb_key or ""])
    assert repair.fix(opened, by=BY).left == 0
    again = reconcile.compare(opened)
    assert found(again) == {} and again.known == 2


def test_other_bytes_are_found_by_size_or_hash_and_said(desk: Open, photo: bytes) -> None:
    opened = desk()
    short, turned, _ = made(opened, photo, 3)
    file_of(opened, short.object_key).write_bytes(photo[:1000])
    file_of(opened, turned.object_key).write_bytes(photo[:-9] + b"x" * 9)
    assert found(reconcile.compare(opened)) == {"size": 1}
    assert found(reconcile.compare(opened, deep=True)) == {"size": 1, "hash": 1}
    assert repair.fix(opened, by=BY, deep=True).left == 0
    for output in (short, turned):
        assert (row(opened, output).state, row(opened, output).error_kind) == ("failed", "ObjectDiffers")
        assert opened.store.head(output.object_key or ""), "the bytes are kept"
    again = repair.fix(opened, by=BY, deep=True)
    assert found(again) == {} and again.known == 2
    file_of(opened, turned.object_key).write_bytes(photo)
    assert repair.fix(opened, by=BY, deep=True).fixed[Kind.UNFINISHED] == 1
    assert row(opened, turned).state == "succeeded", "whole again, by its hash"


def test_another_stores_rows_are_not_compared(desk: Open, photo: bytes) -> None:
    opened = desk()
    made(opened, photo)
    with writing(opened.engine) as connection:
        for table in (schema.photos, schema.outputs):
            connection.execute(sa.update(table).values(store="r2:elsewhere"))
    for item in opened.store.list().objects:
        os.utime(file_of(opened, item.key), ((clock.now() - OLD).timestamp(),) * 2)
    report = reconcile.compare(opened)
    assert report.rows == 0 and found(report) == {"orphan": 4}
    fixed = repair.fix(opened, by=BY)
    assert fixed.fixed[Kind.ORPHAN] == 0, "what any row names is never deleted"
    assert len(opened.store.list().objects) == 4


def test_an_empty_store_is_not_believed(desk: Open, photo: bytes) -> None:
    opened = desk()
    [output] = made(opened, photo)
    opened.store.delete([item.key for item in opened.store.list().objects])
    with pytest.raises(MostAreGone) as told:
        repair.fix(opened, by=BY)
    assert told.value.data == {"missing": 4, "there": 0}
    assert row(opened, output).state == "succeeded", "nothing was changed"
    assert repair.fix(opened, by=BY, anyway=True).left == 0
    assert row(opened, output).state == "failed"


def test_only_an_admin_fixes(desk: Open) -> None:
    with pytest.raises(NotAllowed):
        repair.fix(desk(work=False), by=Actor(id="r", name="r", role=Role.REVIEWER))


def test_pages_keep_memory_constant(desk: Open, photo: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = desk(work=False)
    made_keys = []
    with ExitStack() as stack:
        key = generation.submit(opened, [upload(photo)], order(), by=BY)
        template = stack.enter_context(reading(opened.engine))
        values = dict(template.execute(sa.select(schema.photos)).one()._mapping)
    values.pop("id")
    with writing(opened.engine) as connection:
        for number in range(99):
            name = str(uuid.uuid4())
            same = {
                "key": name,
                "object_key": f"input/{key}/{name}.jpg",
                "thumb_key": f"thumb/{key}/{name}.webp",
            }
            connection.execute(sa.insert(schema.photos).values({**values, **same, "position": number + 2}))
            made_keys += [same["object_key"], same["thumb_key"]]
    for made_key in made_keys:
        opened.store.put(made_key, b"x" * values["bytes"] if "input" in made_key else b"x", "image/jpeg")
    monkeypatch.setattr(reconcile, "PAGE", 10)
    monkeypatch.setattr(reconcile, "ROWS", 10)
    listed, selected = [], []
    list_ = opened.store.list

    def counting(prefix: str = "", **options: Any) -> Any:
        page = list_(prefix, **options)
        listed.append(len(page.objects))
        return page

    def executed(*arguments: Any) -> None:
        selected.append(arguments[2])

    monkeypatch.setattr(opened.store, "list", counting)
    sa.event.listen(opened.engine, "before_cursor_execute", executed)
    report = reconcile.compare(opened)
    assert (report.objects, report.matched, found(report)) == (200, 200, {})
    assert max(listed) <= 10 and len(listed) == 22, "10 pages of photos, 10 of thumbnails, none else"
    assert len([s for s in selected if "LIMIT" in s and "reviews" not in s]) == 11 + 11 + 4, (
        "as many of each column"
    )


def test_many_orphans_keep_the_report_small(desk: Open, photo: bytes) -> None:
    opened = desk()
    made(opened, photo)
    for number in range(250):
        put(opened, f"input/gone/{number}.jpg")
    report = repair.fix(opened, by=BY)
    assert (report.fixed[Kind.ORPHAN], len(report.examples)) == (250, 20)
    assert found(reconcile.compare(opened)) == {}


def test_the_background_comparison_is_one_for_all(desk: Open, photo: bytes) -> None:
    opened = desk()
    made(opened, photo)
    put(opened, "input/gone/a.jpg")
    assert comparing.latest(opened) is None
    going = comparing.begin(opened)
    assert going.done.wait(10)
    assert comparing.latest(opened) is going
    assert found(going.report) == {"orphan": 1} and going.error is None
    assert comparing.begin(opened) is not going
