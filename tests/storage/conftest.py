"""The three stores of the contract, each started once."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from core import studio
from core.settings import load_settings
from core.storage import ObjectStore
from core.storage.folder import FolderStore
from core.storage.links import LinkSigner
from core.storage.r2 import R2Store
from core.studio import Studio
from tests.parts import miniflare, moto_gate
from tests.parts.miniflare import Emulator
from tests.parts.moto_gate import Gate, Token

BUCKET = "packshot"
SECRET = "a secret for tests"
GOOD = Token(key="good-key", secret="good-secret", buckets=(BUCKET,))
TOKENS = {
    "good": GOOD,
    "read": Token(key="read-key", secret="read-secret", buckets=(BUCKET,), write=False),
    "no_list": Token(key="no-list-key", secret="no-list-secret", buckets=(BUCKET,), list=False),
    "elsewhere": Token(key="else-key", secret="else-secret", buckets=("another",)),
    "admin": Token(key="admin-key", secret="admin-secret", admin=True),
}
STRANGER = Token(key="stranger-key", secret="stranger-secret")
WRONG = Token(key=GOOD.key, secret="wrong-secret")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A kind of store, and how a browser without credentials opens its links."""

    make: Callable[..., ObjectStore]
    """A new store object over the same objects; takes `clock`."""
    open: Callable[[str], httpx.Response]
    names_downloads: bool = True
    """R2 itself gives a download its name; Cloudflare's emulator knows nothing of it."""


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    buckets = {BUCKET: (GOOD.key, GOOD.secret), "another": ("else-key", "else-secret")}
    with miniflare.emulating(tmp_path_factory.mktemp("emulator"), buckets) as found:
        yield found


@pytest.fixture(scope="session")
def whole_gate() -> Iterator[Gate]:
    with moto_gate.serving(*TOKENS.values(), buckets=[BUCKET, "another"]) as found:
        yield found


@pytest.fixture
def gate(whole_gate: Gate) -> Iterator[Gate]:
    """The gate, well-behaved at first."""
    whole_gate.calm()
    yield whole_gate
    whole_gate.calm()


@cache
def r2(endpoint: str, token: Token = GOOD, **changes: Any) -> R2Store:
    """A store at an endpoint, with a token; one for the same words, as making a client takes its time."""
    values: dict[str, Any] = {
        "endpoint": endpoint,
        "bucket": BUCKET,
        "access_key": token.key,
        "secret_key": token.secret,
        "signer": LinkSigner(SECRET),
        "workers": 16,
    }
    return R2Store(**{**values, **changes})


@pytest.fixture(scope="session")
def folder_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The folder, with its links opened through the app's own route."""
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from core.web import routes

    home = tmp_path_factory.mktemp("folder")
    settings = load_settings(
        database_url=f"sqlite:///{home / 'packshot.db'}",
        upload_dir=home / "media",
        app_secret=SECRET,
    )

    def make(**changes: Any) -> ObjectStore:
        return FolderStore(home / "media", LinkSigner(SECRET, **changes))

    with studio.open_studio(settings, work=False) as opened, TestClient(Starlette(routes=routes)) as client:

        def get(link: str) -> httpx.Response:
            studio.set_current(opened)
            try:
                return client.get(link)
            finally:
                studio.set_current(None)

        yield Place(make=make, open=get)


@pytest.fixture(params=["folder", "gate", "emulator"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "folder":
        found: Place = request.getfixturevalue("folder_place")
        return found
    server = request.getfixturevalue(request.param)
    endpoint = server.url if request.param == "gate" else server.endpoint
    return Place(
        make=lambda **changes: r2(endpoint, **changes),
        open=httpx.get,
        names_downloads=request.param == "gate",
    )


@pytest.fixture
def store(place: Place) -> ObjectStore:
    return place.make()


@pytest.fixture
def area() -> str:
    """A prefix of this test alone; the servers are shared."""
    return f"input/{uuid.uuid4()}"


def on_r2(endpoint: str, token: Token = GOOD, **values: Any) -> dict[str, Any]:
    """The settings of a desk on R2."""
    return {
        "use_r2_storage": True,
        "r2_endpoint": endpoint,
        "r2_bucket": BUCKET,
        "r2_access_key": token.key,
        "r2_secret_key": token.secret,
        **values,
    }


@contextmanager
def open_desk(folder: Path, *, store: ObjectStore | None = None, **values: Any) -> Iterator[Studio]:
    """A desk with its database and its folder under `folder`."""
    settings = load_settings(
        database_url=f"sqlite:///{folder / 'packshot.db'}",
        upload_dir=folder / "media",
        app_secret=SECRET,
        **values,
    )
    with studio.open_studio(settings, work=False, store=store) as opened:
        yield opened
