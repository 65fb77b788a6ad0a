"""Pictures that were paid for and never reached their row; and whatever else may happen."""

from __future__ import annotations

import io
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from PIL import Image

from core import adoption, clock, generation, reconcile, repair
from core.database import queue, schema
from core.database.engine import reading, writing
from core.differences import Kind
from core.errors import BadImage, StorageUnavailable
from core.model import OutputState
from core.settings import load_settings
from core.storage.keys import generated_key
from core.studio import Studio, open_studio
from tests.conftest import BY, Scripted, finished, order, upload
from tests.differing import OLD, everything, file_of, found, lose_end, made, put, row, verbs

Open = Callable[..., Studio]


def _small() -> bytes:
    made = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(made, "JPEG")
    return made.getvalue()


SMALL = _small()


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

    sleep = time.sleep
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opened.store, "put", late)
        patch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.05)))
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
    [second] = finished(opened, generation_key(opened)).outputs
    assert second.state is OutputState.SUCCEEDED and second.object_key != output.object_key
    assert repair.fix(opened, by=BY).left == 0
    assert row(opened, output).object_key == second.object_key, "the newer one stays"
    assert found(reconcile.compare(opened)) == {}
    assert opened.store.head(output.object_key or ""), "both were paid for"


def generation_key(desk: Studio) -> str:
    with reading(desk.engine) as connection:
        return str(connection.execute(sa.select(schema.tasks.c.key)).scalar_one())


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


ACTS = some.lists(
    some.tuples(
        some.sampled_from(["lose", "cut", "thumb", "orphan", "young", "end", "photo"]),
        some.integers(0, 3),
    ),
    max_size=8,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_whatever_happened_no_row_lies_after(scripted: Scripted, acts: list[tuple[str, int]]) -> None:
    scripted.picture = SMALL
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        configured = load_settings(
            database_url=f"sqlite:///{folder}/packshot.db",
            upload_dir=Path(folder) / "media",
            app_secret="a secret for tests",
        )
        opened = stack.enter_context(open_studio(configured, providers={"gemini": scripted}))
        outputs = made(opened, SMALL, 4)
        young = []
        for act, number in acts:
            output = outputs[number]
            path = file_of(opened, output.object_key)
            if act == "lose":
                path.unlink(missing_ok=True)
            elif act == "cut" and path.exists():
                path.write_bytes(SMALL[: len(SMALL) // 2])
            elif act == "thumb":
                opened.store.delete([output.thumb_key or ""])
            elif act == "orphan":
                put(opened, f"thumb/gone/{number}.webp")
            elif act == "young":
                young.append(put(opened, f"input/new/{number}.jpg", age=timedelta(minutes=1)))
            elif act == "end":
                lose_end(opened, output)
            elif act == "photo":
                opened.store.delete(
                    [item.key for item in opened.store.list(f"input/{generation_key(opened)}/").objects]
                )
        repair.fix(opened, by=BY, deep=True, anyway=True)
        again = reconcile.compare(opened, deep=True)
        assert again.left == 0, found(again)
        for output in outputs:
            now = row(opened, output)
            if now.state == "succeeded":
                assert opened.store.get(now.object_key) == SMALL
                assert opened.store.head(now.thumb_key)
            else:
                assert now.error_kind
        assert all(opened.store.head(key) for key in young)
