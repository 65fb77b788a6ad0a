"""History at a million pictures, on SQLite and on Postgres, beside Datasette and beside an empty page.

Rows are made in a temporary folder, which takes about 4 GB and three minutes. Datasette reads the same SQLite
file through its own in-process client, as JSON. Both count what matches.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core import history
from core.history import Filter, Sort
from core.model import OutputState, ReviewState
from core.settings import load_settings
from core.studio import Studio, open_studio
from tests.bench.measure import line, seconds
from tests.bench.rerun import empty, opened, rerun
from tests.browser import chromium, context, serving, settled
from tests.parts import shelf
from tests.parts.postgres import running

OUTPUTS = 1_000_000
BUDGET_MS = 20
RUNS = 12
PRESSES = 40
APPROVED = (ReviewState.APPROVED,)
BAD = (OutputState.FAILED, OutputState.BLOCKED, OutputState.UNKNOWN)
CASES: dict[str, dict[str, Any]] = {
    "no filter": {}, "oldest first": {"sort": Sort.OLDEST}, "dearest first": {"sort": Sort.COST},
    "state": {"states": BAD}, "review": {"reviews": APPROVED}, "look": {"preset": "seasonal"},
    "look and version": {"preset": "flat_lay", "version": 1}, "provider": {"provider": "openai"},
    "model": {"model": "cutout"}, "operator": {"operator": "user-9@shop.hk"},
    "days": {"since": date(2026, 3, 1), "until": date(2026, 3, 31)}, "cost": {"cost_from": 52_800},
    "worst pair (season's word, failed)": {"text": "月餅", "states": BAD},
    "pair (common word, dear)": {"text": "豚骨", "cost_from": 52_800},
    "text, common": {"text": "豚骨"}, "text, one character": {"text": "抹"},
    "text, two characters": {"text": "拉麵"},
    "text, rare": {"text": "JP-SOY-15373"}, "text, a season's": {"text": "月餅"},
    "text, three characters": {"text": "ラーメン"}, "text, common and rare": {"text": "jp 15373"},
    "text, nothing": {"text": "zzzz"},
}  # fmt: skip

# Milliseconds from a press to the other cards, painted, and the end of the script.
PRESS = """(name) => new Promise((done, failed) => {
    const app = document.querySelector('[data-testid=stApp]')
    const all = [...document.querySelectorAll('*')]
    const root = all.find(node => node.shadowRoot?.querySelector('.card')).shadowRoot
    const cards = () => [...root.querySelectorAll('.card')].map(card => card.dataset.id).join()
    const button = [...document.querySelectorAll('.st-key-show button')].find(b => b.innerText.includes(name))
    const before = cards(), pressed = performance.now()
    const look = () => {
        if (app.dataset.testScriptState !== 'notRunning' || cards() === before) return
        watchers.forEach(watcher => watcher.disconnect())
        requestAnimationFrame(() => done(performance.now() - pressed))
    }
    const watchers = [new MutationObserver(look), new MutationObserver(look)]
    watchers[0].observe(app, { attributes: true })
    watchers[1].observe(root, { childList: true, subtree: true })
    setTimeout(() => failed(new Error('no other cards')), 10000)
    button.click()
})"""


def run() -> Iterator[str]:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < 8e9:
        raise SystemExit(f"{free / 1e9:.0f} GB are free; this takes about 4 GB for a while, and wants 8.")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="packshot-history-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'packshot.db'}"
        took = seconds(lambda: (shelf.fresh(url), shelf.fill(url, OUTPUTS)))
        size = (folder / "packshot.db").stat().st_size / 1e6
        yield f"SQLite: {OUTPUTS:,} outputs written in {took:.0f} s, {size:.0f} MB"
        yield from queries("SQLite", url, folder)
        yield from beside_datasette(url, folder)
        yield from in_a_browser(url, folder)
    with running() as server, tempfile.TemporaryDirectory() as name:
        url = server.empty()
        took = seconds(lambda: (shelf.fresh(url), shelf.fill(url, OUTPUTS)))
        yield f"Postgres: {OUTPUTS:,} outputs written in {took:.0f} s"
        yield from queries("Postgres", url, Path(name))


def desk(url: str, folder: Path) -> Any:
    settings = load_settings(
        database_url=url, upload_dir=folder / "media", app_secret="a secret for measuring"
    )
    return open_studio(settings, work=False)


def queries(where: str, url: str, folder: Path) -> Iterator[str]:
    with desk(url, folder) as studio:
        for name, values in CASES.items():
            wanted = Filter(**values)
            took = page_times(studio, wanted)
            p95 = statistics.quantiles(took, n=20)[-1]
            counted = min(seconds(lambda w=wanted: history.count(studio, w)) for _ in range(3)) * 1000
            verdict = "within" if p95 <= BUDGET_MS else "OVER"
            yield (
                f"{where}, {name}: page p95 {p95:.1f} ms, median {statistics.median(took):.1f} "
                f"({verdict} {BUDGET_MS}); count {counted:.1f} ms"
            )


def page_times(studio: Studio, wanted: Filter) -> list[float]:
    """Milliseconds of the first page, of pages deep inside and of pages that are gone back to."""
    took = []
    places: list[dict[str, int]] = [
        {},
        {"before": OUTPUTS // 2},
        {"before": OUTPUTS // 50},
        {"after": OUTPUTS // 2},
    ]
    for _ in range(RUNS):
        for place in places:
            started = time.perf_counter()
            history.page(studio, wanted, **place)
            took.append((time.perf_counter() - started) * 1000)
    return took[len(places) :]


def beside_datasette(url: str, folder: Path) -> Iterator[str]:
    from datasette.app import Datasette

    other = Datasette([url.removeprefix("sqlite:///")], settings={"num_sql_threads": 1})
    path = "/packshot/outputs.json?state=succeeded&review=approved&_sort_desc=id&_size=48&_shape=objects"
    wanted = Filter(reviews=APPROVED)
    with desk(url, folder) as studio, asyncio.Runner() as runner:
        for number in (10, 10_000):
            place = page_before(studio, wanted, number)

            def ours(place: int = place) -> list[int]:
                history.count(studio, wanted)
                return [entry.id for entry in history.page(studio, wanted, before=place).entries]

            async def theirs(place: int = place) -> list[int]:
                answer = await other.client.get(f"{path}&_next={place},{place}")
                rows = json.loads(answer.text)["rows"]
                return [row["id"] for row in rows]

            mine, others = ours(), runner.run(theirs())
            # Trash is not shown here.
            assert mine[0] in others and others[0] >= mine[0], (mine[:3], others[:3])
            took = [(seconds(ours), seconds(lambda: runner.run(theirs()))) for _ in range(15)]
            a, b = (statistics.median(pair[i] for pair in took) for i in (0, 1))
            verdict = "within" if b / a >= 3 else "UNDER"
            yield (
                f"page {number:,} of what is approved: {a * 1000:.1f} ms, Datasette {b * 1000:.1f} ms = "
                f"{b / a:.1f} times ({verdict} at least 3)"
            )


def page_before(studio: Studio, wanted: Filter, number: int) -> int:
    """The cursor of a page, by its number from the newest."""
    with studio.engine.connect() as connection:
        statement = """SELECT id FROM outputs WHERE state = 'succeeded' AND review = 'approved'
            AND deleted_at IS NULL ORDER BY id DESC LIMIT 1 OFFSET ?"""
        return int(connection.exec_driver_sql(statement, ((number - 1) * 48 - 1,)).scalar_one())


def in_a_browser(url: str, folder: Path) -> Iterator[str]:
    with desk(url, folder) as studio:
        query = max(
            statistics.median(page_times(studio, Filter(reviews=(review,)))) / 1000 for review in ReviewState
        )
    with serving(folder, DATABASE_URL=url) as server, empty(folder) as other, chromium() as browser:
        payload = first_payload(browser, server.url)
        verdict = "within" if payload < 30_000 else "OVER"
        yield f"History, first payload without pictures: {payload / 1000:.1f} kB ({verdict} 30)"
        page, bare = opened(browser, f"{server.url}/history"), opened(browser, other.url)
        took = []
        for _ in range(PRESSES):
            page.wait_for_timeout(400)  # The pictures of the last cards have come, as when somebody looks.
            took.append((page.evaluate(PRESS, "Approved") / 1000, rerun(bare)))
        mine, reference = (statistics.median(pair[i] for pair in took[3:]) for i in (0, 1))
        yield line(
            "filter changed to cards painted, over an empty rerun + query", mine, reference + query, 1.5
        )


def first_payload(browser: Any, server: str) -> int:
    """Bytes that come over the websocket's wire until the page stands."""
    with counted(urlsplit(server).port or 0) as (port, sizes):
        page = context(browser).new_page()
        page.goto(f"http://127.0.0.1:{port}/history")
        settled(page)
        page.locator(".card").first.wait_for()
        page.close()
    return sum(sizes.values())


@contextmanager
def counted(port: int) -> Iterator[tuple[int, dict[int, int]]]:
    """Another port that leads to this one, and the bytes that came back on each websocket."""
    sizes: dict[int, int] = {}
    listener = socket.create_server(("127.0.0.1", 0))

    def pass_on(source: socket.socket, target: socket.socket, count: bool) -> None:
        web = False
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if web:
                    sizes[id(source)] = sizes.get(id(source), 0) + len(data)
                web = web or (count and data.startswith(b"HTTP/1.1 101"))
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", port))
                for pair in ((near, far, False), (far, near, True)):
                    threading.Thread(target=pass_on, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1], sizes
    listener.close()
