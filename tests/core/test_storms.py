"""Sixteen pictures on Postgres, R2 and Gemini while one of them goes away: all end truthfully, none twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import budget, generation, language, spool
from core.database import schema
from core.database.engine import reading
from core.model import OutputState
from core.runner import Runner
from core.settings import load_settings
from core.studio import Studio, open_studio
from tests.conftest import BY, finished, order, upload
from tests.parts import moto_gate
from tests.parts.models import KEY, ModelServer, Reply
from tests.parts.moto_gate import Gate, Token
from tests.parts.postgres import Postgres

TOKEN = Token(key="desk-key", secret="desk-secret", buckets=("pictures",))
MODEL = {"model": "gemini-nano-banana-2.1", "ratio": "1:1"}
COST = 36_882
OUTAGE = 10.0


@pytest.fixture(scope="module")
def whole_gate() -> Iterator[Gate]:
    with moto_gate.serving(TOKEN, buckets=["pictures"]) as found:
        yield found


@pytest.fixture
def gate(whole_gate: Gate) -> Iterator[Gate]:
    whole_gate.calm()
    yield whole_gate
    whole_gate.calm()


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with ModelServer() as server:
        server.script = [Reply(delay=0.3) for _ in range(100)]
        yield server


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    url = postgres.fresh()
    yield url
    postgres.drop(url)


def settings(folder: Path, url: str, gate: Gate, model: ModelServer) -> Any:
    return load_settings(
        database_url=url,
        upload_dir=folder / "media",
        app_secret="a secret for tests",
        use_r2_storage=True,
        r2_endpoint=gate.url,
        r2_bucket="pictures",
        r2_access_key=TOKEN.key,
        r2_secret_key=TOKEN.secret,
        image_provider="gemini",
        gemini_api_key=KEY,
        google_gemini_base_url=model.base,
    )


@pytest.fixture
def desk(tmp_path: Path, url: str, gate: Gate, model: ModelServer) -> Iterator[Studio]:
    with open_studio(settings(tmp_path, url, gate, model)) as opened:
        yield opened


@pytest.fixture
def idle(tmp_path: Path, url: str, gate: Gate, model: ModelServer) -> Iterator[Studio]:
    """The same, and nobody claims."""
    with open_studio(settings(tmp_path, url, gate, model), work=False) as opened:
        yield opened


def calls(desk: Studio) -> list[Any]:
    with reading(desk.engine) as connection:
        return list(connection.execute(sa.select(schema.calls)).all())


def sixteen(desk: Studio, photo: bytes) -> str:
    return generation.submit(desk, [upload(photo)] * 2, order(**MODEL, outputs=8), by=BY)


def until_sent(model: ModelServer, count: int) -> None:
    end = time.monotonic() + 20
    while len(model.asked) < count:
        assert time.monotonic() < end, "the task does not get on"
        time.sleep(0.01)


def all_are_there(desk: Studio, model: ModelServer, key: str) -> None:
    """Sixteen pictures, each asked and paid for once, each in the store, and nothing left over."""
    view = finished(desk, key, seconds=90)
    assert [output.state for output in view.outputs] == [OutputState.SUCCEEDED] * 16
    assert len(model.asked) == 16
    assert [call.outcome for call in calls(desk)] == ["picture"] * 16
    assert {output.object_key for output in view.outputs} == {call.object_key for call in calls(desk)}
    for output in view.outputs:
        assert len(desk.store.get(output.object_key or "")) == output.bytes
        assert desk.store.head(output.thumb_key or "")
    assert spool.left(desk) == []
    spend = budget.today(desk)
    assert (spend.spent, spend.reserved, spend.possible) == (16 * COST, 0, 0)


def test_postgres_restarts_in_the_middle(
    desk: Studio, model: ModelServer, photo: bytes, postgres: Postgres
) -> None:
    key = sixteen(desk, photo)
    until_sent(model, 6)
    with postgres.away():
        time.sleep(1)
    all_are_there(desk, model, key)


def test_the_store_answers_503_for_ten_seconds(
    desk: Studio, gate: Gate, model: ModelServer, photo: bytes
) -> None:
    """In the middle: some photos are read, some pictures sent, some stored."""
    key = sixteen(desk, photo)
    until_sent(model, 6)
    away(gate)
    all_are_there(desk, model, key)


def test_the_store_is_away_before_anything_is_sent(
    idle: Studio, gate: Gate, model: ModelServer, photo: bytes
) -> None:
    key = sixteen(idle, photo)
    runner = Runner(idle)
    runner.start()
    try:
        away(gate)
        assert model.asked == []
        all_are_there(idle, model, key)
    finally:
        runner.stop()


def away(gate: Gate) -> None:
    gate.failures[:] = [503] * 1_000_000
    time.sleep(OUTAGE)
    gate.failures.clear()


def test_a_key_that_lost_its_right_to_write_costs_no_picture(
    desk: Studio, gate: Gate, model: ModelServer, photo: bytes
) -> None:
    """It is not tried again and again; what came is kept, told so, and taken up when the right is back."""
    key = generation.submit(desk, [upload(photo)], order(**MODEL, outputs=2), by=BY)
    until_sent(model, 2)
    gate.tokens[:] = [replace(TOKEN, write=False)]
    try:
        view = finished(desk, key)
        for output in view.outputs:
            assert (output.state, output.error_kind) == (OutputState.FAILED, "StorageDenied")
            said = language.words("en").sentence(output.error_kind or "", output.error_data)
            assert said.startswith("The picture came and is kept on this computer: do not ask again.")
        refused = [seen for seen in gate.seen if seen.method == "PUT" and "/generated/" in seen.path]
        assert len(refused) == 2, "no moment changes it, so it is not tried again"
        assert generation.retry(desk, key, by=BY) == 0, "Retry for all would pay twice"
    finally:
        gate.tokens[:] = [TOKEN]
    end = time.monotonic() + 20
    while generation.view(desk, key).count(OutputState.SUCCEEDED) < 2:
        assert time.monotonic() < end, "the answers were not taken up"
        time.sleep(0.05)
    assert len(model.asked) == 2
    assert spool.left(desk) == []
