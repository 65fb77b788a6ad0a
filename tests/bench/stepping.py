"""From a key to the next picture in Review, and what a step costs the server.

Painted means: the next picture stands in the page, is decoded, and a frame was drawn after that. The
references stand in the same run: a key that swaps two decoded pictures of the same size on a page without
Streamlit, and the rerun of an empty Streamlit page.
"""

from __future__ import annotations

import base64
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from core.settings import load_settings
from core.studio import open_studio
from tests.bench.rerun import empty, opened, rerun
from tests.browser import Server, chromium, context, serving
from tests.parts.judging import add_pictures, picture

STEPS = 50
SIZE = 2048
"""Pixels of a side: a picture of 2K."""
PAINTED_MS, CPU_MS = 100, 15
SECOND = os.sysconf("SC_CLK_TCK")

# Resolves with the milliseconds from the key to the frame after the next picture is decoded.
WATCH = """image => {
    window.painted = new Promise((done, failed) => {
        const before = image.src
        let pressed = 0
        const start = () => { pressed = performance.now() }
        document.addEventListener('keydown', start, { capture: true, once: true })
        const look = async () => {
            const there = image.src !== before && image.complete && image.naturalWidth
            if (!pressed || !there) return requestAnimationFrame(look)
            await image.decode()
            requestAnimationFrame(() => setTimeout(() => done(performance.now() - pressed)))
        }
        look()
        setTimeout(() => failed(new Error('no other picture')), 10000)
    })
}"""
BARE = """<img id=now src="{0}"><script>
const urls = ["{0}", "{1}"], ahead = urls.map(url => Object.assign(new Image(), {{ src: url }}))
ahead.forEach(image => image.decode())
document.addEventListener("keydown", () => {{ now.src = now.src === ahead[0].src ? urls[1] : urls[0] }})
</script>"""


def run() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = load_settings(
            database_url=f"sqlite:///{folder / 'packshot.db'}",
            upload_dir=folder / "media",
            app_secret="a secret for tests",
        )
        with open_studio(settings, work=False) as desk:
            add_pictures(desk, 80, size=SIZE)
        with serving(folder) as server, empty(folder) as other, chromium() as browser:
            page = context(browser).new_page()
            page.goto(f"{server.url}/review")
            page.wait_for_selector(".stage .b img.result[src]")
            page.wait_for_timeout(1500)
            bare = context(browser).new_page()
            bare.set_content(BARE.format(*(_data_url(variant) for variant in (1, 2))))
            bare.wait_for_timeout(500)
            blank = opened(browser, other.url)
            reference = [_painted(bare, "#now", "a") for _ in range(20)]
            rested = _cost(other, lambda: [rerun(blank) for _ in range(STEPS)])
            for key, what in (("ArrowRight", "a step"), ("a", "an approval")):
                took: list[float] = []

                def work(key: str = key, took: list[float] = took) -> None:
                    for _ in range(STEPS):
                        took.append(_painted(page, ".stage .b img.result", key))
                        page.wait_for_timeout(200)  # Each has its own run on the server.

                cost = _cost(server, work)
                middle, worst = statistics.median(took), sorted(took)[-3]
                bare_ms = statistics.median(reference)
                verdict = "within" if worst <= PAINTED_MS else "OVER"
                yield (
                    f"{what}, key to picture painted: {middle:.0f} ms, 95% {worst:.0f} ms"
                    f" ({verdict} {PAINTED_MS}); two pictures on a bare page {bare_ms:.0f} ms"
                )
                verdict = "within" if cost <= CPU_MS else "OVER"
                yield (
                    f"{what}, server CPU: {cost:.1f} ms ({verdict} {CPU_MS});"
                    f" rerun of an empty page {rested:.1f} ms"
                )


def _painted(page: Any, selector: str, key: str) -> float:
    page.locator(selector).evaluate(WATCH)
    page.keyboard.press(key)
    return float(page.evaluate("() => window.painted"))


def _cost(server: Server, work: Callable[[], object]) -> float:
    """Milliseconds of CPU for each of the steps, of all threads of the server."""
    before = _ticks(server)
    work()
    time.sleep(0.5)
    return (_ticks(server) - before) / SECOND / STEPS * 1000


def _ticks(server: Server) -> int:
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def _data_url(variant: int) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(picture("ramen", variant, SIZE)).decode()
