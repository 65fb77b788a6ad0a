"""A picture that was stored while its row never ended: give it to the row."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any

from core import budget, clock, insights, keeping, presets, showing
from core.database import objects, queue, tasks
from core.database.engine import reading, writing
from core.errors import BadImage, ObjectDiffers, ObjectExists, PackshotError
from core.model import Actor, OutputState
from core.storage import ObjectInfo
from core.storage.keys import FITTED
from core.studio import Studio

OPEN = (OutputState.FAILED, OutputState.UNKNOWN, OutputState.BLOCKED, OutputState.QUEUED)
"""States without a picture in which no process holds the row."""


def parts(key: str) -> tuple[str, str] | None:
    """(task key, call key) of an object under `generated/`; None for any other key."""
    segments = key.split("/")
    if len(segments) != 3 or segments[0] != "generated":
        return None
    return segments[1], segments[2].partition(".")[0]


def answer_of(studio: Studio, task_key: str, call_key: str) -> ObjectInfo | None:
    """The stored answer of a call, if it came that far. Raises StorageError kinds."""
    found = studio.store.list(f"generated/{task_key}/{call_key}.", limit=1).objects
    return found[0] if found else None


def call_of(studio: Studio, key: str) -> objects.Sent | None:
    """The call whose answer, or whose copy in the asked shape, stands under `key`.

    Raises DatabaseError kinds.
    """
    named = parts(key)
    if named is None:
        return None
    with reading(studio.engine) as connection:
        return objects.sent(connection, named[0], named[1].removesuffix(FITTED), studio.store.name)


def is_copy(key: str) -> bool:
    """A copy in the asked shape: it can be made again as long as the answer is there."""
    named = parts(key)
    return named is not None and named[1].endswith(FITTED)


def adopt(studio: Studio, found: ObjectInfo, *, by: Actor) -> OutputState | None:
    """Give a stored answer to the output that asked for it; returns the output's state after it.

    An output without a picture gets it: decoded, with a thumbnail, its row succeeded, the cost that the
    call recorded (None when nobody knows). Bytes that are no picture are kept on the row as BadImage.
    Bytes that are not those that the row recorded are never taken for them (ObjectDiffers). An output
    that has another picture by now keeps that one, and the call keeps this one. None when the key belongs
    to no call of this store, or a process holds the row. Raises StorageError and DatabaseError kinds.
    """
    from core.images.picture import file_type

    named = parts(found.key)
    if named and is_copy(found.key):
        # The copy in the asked shape follows from the answer, and the answer is what the call keeps.
        answer = answer_of(studio, named[0], named[1].removesuffix(FITTED))
        if answer is None:
            return None
        found, named = answer, parts(answer.key)
    call = call_of(studio, found.key)
    if call is None or named is None or call.state is OutputState.RUNNING:
        return None
    if call.state is OutputState.SUCCEEDED:
        return call.state if _keep_with_call(studio, call, found, by) else None
    with reading(studio.engine) as connection:
        output = tasks.output_by_id(connection, call.output_id)
        task = tasks.task_by_id(connection, call.task_id)
    if output is None:
        return None
    data = studio.store.get(found.key)
    digest = hashlib.sha256(data).hexdigest()
    values: dict[str, Any] = {"not_before": None, "finished_at": clock.now()}
    if output.object_key == found.key and output.sha256 not in (None, digest):
        values |= _ended(ObjectDiffers(found.key))
    else:
        values |= {
            "object_key": found.key,
            "content_type": file_type(data)[0],
            "bytes": len(data),
            "sha256": digest,
            "cost_micros": call.cost_micros,
            "provider_request_id": call.provider_request_id,
        }
        try:
            drawn = showing.draw(task, data, plain=presets.on_white(studio, task.preset, task.preset_version))
            shown = showing.show(task, named[1], drawn, put=partial(_put_made, studio))
        except BadImage as error:
            values |= {**_ended(error), "thumb_key": None, "thumb_bytes": None}
            values |= {"width": None, "height": None}
        else:
            values |= {**shown, "notes": {**output.notes, **shown["notes"]}}
            values |= {"state": OutputState.SUCCEEDED, "error_kind": None, "error_data": {}}
    state = OutputState(values["state"])
    with writing(studio.engine) as connection:
        with insights.counting(studio, connection, [output.id]):
            if not objects.change_output(connection, output.id, OPEN, values):
                return None
            _end_call(connection, call, found, values["error_kind"] or "picture")
        verb = objects.DIFFERS if values["error_kind"] == ObjectDiffers.__name__ else "output.adopted"
        keeping.record(connection, output, verb, actor=by.id, key=found.key, was=output.state, to=state)
    return state


def remake_thumb(studio: Studio, picture_key: str, thumb: str) -> None:
    """Make a thumbnail again from its stored picture, under the key that the row names.

    Raises BadImage, ObjectMissing and other StorageError kinds.
    """
    from core.images.picture import read_picture

    _put_made(studio, thumb, read_picture(studio.store.get(picture_key)).thumb, "image/webp")


def _ended(error: PackshotError) -> dict[str, Any]:
    return {"state": OutputState.FAILED, "error_kind": error.kind, "error_data": dict(error.data)}


def _put_made(studio: Studio, key: str, data: bytes, content_type: str) -> None:
    try:
        studio.store.put(key, data, content_type)
    except ObjectExists:
        return  # Made before the end, perhaps by another version of the encoder: as good.


def _keep_with_call(studio: Studio, call: objects.Sent, found: ObjectInfo, by: Actor) -> bool:
    with writing(studio.engine) as connection:
        output = tasks.output_by_id(connection, call.output_id)
        if output is None:
            return False
        with insights.counting(studio, connection, [output.id]):
            _end_call(connection, call, found, "picture")
        keeping.record(connection, output, "call.kept", actor=by.id, key=found.key)
    return True


def _end_call(connection: Any, call: objects.Sent, found: ObjectInfo, outcome: str) -> None:
    named = parts(found.key)
    row = queue.call_by_key(connection, named[1]) if named else None
    answered = {"outcome": outcome, "answered_at": call.answered_at or found.modified}
    if row is not None and queue.end_call(connection, call.id, answered) == queue.OPEN:
        # What it cost went with its process: the estimate stays counted.
        budget.settle(
            connection,
            day=row.day,
            payer=row.payer,
            reserved=row.reserved_micros,
            cost=row.cost_micros,
            may_be_charged=True,
        )
    queue.name_object(connection, call.id, object_key=found.key, bytes=found.bytes, outcome=outcome)
