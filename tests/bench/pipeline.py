"""5 photos of 2 MP x 3 outputs, a provider of 2 s, 8 side by side, over the ideal of ceil(15/8) x 2 s.

Once on SQLite and a folder; once on Postgres and R2, with 20 ms more for each call of the store. There the
statements and the calls of the store are counted for each output.
"""

from __future__ import annotations

import io
import math
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from PIL import Image

from core import generation
from core.images.sample import sample_photo
from core.model import OutputState
from core.settings import load_settings
from core.studio import Studio, open_studio
from tests.bench.measure import line
from tests.conftest import BY, Scripted, order, upload
from tests.parts import moto_gate, postgres
from tests.parts.moto_gate import Gate, Token

LATENCY = 2.0
PHOTOS, OUTPUTS, SLOTS = 5, 3, 8
STORE_LATENCY = 0.02


def run() -> Iterator[str]:
    photo = two_megapixels()
    with tempfile.TemporaryDirectory() as folder:
        values = {"database_url": f"sqlite:///{Path(folder) / 'b.db'}", "upload_dir": Path(folder) / "media"}
        with opened(photo, **values) as (studio, provider):
            yield from measured("SQLite, folder", studio, provider)
    token = Token(key="bench-key", secret="bench-secret", buckets=("bench",))
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres.running() as server,
        moto_gate.serving(token, buckets=["bench"]) as gate,
    ):
        values = {
            "database_url": server.fresh(),
            "upload_dir": Path(folder) / "media",
            "use_r2_storage": True,
            "r2_endpoint": gate.url,
            "r2_bucket": "bench",
            "r2_access_key": token.key,
            "r2_secret_key": token.secret,
        }
        with opened(photo, **values) as (studio, provider):
            gate.latency = STORE_LATENCY
            yield from measured("Postgres, R2", studio, provider, gate)


def two_megapixels() -> bytes:
    with Image.open(io.BytesIO(sample_photo())) as image:
        out = io.BytesIO()
        image.resize((1632, 1224)).save(out, "JPEG", quality=90)
    return out.getvalue()


@contextmanager
def opened(photo: bytes, **values: Any) -> Iterator[tuple[Studio, Scripted]]:
    provider = Scripted(photo)
    provider.latency = LATENCY
    settings = load_settings(app_secret="a secret for measuring", provider_concurrency=SLOTS, **values)
    with open_studio(settings, providers={"gemini": provider}) as studio:
        time.sleep(1)
        yield studio, provider


def measured(where: str, studio: Studio, provider: Scripted, gate: Gate | None = None) -> Iterator[str]:
    started = time.perf_counter()
    key = generation.submit(studio, [upload(provider.picture)] * PHOTOS, order(outputs=OUTPUTS), by=BY)
    submitted = time.perf_counter() - started
    asked = len(gate.seen) if gate else 0
    with statements(studio.engine) as counted:
        while running(studio):
            time.sleep(0.2)
    n = PHOTOS * OUTPUTS
    view = generation.view(studio, key)
    assert view.count(OutputState.SUCCEEDED) == n
    last = max(output.finished_at for output in view.outputs if output.finished_at)
    took = (last - view.task.created_at).total_seconds()
    yield line(f"{where}: created to finished, over the ideal", took, math.ceil(n / SLOTS) * LATENCY, 1.15)
    calls = f"{len(provider.asked)} calls, at most {provider.peak} at once"
    counts = f"{counted[0] / n:.1f} statements"
    if gate:
        counts += f" and {(len(gate.seen) - asked) / n:.1f} calls of the store"
    yield f"{where}: submit {submitted * 1000:.0f} ms; {calls}; {counts} for each output"


def running(studio: Studio) -> bool:
    """One small look, so that looking is not what is measured."""
    with studio.engine.connect() as connection:
        left = "SELECT count(*) FROM outputs WHERE state IN ('queued', 'running')"
        return bool(connection.execute(sa.text(left)).scalar_one())


@contextmanager
def statements(engine: sa.Engine) -> Iterator[list[int]]:
    """Counts those that reach the database within the block."""
    counted = [0]

    def count(*_: Any) -> None:
        counted[0] += 1

    sa.event.listen(engine, "before_cursor_execute", count)
    try:
        yield counted
    finally:
        sa.event.remove(engine, "before_cursor_execute", count)
