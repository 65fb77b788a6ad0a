"""Describers against the model server: the SDKs' requests, and every answer that is none."""

from __future__ import annotations

import base64
import io
import json
import warnings

import pytest
from PIL import Image

from core.errors import (
    AccountLimited,
    Auth,
    BadDescription,
    BadRequest,
    Blocked,
    ModelNotFound,
    NotSent,
    OutcomeUnknown,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    RateLimited,
)
from core.model import Description
from core.providers import DescribeRequest, prices
from core.providers.description import INSTRUCTION, LIMITS, MOST_FEATURES, SCHEMA, read
from tests.parts import model_rules
from tests.parts.model_rules import FACTS, TEXT
from tests.parts.models import (
    KEY,
    ModelServer,
    Reply,
    chat_answer,
    google_error,
    openai_error,
    words_answer,
)
from tests.providers.conftest import Provide

with warnings.catch_warnings():
    # google-genai and openai deprecate parts of their own at import.
    warnings.simplefilter("ignore", DeprecationWarning)
    from google import genai
    from google.genai import types
    from openai import OpenAI

WHO = ("gemini", "gateway", "openai")


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 30, 30)).save(out, "JPEG")
    return out.getvalue()


REQUEST = DescribeRequest(model=TEXT, photo=jpeg())
SAID = Description(**{**FACTS, "key_features": tuple(FACTS["key_features"])})


def test_our_question_is_googles(server: ModelServer, describer: Provide) -> None:
    strings = types.Schema(type=types.Type.STRING)
    lists = types.Schema(type=types.Type.ARRAY, items=strings)
    schema = types.Schema(
        type=types.Type.OBJECT,
        properties={name: lists if name == "key_features" else strings for name in SCHEMA["properties"]},
        required=SCHEMA["required"],
        property_ordering=SCHEMA["propertyOrdering"],
    )
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=schema)
    photo = types.Part.from_bytes(data=REQUEST.photo, mime_type="image/jpeg")
    contents = types.Content(role="user", parts=[types.Part.from_text(text=INSTRUCTION), photo])
    options = types.HttpOptions(base_url=server.base, api_version="v1beta")
    with genai.Client(api_key=KEY, http_options=options) as google:
        theirs = google.models.generate_content(model=TEXT, contents=contents, config=config)
    ours = describer("gemini").describe(REQUEST)
    theirs_seen, ours_seen = server.asked
    assert ours_seen.path == theirs_seen.path
    assert model_rules.normal(ours_seen.body) == model_rules.normal(theirs_seen.body)
    assert json.loads(theirs.text or "") == FACTS
    assert (ours.description, ours.model_version, ours.request_id) == (SAID, "g-3-flash-001", "resp-7")


@pytest.mark.parametrize("who", ["gateway", "openai"])
def test_our_question_is_openais(server: ModelServer, describer: Provide, who: str) -> None:
    link = f"data:image/jpeg;base64,{base64.b64encode(REQUEST.photo).decode()}"
    with OpenAI(api_key=KEY, base_url=f"{server.base}/v1", max_retries=0) as openai:
        theirs = openai.chat.completions.create(
            model=TEXT,
            messages=[
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": INSTRUCTION},
                        {"type": "image_url", "image_url": {"url": link}},
                    ],
                }
            ],
            response_format={"type": "json_object"},
        )
    ours = describer(who).describe(REQUEST)
    theirs_seen, ours_seen = server.asked
    assert (ours_seen.path, ours_seen.body) == (theirs_seen.path, theirs_seen.body)
    assert ours_seen.headers["authorization"] == theirs_seen.headers["authorization"]
    assert json.loads(theirs.choices[0].message.content or "") == FACTS
    assert (ours.description, ours.model_version, ours.request_id) == (SAID, TEXT, "req-7")


@pytest.mark.parametrize("who", WHO)
def test_no_price_is_unknown_and_one_in_the_table_counts(
    server: ModelServer, describer: Provide, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = describer(who)
    assert (asked.estimate(), asked.describe(REQUEST).cost_micros) == (None, None)
    texts = {who: {"texts": {TEXT: {"tokens_in": "0.50", "tokens_out": "3"}}}}
    monkeypatch.setattr(prices, "_table", lambda: texts)
    assert asked.estimate() == 5_500
    assert asked.describe(REQUEST).cost_micros == 1_650, "1,500 in, 300 out with thoughts"


def by(who: str, text: str | None, *, cut: bool = False) -> Reply:
    """The same text as each vendor says it."""
    if who == "gemini":
        return Reply(body=words_answer(text, finish="MAX_TOKENS" if cut else "STOP"))
    return Reply(body=chat_answer(text, finish="length" if cut else "stop"))


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(
    ("text", "cut", "reason", "fields"),
    [
        ("I see a bag of rice.", False, "NOT_JSON", ""),
        ("", False, "NO_TEXT", ""),
        (None, False, "NO_TEXT", ""),
        (None, True, "CUT_OFF", ""),
        (json.dumps(FACTS)[:90], True, "CUT_OFF", ""),
        (json.dumps(FACTS)[:90], False, "NOT_JSON", ""),
        ("[]", False, "NOT_JSON", ""),
        ("{}", False, "WRONG_FIELDS", "description"),
        (json.dumps({**FACTS, "key_features": "5 kg"}), False, "WRONG_FIELDS", "key_features"),
        (json.dumps({**FACTS, "headline": 5, "prompt": None}), False, "WRONG_FIELDS", "headline, prompt"),
        (json.dumps({**FACTS, "description": "  "}), False, "WRONG_FIELDS", "description"),
    ],
)
def test_an_answer_that_is_no_description_is_told(
    server: ModelServer,
    describer: Provide,
    who: str,
    text: str | None,
    cut: bool,
    reason: str,
    fields: str,
) -> None:
    server.script = [by(who, text, cut=cut)]
    with pytest.raises(BadDescription) as raised:
        describer(who).describe(REQUEST)
    assert raised.value.data == {"reason": reason, "fields": fields}
    assert raised.value.text == (text or "").strip(), "what was paid is kept for the journal"
    assert raised.value.request_id and raised.value.usage
    assert len(server.asked) == 1


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("fence", ["```json\n{}\n```", "\n```\n{}```\n", "  {}  "])
def test_a_code_fence_is_taken_off(server: ModelServer, describer: Provide, who: str, fence: str) -> None:
    server.script = [by(who, fence.replace("{}", json.dumps({**FACTS, "more": {"x": 1}}, indent=1)))]
    assert describer(who).describe(REQUEST).description == SAID


def test_an_answer_is_cut_at_its_limits() -> None:
    long = {name: "x" * 9_000 for name in LIMITS}
    found = read(json.dumps({**long, "key_features": ["y" * 500] * 40 + [""]}))
    assert {len(feature) for feature in found.key_features} == {LIMITS["key_features"]}
    assert len(found.key_features) == MOST_FEATURES
    for name in set(LIMITS) - {"key_features"}:
        assert len(getattr(found, name)) == LIMITS[name]


def test_a_gateway_that_answers_in_parts_is_read(server: ModelServer, describer: Provide) -> None:
    text = json.dumps(FACTS)
    parts = [{"type": "text", "text": text[:50]}, {"type": "text", "text": text[50:]}]
    server.script = [Reply(body=chat_answer(parts))]
    assert describer("gateway").describe(REQUEST).description == SAID


OVER = google_error(429, "RESOURCE_EXHAUSTED", "Slow down. Please retry in 7s.")
BUSY = google_error(503, "UNAVAILABLE", "The model is overloaded.")


@pytest.mark.parametrize(
    ("who", "answer", "kind"),
    [
        ("gemini", Reply(body={"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}), Blocked),
        ("gemini", Reply(body=words_answer(None, finish="SAFETY")), Blocked),
        ("gemini", Reply(body=words_answer(None, finish="PUP_LIMITED_DISABLED")), AccountLimited),
        ("gemini", Reply(status=429, body=OVER), RateLimited),
        ("gemini", Reply(status=503, body=BUSY), Overloaded),
        ("gemini", Reply(body=b"[]"), OutcomeUnknown),
        ("gateway", Reply(body=chat_answer(None, refusal="I can't help with that.")), Blocked),
        ("gateway", Reply(body=chat_answer("", finish="content_filter")), Blocked),
        ("gateway", Reply(body=openai_error("blocked", code="moderation_blocked")), Blocked),
        ("gateway", Reply(body={"choices": "none"}), BadDescription),
        ("gateway", Reply(body=b"<html>"), OutcomeUnknown),
        ("openai", Reply(status=429, body=openai_error("no", code="insufficient_quota")), QuotaExhausted),
        ("openai", Reply(status=400, body=openai_error("image_url is not supported")), BadRequest),
        ("openai", Reply(status=401, body=openai_error("no", code="invalid_api_key")), Auth),
        ("openai", Reply(status=404, body=openai_error("no", code="model_not_found")), ModelNotFound),
        ("openai", Reply(status=502, body=b"<html>"), OutcomeUnknown),
        *((who, Reply(drop="before"), OutcomeUnknown) for who in WHO),
        *((who, Reply(truncate_at=40), OutcomeUnknown) for who in WHO),
    ],
)
def test_every_other_outcome_is_that_of_pictures(
    server: ModelServer, describer: Provide, who: str, answer: Reply, kind: type[ProviderError]
) -> None:
    server.script = [answer]
    with pytest.raises(kind):
        describer(who).describe(REQUEST)
    assert len(server.asked) == 1


@pytest.mark.parametrize("who", WHO)
def test_nobody_there_is_not_sent(describer: Provide, who: str) -> None:
    with pytest.raises(NotSent):
        describer(who, base="http://127.0.0.1:9/v1").describe(REQUEST)


@pytest.mark.parametrize("who", WHO)
def test_a_probe_is_free(server: ModelServer, describer: Provide, who: str) -> None:
    assert describer(who).probe().get("listed", True) is True
    with pytest.raises(Auth):
        describer(who, key="another-key").probe()
    assert server.asked == []
