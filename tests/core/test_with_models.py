"""The way of a photo with the real providers, against the model server."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image

from core import doctor, generation, history, language
from core.database import schema
from core.database.engine import reading
from core.model import Health, Output, OutputState
from core.settings import load_settings
from core.studio import Studio, make_providers, open_studio
from tests.conftest import BY, finished, order, upload
from tests.parts.model_rules import TEXT
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

NB = "gemini-nano-banana-2.1"
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo"}
Open = Callable[..., Studio]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as found:
        yield found


@pytest.fixture
def shop(tmp_path: Path, server: ModelServer) -> Iterator[Open]:
    """A desk whose every model is the model server."""
    with ExitStack() as stack:

        def opened(*, work: bool = True, **overrides: Any) -> Studio:
            keys = {"gemini_api_key": KEY, "nano_banana_api_key": KEY, "openai_api_key": KEY}
            values = {
                "database_url": f"sqlite:///{tmp_path / 'packshot.db'}",
                "upload_dir": tmp_path / "media",
                "app_secret": "a secret for tests",
                "image_provider": "gemini",
                "google_gemini_base_url": server.base,
                "nano_banana_api_base": f"{server.base}/v1",
                "nano_banana_model": "nano-banana-2",
                "openai_base_url": f"{server.base}/v1",
                "openai_model": "gpt-image-2",
                **keys,
                **overrides,
            }
            return stack.enter_context(open_studio(load_settings(**values), work=work))

        yield opened


def calls(desk: Studio) -> list[Any]:
    with reading(desk.engine) as connection:
        return list(connection.execute(sa.select(schema.calls).order_by(schema.calls.c.id)).all())


def one(desk: Studio, photo: bytes, **changes: Any) -> Output:
    values = {"model": NB, "ratio": "1:1", **changes}
    key = generation.submit(desk, [upload(photo)], order(**values), by=BY)
    return finished(desk, key).outputs[0]


def test_geminis_pictures_come_with_all_that_is_known(shop: Open, server: ModelServer, photo: bytes) -> None:
    desk = shop()
    key = generation.submit(
        desk, [upload(photo), upload(photo)], order(model=NB, ratio="4:5", size="2K", outputs=2), by=BY
    )
    view = finished(desk, key)
    assert [output.state for output in view.outputs] == [OutputState.SUCCEEDED] * 4
    for output in view.outputs:
        assert (output.width, output.height) == (1856, 2304)
        assert output.cost_micros == 36_882
        assert (output.model_version, output.provider_request_id) == ("nb-2.1-2026-09", "resp-42")
        assert output.content_type == "image/jpeg" and output.notes == {}
        assert output.sha256 == hashlib.sha256(desk.store.get(output.object_key or "")).hexdigest()
    assert len(server.asked) == 4
    for call in calls(desk):
        assert (call.outcome, call.cost_micros, call.provider_request_id) == ("picture", 36_882, "resp-42")
        assert call.usage["candidatesTokenCount"] == 1120 and call.answered_at


def test_the_gateway_and_openai_make_pictures_too(shop: Open, photo: bytes) -> None:
    desk = shop()
    output = one(desk, photo, provider="gateway", model="nano-banana-2")
    assert (output.state, output.cost_micros) == (OutputState.SUCCEEDED, None)
    assert output.provider_request_id == "req-7"
    output = one(desk, photo, provider="openai", model="gpt-image-2", ratio="16:9", size="1K")
    assert (output.state, output.cost_micros) == (OutputState.SUCCEEDED, 39_780)
    assert (output.width, output.height, output.content_type) == (1376, 768, "image/png")


@pytest.mark.parametrize(
    ("size", "done", "after"),
    [((1100, 1024), "cropped", (1024, 1024)), ((1264, 848), "padded", (1264, 1264))],
)
def test_another_shape_is_mended_beside_the_untouched_answer(
    shop: Open,
    server: ModelServer,
    photo: bytes,
    size: tuple[int, int],
    done: str,
    after: tuple[int, int],
) -> None:
    came = picture(size, photo)
    server.script = [Reply(body=gemini_answer(came))]
    desk = shop()
    output = one(desk, photo)
    assert (output.width, output.height) == after
    assert output.notes == {"fitted": done, "returned": list(size)}
    (call,) = calls(desk)
    assert call.object_key != output.object_key
    assert desk.store.get(call.object_key) == came
    shown = desk.store.get(output.object_key or "")
    assert output.sha256 == hashlib.sha256(shown).hexdigest() and output.bytes == len(shown)
    with Image.open(io.BytesIO(shown)) as made:
        assert made.size == after
    with Image.open(io.BytesIO(desk.store.get(output.thumb_key or ""))) as thumb:
        assert thumb.size == (512, 512)


def test_a_smaller_picture_is_said(shop: Open, server: ModelServer, photo: bytes) -> None:
    server.script = [Reply(body=gemini_answer(picture((1024, 1024), photo)))]
    output = one(shop(), photo, size="4K")
    assert output.state is OutputState.SUCCEEDED
    assert output.notes == {"smaller": True, "returned": [1024, 1024], "asked": [4096, 4096]}


@pytest.mark.parametrize(
    ("part", "kept"),
    [
        ({"inlineData": {"data": "*no base64*"}}, b"*no base64*"),
        (b"GIF89a is no picture here", b"GIF89a is no picture here"),
        (picture((64, 64))[:400], picture((64, 64))[:400]),
        (picture((4000, 100)), picture((4000, 100))),
    ],
)
def test_what_is_no_picture_is_kept_and_said(
    shop: Open, server: ModelServer, photo: bytes, part: Any, kept: bytes
) -> None:
    server.script = [Reply(body=gemini_answer(part))]
    desk = shop()
    output = one(desk, photo)
    assert (output.state, output.error_kind) == (OutputState.FAILED, "BadImage")
    assert desk.store.get(output.object_key or "") == kept
    assert (output.cost_micros, output.provider_request_id) == (36_882, "resp-42")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("answer", "state", "kind", "cost", "asked"),
    [
        (Reply(body=gemini_answer("No.", finish="NO_IMAGE")), "failed", "NoImage", 36_882, "resp-42"),
        (Reply(body=gemini_answer(finish="IMAGE_SAFETY")), "blocked", "Blocked", 36_882, "resp-42"),
        (Reply(drop="before"), "unknown", "OutcomeUnknown", None, None),
        (Reply(truncate_at=1000), "unknown", "OutcomeUnknown", None, None),
        (Reply(status=502, body=b"<html>"), "unknown", "OutcomeUnknown", None, "req-7"),
    ],
)
def test_an_outcome_without_a_picture_keeps_cost_and_request(
    shop: Open,
    server: ModelServer,
    photo: bytes,
    answer: Reply,
    state: str,
    kind: str,
    cost: int | None,
    asked: str | None,
) -> None:
    server.script = [answer]
    desk = shop()
    output = one(desk, photo)
    assert (output.state.value, output.error_kind) == (state, kind)
    (call,) = calls(desk)
    for row in (output, call):
        assert (row.cost_micros, row.provider_request_id) == (cost, asked)
    assert (call.outcome, bool(call.answered_at)) == (kind, True)
    assert len(server.asked) == 1


def limited(delay: str) -> Reply:
    error = google_error(429, "RESOURCE_EXHAUSTED", "Slow down.", {**RETRY, "retryDelay": delay})
    return Reply(status=429, body=error)


def test_a_named_wait_is_waited_for_by_all(shop: Open, server: ModelServer, photo: bytes) -> None:
    server.script = [limited("1s")]
    desk = shop(provider_concurrency=1)
    key = generation.submit(desk, [upload(photo)], order(model=NB, ratio="1:1", outputs=3), by=BY)
    view = finished(desk, key)
    assert [output.state for output in view.outputs] == [OutputState.SUCCEEDED] * 3
    refused, *later = calls(desk)
    assert [call.outcome for call in (refused, *later)] == ["RateLimited", "picture", "picture", "picture"]
    assert all(call.sent_at - refused.answered_at >= timedelta(seconds=1) for call in later)
    waited = view.outputs[0]
    assert (waited.attempts, waited.error_kind, waited.not_before) == (2, None, None)
    assert all(call.answered_at for call in calls(desk))


@pytest.mark.parametrize(("answers", "sent"), [([limited("61s")], 1), ([limited("0.1s")] * 6, 6)])
def test_a_wait_that_is_too_long_or_comes_too_often_ends_it(
    shop: Open, server: ModelServer, photo: bytes, answers: list[Reply], sent: int
) -> None:
    server.script = list(answers)
    desk = shop()
    output = one(desk, photo)
    assert (output.state, output.error_kind) == (OutputState.FAILED, "RateLimited")
    assert len(server.asked) == len(calls(desk)) == sent
    assert {call.outcome for call in calls(desk)} == {"RateLimited"}
    sentence = language.words("en").sentence(output.error_kind or "", output.error_data)
    assert "then Retry" in sentence and "goes on" not in sentence


def test_a_linked_picture_that_is_lost_is_told_truthfully(
    shop: Open, server: ModelServer, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.providers.fetch._TRIES", 1)
    server.script = [Reply(body=listed_answer(url=f"{server.base}/files/gone.png?Signature=s3cret"))]
    desk = shop()
    output = one(desk, photo, provider="gateway", model="nano-banana-2")
    assert (output.state, output.error_kind) == (OutputState.UNKNOWN, "NotFetched")
    assert "s3cret" not in str(output.error_data)


def test_no_key_reaches_rows_logs_or_sentences(
    shop: Open, server: ModelServer, photo: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    desk = shop(provider_concurrency=1)
    server.script = [
        Reply(),
        Reply(status=400, body=openai_error(f"no {KEY}")),
        Reply(drop="reset"),
        Reply(status=401, body=openai_error(f"Incorrect API key {KEY}", code="invalid_api_key")),
    ]
    key = generation.submit(
        desk, [upload(photo)], order(provider="gateway", model="nano-banana-2", outputs=4), by=BY
    )
    kinds = [output.error_kind for output in finished(desk, key).outputs]
    assert kinds == [None, "BadRequest", "OutcomeUnknown", "Auth"]
    desk.engine.dispose()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("packshot.db*"))
    assert b"Incorrect" not in stored and KEY.encode() not in stored
    assert KEY not in caplog.text and KEY not in repr(desk)


def test_every_model_with_a_key_is_offered_the_configured_first(shop: Open) -> None:
    desk = shop(work=False, image_provider="gateway")
    assert list(desk.providers) == ["gateway", "local", "gemini", "openai"]
    assert desk.settings.provider == "gateway"
    only = load_settings(gemini_api_key=KEY)
    made = make_providers(only)
    assert list(made) == ["gemini", "local"]
    for found in made.values():
        found.close()
    assert list(make_providers(load_settings())) == ["local"]


def test_closing_the_desk_closes_its_connections(tmp_path: Path, server: ModelServer, photo: bytes) -> None:
    settings = load_settings(
        database_url=f"sqlite:///{tmp_path / 'packshot.db'}",
        upload_dir=tmp_path / "media",
        app_secret="a secret for tests",
        gemini_api_key=KEY,
        google_gemini_base_url=server.base,
    )
    with open_studio(settings) as desk:
        assert one(desk, photo).state is OutputState.SUCCEEDED
    with pytest.raises(RuntimeError, match="closed"):
        desk.providers["gemini"].probe()


@pytest.mark.parametrize(
    ("overrides", "health", "said"),
    [
        ({}, Health.OK, "ok"),
        ({"gemini_api_key": "another-key"}, Health.FAILED, "Auth"),
        ({"gemini_model": "no-such-model"}, Health.FAILED, "ModelNotFound"),
        ({"google_gemini_base_url": "http://127.0.0.1:9"}, Health.FAILED, "NotSent"),
        ({"image_provider": "gateway"}, Health.OK, "ok"),
        ({"image_provider": "gateway", "nano_banana_model": "other"}, Health.WARNING, "not_listed"),
        ({"image_provider": "gateway", "nano_banana_api_key": "another-key"}, Health.FAILED, "Auth"),
        ({"image_provider": "openai"}, Health.OK, "ok"),
    ],
)
def test_the_doctor_knows_the_model_without_paying(
    shop: Open, server: ModelServer, overrides: dict[str, Any], health: Health, said: str
) -> None:
    desk = shop(work=False, **overrides)
    finding = next(found for found in doctor.examine(desk) if found.part == "provider")
    assert (finding.health, finding.error or finding.code) == (health, said)
    for code in ("en", "zh"):
        words = language.words(code)
        if finding.error:
            assert words.sentence(finding.error, finding.data)
        else:
            assert words(f"doctor.provider.{finding.code}", **finding.data)
    assert server.asked == []


@pytest.mark.parametrize(
    ("overrides", "health", "said"),
    [
        ({}, Health.OK, "ok"),
        ({"gemini_thinking_model": "no-such-model"}, Health.FAILED, "ModelNotFound"),
        ({"image_provider": "gateway"}, Health.OK, "ok"),
        ({"image_provider": "openai", "gemini_thinking_model": "other"}, Health.WARNING, "not_listed"),
        ({"image_provider": "local", "nano_banana_api_key": "another-key"}, Health.FAILED, "Auth"),
        (
            {
                "image_provider": "local",
                "nano_banana_api_key": None,
                "gemini_api_key": None,
                "openai_api_key": None,
            },
            Health.WARNING,
            "no_key",
        ),
    ],
)
def test_the_doctor_knows_who_describes_without_paying(
    shop: Open, server: ModelServer, overrides: dict[str, Any], health: Health, said: str
) -> None:
    desk = shop(work=False, **{"gemini_thinking_model": TEXT, **overrides})
    finding = next(found for found in doctor.examine(desk) if found.part == "describer")
    assert (finding.health, finding.error or finding.code) == (health, said)
    for code in ("en", "zh"):
        words = language.words(code)
        if finding.error:
            assert words.sentence(finding.error, finding.data)
        else:
            assert words(f"doctor.describer.{finding.code}", **finding.data)
    assert server.asked == []


def test_one_real_picture_takes_the_size_that_the_model_has(shop: Open, server: ModelServer) -> None:
    desk = shop(image_provider="gateway", nano_banana_model="nano-banana-2-4k")
    assert doctor.generate_once(desk, by=BY).health is Health.OK
    assert history.page(desk, history.Filter(), limit=5).entries[0].cost_micros is None


def test_balancers_do_not_ask_the_model_each_time(shop: Open, server: ModelServer) -> None:
    desk = shop(work=False)
    for _ in range(5):
        assert doctor.readiness(desk)["provider"] is Health.OK
    assert len(server.seen) == 1
    doctor.examine(desk)
    assert len(server.seen) == 2, "a person who looks gets a fresh answer"
    wrong = shop(work=False, gemini_model="no-such-model")
    assert [doctor.readiness(wrong)["provider"] for _ in range(3)] == [Health.FAILED] * 3
    assert len(server.seen) == 3


def test_a_quota_is_told_on_the_operators_clock(shop: Open, server: ModelServer, photo: bytes) -> None:
    quota = {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
    }
    error = google_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", quota, {**RETRY, "retryDelay": "5s"})
    server.script = [Reply(status=429, body=error)]
    desk = shop()
    output = one(desk, photo)
    assert (output.state, output.error_kind) == (OutputState.FAILED, "QuotaExhausted")
    assert len(server.asked) == 1
    words = language.words("en")
    # Midnight in California is 15:00 or 16:00 in Hong Kong, by season.
    here = words.sentence("QuotaExhausted", output.error_data, zone=desk.settings.zone)
    assert ":00. Choose" in here and (" 15:00" in here or " 16:00" in here)
    assert " UTC. Choose" in words.sentence("QuotaExhausted", output.error_data)
