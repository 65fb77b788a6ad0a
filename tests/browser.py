"""The app as its operators run it: a server process, and Chromium."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update",
            "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]  # fmt: skip


@dataclass
class Server:
    """A running app; `url` without a slash at its end."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path, **values: str) -> dict[str, str]:
    """This process's environment with nothing of a desk but what is given; data under `folder`."""
    names = {name.upper() for name in Settings.model_fields} | {"PYTHONPATH"}
    kept = {name: value for name, value in os.environ.items() if name not in names}
    own = {
        "DATABASE_URL": f"sqlite:///{folder / 'packshot.db'}",
        "UPLOAD_DIR": str(folder / "media"),
        "APP_SECRET": "a secret for tests",
        "IMAGE_PROVIDER": "local",
    }
    return {**kept, **own, **values}


@contextmanager
def serving(folder: Path, *, port: int | None = None, house: Path = ROOT, **values: str) -> Iterator[Server]:
    """Start `streamlit run app.py` with data under `folder`, wait until it answers, stop it at the end."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "server.log"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, cwd=house, env=environment(folder, **values), stdout=out, stderr=out
        )
    server = Server(f"http://127.0.0.1:{port}", log, process)
    try:
        wait_for(server)
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(server: Server, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if server.process.poll() is not None:
            raise AssertionError(f"the server ended: {server.log.read_text()}")
        try:
            urllib.request.urlopen(server.url + "/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"no answer: {server.log.read_text()}")


@contextmanager
def far(server: Server, *, seconds: float) -> Iterator[str]:
    """The server's address as it is for somebody far away: each byte comes that much later, both ways."""
    port = free_port()
    command = [sys.executable, str(ROOT / "tests" / "far.py"), server.url.rsplit(":", 1)[1], str(port)]
    with subprocess.Popen([*command, str(seconds)]) as process:
        try:
            there = Server(f"http://127.0.0.1:{port}", server.log, process)
            wait_for(there)
            yield there.url
        finally:
            process.kill()


@contextmanager
def chromium() -> Iterator[Any]:
    """Playwright driving the system's Chromium."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=CHROMIUM)
        yield browser
        browser.close()


def ran(page: Any, *, seconds: float = 20) -> None:
    """Wait for the page's heading and for its script to be done."""
    page.wait_for_selector("h1", timeout=seconds * 1000)
    page.wait_for_function(
        "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'",
        timeout=seconds * 1000,
    )


def settled(page: Any, *, seconds: float = 20) -> None:
    """The same, and for the code of what was drawn: until that has come a widget is a grey shape, and a later
    one of the page may be there before it."""
    ran(page, seconds=seconds)
    page.wait_for_selector("[data-testid=stSkeleton]", state="detached", timeout=seconds * 1000)


def context(browser: Any, *, width: int = 1440, dark: bool = False, language: str = "en") -> Any:
    options: Mapping[str, Any] = {
        "viewport": {"width": width, "height": 900 if width > 640 else 844},
        "color_scheme": "dark" if dark else "light",
        "locale": {"en": "en-US", "zh": "zh-HK"}[language],
        "timezone_id": "Asia/Hong_Kong",
        "has_touch": width <= 640,
        "accept_downloads": True,
    }
    return browser.new_context(**options)


def open_page(browser: Any, url: str, **options: Any) -> Any:
    """A page of a new visitor; `page.outside` lists the requests that leave this machine."""
    page = context(browser, **options).new_page()
    page.outside = []
    page.on(
        "request",
        lambda r: (
            page.outside.append(r.url)
            if not r.url.startswith(("http://127.0.0.1", "data:", "blob:"))
            else None
        ),
    )
    page.goto(url)
    settled(page)
    return page


def accessible(page: Any) -> list[tuple[str, str]]:
    """What axe finds wrong: (rule, the element). Streamlit's own default widgets break three rules."""
    from axe_playwright_python.sync_playwright import Axe

    allowed = {"list", "listitem", "presentation-role-conflict"}
    page.wait_for_timeout(400)  # Colours fade in.
    found = Axe().run(page).response["violations"]
    return [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["id"] not in allowed]


def pick(box: Any, name: str) -> None:
    """Type into a select box and press the option; again when the page was drawn anew between the two."""
    from playwright.sync_api import TimeoutError

    for patience in (5_000, 5_000, 20_000):
        box.fill("")
        box.fill(name)
        try:
            # Enter would take nothing while the list is not there.
            box.page.get_by_role("option", name=name).click(timeout=patience)
            return
        except TimeoutError:
            continue
    raise AssertionError(f"no option {name}")
