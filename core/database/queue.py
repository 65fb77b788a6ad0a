"""Statements of the queue: claims, leases, calls and ends of outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.database import provider_states
from core.database.schema import calls, outputs, workers
from core.model import ChecksState, OutputState

QUEUED, RUNNING = OutputState.QUEUED, OutputState.RUNNING

OPEN, LOST = "open", "lost"
"""A call without an outcome, and one whose process died before an answer was known."""


def register_worker(connection: sa.Connection, values: Mapping[str, Any]) -> int:
    """Insert this process with its first lease; returns its id."""
    return int(connection.execute(sa.insert(workers).values(values).returning(workers.c.id)).scalar_one())


def renew_lease(connection: sa.Connection, worker_id: int, lease_until: datetime) -> bool:
    """One UPDATE for all that a process holds; False when its row is gone."""
    statement = sa.update(workers).where(workers.c.id == worker_id).values(lease_until=lease_until)
    return connection.execute(statement).rowcount == 1


def _claimable(providers: Sequence[str], store: str, now: datetime) -> list[sa.ColumnElement[bool]]:
    return [
        outputs.c.state == QUEUED,
        outputs.c.provider.in_(providers),
        outputs.c.store == store,
        outputs.c.provider.not_in(provider_states.left_alone(now)),
        sa.or_(outputs.c.not_before.is_(None), outputs.c.not_before <= now),
    ]


def waits(connection: sa.Connection, *, providers: Sequence[str], store: str, now: datetime) -> bool:
    """Is there anything to claim? To see that nothing is needs no lock."""
    statement = sa.select(outputs.c.id).where(*_claimable(providers, store, now))
    return connection.execute(statement.order_by(outputs.c.id).limit(1)).first() is not None


def claim(
    connection: sa.Connection,
    *,
    worker_id: int,
    providers: Sequence[str],
    store: str,
    limit: int,
    now: datetime,
) -> list[int]:
    """Take up to `limit` waiting outputs that this process is configured for, oldest first.

    A worker whose own row is gone (a database that was put back) takes none.
    """
    # As a CTE: Postgres may run a locking subquery again and again, and take more than `limit`.
    waiting = (
        sa.select(outputs.c.id)
        .where(*_claimable(providers, store, now), sa.exists().where(workers.c.id == worker_id))
        .order_by(outputs.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=outputs)
        .cte("waiting")
    )
    statement = (
        sa.update(outputs)
        .where(outputs.c.id.in_(sa.select(waiting.c.id)), outputs.c.state == QUEUED)
        .values(
            state=RUNNING,
            worker_id=worker_id,
            started_at=now,
            not_before=None,
            attempts=outputs.c.attempts + 1,
        )
        .returning(outputs.c.id)
    )
    return sorted(int(row.id) for row in connection.execute(statement))


def begin_call(
    connection: sa.Connection, output_id: int, worker_id: int, values: Mapping[str, Any]
) -> int | None:
    """Journal a call just before it is sent; None when the output is no longer this worker's."""
    held = sa.update(outputs).where(
        outputs.c.id == output_id, outputs.c.state == RUNNING, outputs.c.worker_id == worker_id
    )
    if connection.execute(held.values(state=RUNNING)).rowcount != 1:
        return None
    statement = sa.insert(calls).values(output_id=output_id, **values).returning(calls.c.id)
    return int(connection.execute(statement).scalar_one())


def call_by_key(connection: sa.Connection, key: str) -> sa.Row[Any] | None:
    return connection.execute(sa.select(calls).where(calls.c.key == key)).first()


def end_call(connection: sa.Connection, call_id: int, values: Mapping[str, Any]) -> str | None:
    """Give a call its outcome. Returns what it was before, OPEN or LOST; None when it had one already."""
    statement = sa.update(calls).where(calls.c.id == call_id).values(values)
    if connection.execute(statement.where(calls.c.outcome.is_(None))).rowcount:
        return OPEN
    return LOST if connection.execute(statement.where(calls.c.outcome == LOST)).rowcount else None


def name_object(
    connection: sa.Connection, call_id: int, *, object_key: str, bytes: int, outcome: str
) -> None:
    """Say where the bytes of a call's answer lie, and what they are, however late they came there."""
    values = {"object_key": object_key, "bytes": bytes, "outcome": outcome}
    connection.execute(sa.update(calls).where(calls.c.id == call_id).values(values))


def finish(connection: sa.Connection, output_id: int, worker_id: int, values: Mapping[str, Any]) -> bool:
    """Set an output's end, if this worker still holds it."""
    statement = sa.update(outputs).where(
        outputs.c.id == output_id, outputs.c.state == RUNNING, outputs.c.worker_id == worker_id
    )
    return connection.execute(statement.values(worker_id=None, **values)).rowcount == 1


def adopt(
    connection: sa.Connection,
    output_id: int,
    call_id: int,
    states: Sequence[OutputState],
    values: Mapping[str, Any],
) -> bool:
    """Set the end that a call found for an output which its worker lost meanwhile.

    Only while the output is in one of `states` and nothing was sent for it after that call.
    """
    later = sa.exists().where(calls.c.output_id == output_id, calls.c.id > call_id)
    statement = sa.update(outputs).where(outputs.c.id == output_id, outputs.c.state.in_(states), ~later)
    return connection.execute(statement.values(worker_id=None, **values)).rowcount == 1


def held_by(connection: sa.Connection, worker_id: int) -> list[int]:
    """The running outputs of a worker."""
    statement = sa.select(outputs.c.id).where(outputs.c.state == RUNNING, outputs.c.worker_id == worker_id)
    return [int(row.id) for row in connection.execute(statement)]


def abandoned(connection: sa.Connection, now: datetime) -> list[int]:
    """Running outputs whose process let its lease run out."""
    dead = sa.select(workers.c.id).where(workers.c.lease_until < now)
    statement = sa.select(outputs.c.id).where(
        outputs.c.state == RUNNING,
        sa.or_(outputs.c.worker_id.is_(None), outputs.c.worker_id.in_(dead)),
    )
    return [int(row.id) for row in connection.execute(statement)]


def lock(connection: sa.Connection, output_id: int) -> None:
    """Keep others from changing an output until this transaction ends."""
    connection.execute(sa.select(outputs.c.id).where(outputs.c.id == output_id).with_for_update())


def set_abandoned(
    connection: sa.Connection, output_id: int, now: datetime, values: Mapping[str, Any]
) -> bool:
    """Move an abandoned output on, unless a live worker has it again."""
    dead = sa.select(workers.c.id).where(workers.c.lease_until < now)
    statement = sa.update(outputs).where(
        outputs.c.id == output_id,
        outputs.c.state == RUNNING,
        sa.or_(outputs.c.worker_id.is_(None), outputs.c.worker_id.in_(dead)),
    )
    return connection.execute(statement.values(worker_id=None, **values)).rowcount == 1


def calls_without_answer(connection: sa.Connection, output_id: int) -> list[sa.Row[Any]]:
    """The calls of an output that were sent and of which no answer is known: open or lost."""
    unanswered = sa.or_(calls.c.outcome.is_(None), calls.c.outcome == LOST)
    statement = sa.select(calls).where(calls.c.output_id == output_id, unanswered)
    return list(connection.execute(statement.order_by(calls.c.id)))


def requeue(connection: sa.Connection, output_ids: Sequence[int], states: Sequence[OutputState]) -> list[int]:
    """Put ended outputs back into the queue that still are in one of `states` and not in the trash; returns
    their ids."""
    statement = sa.update(outputs).where(
        outputs.c.id.in_(output_ids), outputs.c.state.in_(states), outputs.c.deleted_at.is_(None)
    )
    values: dict[str, Any] = {
        "state": QUEUED,
        "error_kind": None,
        "error_data": {},
        "started_at": None,
        "finished_at": None,
        "attempts": 0,
        # The next picture is another one.
        "checks": ChecksState.PENDING,
        "check_after": None,
        "check_tries": 0,
        "flagged": False,
        "not_before": None,
    }
    return sorted(int(row.id) for row in connection.execute(statement.values(values).returning(outputs.c.id)))


def stop_waiting(connection: sa.Connection, task_id: int, now: datetime) -> list[int]:
    """End the waiting outputs of a task; returns their ids."""
    statement = (
        sa.update(outputs)
        .where(outputs.c.task_id == task_id, outputs.c.state == QUEUED)
        .values(state=OutputState.FAILED, error_kind="Stopped", error_data={}, finished_at=now)
        .returning(outputs.c.id)
    )
    return sorted(int(row.id) for row in connection.execute(statement))


def end_waiting(
    connection: sa.Connection, provider: str, kind: str, data: Mapping[str, Any], now: datetime
) -> list[tuple[int, int]]:
    """End what waits for a provider that was stopped; returns (task id, output id) pairs."""
    statement = (
        sa.update(outputs)
        .where(outputs.c.provider == provider, outputs.c.state == QUEUED)
        .values(state=OutputState.FAILED, error_kind=kind, error_data=dict(data), finished_at=now)
        .returning(outputs.c.task_id, outputs.c.id)
    )
    return sorted((int(row.task_id), int(row.id)) for row in connection.execute(statement))


def same_request(connection: sa.Connection, request_keys: Sequence[str], since: datetime) -> list[Any]:
    """Outputs (key, task_id, state, request_key) of these requests that are under way or came since then."""
    o = outputs.c
    statement = sa.select(o.key, o.task_id, o.state, o.request_key).where(
        o.request_key.in_(request_keys),
        o.deleted_at.is_(None),
        sa.or_(
            o.state.in_((QUEUED, RUNNING)),
            sa.and_(o.state == OutputState.SUCCEEDED, o.finished_at >= since),
        ),
    )
    return list(connection.execute(statement.order_by(o.id.desc())))
