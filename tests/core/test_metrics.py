"""/metrics as a scraper reads it: prometheus_client's own parser over a real server."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from anyio.from_thread import start_blocking_portal
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from starlette.requests import Request

from core import clock, generation, metrics, web
from core.database import schema
from core.database.engine import writing
from core.errors import Blocked, StorageUnavailable
from core.studio import Studio
from tests.browser import serving
from tests.conftest import BY, Scripted, finished, on_both, order, upload

Open = Callable[..., Studio]
TOKEN = "a token of some length"


def read(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


def value(text: str, name: str, **labels: str) -> float | None:
    return read(text).get((name, tuple(sorted(labels.items()))))


@on_both
def test_outcomes_latency_and_cost_are_counted(desk: Open, scripted: Scripted, photo: bytes) -> None:
    scripted.script = [Blocked("picture", "IMAGE_SAFETY")]
    opened = desk()
    finished(opened, generation.submit(opened, [upload(photo)], order(outputs=3), by=BY))
    text = opened.meters.text(opened.engine)
    of = {"provider": "gemini", "model": "scripted"}
    assert value(text, "packshot_attempts_total", **of, outcome="picture") == 2
    assert value(text, "packshot_attempts_total", **of, outcome="Blocked") == 1
    assert value(text, "packshot_provider_seconds_count", **of) == 3
    assert value(text, "packshot_cost_microdollars_total", **of) == 67_200
    assert value(text, "packshot_attempts_unpriced_total", **of) == 1
    assert value(text, "packshot_outputs_open", state="queued") == 0
    assert value(text, "packshot_database_up") == 1
    assert value(text, "packshot_build_info", version=metrics.version()) == 1
    assert abs((value(text, "packshot_start_time_seconds") or 0) - clock.now().timestamp()) < 60


@on_both
def test_the_queue_is_read_from_the_database_by_one_query(
    desk: Open, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = desk(work=False)
    generation.submit(opened, [upload(photo)], order(outputs=3), by=BY)
    asked: list[str] = []
    sa.event.listen(opened.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    hour = clock.now() - timedelta(hours=1)
    with writing(opened.engine) as connection:
        connection.execute(
            sa.update(schema.outputs).where(schema.outputs.c.variant == 1).values(created_at=hour)
        )
        connection.execute(
            sa.update(schema.outputs).where(schema.outputs.c.variant == 3).values(state="running")
        )
    asked.clear()
    text = opened.meters.text(opened.engine)
    assert value(text, "packshot_outputs_open", state="queued") == 2
    assert value(text, "packshot_outputs_open", state="running") == 1
    assert 3600 <= (value(text, "packshot_oldest_waiting_seconds") or 0) < 3700
    assert opened.meters.text(opened.engine).count("packshot_outputs_open") > 1
    assert len([statement for statement in asked if "outputs" in statement]) == 1, "the second answer is kept"
    with writing(opened.engine) as connection:
        connection.execute(sa.update(schema.outputs).values(state="failed"))
    monkeypatch.setattr(metrics, "FRESH", 0.0)
    assert value(opened.meters.text(opened.engine), "packshot_oldest_waiting_seconds") == 0


def test_a_database_that_is_away_is_said(desk: Open, tmp_path: Path) -> None:
    opened = desk(work=False)
    opened.engine.dispose()
    for file in tmp_path.glob("packshot.db*"):
        file.write_bytes(b"no database at all, but some text that is long enough to be read as one" * 20)
    text = opened.meters.text(opened.engine)
    assert value(text, "packshot_database_up") == 0
    assert value(text, "packshot_outputs_open", state="queued") is None


def test_refusals_of_the_store_are_counted(desk: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = desk(work=False)

    def away(*_: Any, **__: Any) -> None:
        raise StorageUnavailable("down")

    monkeypatch.setattr(opened.store._store, "put", away)  # type: ignore[attr-defined]
    with pytest.raises(StorageUnavailable):
        opened.store.put("input/a/b.jpg", b"x", "image/jpeg")
    assert opened.store.head("input/a/b.jpg") is None
    text = opened.meters.text(opened.engine)
    of = {"store": "folder", "act": "put", "kind": "StorageUnavailable"}
    assert value(text, "packshot_store_errors_total", **of) == 1


def test_every_desk_counts_for_itself(desk: Open, scripted: Scripted, photo: bytes) -> None:
    first, second = desk(), desk(work=False)
    finished(first, generation.submit(first, [upload(photo)], order(), by=BY))
    assert "packshot_attempts_total{" in first.meters.text(first.engine)
    assert "packshot_attempts_total{" not in second.meters.text(second.engine)
    assert not [family for family in REGISTRY.collect() if family.name.startswith("packshot")]


def request(peer: str | None, **headers: str) -> Request:
    given = {"host": "127.0.0.1:8501", **{name.replace("_", "-"): text for name, text in headers.items()}}
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/metrics",
            "query_string": b"",
            "scheme": "http",
            "server": ("127.0.0.1", 8501),
            "client": (peer, 5000) if peer else None,
            "headers": [(name.encode(), text.encode()) for name, text in given.items()],
        }
    )


def status(*arguments: Any, **headers: str) -> int:
    # In a thread of its own: a browser that another test opened has its loop in this one.
    with start_blocking_portal() as portal:
        return portal.call(web.metrics, request(*arguments, **headers)).status_code


@pytest.mark.parametrize(
    ("peer", "headers", "answer"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {"host": "[::1]:8501"}, 200),
        ("::ffff:127.0.0.1", {"host": "localhost"}, 200),
        ("192.0.2.7", {}, 404),
        ("192.0.2.7", {"x_forwarded_for": "127.0.0.1"}, 404),
        ("127.0.0.1", {"x_forwarded_for": "127.0.0.1"}, 404),
        ("127.0.0.1", {"x_forwarded_proto": "https"}, 404),
        ("127.0.0.1", {"forwarded": "for=127.0.0.1"}, 404),
        ("127.0.0.1", {"x_real_ip": "127.0.0.1"}, 404),
        ("127.0.0.1", {"via": "1.1 proxy"}, 404),
        ("127.0.0.1", {"host": "desk.example.com"}, 404),
        ("127.0.0.1", {"authorization": f"Bearer {TOKEN}", "x_forwarded_for": "192.0.2.7"}, 404),
        ("a name", {}, 404),
        (None, {}, 404),
    ],
)
def test_without_a_token_only_this_machine_reads(
    desk: Open, peer: str | None, headers: dict[str, str], answer: int
) -> None:
    desk(work=False)
    assert status(peer, **headers) == answer


@pytest.mark.parametrize(
    ("peer", "authorization", "answer"),
    [
        ("192.0.2.7", f"Bearer {TOKEN}", 200),
        ("127.0.0.1", f"Bearer {TOKEN}", 200),
        ("192.0.2.7", f"Bearer {TOKEN}x", 401),
        ("192.0.2.7", TOKEN, 401),
        ("192.0.2.7", "Bearer \xff", 401),
        ("192.0.2.7", "", 401),
        ("127.0.0.1", "", 401),
    ],
)
def test_with_a_token_everybody_needs_it(desk: Open, peer: str, authorization: str, answer: int) -> None:
    desk(work=False, metrics_token=TOKEN)
    headers = {"x_forwarded_for": "192.0.2.9", "authorization": authorization}
    assert status(peer, **headers) == answer


def test_a_running_server_answers_a_scraper(tmp_path: Path) -> None:
    with serving(tmp_path / "open") as server:
        answer = httpx.get(server.url + "/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == metrics.OPEN_METRICS
        assert value(answer.text, "packshot_database_up") == 1
        assert httpx.get(server.url + "/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 404
        port = server.url.rsplit(":", 1)[1]
        with socket.create_connection(("127.0.0.1", int(port))) as plain:
            plain.sendall(b"GET /metrics HTTP/1.1\r\nHost: desk.example\r\nConnection: close\r\n\r\n")
            assert plain.recv(100).startswith(b"HTTP/1.1 404")
