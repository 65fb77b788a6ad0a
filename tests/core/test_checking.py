"""The step that compares pictures with their photos: on both databases, and through what may go wrong."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image, ImageDraw

from core import checking, clock, generation, reconcile, repair
from core.checks.fidelity import Verdict
from core.database import checking as statements
from core.database.engine import reading, writing
from core.database.schema import checks, events, outputs
from core.differences import Kind
from core.errors import StorageUnavailable
from core.studio import Studio
from tests import products
from tests.conftest import BY, Scripted, finished, on_both, order, upload
from tests.database.rows import add_task
from tests.parts.desks import wait_until

pytestmark = on_both
Open = Callable[..., Studio]


@pytest.fixture(autouse=True)
def soon() -> Iterator[None]:
    """The step begins at once and looks often."""
    values = vars(checking)
    kept = {name: values[name] for name in ("QUIET", "_LOOK", "_LONGEST")}
    values.update(QUIET=0.0, _LOOK=0.05, _LONGEST=0.2)
    yield
    values.update(kept)


@pytest.fixture(scope="module")
def soy() -> tuple[bytes, bytes, bytes]:
    """A photo, a picture that keeps its product, and one with words added."""
    kept = products.white("soy")
    with Image.open(io.BytesIO(kept)) as image:
        changed = image.copy()
    ImageDraw.Draw(changed).rectangle((340, 470, 460, 500), fill=(20, 60, 160))
    out = io.BytesIO()
    changed.save(out, "JPEG", quality=92)
    return products.photo("soy"), kept, out.getvalue()


def made(desk: Studio, scripted: Scripted, photo: bytes, *pictures: bytes) -> list[str]:
    scripted.script = list(pictures)
    key = generation.submit(desk, [upload(photo)], order(outputs=len(pictures), ratio="1:1"), by=BY)
    return [output.key for output in finished(desk, key).outputs]


def row(desk: Studio, key: str) -> Any:
    with reading(desk.engine) as connection:
        return connection.execute(sa.select(outputs).where(outputs.c.key == key)).one()


def said(desk: Studio) -> list[Any]:
    with reading(desk.engine) as connection:
        return list(connection.execute(sa.select(checks).order_by(checks.c.output_id)))


def told(desk: Studio) -> list[str]:
    statement = sa.select(events.c.data).where(events.c.verb == "output.checked")
    with reading(desk.engine) as connection:
        return [found.data["result"] for found in connection.execute(statement)]


def checked(desk: Studio, keys: list[str]) -> None:
    wait_until(lambda: all(row(desk, key).checks != "pending" for key in keys), seconds=40, what="the checks")


class running:
    """The step on a desk, for as long as the block lasts."""

    def __init__(self, desk: Studio) -> None:
        self.checker = checking.Checker(desk)

    def __enter__(self) -> checking.Checker:
        self.checker.start()
        return self.checker

    def __exit__(self, *_: object) -> None:
        self.checker.stop()


def test_pictures_are_compared_and_those_to_look_at_are_flagged(
    desk: Open, scripted: Scripted, soy: tuple[bytes, bytes, bytes]
) -> None:
    opened = desk(provider_concurrency=1)
    photo, kept, changed = soy
    plain = io.BytesIO()
    Image.new("RGB", (500, 500), "white").save(plain, "JPEG")
    keys = made(opened, scripted, photo, kept, changed, plain.getvalue())
    with running(opened):
        checked(opened, keys)
    assert [row(opened, key).flagged for key in keys] == [False, True, True]
    found = said(opened)
    assert [one.result for one in found] == ["preserved", "altered", "could_not_compare"]
    assert sorted(told(opened)) == ["altered", "could_not_compare", "preserved"]
    assert len(found[0].evidence["align"]) == 6 and found[1].evidence["places"]
    assert found[2].evidence["why"] == "not_found" and found[2].evidence["heat"] is None
    for one in found[:2]:
        assert opened.store.get(one.evidence["heat"])[8:12] == b"WEBP"
    evidence = checking.evidence_of(opened, found[1].output_id)
    assert evidence and evidence.result is Verdict.ALTERED and evidence.heat


def test_the_local_cutout_is_checked_too(desk: Open, soy: tuple[bytes, bytes, bytes]) -> None:
    opened = desk()
    wanted = order(provider="local", model="cutout", ratio="1:1")
    key = generation.submit(opened, [upload(soy[0])], wanted, by=BY)
    keys = [output.key for output in finished(opened, key).outputs]
    with running(opened):
        checked(opened, keys)
    assert [one.result for one in said(opened)] == ["preserved"]
    # The bottle's label is of the wall's colour: the cut-out calls itself unsure.
    assert row(opened, keys[0]).notes["sure"] is False and row(opened, keys[0]).flagged


def test_nothing_is_compared_while_a_picture_waits_or_is_made(
    desk: Open, scripted: Scripted, soy: tuple[bytes, bytes, bytes]
) -> None:
    opened = desk()
    (key,) = made(opened, scripted, soy[0], soy[1])
    hold = threading.Event()

    def held() -> bytes:
        hold.wait(30)
        return soy[1]

    scripted.script = [held]
    other = generation.submit(opened, [upload(soy[0])], order(ratio="1:1"), by=BY, again=True)
    wait_until(lambda: scripted.running == 1, seconds=20, what="the model to be asked")
    looked = threading.Event()
    with running(opened) as checker:
        busy = checker._busy
        checker._busy = lambda: (busy(), looked.set())[0]  # type: ignore[method-assign]
        assert looked.wait(10)
        assert row(opened, key).checks == "pending" and not said(opened)
        hold.set()
        finished(opened, other)
        checked(opened, [key])


def test_what_another_desk_makes_holds_nothing_up(
    desk: Open, scripted: Scripted, soy: tuple[bytes, bytes, bytes]
) -> None:
    opened = desk()
    (key,) = made(opened, scripted, soy[0], soy[1])
    (waits,) = add_task(opened.engine, outputs=1)
    with writing(opened.engine) as connection:
        connection.execute(sa.update(outputs).where(outputs.c.id == waits).values(store="elsewhere"))
    with running(opened):
        checked(opened, [key])


def test_two_processes_never_compare_the_same(desk: Open) -> None:
    opened = desk(work=False)
    ids = add_task(opened.engine, outputs=3)
    with writing(opened.engine) as connection:
        connection.execute(sa.update(outputs).values(state="succeeded", object_key="generated/t/o.jpg"))
    now = clock.now()
    start, got = threading.Barrier(4), []

    def take() -> None:
        start.wait()
        for output_id in ids:
            with writing(opened.engine) as connection:
                tries = statements.claim(connection, output_id, now=now, until=now + checking.LEASE)
            if tries:
                got.append(output_id)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == ids


def test_a_store_that_is_away_costs_no_try(
    desk: Open, scripted: Scripted, soy: tuple[bytes, bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = desk()
    (key,) = made(opened, scripted, soy[0], soy[1])
    vars(checking)["_PAUSE"], pause = checking.timedelta(), checking._PAUSE
    asked: list[str] = []
    get = opened.store.get

    def away(name: str) -> bytes:
        asked.append(name)
        if len(asked) < 8:
            raise StorageUnavailable("folder")
        return get(name)

    monkeypatch.setattr(opened.store, "get", away)
    try:
        with running(opened):
            checked(opened, [key])
    finally:
        vars(checking)["_PAUSE"] = pause
    assert len(asked) > checking.MOST_TRIES + 2
    assert [one.result for one in said(opened)] == ["preserved"]


def test_a_process_that_died_is_followed_and_a_deadly_picture_left_alone(
    desk: Open, scripted: Scripted, soy: tuple[bytes, bytes, bytes]
) -> None:
    opened = desk()
    first, second = made(opened, scripted, soy[0], soy[1], soy[1])
    past = clock.now() - checking.LEASE
    with writing(opened.engine) as connection:
        for key, tries in ((first, 1), (second, checking.MOST_TRIES)):
            statement = sa.update(outputs).where(outputs.c.key == key)
            connection.execute(statement.values(check_after=past, check_tries=tries))
    with running(opened):
        checked(opened, [first, second])
    assert (row(opened, first).checks, row(opened, first).flagged) == ("done", False)
    assert (row(opened, second).checks, row(opened, second).flagged) == ("failed", True)


def test_a_photo_that_is_gone_is_said_and_flagged(
    desk: Open, scripted: Scripted, soy: tuple[bytes, bytes, bytes]
) -> None:
    opened = desk()
    (key,) = made(opened, scripted, soy[0], soy[1])
    opened.store.delete([item.key for item in opened.store.list("input/").objects])
    with running(opened):
        checked(opened, [key])
    assert (row(opened, key).checks, row(opened, key).flagged) == ("failed", True)


def test_a_picture_that_was_deleted_meanwhile_leaves_nothing(
    desk: Open, scripted: Scripted, soy: tuple[bytes, bytes, bytes]
) -> None:
    opened = desk()
    (key,) = made(opened, scripted, soy[0], soy[1])
    output_id = row(opened, key).id
    with writing(opened.engine) as connection:
        connection.execute(sa.update(outputs).values(deleted_at=clock.now()))
    assert checking.check(opened, output_id, stopping=threading.Event()) is None
    assert said(opened) == [] and opened.store.list("check/").objects == ()


def test_a_stop_is_prompt_and_gives_the_picture_back(
    desk: Open, scripted: Scripted, soy: tuple[bytes, bytes, bytes]
) -> None:
    opened = desk()
    (key,) = made(opened, scripted, soy[0], soy[1])
    step = checking.Checker(opened)
    step._stopping.set()
    assert step._next()
    found = row(opened, key)
    assert (found.checks, found.check_tries) == ("pending", 0) and said(opened) == []
    with running(opened):
        checked(opened, [key])


def test_a_retry_is_compared_anew(desk: Open, scripted: Scripted, soy: tuple[bytes, bytes, bytes]) -> None:
    opened = desk()
    (key,) = made(opened, scripted, soy[0], soy[2])
    with running(opened):
        checked(opened, [key])
        assert row(opened, key).flagged
        with writing(opened.engine) as connection:
            connection.execute(sa.update(outputs).values(state="failed", error_kind="NoImage"))
        scripted.script = [soy[1]]
        assert generation.retry_output(opened, key, by=BY)
        wait_until(lambda: row(opened, key).checks == "done", seconds=40, what="the second check")
    assert not row(opened, key).flagged
    assert [one.result for one in said(opened)] == ["preserved"]


def test_heat_maps_are_known_to_the_comparison_of_storage(
    desk: Open, scripted: Scripted, soy: tuple[bytes, bytes, bytes]
) -> None:
    opened = desk()
    (key,) = made(opened, scripted, soy[0], soy[1])
    with running(opened):
        checked(opened, [key])
    report = reconcile.compare(opened)
    assert report.number == 0 and report.objects == 5
    heat = said(opened)[0].evidence["heat"]
    opened.store.delete([heat])
    assert reconcile.compare(opened).found[Kind.THUMB] == 1
    assert repair.fix(opened, by=BY).left == 0
    assert row(opened, key).checks == "pending" and said(opened) == []
    with running(opened):
        checked(opened, [key])
    assert reconcile.compare(opened).number == 0
