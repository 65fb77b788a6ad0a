"""What is asked every second finds its rows by an index, on both databases, when there are many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core import clock
from core.database import checking, purge, queue, retention, tasks
from core.database.engine import writing
from core.model import OutputState, ReviewState
from core.studio import Studio
from tests.conftest import on_both
from tests.database.rows import add_task, add_worker, output_values

pytestmark = on_both

ROWS = 6_000


def plans(engine: sa.Engine, act: Callable[[sa.Connection], Any]) -> str:
    """The plans of all statements of `act`, which is not kept."""
    said: list[tuple[Any, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        said.append((statement, parameters))

    with engine.connect() as connection:
        sa.event.listen(engine, "before_cursor_execute", listen)
        try:
            act(connection)
        finally:
            sa.event.remove(engine, "before_cursor_execute", listen)
        connection.rollback()
        explain = "EXPLAIN " if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
        lines = [
            " ".join(map(str, row))
            for statement, parameters in said
            for row in connection.exec_driver_sql(explain + statement, parameters)
        ]
    assert lines
    return "\n".join(lines)


@pytest.fixture
def full(desk: Callable[..., Studio]) -> sa.Engine:
    """Many finished outputs, a few waiting and running."""
    engine = desk(work=False).engine
    (first,) = add_task(engine, outputs=1)
    worker = add_worker(engine)
    with writing(engine) as connection:
        output = tasks.output_by_id(connection, first)
        assert output
        at = datetime(2026, 1, 1, tzinfo=UTC)
        connection.execute(
            sa.insert(tasks.outputs),
            [
                output_values(
                    output.task_id, output.photo_id, key=str(n), variant=n + 2, state="succeeded",
                    created_at=at + timedelta(minutes=n),
                )
                for n in range(ROWS)
            ],
        )  # fmt: skip
        running = [
            output_values(output.task_id, output.photo_id, key=f"r{n}", variant=-n, state="running",
                          worker_id=worker)
            for n in range(4)
        ]  # fmt: skip
        connection.execute(sa.insert(tasks.outputs), running)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))
    return engine


def no_scan(engine: sa.Engine, plan: str) -> None:
    """The rows of outputs come by an index, or in the order of their ids until the page is full."""
    if engine.dialect.name == "postgresql":
        assert "Seq Scan on outputs" not in plan, plan
    elif "SCAN outputs" in plan:
        assert "ORDER BY" not in plan, plan


def test_nothing_that_is_asked_all_the_time_reads_every_row(full: sa.Engine) -> None:
    now = clock.now()

    def claim(connection: sa.Connection) -> None:
        queue.claim(connection, worker_id=1, providers=["gemini"], store="folder", limit=4, now=now)

    asked: list[Callable[[sa.Connection], Any]] = [
        claim,
        lambda c: queue.abandoned(c, now),
        lambda c: queue.held_by(c, 1),
        lambda c: queue.finish(c, 1, 1, {"state": OutputState.QUEUED}),
        lambda c: queue.renew_lease(c, 1, now),
        lambda c: queue.calls_without_answer(c, 1),
        lambda c: queue.call_by_key(c, "x"),
        lambda c: queue.same_request(c, ["x"], now),
        lambda c: queue.adopt(c, 1, 1, (OutputState.UNKNOWN,), {"state": OutputState.QUEUED}),
        lambda c: tasks.output_by_key(c, "x"),
        lambda c: tasks.events_of(c, 1),
        lambda c: checking.busy(c, providers=["gemini"], store="folder", now=now),
        lambda c: checking.waiting(c, store="folder", now=now),
        lambda c: checking.claim(c, 1, now=now, until=now),
        lambda c: checking.give_up(c, 1),
    ]
    for act in asked:
        no_scan(full, plans(full, act))


def test_what_is_old_is_found_by_its_age(full: sa.Engine) -> None:
    """However many there are, a chunk reads the few that it takes, in the order of their ends."""
    now = clock.now()
    with writing(full) as connection:
        ended = tasks.outputs.c.state.in_((OutputState.SUCCEEDED, OutputState.FAILED))
        connection.execute(
            sa.update(tasks.outputs).where(ended).values(finished_at=tasks.outputs.c.created_at)
        )
        few = sa.update(tasks.outputs).where(tasks.outputs.c.id % 50 == 0, ended)
        connection.execute(few.values(review=ReviewState.REJECTED))
        gone = sa.update(tasks.outputs).where(tasks.outputs.c.id % 50 == 1, ended)
        connection.execute(gone.values(deleted_at=now))
    with full.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))
    early = datetime(2026, 1, 1, 1, tzinfo=UTC)
    for what, strips in retention.STRIPS.items():
        old = retention.Old(what=what, store="folder", before=early, spooled={1, 2}, now=now)
        said = plans(full, lambda c, old=old: retention.totals(c, old))  # type: ignore[misc]
        no_scan(full, said)
        for strip in strips:
            said = plans(
                full,
                lambda c, old=old, strip=strip: retention.next_of(  # type: ignore[misc]
                    c, old, strip, after=(early - timedelta(minutes=30), 7), limit=200
                ),
            )
            no_scan(full, said)
            assert "ix_outputs_ageing" in said, said
            assert "TEMP B-TREE" not in said, said
    due = purge.Due(store="folder", until=now, spooled={1, 2})
    for act in (lambda c: purge.totals(c, due), lambda c: purge.waiting(c, due)):
        said = plans(full, act)
        no_scan(full, said)
        assert "ix_outputs_trash" in said, said
