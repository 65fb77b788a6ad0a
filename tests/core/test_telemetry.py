"""Log lines: who can read them learns what happened, and never a secret."""

from __future__ import annotations

import base64
import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import SecretStr

from core import generation, telemetry
from core.errors import NoImage, StorageUnavailable
from core.masking import Mask
from core.settings import Settings, load_settings
from core.studio import Studio
from tests.conftest import BY, Scripted, finished, order, upload

Open = Callable[..., Studio]

CANARIES = {
    "gemini_api_key": "canary-gemini-0123456789",
    "openai_api_key": "canary-openai/with+signs=&more",
    "r2_access_key": "canary-access",
    "r2_secret_key": "canary 'quoted\" \\ \u8336 secret",
    "app_secret": "canary-app-secret-long-enough",
    "metrics_token": "canary-metrics-token",
    "redis_url": "redis://:canary-redis-pass@127.0.0.1:6379/0",
    "database_url": "postgresql://desk:canary-db-p%40ss@127.0.0.1/packshot",
}
LOOKS = [
    # In halves: what looks like a key must not stand in a file either.
    "AIza" + "SyCanary0123456789abcdefghijklmnopq",
    "sk-" + "proj-Canary0123456789",
    "Bearer canary.header.value",
    "https://acc.r2.example/b/k?X-Amz-Credential=canary%2F20261125&X-Amz-Signature=canary0123456789abcdef",
    "https://models.example/v1?key=canaryInTheQuery",
    "postgresql://other:canary-pass@db/name",
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The logging of this process is put back."""
    root, hooks = logging.getLogger(), (threading.excepthook, sys.excepthook)
    names = ("", "core", "packshot", "httpx", "elsewhere")
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    for handler in [h for h in root.handlers if type(h).__module__ == telemetry.__name__]:
        root.removeHandler(handler)
    threading.excepthook, sys.excepthook = hooks
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def configured(stream: io.StringIO, **settings: Any) -> io.StringIO:
    telemetry.configure(load_settings(**settings), stream=stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def everything_about(secret: str) -> None:
    """A secret in every place where a line can carry one, at every level."""
    for name in ("core.somewhere", "packshot", "httpx", "elsewhere"):
        log = logging.getLogger(name)
        log.setLevel(logging.DEBUG)
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
            log.log(level, f"plain {secret} in the words")
            log.log(level, "an argument %s and %r", secret, {"deep": [secret]})
            log.log(level, "extra", extra={"url": f"https://h/?a={quote(secret)}", "deep": {"a": [secret]}})
            log.log(level, "named", extra={"api_key": secret[:9], "raw": secret.encode()})
            log.log(level, "stack", stack_info=True, extra={secret: 1})
            try:
                try:
                    raise ValueError(f"inner {secret}")
                except ValueError as inner:
                    raise StorageUnavailable(f"outer {secret}") from inner
            except StorageUnavailable:
                log.log(level, "failed", exc_info=True)


@pytest.mark.parametrize("stream", [io.StringIO, Terminal], ids=["json", "terminal"])
@pytest.mark.parametrize("name", CANARIES)
def test_no_secret_of_the_settings_is_ever_written(name: str, stream: Any) -> None:
    out = configured(stream(), **CANARIES)
    secret = CANARIES[name]
    everything_about(secret)
    text = out.getvalue()
    assert len(text.splitlines()) > 100
    assert "canary" not in text, text[max(0, text.find("canary") - 200) :][:400]


@pytest.mark.parametrize("secret", LOOKS)
def test_what_looks_like_a_secret_is_not_written(secret: str) -> None:
    out = configured(io.StringIO())
    everything_about(secret)
    assert "anary" not in out.getvalue().replace("api_key", "")


# An address without a password is shown.
secrets = some.text(min_size=6, max_size=40).filter(lambda s: s.strip() and "://" not in s)


@given(secret=secrets, around=some.text(max_size=20))
def test_any_secret_within_any_text_is_masked(secret: str, around: str) -> None:
    mask = Mask(Settings.model_construct(openai_api_key=SecretStr(secret)))
    assert secret not in mask.text(f"{around}|{secret}|{around}").replace("***", "")


def test_a_line_is_one_json_object_in_utc() -> None:
    out = configured(io.StringIO())
    try:
        raise RuntimeError("two\nlines")
    except RuntimeError:
        logging.getLogger("core.x").exception("it\nfailed")
    [line] = lines(out)
    assert (line["event"], line["level"], line["logger"]) == ("it\nfailed", "error", "core.x")
    assert datetime.fromisoformat(line["timestamp"]).utcoffset().total_seconds() == 0  # type: ignore[union-attr]
    assert "RuntimeError: two\nlines" in line["exception"]


def test_a_terminal_gets_key_and_value_on_one_line() -> None:
    out = configured(Terminal())
    logging.getLogger("core.x").warning("waiting for %s", "the database", extra={"output": "o 1"})
    [line] = out.getvalue().splitlines()
    assert (
        line.startswith("timestamp=")
        and 'level=warning event="waiting for the database" output="o 1"' in line
    )


def test_bytes_are_told_by_their_length(photo: bytes) -> None:
    out = configured(io.StringIO())
    log = logging.getLogger("core.x")
    log.info("a picture %s", photo, extra={"data": photo})
    log.info("in text: %s", base64.b64encode(photo).decode())
    assert len(out.getvalue()) < 1000
    assert lines(out)[0]["data"] == f"<{len(photo)} bytes>"


def test_a_line_that_cannot_be_written_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    configured(io.StringIO(), **CANARIES)
    log = logging.getLogger("core.x")
    [ours] = [h for h in logging.getLogger().handlers if type(h).__module__ == telemetry.__name__]
    # Straight to the handler: pytest's own would fail the test with the library's words.
    ours.handle(log.makeRecord("core.x", logging.ERROR, "f", 1, "%d", (CANARIES["gemini_api_key"],), None))
    assert "canary" not in "".join(capsys.readouterr())


def test_a_thread_that_dies_says_so_without_secrets() -> None:
    out = configured(io.StringIO(), **CANARIES)

    def die() -> None:
        raise RuntimeError(CANARIES["gemini_api_key"])

    thread = threading.Thread(target=die, name="compare")
    thread.start()
    thread.join()
    [line] = lines(out)
    assert line["at"] == "compare" and "RuntimeError: ***" in line["exception"]


def test_streamlit_keeps_its_own_lines() -> None:
    out = configured(io.StringIO())
    logging.getLogger("streamlit.runtime").error("its own")
    logging.getLogger("uvicorn.error").error("its own")
    assert out.getvalue() == ""


def test_configured_twice_a_line_is_written_once() -> None:
    configured(io.StringIO())
    out = configured(io.StringIO())
    logging.getLogger("core.x").info("once")
    assert len(lines(out)) == 1


def test_each_attempt_is_told_with_its_ids(desk: Open, scripted: Scripted, photo: bytes) -> None:
    out = configured(io.StringIO())
    opened = desk()
    scripted.script = [NoImage("words")]
    scripted.latency = 0.01
    key = generation.submit(opened, [upload(photo)], order(outputs=3), by=BY)
    view = finished(opened, key)
    ended = [line for line in lines(out) if line["event"] == "attempt ended"]
    assert sorted(line["outcome"] for line in ended) == ["NoImage", "picture", "picture"]
    by_key = {output.key: output for output in view.outputs}
    for line in ended:
        output = by_key.pop(line["output"])
        assert (line["task"], line["output_id"], line["provider"]) == (key, output.id, "gemini")
        assert line["latency_ms"] >= 10
        if line["outcome"] == "picture":
            assert output.object_key and line["call"] in output.object_key, "the call's own line"
            assert (line["cost_micros"], line["request_id"]) == (33_600, "req-1")
            assert line["level"] == "info"
        else:
            assert line["level"] == "warning" and "cost_micros" not in line
    assert by_key == {}
