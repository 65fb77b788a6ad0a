"""Keep an answer: on this disk, in the store, in its row. In that order, and before anything can fail."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from core import budget, clock, insights, outcomes, presets, showing, spool, telemetry
from core.database import queue, tasks
from core.database.engine import patiently
from core.errors import BadImage, PackshotError, ProviderError, StorageError, StorageUnavailable
from core.model import Output, OutputState, Task
from core.providers import ImageAnswer
from core.storage.keys import generated_key

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.studio import Studio

DESK = "desk"
"""The actor of what the process does by itself."""

PAUSE = 1.0
"""Seconds before a store is tried again; then it doubles."""
_LONGEST_PAUSE = 30.0


@dataclass(frozen=True, kw_only=True)
class Call:
    """A journalled call and what it was made for. `worker_id` is None when its process is gone."""

    id: int
    key: str
    output: Output
    task: Task
    worker_id: int | None
    day: date | None
    payer: str
    reserved_micros: int
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when this process waits for a database no longer."""


def keep(studio: Studio, call: Call, answer: ImageAnswer, latency_ms: int | None) -> None:
    """Store an answer untouched and finish its row; a picture that can't be used ends the row as failed.

    A store that stays away or refuses ends the row as failed too, with the answer in the spool, from which
    `adopt` takes it up; the row's `error_data` says as `kept` whether it is there. Raises DatabaseError kinds
    when the row can't be written.
    """
    kept = spool.keep(studio, call.key, answer, latency_ms)
    try:
        # Where the spool can't take it, this process's memory is its only place.
        _keep(studio, call, answer, latency_ms, kept=kept, tries=5 if kept else None)
    except StorageError as error:
        values = {"latency_ms": latency_ms}
        finish(studio, call, kept=values, error=error, answer=answer, add={"kept": kept})


def adopt(studio: Studio, call: Call, answer: ImageAnswer, latency_ms: int | None) -> None:
    """Take up an answer that its process left behind. Raises StorageError and DatabaseError kinds."""
    _keep(studio, call, answer, latency_ms, kept=True, tries=1)


def _keep(
    studio: Studio,
    call: Call,
    answer: ImageAnswer,
    latency_ms: int | None,
    *,
    kept: bool,
    tries: int | None,
) -> None:
    from core.images.picture import file_type

    content_type, extension = file_type(answer.data)
    key = generated_key(call.task.key, call.key, extension)
    put = partial(put_patiently, studio, call.stopping, tries=tries)
    plain = presets.on_white(studio, call.task.preset, call.task.preset_version)
    draw = partial(showing.draw, call.task, plain=plain)
    # What lies in the spool is drawn while it is sent; what lies nowhere yet is stored first.
    with ThreadPoolExecutor(1, thread_name_prefix="drawing") as aside:
        drawing = aside.submit(draw, answer.data) if kept else None
        put(key, answer.data, content_type)
    values: dict[str, Any] = {
        "object_key": key,
        "content_type": content_type,
        "bytes": len(answer.data),
        "sha256": hashlib.sha256(answer.data).hexdigest(),
        "latency_ms": latency_ms,
        "model_version": answer.model_version and answer.model_version[:128],
        "notes": dict(answer.notes),
    }
    try:
        drawn = drawing.result() if drawing else draw(answer.data)
    except BadImage as error:
        finish(studio, call, kept=values, error=error, answer=answer, answer_key=key)
        return
    shown = showing.show(call.task, call.key, drawn, put=put)
    values |= {**shown, "notes": {**answer.notes, **shown["notes"]}}
    finish(studio, call, kept=values, error=None, answer=answer, answer_key=key)


def finish(
    studio: Studio,
    call: Call,
    *,
    kept: Mapping[str, Any],
    error: PackshotError | None,
    answer: ImageAnswer | ProviderError,
    answer_key: str | None = None,
    state: OutputState | None = None,
    not_before: datetime | None = None,
    add: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Write the end of a call: its journal, its money, its row and its event, however long the database is
    away. `kept` goes to the row; `answer_key` is where the untouched bytes lie. `state` is given
    where it does not follow from `error`; `add` goes to its data."""
    now = clock.now()
    request_id = answer.request_id and answer.request_id[:200]
    ended: dict[str, Any] = {
        "answered_at": now,
        "outcome": error.kind if error else "picture",
        "cost_micros": answer.cost_micros,
        "provider_request_id": request_id,
        "usage": dict(answer.usage),
    }
    state = state or (OutputState.FAILED if error else OutputState.SUCCEEDED)
    values: dict[str, Any] = {"cost_micros": answer.cost_micros, "provider_request_id": request_id, **kept}
    values |= {"state": state, "not_before": not_before, "error_kind": error.kind if error else None}
    values["error_data"] = {**told(studio, error, over=state.ended), **add} if error else {}
    if state.ended:
        values["finished_at"] = now
    where: dict[str, Any] = {}
    if answer_key and isinstance(answer, ImageAnswer):
        where = {"object_key": answer_key, "bytes": len(answer.data)}
    charged = isinstance(answer, ImageAnswer) or answer.may_be_charged
    # One that was lost to another process meanwhile takes its end all the same, if nobody asked again.
    better = [OutputState.UNKNOWN]
    if state is OutputState.SUCCEEDED:
        better += [OutputState.QUEUED, OutputState.FAILED]
    # Told to people as "may have been charged" by now: it is not sent again without one of them.
    late = values if state.ended else {**values, "state": OutputState.FAILED, "finished_at": now}

    def act(connection: Connection) -> None:
        with insights.counting(studio, connection, [call.output.id]):
            was = queue.end_call(connection, call.id, {**ended, **where})
            if was is None and where:
                queue.name_object(connection, call.id, outcome=ended["outcome"], **where)
            told_of = {"kind": error.kind} if error else {}
            worker = call.worker_id
            if worker is not None and queue.finish(connection, call.output.id, worker, values):
                record(connection, call.output, f"output.{state}", **told_of)
            elif queue.adopt(connection, call.output.id, call.id, better, late):
                record(connection, call.output, f"output.{late['state']}", **told_of, late=True)
        if was:
            # Last, since the day's rows are everybody's: they are locked until this transaction ends.
            lost = was == queue.LOST
            settle(connection, call, cost=answer.cost_micros, may_be_charged=charged, lost=lost)

    patiently(studio.engine, act, call.stopping)
    telemetry.ended(studio, call.output, ended)
    if answer_key:
        spool.drop(studio, call.key)


def put_patiently(
    studio: Studio, stopping: threading.Event, key: str, data: bytes, content_type: str, *, tries: int | None
) -> None:
    """Store a picture that may have been paid for: go on through a store's bad moment (5 tries: 15 s), or
    without `tries` until `stopping` is set.

    Raises the last StorageError; at once what no moment changes: a refusal, a full disk.
    """
    for attempt in itertools.count(1):
        try:
            studio.store.put(key, data, content_type)
            return
        except StorageUnavailable:
            if attempt == tries or stopping.wait(min(PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE)):
                raise


def settle(
    connection: Connection, call: Call, *, cost: int | None, may_be_charged: bool, lost: bool = False
) -> None:
    """Close the reservation of a call; one that was counted as `lost` is counted anew."""
    budget.settle(
        connection,
        day=call.day,
        payer=call.payer,
        reserved=call.reserved_micros,
        cost=cost,
        may_be_charged=may_be_charged,
        lost=lost,
    )


def told(studio: Studio, error: PackshotError, *, over: bool) -> dict[str, Any]:
    """An error's data as a row keeps it; times on the operators' clock. Unless `over` it is asked again."""
    data = dict(error.data)
    if until := data.get("until"):
        data["until"] = datetime.fromisoformat(until).astimezone(studio.settings.zone).isoformat()
    return {**data, "over" if over else "waits": True} if isinstance(error, outcomes.AGAIN) else data


def record(connection: Connection, output: Output, verb: str, *, actor: str = DESK, **data: object) -> None:
    """Write an event of an output, in the transaction of the act."""
    tasks.add_event(
        connection,
        at=clock.now(),
        actor=actor,
        verb=verb,
        task_id=output.task_id,
        output_id=output.id,
        data=data,
    )
