"""Rows that a dead process left: back into the queue when nothing was sent, else told truthfully."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
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
    now = clock.now()
    with reading(studio.engine) as connection:
        left = queue.abandoned(connection, now)
    return sum(_move_on(studio, output_id, partial(queue.set_abandoned, now=now)) for output_id in left)


def let_go(studio: Studio, worker_id: int, output_ids: Iterable[int]) -> int:
    """Move on running outputs of this process that nothing in it works on; returns how many.

    A claim whose answer was lost leaves such rows, and an end that could not be written.
    """
    return sum(
        _move_on(studio, output_id, partial(queue.finish, worker_id=worker_id)) for output_id in output_ids
    )


def _move_on(studio: Studio, output_id: int, change: Callable[..., bool]) -> bool:
    now = clock.now()
    with writing(studio.engine) as connection:
        # Locked first: a slow process that is not dead may be about to write down that it sends.
        queue.lock(connection, output_id)
        output = tasks.output_by_id(connection, output_id)
        if output is None:
            return False
        sent = queue.last_open_call(connection, output_id) is not None
        # The local cut-out charges nothing, so asking it again is always right.
        if sent and output.provider != "local":
            values = {"state": OutputState.UNKNOWN, "error_kind": OutcomeUnknown.__name__, "finished_at": now}
        elif output.attempts >= _MAX_STARTS:
            values = {"state": OutputState.FAILED, "error_kind": ProcessDied.__name__, "finished_at": now}
        else:
            values = {"state": OutputState.QUEUED, "error_kind": None, "started_at": None}
        if not change(connection, output_id, values={**values, "error_data": {}}):
            return False
        queue.close_calls(connection, output_id, "lost")
        tasks.add_event(
            connection,
            at=now,
            actor="desk",
            verb="output.recovered",
            task_id=output.task_id,
            output_id=output_id,
            data={"to": str(values["state"])},
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
