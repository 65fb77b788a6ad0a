"""`python -m core doctor --json` for each way in which a service fails: part, words, exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from core.__main__ import app
from tests.parts import moto_gate
from tests.parts.models import KEY, ModelServer
from tests.parts.moto_gate import Gate, Token
from tests.parts.postgres import PASSWORD, Postgres

GOOD = Token(key="good-key", secret="good-secret", buckets=("pictures",))
NO_LIST = Token(key="no-list-key", secret="no-list-secret", buckets=("pictures",), list=False)
ELSEWHERE = Token(key="else-key", secret="else-secret", buckets=("another",))
ADMIN = Token(key="admin-key", secret="admin-secret", admin=True)


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    with moto_gate.serving(GOOD, NO_LIST, ELSEWHERE, ADMIN, buckets=["pictures", "another"]) as found:
        yield found


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with ModelServer() as found:
        yield found


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> str:
    return postgres.fresh()


@pytest.fixture
def services(
    gate: Gate, model: ModelServer, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    # The log of the test run stays as it is.
    monkeypatch.setattr("core.telemetry.configure", lambda *_, **__: None)
    return {
        "DATABASE_URL": database,
        "UPLOAD_DIR": str(tmp_path / "media"),
        "APP_SECRET": "a secret for tests",
        "USE_R2_STORAGE": "true",
        "R2_ENDPOINT": gate.url,
        "R2_BUCKET": "pictures",
        "R2_ACCESS_KEY": GOOD.key,
        "R2_SECRET_KEY": GOOD.secret,
        "IMAGE_PROVIDER": "gemini",
        "GEMINI_API_KEY": KEY,
        "GOOGLE_GEMINI_BASE_URL": model.base,
    }


def doctor(environment: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Exit code, and findings by part."""
    done = CliRunner().invoke(app, ["doctor", "--write", "--json"], env=environment)
    assert [secret for secret in (PASSWORD, GOOD.secret, KEY) if secret in done.output] == []
    return done.exit_code, {finding["part"]: finding for finding in json.loads(done.stdout)}


def test_all_is_well(services: dict[str, str]) -> None:
    code, found = doctor(services)
    assert (code, {finding["health"] for finding in found.values()}) == (0, {"ok"})


def token(found: Token) -> dict[str, str]:
    return {"R2_ACCESS_KEY": found.key, "R2_SECRET_KEY": found.secret}


@pytest.mark.parametrize(
    ("changes", "code", "part", "health", "words"),
    [
        ({"R2_SECRET_KEY": "another"}, 1, "storage", "failed", ["R2_SECRET_KEY", "Copy"]),
        ({"R2_ACCESS_KEY": "another"}, 1, "storage", "failed", ["R2_ACCESS_KEY", "R2_ENDPOINT"]),
        ({**token(ADMIN), "R2_BUCKET": "not-there"}, 1, "storage", "failed", ["not-there", "R2_BUCKET"]),
        (token(NO_LIST), 0, "storage", "warning", ["list", "Object Read & Write"]),
        (token(NO_LIST), 0, "write", "warning", ["list"]),
        (token(ELSEWHERE), 1, "storage", "failed", ["scope", "jurisdiction", "Object Read & Write"]),
        ({"R2_PUBLIC_URL": "{gate}"}, 0, "links", "warning", ["R2_PUBLIC_URL", "S3 endpoint"]),
        ({"DATABASE_URL": "{wrong}"}, 1, "database", "failed", ["user", "password", "DATABASE_URL"]),
        ({"GEMINI_API_KEY": "another"}, 1, "provider", "failed", ["key was rejected", ".env"]),
        ({"GEMINI_MODEL": "no-such-model"}, 1, "provider", "failed", ["no-such-model"]),
    ],
)
def test_each_failure_has_its_words(
    services: dict[str, str],
    gate: Gate,
    database: str,
    changes: dict[str, str],
    code: int,
    part: str,
    health: str,
    words: list[str],
) -> None:
    _, _, rest = database.partition("@127")
    places = {"{gate}": gate.url, "{wrong}": f"postgresql://packshot:another@127{rest}"}
    ended, found = doctor(services | {name: places.get(value, value) for name, value in changes.items()})
    assert ended == code
    assert found[part]["health"] == health
    said = f"{found[part]['say']} {found[part]['remedy']}"
    assert [word for word in words if word not in said] == [], said


def test_a_clock_that_is_wrong(services: dict[str, str], gate: Gate) -> None:
    gate.clock_off = 20 * 60
    try:
        code, found = doctor(services)
    finally:
        gate.calm()
    assert (code, found["storage"]["health"], found["write"]["health"]) == (1, "failed", "failed")
    assert "20 minutes" in found["storage"]["say"] + found["storage"]["remedy"]


def test_a_postgres_that_is_away(services: dict[str, str], postgres: Postgres) -> None:
    with postgres.away():
        code, found = doctor(services)
    assert (code, found["database"]["health"]) == (1, "failed")
    assert "does not answer" in found["database"]["say"] + found["database"]["remedy"]
    assert found["storage"]["health"] == "ok", "one part that fails hides no other"
