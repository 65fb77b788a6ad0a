"""One 12 MP photo, one output, latency 0: submit to finished row over decode + LANCZOS 512 + WebP of it."""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from core import generation
from core.images.sample import sample_photo
from core.settings import load_settings
from core.studio import open_studio
from tests.bench.measure import alternated, line, seconds
from tests.conftest import BY, Scripted, order, upload


def run() -> Iterator[str]:
    with Image.open(io.BytesIO(sample_photo())) as image:
        large, small = io.BytesIO(), io.BytesIO()
        image.resize((4000, 3000)).save(large, "JPEG", quality=92)
        image.resize((1024, 1024)).save(small, "JPEG", quality=92)
    photo = large.getvalue()

    def reference() -> None:
        with Image.open(io.BytesIO(photo)) as image:
            image.load()
            image.resize((512, 384), Image.Resampling.LANCZOS).save(io.BytesIO(), "WEBP")

    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(
            database_url=f"sqlite:///{Path(folder) / 'b.db'}",
            upload_dir=Path(folder) / "media",
            app_secret="a secret for measuring",
        )
        with open_studio(settings, providers={"gemini": Scripted(small.getvalue())}) as studio:

            def ours() -> None:
                key = generation.submit(studio, [upload(photo)], order(ratio="1:1"), by=BY, again=True)
                while generation.view(studio, key).pending:
                    time.sleep(0.002)

            ours()
            mine, other = alternated(lambda: seconds(ours), lambda: seconds(reference), 9)
            yield line("submit to finished row, over one decode + thumbnail", mine, other, 3.0)
