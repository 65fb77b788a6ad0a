"""Pictures that were paid for and never reached their row; and whatever else may happen."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from PIL import Image

from core import adoption, clock, generation, keeping, reconcile, repair, spool
from core.database import queue, schema
from core.database.engine import reading, writing
from core.differences import Kind
from core.errors import BadImage, StorageUnavailable
from core.model import OutputState
from core.storage.keys import generated_key
from core.studio import Studio
from tests.conftest import BY, Scripted, finished, on_both, order, upload
from tests.differing import OLD, everything, file_of, found, lose_end, made, row, task_key, verbs

pytestmark = on_both
Open = Callable[..., Studio]


@pytest.mark.parametrize("state", ["unknown", "failed", "queued"])
def test_a_paid_picture_is_adopted(desk: Open, scripted: Scripted, photo: bytes, state: str) -> None:
    first = desk()
    [output] = made(first, photo)
    opened = desk(work=False)
    lose_end(opened, output)
    with writing(opened.engine) as connection:
        connection.execute(sa.update(schema.outputs).values(state=state))
        if state == "queued":
            # Only a desk without a runner leaves it waiting.
            connection.execute(sa.update(schema.outputs).values(not_before=clock.now() + OLD))
    opened.store.delete([output.thumb_key or ""])
    before = everything(opened)
    assert found(reconcile.compare(opened)) == {"unfinished": 1}, "young as it is"
    assert everything(opened) == before
    assert repair.fix(opened, by=BY).left == 0
    after = row(opened, output)
    assert (after.state, after.object_key, after.sha256) == ("succeeded", output.object_key, output.sha256)
    assert (after.width, after.height, after.error_kind) == (1600, 1200, None)
    assert after.cost_micros is None, "nobody knows what it cost"
    assert opened.store.head(after.thumb_key)
    assert verbs(opened, "output.adopted") == [("output.adopted", "local")]
    assert found(reconcile.compare(opened, deep=True)) == {}
    assert len(scripted.asked) == 1


def test_a_cost_that_the_call_recorded_is_adopted_with_it(desk: Open, photo: bytes) -> None:
    """The store said no after it had taken the bytes: the row failed, the call knows the price."""
    opened = desk()
    put_, refused = opened.store.put, []

    def late(key: str, data: bytes, content_type: str) -> None:
        put_(key, data, content_type)
        if key.startswith("generated/") and len(refused) < 5:
            refused.append(key)
            raise StorageUnavailable("the answer was lost")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opened.store, "put", late)
        patch.setattr(spool, "keep", lambda *answer: True)  # And this machine's disk was lost since.
        patch.setattr(keeping, "PAUSE", 0.01)
        [output] = made(opened, photo)
    assert (output.state, output.error_kind, output.object_key) == ("failed", "StorageUnavailable", None)
    assert repair.fix(opened, by=BY).fixed[Kind.UNFINISHED] == 1
    after = row(opened, output)
    assert (after.state, after.cost_micros, after.object_key) == ("succeeded", 33_600, refused[0])


def test_bytes_that_are_no_picture_are_kept_and_said(desk: Open, photo: bytes) -> None:
    opened = desk()
    [output] = made(opened, photo)
    lose_end(opened, output)
    file_of(opened, output.object_key).write_bytes(photo[: len(photo) // 2])
    assert repair.fix(opened, by=BY).left == 0
    after = row(opened, output)
    assert (after.state, after.error_kind) == ("failed", BadImage.__name__)
    assert after.object_key == output.object_key
    assert found(reconcile.compare(opened)) == {}


def test_a_second_paid_picture_is_kept_with_its_call(desk: Open, scripted: Scripted, photo: bytes) -> None:
    opened = desk()
    [output] = made(opened, photo)
    lose_end(opened, output)
    assert generation.retry_output(opened, output.key, by=BY)
    [second] = finished(opened, task_key(opened)).outputs
    assert second.state is OutputState.SUCCEEDED and second.object_key != output.object_key
    assert repair.fix(opened, by=BY).left == 0
    assert row(opened, output).object_key == second.object_key, "the newer one stays"
    assert found(reconcile.compare(opened)) == {}
    assert opened.store.head(output.object_key or ""), "both were paid for"


def test_a_row_that_a_process_holds_is_left_alone(desk: Open, photo: bytes) -> None:
    opened = desk(work=False)
    key = generation.submit(opened, [upload(photo)], order(), by=BY)
    soon = clock.now() + timedelta(seconds=60)
    with writing(opened.engine) as connection:
        worker = queue.register_worker(
            connection, {"key": "w", "host": "h", "started_at": clock.now(), "lease_until": soon}
        )
        [output_id] = queue.claim(
            connection, worker_id=worker, providers=["gemini"], store="folder", limit=1, now=clock.now()
        )
        call = {"key": str(uuid.uuid4()), "request_key": "r", "sent_at": clock.now(), "usage": {}}
        queue.begin_call(connection, output_id, worker, call)
    answer = generated_key(key, call["key"], "jpg")
    opened.store.put(answer, photo, "image/jpeg")
    report = repair.fix(opened, by=BY)
    assert found(report) == {} and report.young == 1
    assert generation.view(opened, key).outputs[0].state is OutputState.RUNNING
    info = adoption.answer_of(opened, key, call["key"])
    assert info and info.key == answer and adoption.adopt(opened, info, by=BY) is None


def test_an_adopted_picture_of_another_shape_is_fitted_again(
    desk: Open, scripted: Scripted, photo: bytes
) -> None:
    """The call keeps the answer, the row the copy; whichever is lost comes back from the answer."""
    with Image.open(io.BytesIO(photo)) as picture:
        out = io.BytesIO()
        picture.resize((1200, 600)).save(out, "JPEG")
    scripted.picture = came = out.getvalue()
    first = desk()
    [output] = made(first, photo)
    assert output.notes["fitted"] == "padded" and (output.width, output.height) == (1200, 900)
    assert found(reconcile.compare(first, deep=True)) == {}, "answer and copy both belong"
    opened = desk(work=False)
    lose_end(opened, output)
    for item in opened.store.list().objects:
        os.utime(file_of(opened, item.key), ((clock.now() - OLD).timestamp(),) * 2)
    report = repair.fix(opened, by=BY)
    assert (found(report), report.left) == ({"unfinished": 1}, 0), "what the row gets back is no orphan"
    after = row(opened, output)
    assert (after.state, after.object_key, after.sha256) == ("succeeded", output.object_key, output.sha256)
    copy = opened.store.get(after.object_key)
    opened.store.delete([after.object_key])
    assert repair.fix(opened, by=BY).left == 0
    assert opened.store.get(after.object_key) == copy
    again = row(opened, output)
    assert (again.state, again.object_key, again.notes["fitted"]) == ("succeeded", after.object_key, "padded")
    with reading(opened.engine) as connection:
        kept = connection.execute(sa.select(schema.calls.c.object_key)).scalar_one()
    assert kept != again.object_key and opened.store.get(kept) == came
    assert found(reconcile.compare(opened, deep=True)) == {}
