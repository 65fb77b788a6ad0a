"""What each outcome of a provider leaves behind, from the press of Generate to the sentence on the card."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import budget, clock, generation, language, outcomes, runner, spool
from core.database import provider_states, schema
from core.database.engine import reading, writing
from core.model import OutputState
from core.providers import http
from core.providers.refusals import next_pacific_midnight
from core.settings import load_settings
from core.studio import Studio, open_studio
from tests.conftest import BY, finished, order, upload
from tests.parts.models import KEY, ModelServer, picture
from tests.providers.conftest import MODELS
from tests.providers.fault_rows import EVERY, ROWS, SAID, STATES, STOPS, Row

EACH = {"gemini": 33_600, "gateway": 0, "openai": 0}
"""Micro-dollars set aside for a call; of the other two nobody knows the price before."""
COST = {"gemini": 36_882, "gateway": 0, "openai": 39_780}
"""What the usage of a whole answer comes to; a gateway reports none."""
PHOTO = picture((96, 96))


@contextmanager
def opened(folder: Path, base: str) -> Iterator[Studio]:
    settings = load_settings(
        database_url=f"sqlite:///{folder / 'packshot.db'}",
        upload_dir=folder / "media",
        app_secret="a secret for tests",
        gemini_api_key=KEY,
        google_gemini_base_url=base,
        nano_banana_api_key=KEY,
        nano_banana_api_base=f"{base}/v1",
        nano_banana_model=MODELS["gateway"],
        openai_api_key=KEY,
        openai_base_url=f"{base}/v1",
        openai_model=MODELS["openai"],
    )
    with open_studio(settings) as desk:
        yield desk


def checked(desk: Studio, server: ModelServer, who: str, row: Row) -> None:
    """Run one row of the table to its end and hold it to what it says."""
    before, seen = budget.today(desk), len(server.asked)
    server.script = row.answers(who)
    wanted = order(provider=who, model=MODELS[who], ratio="1:1")
    key = generation.submit(desk, [upload(PHOTO, product_name=row.name)], wanted, by=BY, again=True)
    output = finished(desk, key).outputs[0]
    assert (output.state, output.error_kind) == (STATES.get(row.kind, OutputState.FAILED), row.kind)
    server.script = []

    with reading(desk.engine) as connection:
        query = sa.select(schema.calls).where(schema.calls.c.output_id == output.id)
        calls = connection.execute(query.order_by(schema.calls.c.id)).all()
        stopped = {found.provider for found in provider_states.stopped(connection, clock.now())}
    assert len(calls) == row.calls, "journalled"
    assert len(server.asked) - seen == (0 if row.base else row.calls), "seen by the server"
    assert calls[-1].outcome == (row.kind or "picture")

    after = budget.today(desk)
    money = (after.spent - before.spent, after.possible - before.possible, after.reserved)
    assert money == (row.spent * COST[who], row.possible * EACH[who], 0)
    assert sum(call.cost_micros or 0 for call in calls) == money[0]

    kept = desk.store.get(calls[-1].object_key) if calls[-1].object_key else None
    if row.kind in (None, "BadImage"):
        assert kept is not None
        assert kept == (row.kept or kept)
        shown = desk.store.get(output.object_key or "")
        assert (output.bytes, output.sha256) == (len(shown), hashlib.sha256(shown).hexdigest())
        assert (row.notes or {}).items() <= dict(output.notes).items()
    else:
        assert (kept, output.object_key) == (None, None)
    assert spool.left(desk) == []
    if row.kind is None:
        assert desk.store.head(output.thumb_key or "")

    until = next_pacific_midnight(clock.now()).astimezone(desk.settings.zone)
    for code, said in zip(("en", "zh"), row.said or SAID[row.kind], strict=True):
        if row.kind:
            sentence = language.words(code).sentence(row.kind, output.error_data, zone=desk.settings.zone)
            assert sentence == said.format(until=f"{until:%Y-%m-%d %H:%M}")

    assert (who in stopped) == (row.kind in STOPS)
    with writing(desk.engine) as connection:
        provider_states.resume(connection, [who])
        connection.execute(sa.update(schema.provider_states).values(cooldown_until=None))


@pytest.mark.parametrize("who", EVERY)
def test_each_outcome_leaves_the_truth_behind(
    who: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(runner, "_LOOK", 0.02)
    monkeypatch.setattr("core.providers.fetch._TRIES", 1)
    patience = [20.0]

    def post(*where: Any, read: float, **body: Any) -> http.Reply:
        return http.post(*where, read=patience[0], **body)

    where = {"gemini": "gemini_api"}.get(who, who)
    monkeypatch.setattr(f"core.providers.{where}.post", post)
    with ModelServer() as server, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        bases = {
            None: server.base,
            "closed": f"http://127.0.0.1:{closed.getsockname()[1]}",
            "tls": server.base.replace("http:", "https:"),
        }
        for base, address in bases.items():
            with opened(tmp_path, address) as desk:
                for row in [row for row in ROWS if who in row.who and row.base == base]:
                    patience[0] = 0.5 if row.name == "no answer in time" else 20.0
                    try:
                        checked(desk, server, who, row)
                    except AssertionError as error:
                        error.add_note(f"{who}: {row.name}")
                        raise
