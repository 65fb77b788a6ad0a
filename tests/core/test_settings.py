"""Settings: each wrong value is one sentence, nothing secret is shown, and the former `.env` still loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from core.errors import SettingsWrong
from core.settings import ROOT, Settings, load_settings
from core.settings_checks import check_address, misspelt
from tests.browser import free_port

R2 = {
    "use_r2_storage": "true",
    "r2_endpoint": "https://1234.r2.cloudflarestorage.com",
    "r2_bucket": "shop",
    "r2_access_key": "access",
    "r2_secret_key": "secret",
}


def wrong(**values: object) -> dict[str, str]:
    with pytest.raises(SettingsWrong) as caught:
        load_settings(**values)
    return dict(caught.value.problems)


def env_file(monkeypatch: pytest.MonkeyPatch, path: Path) -> Path:
    monkeypatch.setitem(Settings.model_config, "env_file", path)
    return path


def test_nothing_set_is_a_whole_desk() -> None:
    settings = load_settings()
    assert settings.provider == "local"
    assert settings.upload_dir == ROOT / "var/media"
    assert settings.database_url.get_secret_value() == f"sqlite:///{ROOT.as_posix()}/var/packshot.db"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("USE_R2_STORAGE", "maybe", "should be true or false"),
        ("PROVIDER_CONCURRENCY", "four", "should be a whole number"),
        ("PROVIDER_CONCURRENCY", "2.5", "should be a whole number"),
        ("PROVIDER_CONCURRENCY", "9" * 5000, "should be a whole number"),
        ("PROVIDER_CONCURRENCY", "0", "should be at least 1"),
        ("PROVIDER_CONCURRENCY", "65", "should be at most 64"),
        ("MAX_UPLOAD_MB", "big", "should be a number"),
        ("MAX_UPLOAD_MB", "nan", "should be a number"),
        ("MAX_UPLOAD_MB", "0", "should be more than 0"),
        ("MAX_MEGAPIXELS", "inf", "should be a number"),
        ("DAILY_BUDGET_USD", "-1", "should be at least 0"),
        ("USER_DAILY_BUDGET_USD", "inf", "should be a number"),
        ("RETENTION_DAYS", "0", "should be at least 1"),
        ("RETENTION_DAYS", "99999999999", "should be at most 36500"),
        ("SECOND_LOOK_SHARE", "2", "should be at most 1"),
        ("IMAGE_PROVIDER", "dalle", "should be 'local', 'gemini', 'gateway' or 'openai'"),
        ("MEDIA_DELIVERY", "cdn", "should be 'presigned', 'public' or 'proxy'"),
        ("EXECUTOR", "threads", "should be 'local' or 'celery'"),
        ("APP_SECRET", "short", "should have at least 16 characters"),
        ("TIMEZONE", "Hongkong/Central", "should be a time zone such as Asia/Hong_Kong"),
        ("TIMEZONE", "../../etc/passwd", "should be a time zone such as Asia/Hong_Kong"),
        ("R2_ENDPOINT", "1234.r2.cloudflarestorage.com", "should start with https:// and name a host"),
        (
            "R2_ENDPOINT",
            "https://1234.r2.cloudflarestorage.com/x/y",
            "should be https://ACCOUNT.r2.cloudflare",
        ),
        (
            "R2_ENDPOINT",
            "https://key:secret@host.example",
            "should be https://ACCOUNT.r2.cloudflarestorage.c",
        ),
        ("R2_BUCKET", "https://host/shop", "should be the bucket's name alone: 3 to 63 small letters"),
        ("R2_PUBLIC_URL", "https://", "should start with https:// and name a host"),
        ("NANO_BANANA_API_BASE", "https://[::1", "should start with https:// and name a host"),
        ("OPENAI_BASE_URL", "https://api.example:port/v1", "should start with https:// and name a host"),
        ("GOOGLE_GEMINI_BASE_URL", "ftp://host", "should start with https:// and name a host"),
        ("DATABASE_URL", "mysql://u:p@host/db", "should be sqlite:///var/packshot.db or postgresql://"),
        ("DATABASE_URL", "postgresql://u:p@host:port/db", "should have a port from 1 to 65535"),
        ("DATABASE_URL", "postgresql://", "should be sqlite:///var/packshot.db or postgresql://"),
        ("DATABASE_URL", "sqlite:///:memory:", "should name a file: sqlite:///var/packshot.db"),
    ],
)
def test_a_wrong_value_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    found = wrong()
    assert list(found) == [name]
    assert found[name].startswith(sentence)


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({"use_r2_storage": "true"}, ["R2_ENDPOINT", "R2_BUCKET", "R2_ACCESS_KEY", "R2_SECRET_KEY"]),
        ({**R2, "media_delivery": "public"}, ["R2_PUBLIC_URL"]),
        ({"media_delivery": "presigned"}, ["MEDIA_DELIVERY"]),
        ({"image_provider": "openai"}, ["OPENAI_API_KEY", "OPENAI_MODEL"]),
        ({"image_provider": "gemini"}, ["GEMINI_API_KEY"]),
        (
            {"image_provider": "gateway"},
            ["NANO_BANANA_API_BASE", "NANO_BANANA_API_KEY", "NANO_BANANA_MODEL"],
        ),
        ({"executor": "celery"}, ["CELERY_BROKER_URL"]),
    ],
)
def test_what_a_choice_needs_is_named(values: dict[str, str], missing: list[str]) -> None:
    assert list(wrong(**values)) == missing


def test_wrong_and_missing_ones_are_told_at_once() -> None:
    found = wrong(
        use_r2_storage="true", r2_endpoint="no url", executor="celery", timezone="Nowhere", app_secret="x"
    )
    assert set(found) == {
        *("R2_ENDPOINT", "R2_BUCKET", "R2_ACCESS_KEY", "R2_SECRET_KEY"),
        *("CELERY_BROKER_URL", "TIMEZONE", "APP_SECRET"),
    }
    assert found["R2_ENDPOINT"] == "should start with https:// and name a host", "one sentence for each"
    unsure = wrong(use_r2_storage="maybe", media_delivery="presigned")
    assert list(unsure) == ["USE_R2_STORAGE"], "nothing is said that follows from a value nobody gave"


def test_a_gateway_key_alone_names_the_line_to_add() -> None:
    sentence = wrong(nano_banana_api_key="nb-1")["NANO_BANANA_API_KEY"]
    assert "NANO_BANANA_API_BASE=https://" in sentence
    assert "IMAGE_PROVIDER=gemini" in sentence


def test_empty_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = load_settings()
    for name in Settings.model_fields:
        monkeypatch.setenv(name.upper(), "")
    assert load_settings() == bare


def test_the_example_is_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = load_settings()
    env_file(monkeypatch, ROOT / ".env.example")
    assert load_settings() == bare


def test_relative_paths_start_at_the_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(database_url="sqlite:///data/desk.db", upload_dir="pictures")
    assert settings.database_url.get_secret_value() == f"sqlite:///{ROOT.as_posix()}/data/desk.db"
    assert settings.upload_dir == ROOT / "pictures"
    assert load_settings(upload_dir=tmp_path).upload_dir == tmp_path


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg2"])
@pytest.mark.parametrize("place", ["u:p%40ss@host:5432/db", "u@[::1]:5432/db", "host/db?sslmode=require"])
def test_every_postgres_spelling_is_taken(scheme: str, place: str) -> None:
    found = load_settings(database_url=f"{scheme}://{place}").database_url
    assert found.get_secret_value() == f"postgresql+psycopg://{place}"


FORMER = """\
# the former system
USE_R2_STORAGE=true
R2_ACCESS_KEY=0123456789abcdef
R2_SECRET_KEY="fedcba9876543210"
R2_BUCKET=hktv-images
R2_ENDPOINT=https://1234.r2.cloudflarestorage.com/
R2_PUBLIC_URL=https://1234.r2.cloudflarestorage.com
UPLOAD_DIR=./uploads
DATABASE_URL=postgresql+asyncpg://postgres:postgres@127.0.0.1:5432/hktv
REDIS_URL=redis://127.0.0.1:6379/0
CELERY_BROKER_URL=redis://127.0.0.1:6379/1
CELERY_RESULT_BACKEND=redis://127.0.0.1:6379/2
NANO_BANANA_API_BASE=https://gateway.example/v1
NANO_BANANA_API_KEY=nb-0123
NANO_BANANA_MODEL=nano-banana
GEMINI_THINKING_MODEL=thinker
SECRET_KEY=something else of its own
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_the_former_env_file_loads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encoding: str) -> None:
    text = FORMER.removeprefix("# the former system\n") if encoding == "utf-8-sig" else FORMER
    env_file(monkeypatch, tmp_path / ".env").write_text(text, encoding=encoding, newline="\r\n")
    settings = load_settings()
    assert settings.use_r2_storage
    assert settings.provider == "gateway"
    assert settings.upload_dir == ROOT / "uploads"
    assert settings.executor == "local"
    assert settings.r2_secret_key and settings.r2_secret_key.get_secret_value() == "fedcba9876543210"
    assert (
        settings.database_url.get_secret_value()
        == "postgresql+psycopg://postgres:postgres@127.0.0.1:5432/hktv"
    )


def test_the_environment_comes_before_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    env_file(monkeypatch, tmp_path / ".env").write_text("TIMEZONE=Asia/Tokyo\nPROVIDER_CONCURRENCY=7\n")
    monkeypatch.setenv("TIMEZONE", "Asia/Taipei")
    settings = load_settings()
    assert (settings.timezone, settings.provider_concurrency) == ("Asia/Taipei", 7)


def test_a_file_that_is_no_text_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = env_file(monkeypatch, tmp_path / ".env")
    file.write_bytes("TIMEZONE=Asia/Tokyo\n".encode("utf-16"))
    assert wrong() == {".env": "should be a UTF-8 text file"}
    file.unlink()
    file.mkdir()
    assert wrong() == {".env": "should be a text file, not a folder"}


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, as_somebody: list[str]) -> None:
    file = tmp_path / ".env"
    file.write_text("TIMEZONE=Asia/Tokyo\n")
    file.chmod(0)
    script = (
        "import sys; sys.path.insert(0, '.')\n"
        "from pathlib import Path\n"
        "from core.errors import SettingsWrong\n"
        "from core.settings import Settings, load_settings\n"
        f"Settings.model_config['env_file'] = Path({str(file)!r})\n"
        "try:\n    load_settings()\n"
        "except SettingsWrong as error:\n    print(*error.problems)\n"
    )
    done = subprocess.run(
        [*as_somebody, sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "('.env', 'should be a file that you may read')", done.stderr
    file.chmod(0o600)


SECRETS = [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]


def canaries() -> dict[str, str]:
    values = {name: f"canary-of-{name}-in-the-mine" for name in SECRETS}
    values["database_url"] = "postgresql://user:canary-of-database@127.0.0.1:1/db"
    return values


def test_no_secret_is_ever_shown() -> None:
    assert {"r2_secret_key", "gemini_api_key", "app_secret", "database_url", "redis_url"} <= set(SECRETS)
    settings = load_settings(**canaries(), nano_banana_api_base="https://g.example", nano_banana_model="m")
    shown = [repr(settings), str(settings), repr(settings.model_dump()), settings.model_dump_json()]
    shown += [json.dumps(settings.model_dump(mode="json")), repr(settings.model_copy())]
    assert not any("canary" in text for text in shown)


def test_no_secret_is_shown_by_an_error() -> None:
    for name in SECRETS:
        short = {"app_secret": "canary", "database_url": "canary://user:canary@h/d"}
        values = {**canaries(), name: short.get(name, canaries()[name])}
        with pytest.raises(SettingsWrong) as caught:
            load_settings(**values, use_r2_storage="canary", image_provider="canary", timezone="canary")
        error = caught.value
        said = [repr(error), str(error), repr(error.problems), repr(error.data), repr(error.__cause__)]
        said += traceback.format_exception_only(error)
        assert not any("canary" in text for text in said)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "unix:///run/desk.sock"])
def test_this_computer_may_always_be_served(address: str) -> None:
    check_address(load_settings(), address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.5", "desk.example", "", None])  # noqa: S104 - refused
def test_the_network_has_to_be_allowed(address: str | None) -> None:
    with pytest.raises(SettingsWrong) as caught:
        check_address(load_settings(), address)
    assert caught.value.problems[0][0] == "ALLOW_ANONYMOUS"
    check_address(load_settings(allow_anonymous="true"), address)


def test_a_name_that_is_nearly_right_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("R2_ACCES_KEY=x\nR2_BUCKET=b\nSECRET_KEY=y\nCELERY_RESULT_BACKEND=z\n")
    monkeypatch.setenv("DATABASE_URI", "x")
    names = [name.upper() for name in Settings.model_fields]
    assert misspelt(names, file) == {"R2_ACCES_KEY": "R2_ACCESS_KEY", "DATABASE_URI": "DATABASE_URL"}


def outside(**values: str) -> dict[str, str]:
    """The environment of a program that this test starts."""
    kept = {n: v for n, v in os.environ.items() if n.lower() not in Settings.model_fields}
    return {**kept, **values}


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "streamlit", "run", "app.py"],
        ["-m", "core", "doctor", "--json"],
        ["-m", "core", "history"],
    ],
    ids=["streamlit", "doctor", "history"],
)
def test_wrong_settings_end_a_start_with_sentences(house: Path, command: list[str]) -> None:
    values = outside(
        STREAMLIT_SERVER_PORT=str(free_port()),
        USE_R2_STORAGE="maybe",
        APP_SECRET="canary",
        TIMEZONE="Nowhere",
        EXECUTOR="celery",
    )
    done = subprocess.run(
        [sys.executable, *command], cwd=house, env=values, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "USE_R2_STORAGE should be true or false.",
        "APP_SECRET should have at least 16 characters.",
        "TIMEZONE should be a time zone such as Asia/Hong_Kong.",
        "CELERY_BROKER_URL is needed because EXECUTOR is celery.",
    ]
    assert "canary" not in done.stdout + done.stderr


@pytest.mark.parametrize("way", ["environment", "option"])
def test_a_desk_without_sign_in_refuses_the_network(house: Path, way: str) -> None:
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(free_port())]
    given = {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0"} if way == "environment" else {}  # noqa: S104 - refused
    command += ["--server.address", "0.0.0.0"] if way == "option" else []  # noqa: S104 - refused
    done = subprocess.run(
        command, cwd=house, env=outside(**given), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "ALLOW_ANONYMOUS should be true" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("endpoint", "wanted"),
    [
        ("https://1234.r2.cloudflarestorage.com/", "https://1234.r2.cloudflarestorage.com"),
        ("https://1234.eu.r2.cloudflarestorage.com/shop", "https://1234.eu.r2.cloudflarestorage.com"),
        ("https://1234.r2.cloudflarestorage.com/shop/", "https://1234.r2.cloudflarestorage.com"),
        ("http://127.0.0.1:9000/cdn-cgi/local/r2/s3", "http://127.0.0.1:9000/cdn-cgi/local/r2/s3"),
    ],
)
def test_an_endpoint_is_taken_as_cloudflare_shows_it(endpoint: str, wanted: str) -> None:
    assert load_settings(**{**R2, "r2_endpoint": endpoint}).r2_endpoint == wanted


@pytest.mark.parametrize(
    ("public", "usable"),
    [
        ("https://pictures.shop.example", True),
        ("https://pub-1234.r2.dev/", True),
        ("https://1234.r2.cloudflarestorage.com/shop", False),
        ("https://9999.eu.r2.cloudflarestorage.com", False),
    ],
)
def test_a_public_url_at_the_s3_endpoint_is_not_used(public: str, usable: bool) -> None:
    settings = load_settings(**{**R2, "media_delivery": "public", "r2_public_url": public})
    assert settings.public_url == (public.rstrip("/") if usable else None)
    assert settings.delivery == ("public" if usable else "presigned")
