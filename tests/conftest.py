"""Parts for all tests: real ones, in temporary folders."""

from __future__ import annotations

import io
import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
from PIL import Image

from core import generation, studio
from core.images.sample import sample_photo
from core.model import Actor, Order, Upload
from core.providers import ImageAnswer, ImageRequest, ModelInfo
from core.settings import ROOT, Settings, load_settings
from core.studio import Studio, open_studio
from tests.browser import Server, chromium, serving
from tests.parts.postgres import Postgres, running

BY = Actor.local()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For runs of several files at a time: one at a time of those that need the machine for themselves,
    with a browser or with processes that are killed."""
    alone = {item.path for item in items if "browser" in getattr(item, "fixturenames", ())}
    for item in items:
        heavy = item.path in alone or item.path.parent.name == "crash"
        item.add_marker(pytest.mark.xdist_group("machine" if heavy else str(item.path)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A browser test that fails says what stood on its pages."""
    report = yield
    browser = getattr(item, "funcargs", {}).get("browser")
    if report.when == "call" and report.failed and browser:
        for page in [page for context in browser.contexts for page in context.pages]:
            report.sections.append((page.url, page.locator("body").inner_text()))
    return report


@pytest.fixture(autouse=True)
def pages_are_closed(request: pytest.FixtureRequest) -> Iterator[None]:
    """A page that is left open goes on asking the server."""
    yield
    if "browser" in request.fixturenames:
        for context in request.getfixturevalue("browser").contexts:
            context.close()


@pytest.fixture(autouse=True, scope="session")
def only_loopback() -> Iterator[None]:
    """A test that would leave this machine fails."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in (
            "127.0.0.1",
            "::1",
            "localhost",
        ):
            raise AssertionError(f"a test wanted to reach {address[0]}")
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """AppTest puts its page in the place of this process's main module, and children would run it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(autouse=True)
def nothing_bound() -> Iterator[None]:
    """What a test's own call bound to the log's lines is not said of the next one's."""
    yield
    structlog.contextvars.clear_contextvars()


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of this machine reaches a test."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setitem(Settings.model_config, "env_file", None)


@pytest.fixture(scope="session")
def photo() -> bytes:
    return sample_photo()


@pytest.fixture
def as_somebody() -> list[str]:
    """The start of a command that runs without root's right to read and write everything."""
    if os.name == "nt" or os.geteuid() != 0:
        return []
    return ["setpriv", "--bounding-set=-all"]


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what runs, in a folder with a space, without this machine's `.env` and `var/`."""
    copy = tmp_path_factory.mktemp("a house") / "the desk"
    leave = shutil.ignore_patterns("__pycache__")
    for name in ("core", "pages", ".streamlit"):
        shutil.copytree(ROOT / name, copy / name, ignore=leave)
    shutil.copy(ROOT / "app.py", copy)
    return copy


@pytest.fixture
def cup(tmp_path: Path, photo: bytes) -> Path:
    """A small photo as a file."""
    file = tmp_path / "cup.jpg"
    with Image.open(io.BytesIO(photo)) as whole:
        whole.resize((480, 360)).save(file, quality=90)
    return file


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for the whole run."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One desk with the local cut-out for all tests that need no other."""
    with serving(tmp_path_factory.mktemp("desk with space") / "var") as found:
        yield found


class Scripted:
    """A provider whose answers a test decides: each a picture's bytes, an error, or a function."""

    name = "gemini"

    def __init__(self, picture: bytes) -> None:
        self.picture = picture
        self.script: list[Any] = []
        self.asked: list[ImageRequest] = []
        self.latency = 0.0
        self.running = self.peak = 0
        self._lock = threading.Lock()

    def models(self) -> tuple[ModelInfo, ...]:
        return (ModelInfo(name="scripted", ratios=("4:3", "1:1", "4:5"), sizes=("1K",)),)

    def estimate(self, model: str, size: str) -> int | None:
        return 33_600

    def probe(self) -> dict[str, Any]:
        return {}

    def generate(self, request: ImageRequest) -> ImageAnswer:
        with self._lock:
            self.asked.append(request)
            self.running += 1
            self.peak = max(self.peak, self.running)
            answer = self.script.pop(0) if self.script else self.picture
        try:
            time.sleep(self.latency)
            if callable(answer):
                answer = answer()
            if isinstance(answer, Exception):
                raise answer
            return ImageAnswer(data=answer, cost_micros=33_600, model_version="s-1", request_id="req-1")
        finally:
            with self._lock:
                self.running -= 1


@pytest.fixture
def scripted(photo: bytes) -> Scripted:
    return Scripted(photo)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One Postgres for the whole run; it starts when the first test asks for it."""
    with running() as found:
        yield found


on_both = pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
"""Runs a test, or a module as its `pytestmark`, on SQLite and on Postgres."""


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of this test's own: SQLite, unless `on_both` asks for more."""
    if getattr(request, "param", "sqlite") == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.fresh()
        yield url
        server.drop(url)
    else:
        yield f"sqlite:///{tmp_path / 'packshot.db'}"


@pytest.fixture
def desk(tmp_path: Path, scripted: Scripted, database_url: str) -> Iterator[Callable[..., Studio]]:
    """Open a Studio on a real database and a folder; `work=False` leaves the queue alone."""
    from core.providers.local import LocalCutout

    with ExitStack() as stack:

        def opened(*, work: bool = True, **overrides: Any) -> Studio:
            own = {"database_url": database_url, "upload_dir": tmp_path / "media"}
            settings = load_settings(app_secret="a secret for tests", **{**own, **overrides})
            both = {"local": LocalCutout(), "gemini": scripted}
            found = stack.enter_context(open_studio(settings, work=work, providers=both))
            studio.set_current(found)
            stack.callback(studio.set_current, None)
            return found

        yield opened


def order(**changes: Any) -> Order:
    values: dict[str, Any] = {
        "preset": "white_bg_front",
        "outputs": 1,
        "ratio": "4:3",
        "size": "1K",
        "provider": "gemini",
        "model": "scripted",
    }
    return Order(**{**values, **changes})


def upload(data: bytes, name: str = "cup.jpg", **values: Any) -> Upload:
    return Upload(name=name, data=data, **values)


def finished(desk: Studio, key: str, *, seconds: float = 20) -> generation.TaskView:
    """Wait until nothing of a task is left to do."""
    until = time.monotonic() + seconds
    while (view := generation.view(desk, key)).pending:
        assert time.monotonic() < until, f"still going on: {[o.state for o in view.outputs]}"
        time.sleep(0.02)
    return view
