"""DATABASE_URL as people write it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from core.database.engine import make_engine
from core.database.url import normal

PASSWORDS = ["plain", "p@ss", "a:b", "a/b", "50%", "100%!x", "q?x=1", "#hash", "@", "ü 裏", "a@b:5432/c?d@e"]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+asyncpg"])
@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("written", ["as it is", "encoded"])
def test_a_password_may_hold_any_sign(scheme: str, password: str, written: str) -> None:
    text = quote(password, safe="") if written == "encoded" else password
    found = normal(f"{scheme}://me:{text}@db.example:6543/desk?sslmode=require", Path("/"))
    url = make_engine(found, pool_size=1).url
    assert (url.username, url.password, url.host, url.port) == ("me", password, "db.example", 6543)
    assert (url.drivername, url.database) == ("postgresql+psycopg", "desk")
    assert dict(url.query) == {"sslmode": "require"}


def test_options_and_places() -> None:
    assert normal("postgres://h/d?ssl=true", Path("/")).endswith("://h/d?sslmode=require")
    assert normal("postgresql+asyncpg://h/d?statement_cache_size=0", Path("/")).endswith("://h/d")
    assert normal("postgresql://u:p@[::1]:5432/d", Path("/")).endswith("://u:p@[::1]:5432/d")
    assert normal("postgresql:///d?host=/run/postgresql", Path("/")).endswith(
        ":///d?host=%2Frun%2Fpostgresql"
    )
    hidden = make_engine(normal("postgresql://u@h/d?password=canary", Path("/")), pool_size=1)
    assert hidden.url.password == "canary" and "canary" not in repr(hidden)


def test_a_path_is_no_url() -> None:
    url = make_engine(normal("sqlite:///50% off? #1/a b.db", Path("/desk")), pool_size=1).url
    assert (url.database, dict(url.query)) == ("/desk/50% off? #1/a b.db", {})


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://u:canary@h:5432", "name a host and, after a slash, a database"),
        ("postgresql://u:canary@h:5432/", "name a host and, after a slash, a database"),
        ("postgresql://u:canary@/d", "name a host"),
        ("postgresql://u:canary@h:543x/d", "port from 1 to 65535"),
        ("postgresql://u:canary@h:70000/d", "port from 1 to 65535"),
        ("postgresql://u:canary@h:0/d", "port from 1 to 65535"),
        ("postgresql://u:canary@h/d?sslmode=on", "sslmode of disable"),
        ("postgresql://u:canary@h/d?pgbouncer=true", "doesn't know: pgbouncer"),
        ("postgresql://u:canary%00@h/d", "no control characters"),
        ("mysql://u:canary@h/d", "sqlite:///var/packshot.db or postgresql://"),
        ("canary", "sqlite:///var/packshot.db or postgresql://"),
    ],
)
def test_a_wrong_one_is_told_in_one_sentence(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"^(should|has) ") as raised:
        normal(url, Path("/"))
    assert says in str(raised.value)
    assert "canary" not in str(raised.value)
