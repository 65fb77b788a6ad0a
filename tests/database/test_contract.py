"""One contract for SQLite and Postgres: what every statement promises, on both."""

from __future__ import annotations

import math
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import clock, history
from core.database import presets, queue, schema, tasks
from core.database.engine import make_engine, patiently, reading, to_json, writing
from core.database.migrate import migrate
from core.database.url import normal
from core.errors import DatabaseBehind, DatabaseUnavailable, NotFound, TaskExists
from core.model import OutputState
from core.studio import Studio
from tests.conftest import on_both
from tests.database.rows import add_task, add_worker, claim

pytestmark = on_both


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = make_engine(normal(database_url, Path()), pool_size=12)
    migrate(made)
    yield made
    made.dispose()


def state(engine: sa.Engine, output_id: int) -> OutputState:
    with reading(engine) as connection:
        found = tasks.output_by_id(connection, output_id)
    assert found
    return found.state


def value(engine: sa.Engine, statement: Any) -> Any:
    with reading(engine) as connection:
        return connection.execute(statement).scalar()


def test_claims_are_oldest_first_and_no_more_than_asked(engine: sa.Engine) -> None:
    ids = add_task(engine, outputs=6)
    worker = add_worker(engine)
    assert claim(engine, worker, limit=2) == ids[:2]
    assert claim(engine, worker, limit=10) == ids[2:]
    assert claim(engine, worker, limit=10) == []


def test_a_claim_takes_only_what_its_process_can_do(engine: sa.Engine) -> None:
    ids = add_task(engine, outputs=1)
    worker = add_worker(engine)
    assert claim(engine, worker, providers=["openai"]) == []
    assert claim(engine, worker, store="r2") == []
    with writing(engine) as connection:
        later = clock.now() + timedelta(minutes=1)
        connection.execute(sa.update(schema.outputs).values(not_before=later))
    assert claim(engine, worker) == [], "it was asked to wait"
    assert claim(engine, worker, now=later) == ids
    assert claim(engine, 999) == [], "no row of a worker, no claim"


def test_many_claim_at_once_and_none_gets_anothers(engine: sa.Engine) -> None:
    ids = add_task(engine, outputs=60)
    taken: dict[int, list[int]] = {}
    start = threading.Barrier(6)

    def work(worker: int) -> None:
        taken[worker] = []
        start.wait()
        while found := claim(engine, worker, limit=3):
            assert len(found) <= 3
            taken[worker] += found

    workers = [add_worker(engine) for _ in range(6)]
    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one for some in taken.values() for one in some) == ids
    for worker, some in taken.items():
        with reading(engine) as connection:
            assert sorted(queue.held_by(connection, worker)) == sorted(some)


def call(key: str | None = None) -> dict[str, Any]:
    return {"key": key or str(uuid.uuid4()), "request_key": "r", "sent_at": clock.now(), "usage": {}}


def test_only_the_holder_sends_and_ends(engine: sa.Engine) -> None:
    (output,) = add_task(engine, outputs=1)
    mine, other = add_worker(engine), add_worker(engine)
    with writing(engine) as connection:
        assert queue.begin_call(connection, output, mine, call()) is None, "it was never claimed"
    claim(engine, mine)
    done = {"state": OutputState.SUCCEEDED}
    with writing(engine) as connection:
        assert queue.begin_call(connection, output, other, call()) is None
        assert queue.begin_call(connection, output, mine, call())
        assert not queue.finish(connection, output, other, done)
        assert queue.finish(connection, output, mine, done)
        assert not queue.finish(connection, output, mine, done), "an end is an end"
    assert value(engine, sa.select(sa.func.count()).select_from(schema.calls)) == 1
    assert value(engine, sa.select(schema.outputs.c.attempts)) == 1


def test_a_lease_that_ran_out_is_seen_and_one_that_runs_is_not(engine: sa.Engine) -> None:
    ids = add_task(engine, outputs=2)
    worker = add_worker(engine)
    claim(engine, worker)
    now = clock.now()
    with writing(engine) as connection:
        assert queue.abandoned(connection, now) == []
        assert queue.renew_lease(connection, worker, now - timedelta(seconds=1))
        assert sorted(queue.abandoned(connection, now)) == ids
        queued = {"state": OutputState.QUEUED}
        assert queue.set_abandoned(connection, ids[0], now, queued)
        assert not queue.set_abandoned(connection, ids[0], now, queued), "moved on already"
        queue.renew_lease(connection, worker, now + timedelta(seconds=20))
        assert not queue.set_abandoned(connection, ids[1], now, queued), "its process lives after all"
        assert not queue.renew_lease(connection, 999, now)


def test_a_late_picture_is_adopted_unless_it_was_asked_for_again(engine: sa.Engine) -> None:
    (output,) = add_task(engine, outputs=1)
    claim(engine, worker := add_worker(engine))
    lost, done = (OutputState.UNKNOWN, OutputState.QUEUED), {"state": OutputState.SUCCEEDED}
    with writing(engine) as connection:
        first = queue.begin_call(connection, output, worker, call())
        assert first and not queue.adopt(connection, output, first, lost, done), "it is still running"
        assert queue.end_call(connection, first, {"outcome": queue.LOST}) == queue.OPEN
        assert queue.end_call(connection, first, {"outcome": "picture"}) == queue.LOST, "it came after all"
        assert queue.end_call(connection, first, {"outcome": "BadImage"}) is None, "an outcome is an outcome"
        queue.finish(connection, output, worker, {"state": OutputState.UNKNOWN})
        assert queue.requeue(connection, [output], [OutputState.UNKNOWN])
        assert not queue.requeue(connection, [output], [OutputState.UNKNOWN]), "it waits already"
    claim(engine, worker)
    with writing(engine) as connection:
        second = queue.begin_call(connection, output, worker, call())
        queue.finish(connection, output, worker, {"state": OutputState.UNKNOWN})
        assert second and not queue.adopt(connection, output, first, lost, done), "a later call was sent"
        assert queue.adopt(connection, output, second, lost, done)
    assert state(engine, output) is OutputState.SUCCEEDED


def test_only_waiting_ones_are_stopped(engine: sa.Engine) -> None:
    ids = add_task(engine, outputs=3)
    others = add_task(engine, outputs=1)
    claim(engine, add_worker(engine), limit=1)
    with writing(engine) as connection:
        output = tasks.output_by_id(connection, ids[0])
        assert output and queue.stop_waiting(connection, output.task_id, clock.now()) == ids[1:]
    assert state(engine, ids[0]) is OutputState.RUNNING
    assert state(engine, others[0]) is OutputState.QUEUED


def test_an_act_and_its_event_stand_or_fall_together(engine: sa.Engine) -> None:
    (output,) = add_task(engine, outputs=1)
    with pytest.raises(sa.exc.IntegrityError), writing(engine) as connection:
        queue.stop_waiting(connection, 1, clock.now())
        tasks.add_event(connection, at=clock.now(), actor="a", verb="v", output_id=999_999)
    assert state(engine, output) is OutputState.QUEUED
    assert value(engine, sa.select(sa.func.count()).select_from(schema.events)) == 0


def test_what_is_written_comes_back(engine: sa.Engine) -> None:
    at = datetime(2026, 11, 25, 7, 59, 59, 123456, tzinfo=timezone(timedelta(hours=8)))
    data = {"text": "裏 🍜 é '\"\\", "list": [1, 2.5, None, True], "nested": {"a": {}}}
    odd = {"nul\0": "a\0b", "half": "\ud83c", "not": math.nan, "far": math.inf}
    (output,) = add_task(engine, outputs=1, sku="裏-🍜", product_name="a\0b\ud83c")
    with writing(engine) as connection:
        tasks.add_event(connection, at=at, actor="陳", verb="v", output_id=output, data={**data, **odd})
    with reading(engine) as connection:
        (event,) = tasks.events_of(connection, output)
        photo = tasks.photo_by_id(connection, 1)
    assert (event.at, event.at.tzinfo, event.actor) == (at, UTC, "陳")
    assert event.data == {**data, "nul\ufffd": "a\ufffdb", "half": "\ufffd", "not": None, "far": None}
    assert (photo.sku, photo.product_name) == ("裏-🍜", "a\ufffdb\ufffd")
    assert "NaN" not in to_json({"deep": [{"x": math.nan}]})


def test_a_key_that_no_row_can_have_finds_nothing(engine: sa.Engine) -> None:
    with reading(engine) as connection:
        for key in ("", "a\0b", "\ud800", "x" * 5000, "'; DROP TABLE tasks; --", "裏"):
            assert tasks.task_by_key(connection, key) is None
            assert tasks.output_by_key(connection, key) is None


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        (schema.outputs, {"state": "lost"}),
        (schema.outputs, {"review": "maybe"}),
        (schema.outputs, {"variant": 1}),
        (schema.outputs, {"photo_id": 999}),
        (schema.outputs, {"worker_id": 999}),
        (schema.outputs, {"key": None}),
        (schema.photos, {"task_id": 999}),
    ],
)
def test_rows_that_make_no_sense_are_refused(
    engine: sa.Engine, table: sa.Table, changes: dict[str, Any]
) -> None:
    add_task(engine, outputs=2)
    with pytest.raises(sa.exc.IntegrityError), writing(engine) as connection:
        connection.execute(sa.update(table).values(**changes))


def test_the_same_task_or_preset_is_written_once(engine: sa.Engine) -> None:
    add_task(engine, outputs=1, key="the-key")
    with pytest.raises(TaskExists):
        add_task(engine, outputs=1, key="the-key")
    preset = {"name": "p", "version": 1, "created_at": clock.now(), "created_by": "x", "body": {}}
    with writing(engine) as connection:
        presets.insert(connection, preset)
        presets.insert(connection, preset)
        assert presets.known_versions(connection) == {("p", 1)}


def test_cursors_and_days_beyond_all_rows_are_no_mistake(desk: Callable[..., Studio]) -> None:
    opened = desk(work=False)
    add_task(opened.engine, outputs=1)
    for cursor in (2**63, 10**30, -(10**30), 0):
        history.page(opened, history.Filter(), before=cursor)
        history.page(opened, history.Filter(), after=cursor)
    whole = history.Filter(since=date.min, until=date.max)
    assert len(history.page(opened, whole).entries) == history.count(opened, whole).number == 1
    with pytest.raises(NotFound):
        history.details(opened, "a\0b")


def test_a_transaction_waits_for_its_database(engine: sa.Engine) -> None:
    moments = iter([DatabaseUnavailable("away"), DatabaseUnavailable("away"), None])

    def act(connection: sa.Connection) -> int:
        add_to = presets.insert
        values = {"name": "p", "version": 1, "created_at": clock.now(), "created_by": "x", "body": {}}
        add_to(connection, values)
        if error := next(moments):
            raise error
        return 7

    assert patiently(engine, act, threading.Event()) == 7
    stopped = threading.Event()
    stopped.set()
    moments = iter([DatabaseUnavailable("away")])
    with pytest.raises(DatabaseUnavailable):
        patiently(engine, act, stopped)


def test_missing_tables_are_said_as_such(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        connection.execute(sa.text("DROP TABLE reviews"))
    with pytest.raises(DatabaseBehind):
        value(engine, sa.select(schema.reviews.c.id))
