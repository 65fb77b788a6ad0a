"""Rows that a dead process left: back into the queue when nothing was sent, else told truthfully."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from core import clock
from core.database import queue, tasks
from core.database.engine import reading, writing
from core.errors import DatabaseError, OutcomeUnknown, ProcessDied
from core.model import OutputState

if TYPE_CHECKING:
    from core.studio import Studio

log = logging.getLogger(__name__)

_MAX_STARTS = 5


def recover(studio: Studio) -> int:
    """Move on every running output whose lease ran out; returns how many. Raises DatabaseError kinds."""
    with reading(studio.engine) as connection:
        left = queue.abandoned(connection, clock.now())
    return sum(_move_on(studio, output_id, attempts, sent) for output_id, attempts, sent in left)


def _move_on(studio: Studio, output_id: int, attempts: int, sent: bool) -> bool:
    now = clock.now()
    with reading(studio.engine) as connection:
        output = tasks.output_by_id(connection, output_id)
    # The local cut-out charges nothing, so asking it again is always right.
    free = output is not None and output.provider == "local"
    if sent and not free:
        values = {"state": OutputState.UNKNOWN, "error_kind": OutcomeUnknown.__name__, "finished_at": now}
    elif attempts >= _MAX_STARTS:
        values = {"state": OutputState.FAILED, "error_kind": ProcessDied.__name__, "finished_at": now}
    else:
        values = {"state": OutputState.QUEUED, "error_kind": None, "started_at": None}
    with writing(studio.engine) as connection:
        if not queue.set_abandoned(connection, output_id, now, {**values, "error_data": {}}):
            return False
        queue.close_calls(connection, output_id, "lost")
        data = {"to": str(values["state"])}
        tasks.add_event(
            connection, at=now, actor="desk", verb="output.recovered", output_id=output_id, data=data
        )
    return True


def release(studio: Studio, output_id: int, worker_id: int) -> None:
    """End an output that this process could not bring to an end, as far as the database answers."""
    now = clock.now()
    try:
        with reading(studio.engine) as connection:
            sent = queue.last_open_call(connection, output_id) is not None
        state, kind = (OutputState.UNKNOWN, OutcomeUnknown) if sent else (OutputState.FAILED, ProcessDied)
        values = {"state": state, "error_kind": kind.__name__, "error_data": {}, "finished_at": now}
        with writing(studio.engine) as connection:
            if queue.finish(connection, output_id, worker_id, values):
                queue.close_calls(connection, output_id, "lost")
    except DatabaseError as error:
        log.error("output %s waits for its lease to run out: %s", output_id, error.kind)
