"""Make one claimed picture: journal, ask, keep the answer, or end the row truthfully."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core import budget, clock, insights, keeping, outcomes, telemetry
from core.database import provider_states, queue, tasks
from core.database.engine import patiently, reading
from core.errors import BudgetExhausted, NotFound, PackshotError, ProviderError, StorageError
from core.keeping import Call, record, told
from core.model import Output, Photo, Task
from core.providers import ImageRequest

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.studio import Studio


@dataclass(frozen=True, kw_only=True)
class _Claim:
    """One output in the hands of a worker."""

    output: Output
    photo: Photo
    task: Task
    worker_id: int
    stopping: threading.Event


def run_output(
    studio: Studio,
    output_id: int,
    *,
    worker_id: int,
    stopping: threading.Event | None = None,
    answered: Callable[[], None] = lambda: None,
) -> None:
    """Make one claimed picture: journal, ask, store the answer untouched, finish the row.

    `answered` is called when a picture came: the provider can be asked for another while this one is kept. A
    refusal is written down first, since it may say that nobody is to ask.

    Every foreseen failure ends on the row. A database that goes away is waited for until `stopping` is set:
    what was paid is never dropped while this process lives. Raises DatabaseError kinds when the row can't be
    read or written; it is recovered then.
    """
    claim = _read(studio, output_id, worker_id, stopping or threading.Event())
    try:
        source = studio.source(claim.photo.object_key)
        call = _journal(studio, claim)
    except (StorageError, BudgetExhausted) as error:
        _end(studio, claim, error)
        return
    if call is None:
        return
    telemetry.bind(task=claim.task.key, output=claim.output.key, call=call.key)
    started = time.monotonic()
    try:
        with telemetry.asking(studio, claim.output):
            answer = studio.providers[claim.output.provider].generate(_request(claim, source))
    except ProviderError as error:
        _end(studio, claim, error, call=call)
        return
    latency_ms = round((time.monotonic() - started) * 1000)
    answered()
    keeping.keep(studio, call, answer, latency_ms)


def _read(studio: Studio, output_id: int, worker_id: int, stopping: threading.Event) -> _Claim:
    with reading(studio.engine) as connection:
        output = tasks.output_by_id(connection, output_id)
        if output is None:
            raise NotFound("output", str(output_id))
        return _Claim(
            output=output,
            photo=tasks.photo_by_id(connection, output.photo_id),
            task=tasks.task_by_id(connection, output.task_id),
            worker_id=worker_id,
            stopping=stopping,
        )


def _request(claim: _Claim, source: bytes) -> ImageRequest:
    return ImageRequest(
        model=claim.output.model,
        prompt=claim.photo.prompt,
        photos=(source,),
        ratio=claim.task.ratio,
        size=claim.task.size,
        variant=claim.output.variant,
        parameters=claim.task.parameters,
    )


def _journal(studio: Studio, claim: _Claim) -> Call | None:
    """Write the call down and set its price aside, just before it is sent; None when the output is no longer
    this worker's. Raises BudgetExhausted."""
    now, output, payer = clock.now(), claim.output, claim.task.created_by
    estimate = studio.providers[output.provider].estimate(output.model, claim.task.size)
    day, reserved, key = budget.day_of(studio, now), estimate or 0, str(uuid.uuid4())
    values = {
        "key": key,
        "request_key": output.request_key,
        "sent_at": now,
        "usage": {},
        "day": day,
        "payer": payer,
        "reserved_micros": reserved,
    }

    tries = itertools.count()

    def act(connection: Connection) -> int | None:
        # The answer to a commit may have been lost, the commit not.
        if next(tries) and (there := queue.call_by_key(connection, key)) is not None:
            return int(there.id)
        call_id = queue.begin_call(connection, output.id, claim.worker_id, values)
        if call_id is not None:
            budget.reserve(studio, connection, day=day, payer=payer, micros=reserved)
        return call_id

    call_id = patiently(studio.engine, act, claim.stopping)
    if call_id is None:
        return None
    return Call(
        id=call_id,
        key=key,
        output=output,
        task=claim.task,
        worker_id=claim.worker_id,
        day=day,
        payer=payer,
        reserved_micros=reserved,
        stopping=claim.stopping,
    )


def _end(studio: Studio, claim: _Claim, error: PackshotError, *, call: Call | None = None) -> None:
    """Write down a call, or an attempt at one, that brought no picture, and what follows from it."""
    output, now = claim.output, clock.now()
    decision = outcomes.decide(error, output.attempts)
    not_before = None if decision.wait is None else now + decision.wait
    if decision.cool or decision.stop:
        patiently(studio.engine, lambda c: _leave_alone(studio, c, output, error, decision), claim.stopping)
    if call is not None and isinstance(error, ProviderError):
        keeping.finish(
            studio, call, kept={}, error=error, answer=error, state=decision.state, not_before=not_before
        )
        return

    def act(connection: Connection) -> None:
        values: dict[str, Any] = {"state": decision.state, "error_kind": error.kind}
        values["not_before"] = not_before
        values["error_data"] = told(studio, error, over=decision.state.ended)
        if decision.state.ended:
            values["finished_at"] = now
        if queue.finish(connection, output.id, claim.worker_id, values):
            record(connection, output, f"output.{decision.state}", kind=error.kind)
            insights.ended(studio, connection, [output.id])

    patiently(studio.engine, act, claim.stopping)
    telemetry.ended(studio, output, {"outcome": error.kind})


def _leave_alone(
    studio: Studio, connection: Connection, output: Output, error: PackshotError, decision: outcomes.Decision
) -> None:
    """Nobody asks this provider for a while; when it was stopped, what waits for it ends as this one does."""
    now, data = clock.now(), told(studio, error, over=True)
    if decision.wait is not None:  # It may be one of 0 seconds.
        provider_states.cool(connection, output.provider, now + decision.wait)
        return
    provider_states.stop(connection, output.provider, error.kind, data, decision.until)
    waited = queue.end_waiting(connection, output.provider, error.kind, data, now)
    insights.ended(studio, connection, [output_id for _, output_id in waited])
    for task_id, output_id in waited:
        tasks.add_event(
            connection,
            at=now,
            actor=keeping.DESK,
            verb="output.failed",
            task_id=task_id,
            output_id=output_id,
            data={"kind": error.kind},
        )
