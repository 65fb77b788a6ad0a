"""From `dev.py run` with .venv in place to the first page painted, over `streamlit run` of an empty page."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.measure import alternated, line
from tests.browser import ROOT, chromium, environment, free_port

# Resolves with the frame of the first heading. Playwright's own waiting looks twice a second in the end, and
# a browser that is sent to a server before it answers rests as long.
PAINTED = """() => new Promise((done, failed) => {
    const look = () => {
        if (!document.querySelector('h1')) return
        watcher.disconnect()
        requestAnimationFrame(done)
    }
    const watcher = new MutationObserver(look)
    watcher.observe(document, { childList: true, subtree: true })
    setTimeout(() => failed(new Error('no heading')), 30000)
    look()
})"""


def run() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        empty = Path(folder) / "empty.py"
        empty.write_text("import streamlit as st\nst.title('Empty')\n")
        streamlit = [sys.executable, "-m", "streamlit", "run", str(empty), "--server.headless", "true",
                     "--browser.gatherUsageStats", "false", "--server.address", "127.0.0.1"]  # fmt: skip
        mine = [sys.executable, str(ROOT / "dev.py"), "run", "--no-browser"]

        def ours() -> float:
            return painted(browser, mine, "--port", Path(folder))

        def reference() -> float:
            return painted(browser, streamlit, "--server.port", Path(folder))

        ours(), reference()
        yield line("start to first page painted", *alternated(ours, reference, 5), 1.5)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def painted(browser: Any, command: list[str], flag: str, folder: Path) -> float:
    port = free_port()
    page = browser.new_page()
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, flag, str(port)],
        cwd=ROOT if "dev.py" in " ".join(command) else folder,
        env=environment(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not listens(port):
            if time.perf_counter() - started > 30:
                raise TimeoutError(" ".join(command))
            time.sleep(0.01)
        page.goto(f"http://127.0.0.1:{port}", wait_until="commit")
        page.evaluate(PAINTED)
        return time.perf_counter() - started
    finally:
        page.close()
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
