"""What a dead process left: answers are taken up, the rest goes back into the queue or is told truthfully."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from core import adoption, clock, insights, keeping, spool
from core.database import queue, tasks
from core.database.engine import reading, writing
from core.errors import (
    DatabaseError,
    ObjectMissing,
    OutcomeUnknown,
    ProcessDied,
    StorageError,
    StorageUnavailable,
)
from core.keeping import Call
from core.model import Actor, Output, OutputState, Role

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.studio import Studio

log = logging.getLogger(__name__)

_MAX_STARTS = 5
_DESK = Actor(id=keeping.DESK, name=keeping.DESK, role=Role.ADMIN)


def recover(studio: Studio) -> list[int]:
    """Move on every running output whose lease ran out; returns their ids. Raises DatabaseError kinds.

    Those that were sent are `unknown` then; `adopt_stored` looks whether an answer had come.
    """
    now = clock.now()
    with reading(studio.engine) as connection:
        left = queue.abandoned(connection, now)
    change = partial(queue.set_abandoned, now=now)
    return [output_id for output_id in left if _move_on(studio, output_id, change)]


def let_go(studio: Studio, worker_id: int, output_ids: Iterable[int]) -> list[int]:
    """Move on running outputs of this process that nothing in it works on; returns their ids.

    A claim whose answer was lost leaves such rows, and an end that could not be written.
    """
    change = partial(queue.finish, worker_id=worker_id)
    return [output_id for output_id in output_ids if _move_on(studio, output_id, change)]


def _move_on(studio: Studio, output_id: int, change: Callable[..., bool]) -> bool:
    now = clock.now()
    with writing(studio.engine) as connection:
        # Locked first: a slow process that is not dead may be about to write down that it sends.
        queue.lock(connection, output_id)
        output = tasks.output_by_id(connection, output_id)
        if output is None:
            return False
        sent = _open_calls(connection, output)
        # The local cut-out charges nothing, so asking it again is always right.
        if sent and output.provider != "local":
            values = {"state": OutputState.UNKNOWN, "error_kind": OutcomeUnknown.__name__, "finished_at": now}
        elif output.attempts >= _MAX_STARTS:
            values = {"state": OutputState.FAILED, "error_kind": ProcessDied.__name__, "finished_at": now}
        else:
            values = {"state": OutputState.QUEUED, "error_kind": None, "started_at": None}
        with insights.counting(studio, connection, [output_id]):
            if not change(connection, output_id, values={**values, "error_data": {}}):
                return False
            lost = _lose(connection, sent)
        _settle(connection, lost)
        keeping.record(connection, output, "output.recovered", to=str(values["state"]))
    return True


def adopt_stored(studio: Studio, output_id: int) -> bool:
    """Finish an output with an answer of one of its calls, where the spool or the store has it.

    Raises StorageError and DatabaseError kinds.
    """
    with reading(studio.engine) as connection:
        output = tasks.output_by_id(connection, output_id)
        rows = queue.calls_without_answer(connection, output_id)
        calls = [_call(connection, output, row) for row in rows] if output else []
    return any([_take_up(studio, call) or _find(studio, call) for call in calls])


def _find(studio: Studio, call: Call) -> bool:
    found = adoption.answer_of(studio, call.task.key, call.key)
    return found is not None and adoption.adopt(studio, found, by=_DESK) is OutputState.SUCCEEDED


def adopt_spooled(studio: Studio) -> int:
    """Take up the answers in this machine's spool that nobody is about to write down; returns how many.

    One that the store refuses holds up no other. Raises StorageError and DatabaseError kinds.
    """
    taken, refused = 0, None
    for call_key in spool.left(studio):
        try:
            taken += _adopt(studio, call_key)
        except StorageUnavailable:
            raise
        except StorageError as error:
            refused = error
    if refused:
        raise refused
    return taken


def _adopt(studio: Studio, call_key: str) -> bool:
    with reading(studio.engine) as connection:
        row = queue.call_by_key(connection, call_key)
        output = tasks.output_by_id(connection, row.output_id) if row else None
        if row is None or output is None:
            return False  # An answer of another database.
        if output.state is OutputState.RUNNING and not row.object_key:
            return False  # Its process writes it down, or `recover` finds it within a lease.
        call = _call(connection, output, row)
    if row.object_key:
        spool.drop(studio, call_key)
        return False
    return _take_up(studio, call)


def _take_up(studio: Studio, call: Call) -> bool:
    try:
        answer, latency_ms = spool.read(studio, call.key)
    except ObjectMissing:
        return False
    keeping.adopt(studio, call, answer, latency_ms)
    return True


def release(studio: Studio, output_id: int, worker_id: int) -> None:
    """End an output that this process could not bring to an end, as far as the database answers."""
    now = clock.now()
    try:
        with writing(studio.engine) as connection:
            output = tasks.output_by_id(connection, output_id)
            calls = _open_calls(connection, output) if output else []
            state, kind = (
                (OutputState.UNKNOWN, OutcomeUnknown) if calls else (OutputState.FAILED, ProcessDied)
            )
            values = {"state": state, "error_kind": kind.__name__, "error_data": {}, "finished_at": now}
            with insights.counting(studio, connection, [output_id]):
                mine = output is not None and queue.finish(connection, output_id, worker_id, values)
                lost = _lose(connection, calls) if mine else []
            if output and mine:
                _settle(connection, lost)
                keeping.record(connection, output, f"output.{state}", kind=kind.__name__)
    except DatabaseError as error:
        log.error("output %s waits for its lease to run out: %s", output_id, error.kind)


def _lose(connection: Connection, calls: list[Call]) -> list[Call]:
    """Close calls whose answer nobody has; returns those that had been open."""
    return [
        call for call in calls if queue.end_call(connection, call.id, {"outcome": queue.LOST}) == queue.OPEN
    ]


def _settle(connection: Connection, lost: list[Call]) -> None:
    """Each may have been charged."""
    for call in lost:
        keeping.settle(connection, call, cost=None, may_be_charged=True)


def _open_calls(connection: Connection, output: Output) -> list[Call]:
    rows = queue.calls_without_answer(connection, output.id)
    return [_call(connection, output, row) for row in rows if row.outcome is None]


def _call(connection: Connection, output: Output, row: Any) -> Call:
    return Call(
        id=row.id,
        key=row.key,
        output=output,
        task=tasks.task_by_id(connection, output.task_id),
        worker_id=None,
        day=row.day,
        payer=row.payer,
        reserved_micros=row.reserved_micros,
    )
