"""Deleting and restoring: what a person sees of it, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from core import clock, generation, history, reconcile, trash
from core.database import schema
from core.database.engine import writing
from core.errors import NotAllowed, NotFound, PurgeBegan, StillGoing
from core.history import Filter
from core.model import Actor, OutputState, Role
from core.studio import Studio
from tests.conftest import BY, finished, on_both, order, upload
from tests.database.rows import add_task
from tests.differing import everything, found, made, verbs

pytestmark = on_both
Open = Callable[..., Studio]


def shown(desk: Studio) -> list[str]:
    return [entry.key for entry in history.page(desk, Filter()).entries]


def listed(opened: Studio) -> list[trash.Deleted]:
    """Everything in the trash, page by page."""
    found, before = [], None
    while True:
        page = trash.page(opened, before=before)
        found += page.entries
        before = page.older
        if before is None:
            return found


def test_a_deleted_picture_leaves_the_lists_and_comes_back(desk: Open, photo: bytes) -> None:
    opened = desk()
    first, second = made(opened, photo, 2)
    before = clock.now()
    trash.delete(opened, first.key, by=BY)
    assert shown(opened) == [second.key]
    assert history.count(opened, Filter()).number == 1
    (gone,) = listed(opened)
    assert (gone.key, gone.bytes) == (first.key, first.bytes)
    assert before <= gone.deleted_at <= clock.now()
    assert trash.gone_at(opened, gone.deleted_at) == gone.deleted_at + timedelta(days=30)
    totals = trash.totals(opened)
    assert (totals.outputs, totals.bytes, totals.oldest) == (1, first.bytes, gone.deleted_at)
    view = generation.view(opened, history.details(opened, first.key).task.key)
    assert [bool(output.deleted_at) for output in view.outputs] == [True, False], (
        "its task still has its card"
    )
    trash.restore(opened, first.key, by=BY)
    assert len(shown(opened)) == 2
    assert listed(opened) == []
    assert verbs(opened, "output.deleted") == [("output.deleted", "local")]
    assert verbs(opened, "output.restored") == [("output.restored", "local")]
    assert found(reconcile.compare(opened, deep=True)) == {}


def test_twice_is_once(desk: Open, photo: bytes) -> None:
    opened = desk()
    (output,) = made(opened, photo)
    trash.restore(opened, output.key, by=BY)
    for _ in range(2):
        trash.delete(opened, output.key, by=BY)
    (_gone,) = listed(opened)
    for _ in range(2):
        trash.restore(opened, output.key, by=BY)
    assert [len(verbs(opened, v)) for v in ("output.deleted", "output.restored")] == [1, 1]


@pytest.mark.parametrize("state", [OutputState.QUEUED, OutputState.RUNNING])
def test_what_goes_on_is_not_deleted(desk: Open, state: OutputState) -> None:
    opened = desk(work=False)
    (_output_id,) = add_task(opened.engine, outputs=1)
    with writing(opened.engine) as connection:
        connection.execute(sa.update(schema.outputs).values(state=state))
        key = connection.execute(sa.select(schema.outputs.c.key)).scalar_one()
    before = everything(opened)
    with pytest.raises(StillGoing):
        trash.delete(opened, key, by=BY)
    assert everything(opened) == before


def test_who_may_and_what_is_there(desk: Open, photo: bytes) -> None:
    opened = desk()
    (output,) = made(opened, photo)
    before = everything(opened)
    viewer = Actor(id="v", name="v", role=Role.VIEWER)
    for verb in (trash.delete, trash.restore):
        with pytest.raises(NotAllowed):
            verb(opened, output.key, by=viewer)
        for key in ("nothing", "\x00", "'; DROP TABLE outputs; --"):
            with pytest.raises(NotFound):
                verb(opened, key, by=BY)
    assert everything(opened) == before


def test_what_is_being_removed_does_not_come_back(desk: Open, photo: bytes) -> None:
    opened = desk()
    (output,) = made(opened, photo)
    trash.delete(opened, output.key, by=BY)
    with writing(opened.engine) as connection:
        connection.execute(sa.update(schema.outputs).values(purge_started_at=clock.now()))
    before = everything(opened)
    with pytest.raises(PurgeBegan):
        trash.restore(opened, output.key, by=BY)
    assert everything(opened) == before


def test_a_deleted_failure_is_not_asked_again(desk: Open, scripted: object, photo: bytes) -> None:
    opened = desk()
    from core.errors import NoImage

    scripted.script = [NoImage("no")]  # type: ignore[attr-defined]
    key = generation.submit(opened, [upload(photo)], order(), by=BY)
    (output,) = finished(opened, key).outputs
    trash.delete(opened, output.key, by=BY)
    assert generation.retry(opened, key, by=BY) == 0
    assert not generation.retry_output(opened, output.key, by=BY)
    trash.restore(opened, output.key, by=BY)
    assert generation.retry(opened, key, by=BY) == 1
    assert finished(opened, key).outputs[0].state is OutputState.SUCCEEDED


def test_deleted_pictures_may_be_ordered_again_at_once(desk: Open, photo: bytes) -> None:
    opened = desk()
    key = generation.submit(opened, [upload(photo)], order(), by=BY)
    (output,) = finished(opened, key).outputs
    trash.delete(opened, output.key, by=BY)
    generation.submit(opened, [upload(photo)], order(), by=BY)


def test_a_full_trash_is_listed_in_order(desk: Open) -> None:
    opened = desk(work=False)
    ids = add_task(opened.engine, outputs=1200)
    now = clock.now()
    with writing(opened.engine) as connection:
        for half, age in ((ids[:600], 1), (ids[600:], 2)):
            statement = sa.update(schema.outputs).where(schema.outputs.c.id.in_(half))
            connection.execute(statement.values(state="failed", deleted_at=now - timedelta(days=age)))
    assert [gone.id for gone in listed(opened)] == ids[:600][::-1] + ids[600:][::-1]
