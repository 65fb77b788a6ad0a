"""An answer that came is kept, whatever happens to the store, the database or the process after it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from core import budget, clock, generation, keeping, language, outcomes, recovery, spool
from core.database import provider_states, queue, tasks
from core.database.engine import reading, writing
from core.errors import NotSent, Overloaded, PackshotError, RateLimited, StorageDenied, StorageUnavailable
from core.model import OutputState
from core.providers import ImageAnswer
from core.storage.folder import FolderStore
from core.studio import Studio
from tests.conftest import BY, Scripted, finished, on_both, order, upload

pytestmark = on_both
Open = Callable[..., Studio]
EACH = 33_600


def sent_by_a_dead_process(opened: Studio, photo: bytes, *, call_key: str = "call-1") -> tuple[str, int, str]:
    """A task with one output that was sent; returns its key, the output's id and the call's key."""
    key = generation.submit(opened, [upload(photo)], order(), by=BY, again=True)
    past = clock.now() - timedelta(seconds=60)
    values = {"key": call_key, "request_key": "r", "sent_at": past, "usage": {}}
    money = {"day": budget.day_of(opened, past), "payer": BY.id, "reserved_micros": EACH}
    with writing(opened.engine) as connection:
        dead = queue.register_worker(
            connection, {"key": f"dead-{call_key}", "host": "h", "started_at": past, "lease_until": past}
        )
        (output_id,) = queue.claim(
            connection, worker_id=dead, providers=["gemini"], store="folder", limit=1, now=clock.now()
        )
        queue.begin_call(connection, output_id, dead, {**values, **money})
        budget.reserve(opened, connection, day=money["day"], payer=BY.id, micros=EACH)
    return key, output_id, call_key


def test_an_answer_in_the_spool_of_a_dead_process_becomes_the_picture(desk: Open, photo: bytes) -> None:
    opened = desk(work=False)
    key, output_id, call_key = sent_by_a_dead_process(opened, photo)
    answer = ImageAnswer(data=photo, cost_micros=EACH, request_id="req-9")
    spool.keep(opened, call_key, answer, 1234)
    assert recovery.recover(opened) == [output_id]
    assert budget.today(opened).possible == EACH
    assert recovery.adopt_spooled(opened) == 1
    output = generation.view(opened, key).outputs[0]
    assert (output.state, output.provider_request_id, output.latency_ms) == ("succeeded", "req-9", 1234)
    assert opened.store.get(output.object_key or "") == photo
    spend = budget.today(opened)
    assert (spend.spent, spend.possible, spend.reserved) == (EACH, 0, 0)
    assert spool.left(opened) == []


def test_an_object_without_its_row_becomes_the_picture(desk: Open, photo: bytes) -> None:
    opened = desk(work=False)
    key, output_id, call_key = sent_by_a_dead_process(opened, photo)
    opened.store.put(f"generated/{key}/{call_key}.jpg", photo, "image/jpeg")
    recovery.recover(opened)
    assert recovery.adopt_stored(opened, output_id)
    output = generation.view(opened, key).outputs[0]
    assert (output.state, output.cost_micros) == (OutputState.SUCCEEDED, None)
    assert budget.today(opened).possible == EACH, "what it cost is not known"


def test_without_an_answer_it_is_said_that_it_may_have_been_charged(desk: Open, photo: bytes) -> None:
    opened = desk(work=False)
    key, output_id, _ = sent_by_a_dead_process(opened, photo)
    recovery.recover(opened)
    assert not recovery.adopt_stored(opened, output_id)
    assert generation.view(opened, key).outputs[0].state is OutputState.UNKNOWN
    assert budget.today(opened).possible == EACH


def test_a_store_that_stays_away_loses_nothing(
    desk: Open, scripted: Scripted, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, down = FolderStore.put, [True]

    def away(self: FolderStore, key: str, data: bytes, content_type: str) -> None:
        if down[0] and key.startswith("generated/"):
            raise StorageUnavailable("down")
        put(self, key, data, content_type)

    monkeypatch.setattr(FolderStore, "put", away)
    monkeypatch.setattr(keeping, "PAUSE", 0.01)
    opened = desk()
    key = generation.submit(opened, [upload(photo)], order(), by=BY)
    output = finished(opened, key).outputs[0]
    assert (output.state, output.error_kind) == (OutputState.FAILED, "StorageUnavailable")
    said = language.words("en").sentence("StorageUnavailable", output.error_data)
    assert said.startswith("The picture came and is kept on this computer: do not ask again.")
    down[0] = False
    until = time.monotonic() + 10
    while generation.view(opened, key).outputs[0].state is not OutputState.SUCCEEDED:
        assert time.monotonic() < until, "the answer was not taken up"
        time.sleep(0.05)
    assert len(scripted.asked) == 1
    spend = budget.today(opened)
    assert (spend.spent, spend.possible, spend.reserved) == (EACH, 0, 0)


def test_a_photo_that_the_store_does_not_give_waits_in_the_queue(
    desk: Open, scripted: Scripted, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was sent, so it is asked for as soon as the store is back; others are not held up by it."""
    get, away = FolderStore.get, [1_000_000]

    def failing(self: FolderStore, key: str) -> bytes:
        if key.startswith("input/") and away[0]:
            away[0] -= 1
            raise StorageUnavailable("503 ServiceUnavailable")
        return get(self, key)

    monkeypatch.setattr(FolderStore, "get", failing)
    monkeypatch.setattr(outcomes, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr("core.runner._LOOK", 0.02)
    opened = desk()
    output = finished(opened, generation.submit(opened, [upload(photo)], order(), by=BY)).outputs[0]
    assert (output.state, output.error_kind, output.attempts) == ("failed", "StorageUnavailable", 6)
    assert "Nothing is sent or charged" in language.words("en").sentence(
        "StorageUnavailable", output.error_data
    )
    assert scripted.asked == []
    with reading(opened.engine) as connection:
        assert provider_states.all_of(connection) == [], "the provider has nothing to do with it"
    away[0] = 3
    output = finished(opened, generation.submit(opened, [upload(photo)], order(), by=BY)).outputs[0]
    assert (output.state, output.error_kind, output.attempts) == ("succeeded", None, 4)
    assert len(scripted.asked) == 1


def test_the_next_is_asked_for_while_an_answer_is_stored(
    desk: Open, scripted: Scripted, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two calls at once; a store that hangs holds two more in hand, and then nothing new is sent."""
    put, goes_on = FolderStore.put, threading.Event()

    def hanging(self: FolderStore, key: str, data: bytes, content_type: str) -> None:
        if key.startswith("generated/"):
            goes_on.wait(20)
        put(self, key, data, content_type)

    monkeypatch.setattr(FolderStore, "put", hanging)
    scripted.latency = 0.1
    opened = desk(provider_concurrency=2)
    key = generation.submit(opened, [upload(photo)], order(outputs=7), by=BY)
    until = time.monotonic() + 10
    while len(scripted.asked) < 4 or scripted.running:
        assert time.monotonic() < until, "it waits for the store"
        time.sleep(0.02)
    time.sleep(1.5)  # Longer than between two looks.
    view = generation.view(opened, key)
    assert (len(scripted.asked), view.count(OutputState.RUNNING), view.count(OutputState.QUEUED)) == (4, 4, 3)
    goes_on.set()
    assert finished(opened, key).count(OutputState.SUCCEEDED) == 7
    assert (len(scripted.asked), scripted.peak) == (7, 2)


def test_a_full_disk_and_a_store_that_is_away_lose_nothing_either(
    desk: Open, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, refused = FolderStore.put, []

    def away(self: FolderStore, key: str, data: bytes, content_type: str) -> None:
        if key.endswith(".answer") or (key.startswith("generated/") and len(refused) < 8):
            refused.append(key)
            raise StorageUnavailable("full")
        put(self, key, data, content_type)

    monkeypatch.setattr(FolderStore, "put", away)
    monkeypatch.setattr(keeping, "PAUSE", 0.001)
    opened = desk()
    output = finished(opened, generation.submit(opened, [upload(photo)], order(), by=BY)).outputs[0]
    assert output.state is OutputState.SUCCEEDED
    assert len(refused) == 8


@pytest.mark.parametrize(
    ("error", "english", "chinese"),
    [
        (
            Overloaded(),
            "The model is busy. It is asked again by itself in a moment.",
            "模型繁忙，稍後會自動再試。",
        ),
        (
            NotSent(),
            "The model can't be reached. Nothing was charged. It is tried again by itself in a moment.",
            "無法連接模型，未有收費，稍後會自動再試。",
        ),
        (
            RateLimited(None),
            "Too many requests. Nothing is lost. It goes on by itself in a moment.",
            "要求過多，沒有遺失資料，稍後自動繼續。",
        ),
        (
            RateLimited(30),
            "Too many requests. Nothing is lost. It goes on in 30 s.",
            "要求過多，沒有遺失資料，30 秒後自動繼續。",
        ),
    ],
)
def test_what_waits_does_not_say_that_it_is_over(
    desk: Open,
    scripted: Scripted,
    photo: bytes,
    error: PackshotError,
    english: str,
    chinese: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outcomes, "FIRST_PAUSE", 20)
    scripted.script = [error]
    opened = desk()
    key = generation.submit(opened, [upload(photo)], order(), by=BY)
    until = time.monotonic() + 10
    while (output := generation.view(opened, key).outputs[0]).error_kind is None:
        assert time.monotonic() < until, "nothing came"
        time.sleep(0.02)
    assert (output.state, output.error_kind) == (OutputState.QUEUED, error.kind)
    for code, said in (("en", english), ("zh", chinese)):
        assert language.words(code).sentence(error.kind, output.error_data) == said


def test_an_answer_that_is_refused_holds_up_no_other(
    desk: Open, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = desk(work=False)
    _, _, refused = sent_by_a_dead_process(opened, photo, call_key="call-1")
    key, _, good = sent_by_a_dead_process(opened, photo, call_key="call-2")
    for call_key in (refused, good):
        spool.keep(opened, call_key, ImageAnswer(data=photo, cost_micros=EACH), None)
    recovery.recover(opened)
    put = FolderStore.put

    def denied(self: FolderStore, key: str, data: bytes, content_type: str) -> None:
        if key.startswith("generated/") and refused in key:
            raise StorageDenied("no")
        put(self, key, data, content_type)

    monkeypatch.setattr(FolderStore, "put", denied)
    with pytest.raises(StorageDenied):
        recovery.adopt_spooled(opened)
    assert generation.view(opened, key).outputs[0].state is OutputState.SUCCEEDED
    assert spool.left(opened) == [refused]


def test_the_spool_of_another_database_is_left_alone(desk: Open, photo: bytes, tmp_path: Path) -> None:
    opened = desk(work=False)
    generation.submit(opened, [upload(photo)], order(), by=BY)
    spool.keep(opened, "somebody-elses", ImageAnswer(data=photo, cost_micros=1), None)
    assert recovery.adopt_spooled(opened) == 0
    assert spool.left(opened) == ["somebody-elses"]


def test_a_finished_picture_leaves_no_answer_behind(desk: Open, photo: bytes) -> None:
    opened = desk()
    view = finished(opened, generation.submit(opened, [upload(photo)], order(outputs=3), by=BY))
    assert spool.left(opened) == []
    with reading(opened.engine) as connection:
        verbs = [event.verb for event in tasks.events_of(connection, view.outputs[0].id)]
    assert verbs == ["output.succeeded"]
