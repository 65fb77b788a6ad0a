"""The link of an export as a browser, somebody curious and somebody impatient use it."""

from __future__ import annotations

import io
import socket
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from itsdangerous import URLSafeSerializer
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core import export, studio, web
from core.export import Wanted
from core.settings import load_settings
from core.storage.links import LinkSigner
from core.studio import Studio
from tests.browser import serving
from tests.conftest import BY, Scripted
from tests.parts.approving import judge, made
from tests.parts.desks import wait_until

SECRET = "a secret for tests"


@pytest.fixture
def opened(desk: Callable[..., Studio], photo: bytes) -> Studio:
    found = desk()
    judge(found, made(found, photo, ["茶", "B"]))
    return found


@pytest.fixture
def client(opened: Studio) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=web.routes), raise_server_exceptions=True) as found:
        yield found


def begun(desk: Studio) -> str:
    return str(export.begin(desk, export.plan(desk, Wanted()), by=BY).key)


def test_a_link_gives_the_whole_zip_as_a_file(client: TestClient, opened: Studio) -> None:
    key = begun(opened)
    link = opened.signer.export_link(key)
    head = client.head(link)
    assert (head.status_code, head.content) == (200, b"")
    assert export.outcome(opened, key).finished_at is None, "a look at the link exports nothing"
    answer = client.get(link)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["cache-control"] == "no-store"
    name = unquote(answer.headers["content-disposition"].removeprefix("attachment; filename*=UTF-8''"))
    assert name.startswith("packshot_") and name.endswith("_2.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert "茶_mainPhoto_1.jpg" in archive.namelist()
    assert export.outcome(opened, key).finished_at
    assert client.get(link).status_code == 200, "a download that failed can be tried again"
    assert SECRET not in str(answer.headers)


def test_whatever_is_no_link_of_ours_is_not_found(client: TestClient, opened: Studio) -> None:
    key = begun(opened)
    whole = opened.signer.export_link(key).removeprefix("/exports/")
    own = URLSafeSerializer(SECRET, salt="exports")
    forged = {
        "expired": LinkSigner(SECRET, clock=lambda: 0.0).export_link(key).removeprefix("/exports/"),
        "another secret": LinkSigner("another secret for tests").export_link(key).removeprefix("/exports/"),
        "a picture's": opened.signer.link("generated/t/p.jpg").removeprefix("/pictures/"),
        "no mark": whole.rpartition(".")[0],
        "another body": "x" + whole,
        "the key itself": key,
        "NUL": "%00",
        "broken UTF-8": "%FF%FE",
        "too few": str(own.dumps([key])),
        "a map": str(own.dumps({"key": key})),
        "expiry as text": str(own.dumps([key, "9999999999"])),
        "a number": str(own.dumps([7, 9_999_999_999])),
        "nothing there": str(own.dumps(["gone", 9_999_999_999])),
        "no key": str(own.dumps(["\x00", 9_999_999_999])),
    }
    for kind, token in forged.items():
        answer = client.get(f"/exports/{token}")
        assert (answer.status_code, answer.content) in ((404, b""), (404, b"Not Found")), kind
    link = f"/exports/{whole}"
    for method in ("POST", "PUT", "DELETE"):
        assert client.request(method, link).status_code == 405
    assert client.get("/pictures/" + whole).status_code == 404, "no picture's link either"
    assert export.outcome(opened, key).finished_at is None


def noisy() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((1600, 1200), 90).convert("RGB").save(out, "JPEG", quality=95)
    return out.getvalue()


def test_a_reader_who_goes_away_stops_the_work(tmp_path: Path) -> None:
    """A real server, and a socket that closes after the first bytes."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    picture = noisy()
    with serving(tmp_path / "var", TMPDIR=str(temporary)) as server:
        values = {
            "database_url": f"sqlite:///{tmp_path / 'var' / 'packshot.db'}",
            "upload_dir": tmp_path / "var" / "media",
        }
        scripted = {"gemini": Scripted(picture)}
        with studio.open_studio(load_settings(app_secret=SECRET, **values), providers=scripted) as desk:
            judge(desk, made(desk, picture, [f"S{n}" for n in range(16)]))
            key = begun(desk)
            link = desk.signer.export_link(key)
            address = urlsplit(server.url)
            with socket.create_connection((str(address.hostname), int(address.port or 0))) as reader:
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                reader.sendall(f"GET {link} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
                assert reader.recv(100_000).startswith(b"HTTP/1.1 200")
                reader.recv(4096)
                assert list(temporary.glob("packshot-*"))
            wait_until(lambda: not list(temporary.glob("packshot-*")), seconds=20, what="the work stops")
            assert export.outcome(desk, key).finished_at is None
            with socket.create_connection((str(address.hostname), int(address.port or 0))) as reader:
                reader.sendall(f"GET {link} HTTP/1.0\r\nHost: {address.netloc}\r\n\r\n".encode())
                whole = b"".join(iter(lambda: reader.recv(1 << 16), b""))
            assert b"200 OK" in whole[:20]
            wait_until(lambda: export.outcome(desk, key).finished_at is not None, seconds=10, what="the end")
