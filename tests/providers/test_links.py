"""A gateway's answer that only links to its picture, and looks that cost nothing."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from core import errors, language
from core.providers import fetch
from tests.parts.models import ModelServer, Reply, google_error, listed_answer, openai_error, picture
from tests.providers.conftest import MODELS, Provide, wanted

SMALL = picture((64, 64))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(fetch.time, "sleep", slept.append)
    return slept


def by_link(server: ModelServer, provider: Provide, photo: bytes, link: str) -> Any:
    server.script = [Reply(body=listed_answer(url=link), headers={"x-request-id": "req-9"})]
    return provider("gateway").generate(wanted(photo, model="nano-banana-2"))


def test_a_linked_picture_is_loaded_without_credentials(
    server: ModelServer, provider: Provide, photo: bytes
) -> None:
    server.files["a.jpg"] = SMALL
    link = f"http://who:secret@127.0.0.1:{server.base.rsplit(':', 1)[1]}/files/a.jpg?X-Amz-Signature=abc"
    answer = by_link(server, provider, photo, link)
    assert (answer.data, answer.notes, answer.request_id) == (SMALL, {"by_link": True}, "req-9")
    got = server.seen[-1]
    assert got.method == "GET" and got.path == "/files/a.jpg?X-Amz-Signature=abc"
    assert "authorization" not in got.headers and "cookie" not in got.headers
    assert got.headers["host"] == server.base.removeprefix("http://")


def test_a_picture_in_the_link_itself_needs_no_loading(
    server: ModelServer, provider: Provide, photo: bytes
) -> None:
    import base64

    link = "data:image/png;base64," + base64.b64encode(SMALL).decode()
    assert by_link(server, provider, photo, link).data == SMALL
    assert [seen.method for seen in server.seen] == ["POST"]


def test_a_bad_moment_of_the_link_is_waited_out(server: ModelServer, provider: Provide, photo: bytes) -> None:
    server.files["a.jpg"] = SMALL
    server.probes = [Reply(status=503, body=b"busy"), Reply(body=SMALL, truncate_at=20)]
    assert by_link(server, provider, photo, f"{server.base}/files/a.jpg").data == SMALL
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "answers", [[], [Reply(status=302, headers={"location": "/files/b.jpg"}, body=b"-")] * 3]
)
def test_a_picture_that_stays_away_is_told_without_its_link(
    server: ModelServer, provider: Provide, photo: bytes, answers: list[Reply]
) -> None:
    server.files["b.jpg"] = SMALL
    server.probes = list(answers)
    with pytest.raises(errors.NotFetched) as raised:
        by_link(server, provider, photo, f"{server.base}/files/a.jpg?X-Amz-Signature=abc")
    error = raised.value
    assert (error.state.value, error.may_be_charged, error.request_id) == ("unknown", True, "req-9")
    for code in ("en", "zh"):
        sentence = language.words(code).error(error)
        assert "127.0.0.1" in sentence and "Signature" not in sentence
    assert [seen.method for seen in server.seen] == ["POST", "GET", "GET", "GET"]


@pytest.mark.parametrize(
    "link",
    [
        "file:///etc/passwd", "ftp://127.0.0.1/a", "//127.0.0.1/a", "http://", "http://[::1", "nonsense",
        "http://169.254.169.254/latest/meta-data/",
    ],
)  # fmt: skip
def test_a_link_that_leads_elsewhere_is_not_followed(
    server: ModelServer, provider: Provide, photo: bytes, link: str
) -> None:
    with pytest.raises(errors.NotFetched):
        by_link(server, provider, photo, link)
    assert [seen.method for seen in server.seen] == ["POST"]


def test_a_public_gateway_cannot_send_us_inside(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    lookup = socket.getaddrinfo
    names = {"gateway.test": "93.184.216.34", "cdn.test": "127.0.0.1"}
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest, **more: lookup(names.get(host, host), *rest, **more)
    )
    server.files["a.jpg"] = SMALL
    port = server.base.rsplit(":", 1)[1]
    for host in ("127.0.0.1", "cdn.test", "[::ffff:127.0.0.1]", "2130706433"):
        with pytest.raises(errors.NotFetched):
            fetch.fetch(f"http://{host}:{port}/files/a.jpg", home="https://gateway.test/v1")
    assert server.seen == []
    assert fetch.fetch(f"http://cdn.test:{port}/files/a.jpg", home="http://127.0.0.1:1/v1") == SMALL
    assert server.seen[0].headers["host"] == f"cdn.test:{port}"


@pytest.mark.parametrize("who", MODELS)
def test_a_look_is_free_and_knows_the_model(server: ModelServer, provider: Provide, who: str) -> None:
    facts = provider(who).probe()
    assert facts["model"] == MODELS[who]
    assert facts.get("listed", True) is True
    assert server.asked == [], "no paid call"


def test_a_look_knows_a_wrong_model(server: ModelServer, provider: Provide) -> None:
    for who in ("gemini", "openai"):
        if who == "openai":
            server.probes = [Reply(status=404, body=openai_error("No such model.", code="model_not_found"))]
        with pytest.raises(errors.ModelNotFound) as raised:
            provider(who, model="no-such-model").probe()
        assert raised.value.data["model"] == "no-such-model"
    assert provider("gateway", model="no-such-model").probe()["listed"] is False


def test_a_gateway_without_a_list_cannot_be_told(server: ModelServer, provider: Provide) -> None:
    for answer in (Reply(status=404, body=b"<html>"), Reply(body=b"<html>"), Reply(body={"data": []})):
        server.probes = [answer]
        assert provider("gateway").probe()["listed"] is None


@pytest.mark.parametrize("who", MODELS)
@pytest.mark.parametrize(
    "answer",
    [
        Reply(drop="before"),
        Reply(truncate_at=5),
        Reply(status=502, body=b"<html>"),
        Reply(status=503, body=google_error(503, "UNAVAILABLE", "Overloaded.")),
    ],
)
def test_a_look_that_fails_says_that_nothing_was_charged(
    server: ModelServer, provider: Provide, who: str, answer: Reply
) -> None:
    server.probes = [answer]
    with pytest.raises(errors.NotSent):
        provider(who).probe()
