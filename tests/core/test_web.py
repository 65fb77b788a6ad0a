"""The HTTP routes as a browser, a proxy and somebody curious ask them."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import pytest
from itsdangerous import URLSafeSerializer
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core import web
from core.errors import Auth
from core.storage.links import LinkSigner
from core.studio import Studio
from core.web import answer_at_once
from tests.conftest import Scripted

Open = Callable[..., Studio]
KEY = "generated/t/p.jpg"


@pytest.fixture
def opened(desk: Open) -> Studio:
    return desk(work=False)


@pytest.fixture
def client(opened: Studio) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=web.routes), raise_server_exceptions=True) as found:
        yield found


def stored(desk: Studio, data: bytes, key: str = KEY, download: str | None = None) -> str:
    desk.store.put(key, data, "image/jpeg")
    return desk.store.link(key, download=download)


def test_liveness_asks_nothing(client: TestClient, opened: Studio) -> None:
    opened.engine.dispose()
    assert client.get("/health").json() == {"status": "healthy"}


def test_ready_names_what_works(client: TestClient, scripted: Scripted) -> None:
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()) == (
        200,
        {"ready": True, "database": "ok", "storage": "ok", "provider": "ok"},
    )
    assert scripted.asked == [], "nothing was paid for"


def test_ready_says_no_when_the_database_is_damaged(client: TestClient, opened: Studio) -> None:
    opened.engine.dispose()
    file = opened.engine.url.database or ""
    with open(file, "wb") as damaged:  # noqa: PTH123 - a path of the engine
        damaged.write(b"this is no database" * 500)
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()["database"], answer.json()["storage"]) == (503, "failed", "ok")


def test_ready_says_no_when_storage_cannot_be_written(client: TestClient, opened: Studio) -> None:
    folder = opened.settings.upload_dir
    folder.rmdir() if folder.exists() else None
    folder.write_text("a file in its place")
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()["storage"]) == (503, "failed")


def test_ready_says_no_when_the_key_is_rejected(desk: Open, scripted: Scripted) -> None:
    def rejected() -> dict[str, object]:
        raise Auth()

    scripted.probe = rejected  # type: ignore[method-assign]
    opened = desk(work=False, image_provider="gemini", gemini_api_key="canary-key")
    assert opened.settings.provider == "gemini"
    with TestClient(Starlette(routes=web.routes)) as client:
        answer = client.get("/ready")
    assert (answer.status_code, answer.json()["provider"]) == (503, "failed")
    assert "canary" not in answer.text
    assert scripted.asked == []


def test_a_picture_comes_with_its_true_type_and_keeps(
    client: TestClient, opened: Studio, photo: bytes
) -> None:
    answer = client.get(stored(opened, photo))
    assert (answer.status_code, answer.content) == (200, photo)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-length"] == str(len(photo))
    assert answer.headers["cache-control"].startswith("private, max-age=")
    head = client.head(stored(opened, photo))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(photo))


@pytest.mark.parametrize(
    "data",
    [b"<html><script>alert(1)</script>", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b""],
)
def test_what_is_no_picture_is_never_shown_as_a_page(client: TestClient, opened: Studio, data: bytes) -> None:
    answer = client.get(stored(opened, data, "generated/t/answer.bin"))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


def tokens(photo_key: str) -> dict[str, str]:
    own = URLSafeSerializer("a secret for tests", salt="pictures")
    other_salt = URLSafeSerializer("a secret for tests", salt="people")
    whole = LinkSigner("a secret for tests").link(photo_key).removeprefix("/pictures/")
    body, _, mark = whole.rpartition(".")
    return {
        "expired": LinkSigner("a secret for tests", clock=lambda: 0.0).link(photo_key)[10:],
        "another secret": LinkSigner("another secret for tests").link(photo_key)[10:],
        "another use": str(other_salt.dumps([photo_key, 9_999_999_999, None])),
        "no mark": body,
        "mark cut off": whole[:-1],
        "another body": "x" + whole,
        "another mark": f"{body}.{mark[::-1]}",
        "the key itself": photo_key.replace("/", "%2F"),
        "a path": "..%2F..%2Fetc%2Fpasswd",
        "NUL": "%00",
        "Chinese": "%E8%8C%B6",
        "broken UTF-8": "%FF%FE",
        "huge": "x" * 50_000,
        "too few": str(own.dumps([photo_key])),
        "a map": str(own.dumps({"key": photo_key})),
        "expiry as text": str(own.dumps([photo_key, "9999999999", None])),
        "nothing there": str(own.dumps(["generated/t/gone.jpg", 9_999_999_999, None])),
    }


@pytest.mark.parametrize("kind", list(tokens(KEY)))
def test_whatever_is_no_link_of_ours_is_not_found(
    client: TestClient, opened: Studio, photo: bytes, kind: str
) -> None:
    stored(opened, photo)
    answer = client.get("/pictures/" + tokens(KEY)[kind])
    assert (answer.status_code, answer.content) == (404, b"Not Found" if answer.content else b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/health", "/ready", "link"])
def test_nothing_is_changed_through_a_route(
    client: TestClient, opened: Studio, photo: bytes, method: str, path: str
) -> None:
    link = stored(opened, photo)
    assert client.request(method, link if path == "link" else path).status_code == 405
    assert opened.store.get(KEY) == photo


def test_a_picture_that_is_there_already_is_not_sent_again(
    client: TestClient, opened: Studio, photo: bytes
) -> None:
    link = stored(opened, photo)
    tag = client.get(link).headers["etag"]
    for given in (tag, f'"other", {tag}', f"W/{tag}"):
        answer = client.get(link, headers={"If-None-Match": given})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert client.get(link, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=-999999999", 206, slice(0, None)),
        ("bytes=5-999999999", 206, slice(5, None)),
        ("bytes=0-0", 206, slice(0, 1)),
        ("bytes=999999999-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=9-5", 200, None),
        ("bytes=0-1,5-6", 200, None),
        ("bytes=", 200, None),
        ("bytes=-", 200, None),
        ("bytes=--5", 200, None),
        ("bytes=a-b", 200, None),
        ("bytes=0x0-0x9", 200, None),
        ("bytes=+1-5", 200, None),
        ("bytes=\u00b2-\u00b3", 200, None),
        ("bytes=" + "9" * 5000 + "-", 200, None),
        ("pages=1-2", 200, None),
        ("", 200, None),
    ],
)
def test_a_part_is_sent_as_asked(
    client: TestClient, opened: Studio, photo: bytes, asked: str, status: int, part: slice | None
) -> None:
    answer = client.get(stored(opened, photo), headers={"Range": asked.encode("latin-1")})
    assert answer.status_code == status
    if status == 206 and part:
        start, stop, _ = part.indices(len(photo))
        assert answer.content == photo[part]
        assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(photo)}"
    elif status == 416:
        assert (answer.content, answer.headers["content-range"]) == (b"", f"bytes */{len(photo)}")
    else:
        assert answer.content == photo


def test_a_part_of_another_picture_is_not_mixed_in(client: TestClient, opened: Studio, photo: bytes) -> None:
    link = stored(opened, photo)
    tag = client.get(link).headers["etag"]
    same = client.get(link, headers={"Range": "bytes=0-9", "If-Range": tag})
    assert (same.status_code, same.content) == (206, photo[:10])
    other = client.get(link, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, photo)


@pytest.mark.parametrize(
    "name",
    ["茶 杯 (1).jpg", 'a"b;c=d.jpg', "a\r\nSet-Cookie: x=1.jpg", "100% '*'.jpg", "../up.jpg", "x" * 500],
)
def test_a_download_has_its_name_and_nothing_else(
    client: TestClient, opened: Studio, photo: bytes, name: str
) -> None:
    answer = client.get(stored(opened, photo, download=name))
    given = answer.headers["content-disposition"]
    assert given.startswith("attachment; filename*=UTF-8''")
    assert unquote(given.split("''", 1)[1]) == name
    assert "set-cookie" not in answer.headers


def test_storage_that_is_away_asks_to_come_again(client: TestClient, opened: Studio, photo: bytes) -> None:
    link = stored(opened, photo)
    folder = opened.settings.upload_dir
    (folder / KEY).unlink()
    (folder / KEY).symlink_to(KEY.rpartition("/")[2])  # A loop: neither there nor missing.
    answer = client.get(link)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert str(folder) not in answer.text


def test_no_secret_is_in_an_answer(client: TestClient, opened: Studio, photo: bytes) -> None:
    answers = [client.get(path) for path in ("/health", "/ready", stored(opened, photo), "/pictures/x")]
    for answer in answers:
        assert "a secret for tests" not in json.dumps(dict(answer.headers))
        assert b"a secret for tests" not in answer.content


def test_a_small_answer_does_not_wait_for_the_one_before_it() -> None:
    """As Streamlit binds it, a socket leaves this to the algorithm of Nagle, and asyncio does as well."""
    with socket.socket(socket.AF_INET) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        answer_at_once()
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no uvloop")
def test_uvloop_sends_a_small_answer_by_itself() -> None:
    """app.py leaves it to it."""
    import uvloop

    async def serve(listening: socket.socket) -> int:
        loop = asyncio.get_running_loop()
        assert type(loop).__module__ == "uvloop"
        found: asyncio.Future[int] = loop.create_future()

        class Looks(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                accepted = transport.get_extra_info("socket")
                found.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

        async with await loop.create_server(Looks, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            nodelay = await asyncio.wait_for(found, 10)
            writer.close()
        return nodelay

    with socket.socket(socket.AF_INET) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        assert uvloop.run(serve(listening))
