"""The way of a photo, through a real database, a real folder and a provider that does as told."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from PIL import Image

from core import clock, generation, recovery, showing
from core.database import queue, schema
from core.database.engine import reading, writing
from core.errors import (
    Auth,
    BadRequest,
    Blocked,
    NoImage,
    NotAllowed,
    NotAnImage,
    OrderRefused,
    OutcomeUnknown,
    RateLimited,
    StorageUnavailable,
    TextTooLong,
)
from core.images import picture
from core.model import Actor, OutputState, Role
from core.storage.folder import FolderStore
from core.studio import Studio
from tests.conftest import BY, Scripted, finished, on_both, order, upload

pytestmark = on_both

Open = Callable[..., Studio]


def objects(desk: Studio, prefix: str = "") -> list[str]:
    return [item.key for item in desk.store.list(prefix).objects]


def rows(desk: Studio, table: sa.Table) -> int:
    with reading(desk.engine) as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def test_pictures_are_stored_recorded_and_read_back(desk: Open, scripted: Scripted, photo: bytes) -> None:
    opened = desk()
    key = generation.submit(
        opened, [upload(photo, sku="JP-1", product_name="Ramen")], order(outputs=2), by=BY
    )
    view = finished(opened, key)
    assert [output.state for output in view.outputs] == [OutputState.SUCCEEDED] * 2
    for output in view.outputs:
        assert output.object_key and output.object_key.startswith(f"generated/{key}/")
        assert opened.store.get(output.object_key) == photo, "the answer's bytes are kept untouched"
        assert output.cost_micros == 33_600
        assert output.provider_request_id == "req-1"
        assert (output.width, output.height) == (1600, 1200)
        with Image.open(io.BytesIO(opened.store.get(output.thumb_key or ""))) as thumb:
            assert (thumb.format, max(thumb.size)) == ("WEBP", 512)
    assert view.photos[0].sku == "JP-1"
    assert "The product is: Ramen." in view.photos[0].prompt
    assert len(objects(opened, f"input/{key}/")) == 1
    assert {request.variant for request in scripted.asked} == {1, 2}


def test_outputs_run_side_by_side_up_to_the_limit(desk: Open, scripted: Scripted, photo: bytes) -> None:
    scripted.latency = 0.2
    opened = desk(provider_concurrency=3)
    key = generation.submit(opened, [upload(photo), upload(photo)], order(outputs=3), by=BY)
    finished(opened, key)
    assert scripted.peak == 3


def test_answers_that_come_together_are_drawn_only_as_many_at_once_as_are_let(
    desk: Open, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them at once would keep the processors from what asks for the next pictures."""
    monkeypatch.setattr(showing, "_AT_ONCE", threading.BoundedSemaphore(2))
    read, most = picture.read_picture, list[int]()
    drawing: set[int] = set()

    def slowly(data: bytes) -> picture.Picture:
        drawing.add(threading.get_ident())
        most.append(len(drawing))
        time.sleep(0.1)
        drawing.discard(threading.get_ident())
        return read(data)

    monkeypatch.setattr(picture, "read_picture", slowly)
    opened = desk(provider_concurrency=8)
    finished(opened, generation.submit(opened, [upload(photo)] * 2, order(outputs=4), by=BY))
    assert len(most) == 8
    assert max(most) == 2


def test_a_photo_is_read_once_for_all_its_pictures(
    desk: Open, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    get = FolderStore.get
    monkeypatch.setattr(FolderStore, "get", lambda store, key: read.append(key) or get(store, key))
    opened = desk()
    view = finished(opened, generation.submit(opened, [upload(photo)], order(outputs=4), by=BY))
    assert [key for key in read if key.startswith("input/")] == [view.photos[0].object_key]


def test_one_failure_touches_one_output(desk: Open, scripted: Scripted, photo: bytes) -> None:
    scripted.script = [BadRequest("ratio")]
    opened = desk()
    view = finished(opened, generation.submit(opened, [upload(photo)], order(outputs=4), by=BY))
    states = [output.state for output in view.outputs]
    assert states.count(OutputState.SUCCEEDED) == 3
    assert states.count(OutputState.FAILED) == 1


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (OutcomeUnknown(), OutputState.UNKNOWN),
        (Blocked("picture", "IMAGE_SAFETY"), OutputState.BLOCKED),
        (NoImage("I can only describe it"), OutputState.FAILED),
        (BadRequest("ratio"), OutputState.FAILED),
        (Auth(), OutputState.FAILED),
        (RateLimited(61), OutputState.FAILED),
    ],
)
def test_each_outcome_is_told_as_it_was(
    desk: Open, scripted: Scripted, photo: bytes, error: Exception, state: OutputState
) -> None:
    scripted.script = [error]
    opened = desk()
    view = finished(opened, generation.submit(opened, [upload(photo)], order(), by=BY))
    assert view.outputs[0].state is state
    assert view.outputs[0].error_kind == type(error).__name__
    assert len(scripted.asked) == 1, "nothing is asked again by itself"


def test_a_rate_limit_that_names_a_wait_is_waited_for(desk: Open, scripted: Scripted, photo: bytes) -> None:
    scripted.script = [RateLimited(0.3)]
    opened = desk()
    view = finished(opened, generation.submit(opened, [upload(photo)], order(), by=BY))
    assert view.outputs[0].state is OutputState.SUCCEEDED
    assert len(scripted.asked) == 2


def test_a_damaged_picture_is_kept_and_said(desk: Open, scripted: Scripted, photo: bytes) -> None:
    scripted.script = [photo[: len(photo) // 2]]
    opened = desk()
    output = finished(opened, generation.submit(opened, [upload(photo)], order(), by=BY)).outputs[0]
    assert (output.state, output.error_kind) == (OutputState.FAILED, "BadImage")
    assert opened.store.get(output.object_key or "") == photo[: len(photo) // 2]
    assert output.cost_micros == 33_600


def test_retry_asks_for_failed_ones_only(desk: Open, scripted: Scripted, photo: bytes) -> None:
    scripted.script = [NoImage("words"), OutcomeUnknown(), Blocked("prompt", "SAFETY")]
    opened = desk(provider_concurrency=1)
    key = generation.submit(opened, [upload(photo)], order(outputs=3), by=BY)
    finished(opened, key)
    assert generation.retry(opened, key, by=BY) == 1
    view = finished(opened, key)
    assert sorted(output.state for output in view.outputs) == ["blocked", "succeeded", "unknown"]
    unknown = next(output for output in view.outputs if output.state is OutputState.UNKNOWN)
    assert generation.retry_output(opened, unknown.key, by=BY), "one click asks again"
    assert finished(opened, key).count(OutputState.SUCCEEDED) == 2
    assert rows(opened, schema.calls) == 5


def test_waiting_ones_can_be_stopped(desk: Open, photo: bytes) -> None:
    opened = desk(work=False)
    key = generation.submit(opened, [upload(photo)], order(outputs=3), by=BY)
    assert generation.stop_waiting(opened, key, by=BY) == 3
    assert {output.error_kind for output in generation.view(opened, key).outputs} == {"Stopped"}


def test_a_second_press_makes_no_second_task(desk: Open, photo: bytes) -> None:
    opened = desk(work=False)
    first = generation.submit(opened, [upload(photo)], order(), by=BY, key="a-draft")
    again = generation.submit(opened, [upload(photo)], order(), by=BY, key="a-draft")
    assert first == again
    assert rows(opened, schema.tasks) == 1


def test_a_refused_photo_leaves_nothing(desk: Open, photo: bytes) -> None:
    opened = desk(work=False)
    with pytest.raises(NotAnImage) as refused:
        generation.submit(opened, [upload(photo), upload(b"hello", "notes.txt")], order(), by=BY)
    assert refused.value.data["name"] == "notes.txt"
    assert rows(opened, schema.tasks) == 0
    assert objects(opened) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"preset": "no_such"},
        {"outputs": 0},
        {"outputs": 11},
        {"ratio": "7:1"},
        {"size": "9K"},
        {"provider": "nobody"},
        {"model": "gone"},
        {"style": "x" * 2001},
    ],
)
def test_an_order_that_cannot_be_made_is_refused(
    desk: Open, photo: bytes, changes: dict[str, object]
) -> None:
    opened = desk(work=False)
    with pytest.raises((OrderRefused, TextTooLong)):
        generation.submit(opened, [upload(photo)], order(**changes), by=BY)
    assert objects(opened) == []


def test_a_viewer_may_not_generate(desk: Open, photo: bytes) -> None:
    viewer = Actor(id="v", name="v", role=Role.VIEWER)
    with pytest.raises(NotAllowed):
        generation.submit(desk(work=False), [upload(photo)], order(), by=viewer)


def test_a_store_that_comes_back_loses_nothing(
    desk: Open, scripted: Scripted, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = desk(work=True)
    put, failures = opened.store.put, iter([True, True])

    def flaky(key: str, data: bytes, content_type: str) -> None:
        if key.startswith("generated/") and next(failures, False):
            raise StorageUnavailable("down")
        put(key, data, content_type)

    monkeypatch.setattr(opened.store, "put", flaky)
    view = finished(opened, generation.submit(opened, [upload(photo)], order(), by=BY))
    assert view.outputs[0].state is OutputState.SUCCEEDED
    assert len(scripted.asked) == 1


def test_a_dead_process_is_told_truthfully(desk: Open, photo: bytes) -> None:
    opened = desk(work=False)
    key = generation.submit(opened, [upload(photo)], order(outputs=3), by=BY)
    past = clock.now() - timedelta(seconds=60)
    with writing(opened.engine) as connection:
        dead = queue.register_worker(
            connection, {"key": "dead", "host": "h", "started_at": past, "lease_until": past}
        )
        ids = queue.claim(
            connection, worker_id=dead, providers=["gemini"], store="folder", limit=2, now=clock.now()
        )
        call = {"key": "call-1", "request_key": "r", "sent_at": past, "usage": {}}
        queue.begin_call(connection, ids[0], dead, call)
    assert len(recovery.recover(opened)) == 2
    states = {output.id: output.state for output in generation.view(opened, key).outputs}
    assert states[ids[0]] is OutputState.UNKNOWN, "it was sent: it may have been charged"
    assert states[ids[1]] is OutputState.QUEUED, "nothing was sent"


def test_a_live_process_is_left_alone(desk: Open, photo: bytes) -> None:
    opened = desk(work=False)
    key = generation.submit(opened, [upload(photo)], order(), by=BY)
    with writing(opened.engine) as connection:
        soon = clock.now() + timedelta(seconds=20)
        live = queue.register_worker(
            connection, {"key": "live", "host": "h", "started_at": clock.now(), "lease_until": soon}
        )
        queue.claim(
            connection, worker_id=live, providers=["gemini"], store="folder", limit=2, now=clock.now()
        )
    assert recovery.recover(opened) == []
    assert generation.view(opened, key).outputs[0].state is OutputState.RUNNING


def test_work_of_another_process_is_found(desk: Open, photo: bytes) -> None:
    """A row that another process wrote is claimed without a word from it."""
    opened = desk(work=False)
    key = generation.submit(opened, [upload(photo)], order(), by=BY)
    started = time.monotonic()
    second = desk(work=True)
    assert finished(second, key).outputs[0].state is OutputState.SUCCEEDED
    assert time.monotonic() - started < 10


def test_a_desk_without_work_writes_nothing(desk: Open) -> None:
    studio = desk()
    time.sleep(1)  # It says that it is there, once.
    written = studio.written
    time.sleep(2.5)
    assert studio.written == written, "each look for work of others would hold up who writes"
