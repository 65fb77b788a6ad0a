"""5 photos of 2 MP x 3 outputs, a provider of 2 s, 8 side by side, over the ideal of ceil(15/8) x 2 s."""

from __future__ import annotations

import io
import math
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from core import generation
from core.images.sample import sample_photo
from core.settings import load_settings
from core.studio import open_studio
from tests.bench.measure import line
from tests.conftest import BY, Scripted, order, upload

LATENCY = 2.0


def run() -> Iterator[str]:
    with Image.open(io.BytesIO(sample_photo())) as image:
        out = io.BytesIO()
        image.resize((1632, 1224)).save(out, "JPEG", quality=90)
    photo = out.getvalue()
    provider = Scripted(photo)
    provider.latency = LATENCY
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(
            database_url=f"sqlite:///{Path(folder) / 'b.db'}",
            upload_dir=Path(folder) / "media",
            app_secret="a secret for measuring",
            provider_concurrency=8,
        )
        with open_studio(settings, providers={"gemini": provider}) as studio:
            time.sleep(1)
            started = time.perf_counter()
            key = generation.submit(studio, [upload(photo)] * 5, order(outputs=3), by=BY)
            submitted = time.perf_counter() - started
            while (view := generation.view(studio, key)).pending:
                time.sleep(0.05)
            created = view.task.created_at
            last = max(o.finished_at for o in view.outputs if o.finished_at)
            took = (last - created).total_seconds()
            ideal = math.ceil(15 / 8) * LATENCY
            yield line("rows created to last finished, over the ideal", took, ideal, 1.15)
            calls = f"{len(provider.asked)} calls, at most {provider.peak} at once"
            yield f"submit {submitted * 1000:.0f} ms; {calls}"
