"""The way of a photo: submit, view, retry, stop. What a worker does with it is `core.making`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core import budget, clock, insights, intake
from core.database import migrate, provider_states, queue, tasks
from core.database.engine import reading, writing
from core.errors import DatabaseError, NotAllowed, NotFound, PackshotError, StorageError, TaskExists
from core.images.decode import Decoded, decode
from core.model import Actor, Order, Output, OutputState, Photo, Role, Task, Upload
from core.storage.keys import input_key, thumb_key
from core.studio import Studio

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class TaskView:
    """A task with everything a page shows of it."""

    task: Task
    photos: tuple[Photo, ...]
    outputs: tuple[Output, ...]

    @property
    def pending(self) -> bool:
        return any(not output.state.ended for output in self.outputs)

    def count(self, *states: OutputState) -> int:
        return sum(output.state in states for output in self.outputs)


def recent(studio: Studio, *, limit: int = 20) -> tuple[Task, ...]:
    """The last tasks, newest first. Raises DatabaseError kinds."""
    with reading(studio.engine) as connection:
        return tasks.recent(connection, limit)


def estimate(studio: Studio, order: Order, photos: int) -> int | None:
    """Millionths of a US dollar for all pictures; None when the price is unknown."""
    each = studio.providers[order.provider].estimate(order.model, order.size)
    return None if each is None else each * photos * order.outputs


def submit(
    studio: Studio,
    uploads: Sequence[Upload],
    order: Order,
    *,
    by: Actor,
    key: str | None = None,
    again: bool = False,
) -> str:
    """Store the photos, write one queued row per wanted picture, and return the task's key.

    Bytes before rows: a crash leaves an unreferenced object, never a row that points at nothing. The same
    `key` again returns the task that is there: a second press makes no second task.

    Nothing is kept when it raises: OrderRefused, TextTooLong and PhotoRefused kinds; AlreadyMade, unless
    `again`; BudgetExhausted, PriceUnknown; what stopped the provider; StorageError and DatabaseError kinds.
    """
    _allow(by, Role.OPERATOR)
    uploads, order = intake.cleaned(uploads, order)
    preset = intake.check(studio, uploads, order, key)
    task_key = key or str(uuid.uuid4())
    with reading(studio.engine) as connection:
        migrate.require(connection)
        if tasks.task_by_key(connection, task_key):
            return task_key
    intake.refuse_stopped(studio, order.provider)
    budget.check(studio, order, len(uploads) * order.outputs, by=by)
    settings = studio.settings
    decoding = [
        studio.pool.submit(
            decode, item.data, name=item.name, max_bytes=settings.max_bytes, max_pixels=settings.max_pixels
        )
        for item in uploads
    ]
    decoded = [future.result() for future in decoding]
    keys = [str(uuid.uuid4()) for _ in uploads]
    stored = [input_key(task_key, k) for k in keys] + [thumb_key(task_key, k) for k in keys]
    try:
        storing = [
            studio.pool.submit(_store_photo, studio, task_key, k, item)
            for k, item in zip(keys, decoded, strict=True)
        ]
        wait(storing)  # What still stores when another fails could not be taken away again.
        for future in storing:
            future.result()
        ids = intake.insert(studio, task_key, keys, uploads, decoded, order, preset, by, again=again)
    except DatabaseError:
        if _inserted(studio, task_key, stored):
            return task_key
        raise
    except TaskExists:
        _discard(studio, stored)  # The other press was quicker.
        return task_key
    except PackshotError:
        _discard(studio, stored)
        raise
    studio.enqueue(ids)
    return task_key


def _store_photo(studio: Studio, task_key: str, key: str, item: Decoded) -> None:
    studio.store.put(input_key(task_key, key), item.jpeg, "image/jpeg")
    studio.store.put(thumb_key(task_key, key), item.thumb, "image/webp")


def _inserted(studio: Studio, task_key: str, stored: list[str]) -> bool:
    """Did the rows of a task get in, although the answer to their transaction was lost?

    Its photos are kept while that is not known: a row must never point at nothing.
    """
    try:
        with reading(studio.engine) as connection:
            there = tasks.task_by_key(connection, task_key) is not None
    except DatabaseError:
        return False
    if not there:
        _discard(studio, stored)
    return there


def _discard(studio: Studio, keys: list[str]) -> None:
    try:
        studio.store.delete(keys)
    except StorageError:
        return  # They are unreferenced objects, which reconciling finds.


def view(studio: Studio, key: str) -> TaskView:
    """A task with its photos and outputs. Raises NotFound."""
    with reading(studio.engine) as connection:
        task = tasks.task_by_key(connection, key)
        if task is None:
            raise NotFound("task", key)
        return TaskView(
            task=task,
            photos=tasks.photos_of(connection, task.id),
            outputs=tasks.outputs_of(connection, task.id),
        )


def retry(studio: Studio, key: str, *, by: Actor) -> int:
    """Put the failed outputs of a task back into the queue; returns how many.

    Unknown and blocked ones are left: they may have been charged, or would be refused again. So is one whose
    picture came and waits for the store to take it.
    """
    wanted = [output for output in view(studio, key).outputs if not output.error_data.get("kept")]
    return _requeue(studio, wanted, (OutputState.FAILED,), by)


def retry_output(studio: Studio, output_key: str, *, by: Actor) -> bool:
    """One click on one output that ended without a picture: ask again, even if that may charge twice.

    Returns False when it is no longer in such a state. Raises NotFound.
    """
    with reading(studio.engine) as connection:
        output = tasks.output_by_key(connection, output_key)
    if output is None:
        raise NotFound("output", output_key)
    states = (OutputState.FAILED, OutputState.BLOCKED, OutputState.UNKNOWN)
    return _requeue(studio, [output], states, by) == 1


def _requeue(studio: Studio, wanted: Sequence[Output], states: Sequence[OutputState], by: Actor) -> int:
    _allow(by, Role.OPERATOR)
    with writing(studio.engine) as connection:
        queued = requeue(studio, connection, wanted, states, by=by)
    if queued:
        studio.enqueue(queued)
    return len(queued)


def requeue(
    studio: Studio,
    connection: Connection,
    wanted: Sequence[Any],
    states: Sequence[OutputState],
    *,
    by: Actor,
) -> list[int]:
    """Put outputs in one of `states` back into the queue, in the caller's transaction; returns their ids,
    for `studio.enqueue` after it. `wanted`: id, task_id, state and error_kind of each."""
    ids = [output.id for output in wanted if output.state in states]
    with insights.counting(studio, connection, ids):
        queued = set(queue.requeue(connection, ids, states))
        told = [
            (output.task_id, output.id, {"was": output.state, "error": output.error_kind})
            for output in wanted
            if output.id in queued
        ]
        tasks.add_events(connection, at=clock.now(), actor=by.id, verb="output.retried", of=told)
    return sorted(queued)


def stop_waiting(studio: Studio, key: str, *, by: Actor) -> int:
    """End the outputs of a task that still wait; those that were sent go on. Returns how many."""
    _allow(by, Role.OPERATOR)
    task = view(studio, key).task
    with writing(studio.engine) as connection:
        stopped = queue.stop_waiting(connection, task.id, clock.now())
        insights.ended(studio, connection, stopped)
        if stopped:
            data = {"outputs": len(stopped)}
            tasks.add_event(
                connection, at=clock.now(), actor=by.id, verb="task.stopped", task_id=task.id, data=data
            )
    return len(stopped)


def resume(studio: Studio, provider: str, *, by: Actor) -> bool:
    """Let a provider be asked again that was stopped; False when it was not. The click of a person."""
    _allow(by, Role.REVIEWER)
    with writing(studio.engine) as connection:
        if not provider_states.resume(connection, [provider]):
            return False
        at, data = clock.now(), {"provider": provider}
        tasks.add_event(connection, at=at, actor=by.id, verb="provider.resumed", data=data)
    studio.enqueue([])
    return True


def _allow(by: Actor, needed: Role) -> None:
    if not by.role.may(needed):
        raise NotAllowed(needed)
