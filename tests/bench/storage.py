"""200 KB puts and gets by 16 threads through our store, over plain boto3 with the same settings.

Both talk to Cloudflare's emulator. The reference sends the same bytes with the client that the store makes
for itself, so that what is measured is what the store adds: keys checked, errors translated, create-only.
Short runs alternate, each side first in turn.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from core.storage.links import LinkSigner
from core.storage.r2 import R2Store, make_client
from tests.bench.measure import least, seconds
from tests.parts.miniflare import emulating

THREADS = 16
OBJECTS = 48
BYTES = 200_000
RUNS = 24

Act = Callable[[str], object]


def run() -> Iterator[str]:
    data = os.urandom(BYTES)
    keys = ("bench-key", "bench-secret")
    with tempfile.TemporaryDirectory() as folder, emulating(Path(folder), {"bench": keys}) as emulator:
        endpoint = emulator.endpoint
        store = R2Store(
            endpoint=endpoint,
            bucket="bench",
            access_key=keys[0],
            secret_key=keys[1],
            signer=LinkSigner("a secret for measuring"),
            workers=THREADS,
        )
        client = make_client(endpoint, *keys, workers=THREADS)
        ours: tuple[Act, Act] = (lambda key: store.put(key, data, "image/jpeg"), store.get)
        plain: tuple[Act, Act] = (
            lambda key: client.put_object(Bucket="bench", Key=key, Body=data, ContentType="image/jpeg"),
            lambda key: client.get_object(Bucket="bench", Key=key)["Body"].read(),
        )
        with ThreadPoolExecutor(THREADS) as pool:

            def rates(put: Act, get: Act) -> tuple[float, float]:
                names = [f"input/{uuid.uuid4()}.jpg" for _ in range(OBJECTS)]
                written = OBJECTS / seconds(lambda: list(pool.map(put, names)))
                return written, OBJECTS / seconds(lambda: list(pool.map(get, names)))

            found: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
            for number in range(RUNS + 1):
                for side in (True, False) if number % 2 else (False, True):
                    found[side].append(rates(*(ours if side else plain)))
        for number, what in enumerate(("puts", "gets")):
            mine, other = (
                statistics.median(pair[number] for pair in found[side][1:]) for side in (True, False)
            )
            yield least(f"200 KB {what} by {THREADS} threads, over plain boto3", mine, other, 0.9)
