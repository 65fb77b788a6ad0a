"""Every outcome of a call, through a real socket: its type, its data, its sentence, and one request each."""

from __future__ import annotations

import base64
import socket
from typing import Any

import pytest

from core import errors, language
from core.errors import ProviderError
from tests.parts.models import (
    KEY,
    ModelServer,
    Reply,
    gemini_answer,
    google_error,
    listed_answer,
    openai_error,
    picture,
)
from tests.providers.conftest import MODELS, Provide, wanted

SMALL = picture((64, 64))
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}
PER_DAY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
}
PER_MINUTE = {**PER_DAY, "violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}]}
INFO = {"@type": "type.googleapis.com/google.rpc.ErrorInfo"}
HTML = b"<html><title>Bad Gateway</title></html>"


def google(code: int, status: str, message: str, *details: Any, **more: Any) -> Reply:
    return Reply(status=code, body=google_error(code, status, message, *details), **more)


def openai(status: int, message: str, *, code: str | None = None, **more: Any) -> Reply:
    return Reply(status=status, body=openai_error(message, code=code), **more)


def limited(*details: Any, message: str = "Quota exceeded.", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return google(429, "RESOURCE_EXHAUSTED", message, *details, headers=named)


# What any provider may meet: (name, answer, kind, data)
ANYONE: list[tuple[str, Reply, str, dict[str, Any]]] = [
    ("hangs up", Reply(drop="before"), "OutcomeUnknown", {}),
    ("resets", Reply(drop="reset"), "OutcomeUnknown", {}),
    ("resets while it is sent", Reply(drop="unread"), "OutcomeUnknown", {}),
    ("cut-off body", Reply(truncate_at=900), "OutcomeUnknown", {}),
    ("garbage with 200", Reply(body=b'{"candidates": [{"conte'), "OutcomeUnknown", {}),
    ("a page with 200", Reply(body=b"<html>Log in</html>"), "OutcomeUnknown", {}),
    ("a list with 200", Reply(body=[]), "OutcomeUnknown", {}),
    ("502", Reply(status=502, body=HTML), "OutcomeUnknown", {}),
    ("504", Reply(status=504, body=HTML), "OutcomeUnknown", {}),
    ("524", Reply(status=524, body=HTML), "OutcomeUnknown", {}),
    ("500 of a proxy", Reply(status=500, body=HTML), "OutcomeUnknown", {}),
    ("503 of a proxy", Reply(status=503, body=HTML), "Overloaded", {}),
    ("402", Reply(status=402, body={}), "QuotaExhausted", {"until": None}),
    ("429 alone", Reply(status=429, body=b"slow down"), "RateLimited", {"s": None}),
    ("429 by header", Reply(status=429, body={}, headers={"retry-after": "12"}), "RateLimited", {"s": 12}),
    ("401", Reply(status=401, body=HTML), "Auth", {}),
    ("403", Reply(status=403, body=HTML), "Auth", {}),
    ("redirect", Reply(status=302, headers={"location": "https://elsewhere.test/"}), "BadRequest", {}),
    ("404 of a wrong address", Reply(status=404, body=HTML), "BadRequest", {}),
    ("413", Reply(status=413, body=HTML), "BadRequest", {"detail": "HTTP 413"}),
]
GEMINI: list[tuple[str, Reply, str, dict[str, Any]]] = [
    ("RetryInfo", limited(PER_MINUTE, RETRY), "RateLimited", {"s": 37}),
    ("wait in words", limited(message="Please retry in 37.36s."), "RateLimited", {"s": 37}),
    ("long wait in words", limited(message="Please retry in 1h2m3.5s."), "RateLimited", {"s": 3724}),
    ("short wait in words", limited(message="Please retry in 850ms."), "RateLimited", {"s": 1}),
    ("wait in ms", limited(retry_after_ms="1500", retry_after="9"), "RateLimited", {"s": 2}),
    ("a date that is past", limited(retry_after="Wed, 21 Oct 2015 07:28:00 GMT"), "RateLimited", {"s": 0}),
    (
        "no credit for this model",
        limited(message="... limit: 0, model: x"),
        "QuotaExhausted",
        {"until": None},
    ),
    ("a limit that is not 0", limited(message="... limit: 05.5"), "RateLimited", {"s": None}),
    ("a bad key", google(400, "INVALID_ARGUMENT", "Bad.", {**INFO, "reason": "API_KEY_INVALID"}), "Auth", {}),
    ("no permission", google(403, "PERMISSION_DENIED", "Denied."), "Auth", {}),
    (
        "region",
        google(400, "FAILED_PRECONDITION", "User location is not supported."),
        "BadRequest",
        {"detail": "User location is not supported"},
    ),
    ("no such model", google(404, "NOT_FOUND", "Not found."), "ModelNotFound", {"model": MODELS["gemini"]}),
    ("500 of its own", google(500, "INTERNAL", "Internal error."), "Overloaded", {}),
    ("503 of its own", google(503, "UNAVAILABLE", "The model is overloaded."), "Overloaded", {}),
    ("504 of its own", google(504, "DEADLINE_EXCEEDED", "Deadline."), "OutcomeUnknown", {}),
    (
        "prompt refused",
        Reply(body={"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}),
        "Blocked",
        {"stage": "prompt", "reason": "PROHIBITED_CONTENT"},
    ),
    *(
        (word, Reply(body=gemini_answer(finish=word)), "Blocked", {"stage": "picture", "reason": word})
        for word in (
            "SAFETY",
            "RECITATION",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
            "VIDEO_SAFETY",
        )
    ),
    *(
        (word, Reply(body=gemini_answer(finish=word)), "NoImage", {"text": None})
        for word in (
            "NO_IMAGE",
            "IMAGE_OTHER",
            "OTHER",
            "MAX_TOKENS",
            "STOP",
            "MALFORMED_RESPONSE",
            "NEW_ONE",
        )
    ),
    ("text only", Reply(body=gemini_answer("I see a cup.")), "NoImage", {"text": "I see a cup."}),
    (
        "a draft only",
        Reply(
            body=gemini_answer({"thought": True, "inlineData": {"mimeType": "image/png", "data": "iVBORw0K"}})
        ),
        "NoImage",
        {"text": None},
    ),
    ("no candidates", Reply(body={"candidates": []}), "NoImage", {"text": None}),
    ("no finish reason", Reply(body=gemini_answer(finish=None)), "NoImage", {"text": None}),
    (
        "strange shapes",
        Reply(body={"candidates": [{"content": {"parts": ["x", 1]}}, 7]}),
        "NoImage",
        {"text": None},
    ),
    (
        "its message",
        Reply(body={"candidates": [{"finishReason": "IMAGE_OTHER", "finishMessage": "Try again."}]}),
        "NoImage",
        {"text": "Try again."},
    ),
    ("account", Reply(body=gemini_answer(finish="PUP_LIMITED_DISABLED")), "AccountLimited", {}),
]
GATEWAY: list[tuple[str, Reply, str, dict[str, Any]]] = [
    ("rate limit", openai(429, "Slow down", code="rate_limit_exceeded"), "RateLimited", {"s": None}),
    (
        "no quota",
        openai(429, "You exceeded it", code="insufficient_quota"),
        "QuotaExhausted",
        {"until": None},
    ),
    (
        "no credit",
        openai(403, "用户额度不足", code="insufficient_user_quota"),
        "QuotaExhausted",
        {"until": None},
    ),
    ("a bad key", openai(401, "Incorrect API key", code="invalid_api_key"), "Auth", {}),
    ("no such model", openai(404, "No channel", code="model_not_found"), "ModelNotFound", {"model": "m"}),
    ("no channel", openai(503, "No channel", code="model_not_found"), "ModelNotFound", {"model": "m"}),
    ("500 of its own", openai(500, "upstream failed"), "Overloaded", {}),
    (
        "refused by rule",
        openai(400, "Your request was rejected.", code="moderation_blocked"),
        "Blocked",
        {"stage": "prompt", "reason": "moderation_blocked"},
    ),
    (
        "refused in Google's words",
        openai(400, "upstream: blocked by IMAGE_SAFETY"),
        "Blocked",
        {"stage": "prompt", "reason": "IMAGE_SAFETY"},
    ),
    (
        "JSON in JSON",
        openai(400, 'upstream error: {"error": {"code": 400, "message": "Invalid aspect ratio."}}'),
        "BadRequest",
        {"detail": "Invalid aspect ratio"},
    ),
    (
        "cut JSON in JSON",
        openai(400, 'upstream error: {"error": {"code": 400, "mess'),
        "BadRequest",
        {"detail": "upstream error"},
    ),
    (
        "an error as text",
        Reply(status=400, body={"error": "bad ratio"}),
        "BadRequest",
        {"detail": "bad ratio"},
    ),
    (
        "the key in words",
        openai(400, f"{KEY} is not for edits"),
        "BadRequest",
        {"detail": "*** is not for edits"},
    ),
    ("nothing", Reply(body={"data": []}), "NoImage", {"text": None}),
    ("nothing in it", Reply(body=listed_answer(b64_json=None, url="")), "NoImage", {"text": None}),
    ("words", Reply(body=listed_answer(revised_prompt="I can't.")), "NoImage", {"text": "I can't"}),
    ("an error with 200", Reply(body={"error": {"message": "Busy."}}), "NoImage", {"text": "Busy"}),
    (
        "refused with 200",
        Reply(body=openai_error("Content is not allowed.", code="content_policy_violation")),
        "Blocked",
        {"stage": "picture", "reason": "content_policy_violation"},
    ),
]
ROWS = [
    *((who, *row) for who in ("gemini", "gateway", "openai") for row in ANYONE),
    *(("gemini", *row) for row in GEMINI),
    *((who, *row) for who in ("gateway", "openai") for row in GATEWAY),
]


def told(error: ProviderError) -> list[str]:
    """What an operator reads, in both languages."""
    return [f"{words.title(error.kind)} {words.error(error)}" for words in map(language.words, ("en", "zh"))]


@pytest.mark.parametrize(
    ("who", "answer", "kind", "data"),
    [(who, answer, kind, data) for who, _, answer, kind, data in ROWS],
    ids=[f"{who}: {name}" for who, name, *_ in ROWS],
)
def test_each_outcome_has_its_type_and_its_sentence(
    server: ModelServer,
    provider: Provide,
    photo: bytes,
    who: str,
    answer: Reply,
    kind: str,
    data: dict[str, Any],
) -> None:
    server.script = [answer]
    model = data.get("model", MODELS[who])
    with pytest.raises(ProviderError) as raised:
        provider(who).generate(wanted(photo, model=model))
    error = raised.value
    assert error.kind == kind
    assert data.items() <= dict(error.data).items()
    assert len(server.asked) == 1, "nothing is sent twice"
    for sentence in (*told(error), str(error), repr(error)):
        assert KEY not in sentence
    for sentence in told(error):
        assert "{" not in sentence and "None" not in sentence and '"' not in sentence
    charged = kind in ("Overloaded", "OutcomeUnknown", "Blocked", "NoImage")
    assert error.may_be_charged is charged


def test_a_quota_of_the_day_says_when_it_begins_anew(
    server: ModelServer, provider: Provide, photo: bytes
) -> None:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    server.script = [limited(PER_DAY, RETRY)]
    with pytest.raises(errors.QuotaExhausted) as raised:
        provider("gemini").generate(wanted(photo))
    until = datetime.fromisoformat(raised.value.data["until"]).astimezone(ZoneInfo("America/Los_Angeles"))
    assert (until.hour, until.minute, until.second) == (0, 0, 0)
    now = datetime.now(until.tzinfo)
    assert now < until and (until.date() - now.date()).days == 1


def test_nobody_there_is_not_sent(provider: Provide, photo: bytes) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        for who in MODELS:
            with pytest.raises(errors.NotSent):
                provider(who, base=nobody).generate(wanted(photo, model=MODELS[who]))


def test_a_server_without_tls_is_not_sent(server: ModelServer, provider: Provide, photo: bytes) -> None:
    for who in MODELS:
        with pytest.raises(errors.NotSent):
            provider(who, base=server.base.replace("http", "https")).generate(
                wanted(photo, model=MODELS[who])
            )
    assert server.asked == []


@pytest.mark.parametrize("who", MODELS)
def test_an_answer_that_takes_too_long_is_unknown(
    server: ModelServer, provider: Provide, photo: bytes, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.providers import http

    post = http.post

    def hurried(*where: Any, read: float, **body: Any) -> http.Reply:
        return post(*where, read=read / 1000, **body)

    where = "gemini_api" if who == "gemini" else who
    monkeypatch.setattr(f"core.providers.{where}.post", hurried)
    server.script = [Reply(delay=0.8)]
    with pytest.raises(errors.OutcomeUnknown):
        provider(who).generate(wanted(photo, model=MODELS[who]))
    assert len(server.asked) == 1


@pytest.mark.parametrize("who", MODELS)
@pytest.mark.parametrize("key", ["wrong", "wr\nong-secret", "wröng-secret", "two words-secret", " "])
def test_a_wrong_key_is_said_without_it(
    server: ModelServer, provider: Provide, photo: bytes, who: str, key: str
) -> None:
    made = provider(who, key=key)
    for ask in (made.probe, lambda: made.generate(wanted(photo, model=MODELS[who]))):
        with pytest.raises(errors.Auth) as raised:
            ask()
        chain = [raised.value, raised.value.__cause__, raised.value.__context__]
        assert not any("secret" in repr(error) for error in chain)
        assert "wrong" not in "".join(told(raised.value))


def test_the_last_picture_that_is_no_draft_is_taken(
    server: ModelServer, provider: Provide, photo: bytes
) -> None:
    drafts = [{"thought": True, "inlineData": {"data": base64.b64encode(SMALL).decode()}}] * 2
    first, last = picture((32, 32)), picture((48, 48), form="PNG")
    late = {"thought": True, "inlineData": {"data": base64.b64encode(picture((16, 16))).decode()}}
    server.script = [Reply(body=gemini_answer(*drafts, first, "and", last, late))]
    answer = provider("gemini").generate(wanted(photo))
    assert answer.data == last
    assert (answer.model_version, answer.request_id) == ("nb-2.1-2026-09", "resp-42")
    assert answer.usage["totalTokenCount"] == 2600


def test_a_picture_is_kept_whatever_the_finish_reason(
    server: ModelServer, provider: Provide, photo: bytes
) -> None:
    server.script = [Reply(body=gemini_answer(SMALL, finish="MAX_TOKENS"))]
    answer = provider("gemini").generate(wanted(photo))
    assert (answer.data, answer.notes) == (SMALL, {"finish": "MAX_TOKENS"})


def forms(data: bytes) -> list[str]:
    text = base64.b64encode(data).decode()
    return [
        f"data:image/png;base64,{text}",
        "\n".join(text[i : i + 76] for i in range(0, len(text), 76)) + "\n",
        text.rstrip("="),
        base64.urlsafe_b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode().rstrip("="),
    ]


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("tail", [b"", b"1", b"22"])
def test_base64_is_read_in_every_form(
    server: ModelServer, provider: Provide, photo: bytes, number: int, tail: bytes
) -> None:
    data = SMALL + b"\xfb\xef\xff" + tail
    text = forms(data)[number]
    server.script = [Reply(body=listed_answer(b64_json=text))]
    assert provider("gateway").generate(wanted(photo, model="nano-banana-2")).data == data


def test_what_is_no_base64_is_kept_as_it_came(server: ModelServer, provider: Provide, photo: bytes) -> None:
    for who, body in (
        ("gemini", gemini_answer({"inlineData": {"data": "***"}})),
        ("gateway", listed_answer(b64_json="***")),
    ):
        server.script = [Reply(body=body)]
        answer = provider(who).generate(wanted(photo, model=MODELS[who]))
        assert (answer.data, answer.notes) == (b"***", {"undecoded": "base64"})


def test_cost_follows_the_answers_usage(server: ModelServer, provider: Provide, photo: bytes) -> None:
    server.script = [Reply(body=gemini_answer("Only words.", finish="NO_IMAGE"))]
    with pytest.raises(errors.NoImage) as raised:
        provider("gemini").generate(wanted(photo))
    assert (raised.value.cost_micros, raised.value.request_id) == (36_882, "resp-42")
    assert raised.value.usage["promptTokenCount"] == 1303
    assert provider("gemini").generate(wanted(photo)).cost_micros == 36_882
    assert provider("gateway").generate(wanted(photo, model="nano-banana-2")).cost_micros is None
    # 20 text x 5 + 1000 image x 8 + 1056 out x 30 micro-dollars
    assert provider("openai").generate(wanted(photo, model="gpt-image-2")).cost_micros == 39_780


def test_photos_are_sent_in_their_order(server: ModelServer, provider: Provide) -> None:
    photos = [picture((40 + n, 40)) for n in range(4)]
    for who in MODELS:
        provider(who).generate(wanted(*photos, model=MODELS[who]))
    gemini, gateway, openai = (seen.body for seen in server.asked)
    blobs = [part["inlineData"]["data"] for part in gemini["contents"][0]["parts"][1:]]
    assert [base64.b64decode(text) for text in blobs] == photos
    assert [base64.b64decode(text) for text in gateway["image"]] == photos
    assert [value[2] for name, value in openai if name == "image[]"] == photos


def test_too_many_photos_are_refused_before_they_are_sent(
    server: ModelServer, provider: Provide, photo: bytes
) -> None:
    with pytest.raises(errors.BadRequest) as raised:
        provider("gemini").generate(wanted(*[photo] * 4, model="gemini-2.5-flash-image"))
    assert "at most 3 photos" in raised.value.data["detail"]
    assert server.asked == []


def test_large_photos_are_made_to_fit(server: ModelServer, provider: Provide) -> None:
    import io
    import random

    from PIL import Image

    noise = Image.frombytes("RGB", (4000, 2000), random.Random(1).randbytes(24_000_000))
    out = io.BytesIO()
    noise.save(out, "JPEG", quality=95, subsampling=0)
    large, small = out.getvalue(), picture((300, 200))
    provider("gemini").generate(wanted(large, small, large))
    parts = server.asked[0].body["contents"][0]["parts"][1:]
    sent = [base64.b64decode(part["inlineData"]["data"]) for part in parts]
    assert sum(len(part["inlineData"]["data"]) for part in parts) <= 18_000_000 < 2 * len(large)
    assert sent[1] == small
    with Image.open(io.BytesIO(sent[0])) as first:
        assert first.width == 2 * first.height >= 1000
    assert int(server.asked[0].headers["content-length"]) < 20_000_000
