"""Make one claimed picture: journal, ask, store the answer untouched, finish the row."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from core import clock, showing, telemetry
from core.database import queue, tasks
from core.database.engine import patiently, reading
from core.errors import BadImage, NotFound, PackshotError, ProviderError, RateLimited, StorageError
from core.model import Output, OutputState, Task
from core.providers import ImageAnswer, ImageRequest
from core.storage.keys import generated_key
from core.studio import Studio

if TYPE_CHECKING:
    from sqlalchemy import Connection

DESK = "desk"
"""The actor of what the process does by itself."""

_RATE_WAIT_LIMIT = 60.0
_MAX_ATTEMPTS = 3


def request_key(request: ImageRequest) -> str:
    """One name for one question: the same for the same model, prompt, photos, parameters and variant."""
    question = {
        "model": request.model,
        "prompt": request.prompt,
        "photos": [hashlib.sha256(photo).hexdigest() for photo in request.photos],
        "ratio": request.ratio,
        "size": request.size,
        "variant": request.variant,
        "parameters": dict(request.parameters),
    }
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class _Claim:
    """One output in the hands of a worker."""

    studio: Studio
    output: Output
    task: Task
    worker_id: int
    stopping: threading.Event


def run_output(
    studio: Studio, output_id: int, *, worker_id: int, stopping: threading.Event | None = None
) -> None:
    """Make one claimed picture: journal, ask, store the answer untouched, finish the row.

    Every foreseen failure ends on the row. A database that goes away is waited for until `stopping` is
    set: what was paid is never dropped while this process lives. Raises DatabaseError kinds when the row
    can't be read or written; it is recovered then.
    """
    with reading(studio.engine) as connection:
        output = tasks.output_by_id(connection, output_id)
        if output is None:
            raise NotFound("output", str(output_id))
        photo = tasks.photo_by_id(connection, output.photo_id)
        task = tasks.task_by_id(connection, output.task_id)
    claim = _Claim(
        studio=studio,
        output=output,
        task=task,
        worker_id=worker_id,
        stopping=stopping or threading.Event(),
    )
    try:
        source = studio.store.get(photo.object_key)
    except StorageError as error:
        _end(claim, error)
        return
    request = ImageRequest(
        model=output.model,
        prompt=photo.prompt,
        photos=(source,),
        ratio=task.ratio,
        size=task.size,
        variant=output.variant,
        parameters=task.parameters,
    )
    call_key = str(uuid.uuid4())
    values = {"key": call_key, "request_key": request_key(request), "sent_at": clock.now(), "usage": {}}
    call_id = patiently(
        studio.engine, lambda c: queue.begin_call(c, output_id, worker_id, values), claim.stopping
    )
    if call_id is None:
        return
    telemetry.bind(task=task.key, output=output.key, call=call_key)
    started = time.monotonic()
    try:
        with telemetry.asking(studio, output):
            answer = studio.providers[output.provider].generate(request)
    except ProviderError as error:
        _end(claim, error, call_id=call_id)
        return
    latency_ms = round((time.monotonic() - started) * 1000)
    _keep(claim, call_id, call_key, answer, latency_ms)


def _keep(claim: _Claim, call_id: int, call_key: str, answer: ImageAnswer, latency_ms: int) -> None:
    from core.images.picture import file_type

    content_type, extension = file_type(answer.data)
    object_key = generated_key(claim.task.key, call_key, extension)
    request_id = answer.request_id and answer.request_id[:200]
    kept: dict[str, Any] = {
        "object_key": object_key,
        "content_type": content_type,
        "bytes": len(answer.data),
        "sha256": hashlib.sha256(answer.data).hexdigest(),
        "cost_micros": answer.cost_micros,
        "latency_ms": latency_ms,
        "model_version": answer.model_version and answer.model_version[:128],
        "provider_request_id": request_id,
        "notes": dict(answer.notes),
    }
    try:
        put_patiently(claim.studio, object_key, answer.data, content_type)
    except StorageError as error:
        _end(claim, error, call_id=call_id, cost_micros=answer.cost_micros)
        return
    try:
        shown = showing.show(claim.task, call_key, answer.data, put=partial(put_patiently, claim.studio))
    except (BadImage, StorageError) as error:
        _end(claim, error, call_id=call_id, kept=kept, cost_micros=answer.cost_micros)
        return
    now = clock.now()
    ended = {
        "answered_at": now,
        "outcome": "picture",
        "cost_micros": answer.cost_micros,
        "provider_request_id": request_id,
        "object_key": object_key,
        "usage": dict(answer.usage),
    }
    done = {"state": OutputState.SUCCEEDED, "finished_at": now, "error_kind": None, "error_data": {}}
    done |= {**kept, **shown, "notes": {**answer.notes, **shown["notes"]}}
    # One that was lost to another process meanwhile takes its picture all the same, if nobody asked again.
    lost = (OutputState.UNKNOWN, OutputState.QUEUED)
    _finish(claim, done, "output.succeeded", {}, call_id=call_id, ended=ended, lost=lost)


def _finish(
    claim: _Claim,
    values: Mapping[str, object],
    verb: str,
    data: Mapping[str, Any],
    *,
    call_id: int | None,
    ended: Mapping[str, object],
    lost: Sequence[OutputState],
) -> None:
    """Write the end of a claim: its call, its row and its event, however long the database is away."""
    output, worker_id = claim.output, claim.worker_id

    def act(connection: Connection) -> None:
        if call_id is not None:
            queue.end_call(connection, call_id, ended)
        if queue.finish(connection, output.id, worker_id, values):
            record(connection, output, verb, **data)
        elif call_id is not None and queue.adopt(connection, output.id, call_id, lost, values):
            record(connection, output, verb, **data, late=True)

    patiently(claim.studio.engine, act, claim.stopping)
    telemetry.ended(claim.studio, output, ended)


def put_patiently(studio: Studio, key: str, data: bytes, content_type: str, *, tries: int = 5) -> None:
    """Store a picture that may have been paid for: go on through a store's bad moment (about 15 s).

    Raises the last StorageError.
    """
    for attempt in range(tries):
        try:
            studio.store.put(key, data, content_type)
            return
        except StorageError:
            if attempt == tries - 1:
                raise
            time.sleep(2**attempt)


def _end(
    claim: _Claim,
    error: PackshotError,
    *,
    call_id: int | None = None,
    kept: dict[str, object] | None = None,
    cost_micros: int | None = None,
) -> None:
    now = clock.now()
    again = (
        isinstance(error, RateLimited)
        and error.retry_after is not None
        and claim.output.attempts + 1 < _MAX_ATTEMPTS
    )
    if again and isinstance(error, RateLimited) and (error.retry_after or 0) <= _RATE_WAIT_LIMIT:
        state = OutputState.QUEUED
    else:
        state = error.state if isinstance(error, ProviderError) else OutputState.FAILED
    ended: dict[str, Any] = {
        "answered_at": now,
        "outcome": error.kind,
        "cost_micros": cost_micros,
        "object_key": (kept or {}).get("object_key"),
    }
    told: dict[str, Any] = {}
    if isinstance(error, ProviderError) and not kept:
        told = {
            "cost_micros": error.cost_micros,
            "provider_request_id": error.request_id and error.request_id[:200],
        }
        ended |= {**told, "usage": dict(error.usage)}
    values = {"state": state, "error_kind": error.kind, "error_data": dict(error.data), **(kept or {})}
    if state is OutputState.QUEUED and isinstance(error, RateLimited):
        values["not_before"] = now + timedelta(seconds=error.retry_after or 0)
    else:
        values |= {"finished_at": now, **told}
        if isinstance(error, RateLimited):
            values["error_data"] = {**error.data, "over": True}
    verb, data = f"output.{state}", {"kind": error.kind}
    _finish(claim, values, verb, data, call_id=call_id, ended=ended, lost=(OutputState.UNKNOWN,))


def record(connection: Connection, output: Output, verb: str, *, actor: str = DESK, **data: object) -> None:
    """Write an event of an output, in the transaction of the act."""
    at = clock.now()
    tasks.add_event(
        connection, at=at, actor=actor, verb=verb, task_id=output.task_id, output_id=output.id, data=data
    )
