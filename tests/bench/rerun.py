"""A rerun of Generate and of History with 48 pictures in a browser, over an empty Streamlit page."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core import generation
from core.images.sample import sample_photo
from core.model import ChecksState
from core.settings import load_settings
from core.studio import open_studio
from tests.bench.measure import line
from tests.browser import ROOT, Server, chromium, context, environment, free_port, serving, settled, wait_for
from tests.conftest import BY, Scripted, order, upload

RUNS = 60
"""The mean of them: a page is painted with the screen's frames, every 17 ms, and a median jumps from one
frame to the next."""

# Resolves with the milliseconds from the next running script to its end, counted from the key press.
WATCH = """() => {
    const app = document.querySelector('[data-testid=stApp]')
    window.rerun = new Promise((done, failed) => {
        let pressed = 0, ran = false
        const start = () => { pressed ||= performance.now() }
        document.addEventListener('keydown', start, { capture: true, once: true })
        const watcher = new MutationObserver(() => {
            const state = app.dataset.testScriptState
            ran ||= state !== 'notRunning'
            if (!ran || state !== 'notRunning') return
            watcher.disconnect()
            requestAnimationFrame(() => done(performance.now() - pressed))
        })
        watcher.observe(app, { attributes: true })
        setTimeout(() => failed(new Error('no rerun')), 10000)
    })
}"""


def run() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        task = seed(folder)
        with serving(folder) as server, empty(folder) as other, chromium() as browser:
            pages = {
                "generate": opened(browser, f"{server.url}/?task={task}"),
                "history": opened(browser, f"{server.url}/history"),
                "empty": opened(browser, other.url),
            }
            took: dict[str, list[float]] = {name: [] for name in pages}
            for _ in range(RUNS):
                for name, page in pages.items():
                    took[name].append(rerun(page))
            mean = {name: statistics.mean(values[3:]) for name, values in took.items()}
            for name in ("generate", "history"):
                yield line(f"{name} with 48 pictures over an empty page", mean[name], mean["empty"], 1.5)


def rerun(page: Any) -> float:
    """Seconds from Streamlit's own key for "rerun" to the finished page."""
    page.evaluate(WATCH)
    page.keyboard.press("r")
    return float(page.evaluate("() => window.rerun")) / 1000


def seed(folder: Path) -> str:
    """48 finished pictures in one task, all of them checked: the check works beside a page, not in it.
    Returns the task's key."""
    photo = sample_photo()
    settings = load_settings(
        database_url=f"sqlite:///{folder / 'packshot.db'}",
        upload_dir=folder / "media",
        app_secret="a secret for tests",
        provider_concurrency=8,
    )
    with open_studio(settings, providers={"gemini": Scripted(photo)}, check=True) as studio:
        key = generation.submit(studio, [upload(photo)] * 12, order(outputs=4), by=BY)
        while any(output.checks is ChecksState.PENDING for output in generation.view(studio, key).outputs):
            time.sleep(0.2)
    return key


@contextmanager
def empty(folder: Path) -> Iterator[Server]:
    script = folder / "empty.py"
    script.write_text("import streamlit as st\nst.title('Empty')\nst.button('Again')\n")
    # The same settings and theme: Streamlit sends a theme with every rerun, whatever the page.
    shutil.copytree(ROOT / ".streamlit", folder / ".streamlit")
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    log = folder / "empty.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, env=environment(folder), stdout=out, stderr=out)
    server = Server(f"http://127.0.0.1:{port}", log, process)
    try:
        wait_for(server)
        yield server
    finally:
        process.terminate()
        process.wait()


def opened(browser: Any, url: str) -> Any:
    page = context(browser).new_page()
    page.goto(url)
    settled(page)
    time.sleep(1)
    return page
