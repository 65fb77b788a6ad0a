"""5 photos of 2 MP x 3 outputs, a provider of 2 s, 8 side by side, over the ideal of ceil(15/8) x 2 s.

Once on SQLite and a folder; once on Postgres and Cloudflare's emulator of R2, with 20 ms more for each call
of the store. There the statements and the calls of the store are counted for each output.
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
from core.storage.links import LinkSigner
from core.storage.r2 import R2Store
from core.studio import Studio, open_studio
from tests.bench.measure import line
from tests.conftest import BY, Scripted, order, upload
from tests.parts import postgres
from tests.parts.miniflare import emulating

LATENCY = 2.0
PHOTOS, OUTPUTS, SLOTS = 5, 3, 8
STORE_LATENCY = 0.02


def run() -> Iterator[str]:
    photo = two_megapixels()
    with tempfile.TemporaryDirectory() as folder:
        values = {"database_url": f"sqlite:///{Path(folder) / 'b.db'}", "upload_dir": Path(folder) / "media"}
        with opened(photo, **values) as (studio, provider):
            yield from measured("SQLite, folder", studio, provider)
    keys = ("bench-key", "bench-secret")
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as bucket,
        postgres.running() as server,
        emulating(Path(bucket), {"bench": keys}) as emulator,
    ):
        values = {"database_url": server.fresh(), "upload_dir": Path(folder) / "media"}
        slow = Slow(
            R2Store(
                endpoint=emulator.endpoint,
                bucket="bench",
                access_key=keys[0],
                secret_key=keys[1],
                signer=LinkSigner("a secret for measuring"),
                workers=2 * SLOTS,
            )
        )
        with opened(photo, store=slow, **values) as (studio, provider):
            yield from measured("Postgres, R2", studio, provider, slow)


class Slow:
    """A store that is farther away: every call takes 20 ms more, and is counted."""

    def __init__(self, store: R2Store) -> None:
        self._store = store
        self.name = store.name
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._store, name)

        def later(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            time.sleep(STORE_LATENCY)
            return act(*arguments, **named)

        return later


def two_megapixels() -> bytes:
    with Image.open(io.BytesIO(sample_photo())) as image:
        out = io.BytesIO()
        image.resize((1632, 1224)).save(out, "JPEG", quality=90)
    return out.getvalue()


@contextmanager
def opened(photo: bytes, store: Any = None, **values: Any) -> Iterator[tuple[Studio, Scripted]]:
    provider = Scripted(photo)
    provider.latency = LATENCY
    settings = load_settings(app_secret="a secret for measuring", provider_concurrency=SLOTS, **values)
    with open_studio(settings, providers={"gemini": provider}, store=store) as studio:
        time.sleep(1)
        yield studio, provider


def measured(where: str, studio: Studio, provider: Scripted, store: Slow | None = None) -> Iterator[str]:
    started = time.perf_counter()
    key = generation.submit(studio, [upload(provider.picture)] * PHOTOS, order(outputs=OUTPUTS), by=BY)
    submitted = time.perf_counter() - started
    asked = store.calls if store else 0
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
    if store:
        counts += f" and {(store.calls - asked) / n:.1f} calls of the store"
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
