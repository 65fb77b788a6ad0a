"""500 approved pictures of 2 MP as a zip: the rate over plain zipfile + Pillow, and the memory above idle.

Both run in processes of their own, in turn, over the same folder and database: ours is the whole export with
lineage and lists, the plain one opens each file, encodes it again and writes it into a zip.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from core import clock, export, generation
from core.database.engine import writing
from core.database.schema import outputs, reviews
from core.settings import load_settings
from core.studio import Studio, open_studio
from tests.bench.measure import least
from tests.bench.pipeline import two_megapixels
from tests.browser import ROOT
from tests.conftest import BY, Scripted, finished, order, upload

PICTURES = 500
RUNS = 3
MEMORY = 150
"""MB above idle, at most."""


def run() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        ours, plain = [], []
        for _ in range(RUNS):
            ours.append(child(folder, "ours"))
            plain.append(child(folder, "plain"))
    mine, other = (sorted(one["rate"] for one in many)[RUNS // 2] for many in (ours, plain))
    yield least(f"{PICTURES} pictures of 2 MP, over zipfile + Pillow", mine, other, 0.8)
    peak = max(one["peak"] - one["idle"] for one in ours)
    verdict = "within" if peak <= MEMORY else "OVER"
    idle = ours[0]["idle"]
    yield f"peak memory above an idle desk of {idle:.0f} MB: {peak:.0f} MB ({verdict} {MEMORY} MB)"
    yield f"a zip of {ours[0]['bytes'] / 1e6:.0f} MB; its first byte after {ours[0]['first'] * 1000:.0f} ms"


def child(folder: str, which: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.export", folder, which]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


@contextmanager
def opened(folder: Path, picture: bytes = b"") -> Iterator[Studio]:
    settings = load_settings(
        database_url=f"sqlite:///{folder / 'b.db'}",
        upload_dir=folder / "media",
        app_secret="a secret for measuring",
    )
    with open_studio(settings, work=bool(picture), providers={"gemini": Scripted(picture)}) as studio:
        yield studio


def prepare(folder: Path) -> None:
    """One picture of the pipeline, and as many like it as are wanted."""
    picture = two_megapixels()
    with opened(folder, picture) as studio:
        key = generation.submit(studio, [upload(picture, sku="BENCH-1")], order(), by=BY)
        (first,) = finished(studio, key).outputs
        with writing(studio.engine) as connection:
            row = dict(connection.execute(sa.select(outputs)).mappings().one())
            del row["id"]
            for n in range(2, PICTURES + 1):
                copy = row | {
                    "key": str(uuid.uuid4()),
                    "variant": n,
                    "object_key": f"generated/bench/{n}.jpg",
                }
                studio.store.put(copy["object_key"], picture, "image/jpeg")
                connection.execute(sa.insert(outputs).values(copy))
            connection.execute(sa.update(outputs).values(review="approved"))
            for number in connection.execute(sa.select(outputs.c.id)).scalars().all():
                values = {"output_id": number, "at": clock.now(), "actor": "mei", "verdict": "approved"}
                connection.execute(sa.insert(reviews).values(key=str(uuid.uuid4()), note="", **values))
            own = sa.select(reviews.c.id).where(reviews.c.output_id == outputs.c.id).scalar_subquery()
            connection.execute(sa.update(outputs).values(review_id=own))
        assert first.width and first.height and first.width * first.height > 1_900_000


def ours(folder: Path) -> dict[str, float]:
    with opened(folder) as studio:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # The peak counts from here.
        idle = memory("VmRSS")
        started = time.perf_counter()
        first = size = 0.0
        for piece in export.stream(studio, export.plan(studio, export.Wanted()), by=BY):
            first = first or time.perf_counter() - started
            size += len(piece)
        rate = PICTURES / (time.perf_counter() - started)
        return {"rate": rate, "idle": idle, "peak": memory("VmHWM"), "bytes": size, "first": first}


def plain(folder: Path) -> dict[str, float]:
    import io
    import zipfile

    from PIL import Image

    files = sorted((folder / "media" / "generated").rglob("*.jpg"))
    assert len(files) == PICTURES
    started = time.perf_counter()
    with zipfile.ZipFile(folder / "plain.zip", "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            out = io.BytesIO()
            with Image.open(file) as picture:
                picture.convert("RGB").save(out, "JPEG", quality=92, subsampling=0)
            archive.writestr(file.name, out.getvalue())
    return {"rate": PICTURES / (time.perf_counter() - started)}


def memory(name: str) -> float:
    """MB of this process, by the name in /proc."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"no {name} here")


if __name__ == "__main__":
    work = {"ours": ours, "plain": plain}[sys.argv[2]]
    print(json.dumps(work(Path(sys.argv[1]))))
