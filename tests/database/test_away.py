"""A database that goes away in the middle of work: nothing is lost, nothing is asked twice."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import clock, generation, intake, making, recovery, studio
from core.database import queue, schema, tasks
from core.database.engine import reading, writing
from core.errors import DatabaseBehind, DatabaseUnavailable, Overloaded, RateLimited
from core.model import OutputState
from core.runner import Runner
from core.studio import Studio
from tests.browser import ROOT, environment
from tests.conftest import BY, Scripted, finished, on_both, order, upload
from tests.database.rows import add_worker, claim
from tests.parts.postgres import Postgres

Open = Callable[..., Studio]
only_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


def until(true: Callable[[], bool], *, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.02)


def count(desk: Studio, *conditions: sa.ColumnElement[bool]) -> int:
    with reading(desk.engine) as connection:
        statement = sa.select(sa.func.count()).select_from(schema.calls).where(*conditions)
        return int(connection.execute(statement).scalar_one())


@only_postgres
def test_a_restart_in_the_middle_loses_nothing(
    desk: Open, scripted: Scripted, photo: bytes, postgres: Postgres
) -> None:
    scripted.latency = 0.3
    opened = desk(provider_concurrency=4)
    key = generation.submit(opened, [upload(photo), upload(photo)], order(outputs=8), by=BY)
    until(lambda: len(scripted.asked) >= 6)

    def all_stored() -> bool:
        stored = len(opened.store.list(f"generated/{key}/").objects)
        return scripted.running == 0 and stored == len(scripted.asked)

    with postgres.away():
        with pytest.raises(DatabaseUnavailable):
            generation.view(opened, key)
        until(all_stored)
    view = finished(opened, key)
    assert view.count(OutputState.SUCCEEDED) == 16
    assert len(scripted.asked) == count(opened) == count(opened, schema.calls.c.outcome == "picture") == 16
    for output in view.outputs:
        assert opened.store.get(output.object_key or "") == photo


@only_postgres
def test_the_desk_opens_before_its_database(desk: Open, photo: bytes, postgres: Postgres) -> None:
    with postgres.away():
        opened = desk()
        with pytest.raises(DatabaseUnavailable):
            generation.submit(opened, [upload(photo)], order(), by=BY)
    assert opened.store.list().objects == ()
    key = generation.submit(opened, [upload(photo)], order(), by=BY)
    assert finished(opened, key).count(OutputState.SUCCEEDED) == 1


@pytest.fixture
def held(desk: Open, photo: bytes) -> tuple[Studio, str, int, int]:
    """A desk without a runner: task, output and worker of one claimed picture."""
    opened = desk(work=False)
    key = generation.submit(opened, [upload(photo)], order(), by=BY)
    worker = add_worker(opened.engine)
    (output,) = claim(opened.engine, worker)
    return opened, key, output, worker


def expire(desk: Studio, worker: int) -> None:
    with writing(desk.engine) as connection:
        queue.renew_lease(connection, worker, clock.now() - timedelta(seconds=1))


@on_both
def test_a_picture_that_comes_after_the_lease_still_counts(
    held: tuple[Studio, str, int, int], scripted: Scripted, photo: bytes
) -> None:
    """Another process has given it up for lost; the answer comes all the same."""
    opened, key, output, worker = held

    def late() -> bytes:
        expire(opened, worker)
        assert len(recovery.recover(opened)) == 1
        assert generation.view(opened, key).outputs[0].state is OutputState.UNKNOWN
        return photo

    scripted.script = [late]
    making.run_output(opened, output, worker_id=worker)
    made = generation.view(opened, key).outputs[0]
    assert (made.state, made.error_kind) == (OutputState.SUCCEEDED, None)
    assert opened.store.get(made.object_key or "") == photo
    assert count(opened, schema.calls.c.outcome == "picture") == 1


@on_both
def test_a_late_error_tells_what_was_not_known(
    held: tuple[Studio, str, int, int], scripted: Scripted
) -> None:
    opened, key, output, worker = held

    def late() -> Exception:
        expire(opened, worker)
        recovery.recover(opened)
        return Overloaded()

    scripted.script = [late]
    making.run_output(opened, output, worker_id=worker)
    ended = generation.view(opened, key).outputs[0]
    assert (ended.state, ended.error_kind) == (OutputState.FAILED, "Overloaded")


@on_both
def test_a_late_picture_does_not_undo_a_second_one(
    held: tuple[Studio, str, int, int], scripted: Scripted, photo: bytes
) -> None:
    """Both were paid: the row keeps the one that was clicked for, the other stays on its call."""
    opened, key, output, worker = held
    other = add_worker(opened.engine)

    def late() -> bytes:
        expire(opened, worker)
        recovery.recover(opened)
        assert generation.retry_output(opened, generation.view(opened, key).outputs[0].key, by=BY)
        assert claim(opened.engine, other) == [output]
        making.run_output(opened, output, worker_id=other)
        return photo

    scripted.script = [late]
    making.run_output(opened, output, worker_id=worker)
    made = generation.view(opened, key).outputs[0]
    assert made.state is OutputState.SUCCEEDED
    assert count(opened, schema.calls.c.outcome == "picture") == 2
    assert len(opened.store.list(f"generated/{key}/").objects) == 2
    with reading(opened.engine) as connection:
        keys = sa.select(schema.calls.c.object_key).order_by(schema.calls.c.id.desc())
        assert connection.execute(keys).scalars().first() == made.object_key


@on_both
def test_a_slow_process_does_not_send_what_was_taken_from_it(
    held: tuple[Studio, str, int, int], scripted: Scripted
) -> None:
    opened, key, output, worker = held
    expire(opened, worker)
    assert len(recovery.recover(opened)) == 1
    making.run_output(opened, output, worker_id=worker)
    assert scripted.asked == []
    assert generation.view(opened, key).outputs[0].state is OutputState.QUEUED


@on_both
@pytest.mark.parametrize("answer", ["picture", "wait"])
def test_an_end_whose_answer_was_lost_is_written_once(
    held: tuple[Studio, str, int, int],
    scripted: Scripted,
    photo: bytes,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
) -> None:
    """Each transaction counts, and its process hears only of the second try."""
    opened, key, output, worker = held
    heard = itertools.cycle([False, True])

    @contextmanager
    def deaf(engine: sa.Engine) -> Iterator[sa.Connection]:
        with writing(engine) as connection:
            yield connection
        if not next(heard):
            raise DatabaseUnavailable("server closed the connection unexpectedly")

    monkeypatch.setattr("core.database.engine.writing", deaf)
    scripted.script = [photo if answer == "picture" else RateLimited(30)]
    making.run_output(opened, output, worker_id=worker)
    ended = generation.view(opened, key).outputs[0]
    assert ended.state is (OutputState.SUCCEEDED if answer == "picture" else OutputState.QUEUED)
    assert len(scripted.asked) == count(opened) == 1
    with reading(opened.engine) as connection:
        verbs = [event.verb for event in tasks.events_of(connection, output)]
    assert verbs == [f"output.{ended.state}"]


@on_both
def test_a_claim_whose_answer_was_lost_is_made_all_the_same(
    desk: Open, scripted: Scripted, photo: bytes
) -> None:
    """The claim counted, its process never heard of it: the row stands as running and nobody works on it."""
    opened = desk(work=False)
    key = generation.submit(opened, [upload(photo)], order(), by=BY)
    runner = Runner(opened, heartbeat=0.1)
    runner.start()
    try:
        finished(opened, key)
        with writing(opened.engine) as connection:
            worker = connection.execute(sa.select(schema.workers.c.id)).scalar_one()
            stray = {"state": OutputState.RUNNING, "worker_id": worker}
            connection.execute(sa.update(schema.outputs).values(**stray))
        assert finished(opened, key).count(OutputState.SUCCEEDED) == 1
    finally:
        runner.stop()
    assert len(scripted.asked) == 2


@on_both
def test_a_database_that_was_put_back_is_worked_on(desk: Open, photo: bytes) -> None:
    """An older copy knows nothing of this process."""
    opened = desk(work=False)
    runner = Runner(opened, heartbeat=0.1)
    runner.start()
    try:
        until(lambda: runner_row(opened) is not None)
        with writing(opened.engine) as connection:
            connection.execute(sa.delete(schema.workers))
        key = generation.submit(opened, [upload(photo)], order(), by=BY)
        assert finished(opened, key).count(OutputState.SUCCEEDED) == 1
    finally:
        runner.stop()


def runner_row(desk: Studio) -> int | None:
    with reading(desk.engine) as connection:
        return connection.execute(sa.select(schema.workers.c.id)).scalar()


@on_both
def test_rows_that_got_in_unheard_keep_their_photos(
    desk: Open, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection broke after the commit and before its answer."""
    opened = desk(work=False)
    insert = intake.insert

    def breaking(*arguments: object, **more: object) -> None:
        insert(*arguments, **more)  # type: ignore[arg-type]
        raise DatabaseUnavailable("server closed the connection unexpectedly")

    monkeypatch.setattr(intake, "insert", breaking)
    key = generation.submit(opened, [upload(photo)], order(), by=BY)
    view = generation.view(opened, key)
    assert opened.store.get(view.photos[0].object_key)

    def away(*arguments: object, **more: object) -> None:
        raise DatabaseUnavailable("connection refused")

    monkeypatch.setattr(intake, "insert", away)
    with pytest.raises(DatabaseUnavailable):
        generation.submit(opened, [upload(photo)], order(), by=BY)
    assert len(opened.store.list("input/").objects) == 1, "rows that did not get in leave no photo"


@on_both
def test_two_presses_at_once_make_one_task(desk: Open, photo: bytes) -> None:
    opened = desk(work=False)
    start = threading.Barrier(4)
    made: list[str] = []

    def press() -> None:
        start.wait()
        made.append(generation.submit(opened, [upload(photo)], order(), by=BY, key="a-draft"))

    presses = [threading.Thread(target=press) for _ in range(4)]
    for one in presses:
        one.start()
    for one in presses:
        one.join()
    assert made == ["a-draft"] * 4
    assert len(generation.view(opened, "a-draft").outputs) == 1
    assert len(opened.store.list("input/").objects) == 1, "photos of the other presses are taken away"


@on_both
def test_what_a_model_says_never_costs_its_picture(
    desk: Open, scripted: Scripted, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A NUL, half a sign, words too long for their column: the picture counts."""
    ask = scripted.generate

    def odd(request: object) -> object:
        odds = {"model_version": "v\0" * 200, "request_id": "\ud83c" * 300, "usage": {"a\0": float("nan")}}
        return replace(ask(request), **odds, notes={"said": "\0"})  # type: ignore[arg-type]

    monkeypatch.setattr(scripted, "generate", odd)
    opened = desk()
    view = finished(opened, generation.submit(opened, [upload(photo)], order(), by=BY))
    assert view.outputs[0].state is OutputState.SUCCEEDED
    assert view.outputs[0].notes == {"said": "�"}


@only_postgres
def test_tables_that_vanish_are_made_again(desk: Open, photo: bytes) -> None:
    """Someone dropped and created the database anew."""
    opened = desk()
    until(lambda: runner_row(opened) is not None)
    with writing(opened.engine) as connection:
        connection.execute(sa.text("DROP OWNED BY packshot"))
    with writing(opened.engine) as connection:
        connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS public"))

    def submitted() -> bool:
        try:
            key = generation.submit(opened, [upload(photo)], order(), by=BY)
        except DatabaseBehind:
            return False
        return finished(opened, key).count(OutputState.SUCCEEDED) == 1

    until(submitted)
    assert studio.current() is opened


@only_postgres
def test_a_command_outlives_a_restart(
    postgres: Postgres, database_url: str, tmp_path: Path, photo: bytes
) -> None:
    """A process of its own, stopped database in the middle: every picture is made, and it says so."""
    cup = tmp_path / "cup.jpg"
    cup.write_bytes(photo)
    command = ["generate", cup, "--preset", "white_bg_front", "--outputs", "8", "--json"]
    values = {"DATABASE_URL": database_url, "PROVIDER_CONCURRENCY": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "core", *map(str, command)],
        cwd=ROOT,
        env=environment(tmp_path, **values),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        assert any(line.startswith("1 of 8") for line in process.stderr)
        with postgres.away():
            assert any(line.startswith("No database:") for line in process.stderr)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert [output["state"] for output in json.loads(out)["outputs"]] == ["succeeded"] * 8
