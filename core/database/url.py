"""DATABASE_URL as people write it -> the one form that the engine takes. Standard library only.

Facts: the option names are libpq's (PostgreSQL 18, "Parameter Key Words").
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode

_FORM = "postgresql://user:password@host:5432/name"
_DRIVERS = ("", "+asyncpg", "+psycopg", "+psycopg2")
_SCHEMES = {f"{name}{driver}" for name in ("postgres", "postgresql") for driver in _DRIVERS}

# A password may hold any sign, written as it is or as %40: it ends at the last @ before a host.
_SERVER = re.compile(
    r"(?:(?P<user>[^:@]*)(?::(?P<password>.*))?@)?"
    r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^@:/?\[\]]*)(?::(?P<port>[^@/?]*))?/(?P<name>[^/?]+)(?:\?(?P<options>.*))?",
    re.DOTALL,
)
_NAMES = (
    "application_name channel_binding client_encoding connect_timeout gssencmode host hostaddr keepalives "
    "keepalives_count keepalives_idle keepalives_interval krbsrvname load_balance_hosts options passfile "
    "require_auth requirepeer service ssl_max_protocol_version ssl_min_protocol_version sslcert sslcertmode "
    "sslcrl sslcrldir sslkey sslmode sslnegotiation sslpassword sslrootcert sslsni target_session_attrs "
    "tcp_user_timeout"
)
_OPTIONS = frozenset(_NAMES.split())
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_OTHER_DRIVERS = {"prepared_statement_cache_size", "prepared_statement_name_func", "statement_cache_size"}


def normal(url: str, root: Path) -> str:
    """`sqlite:///` with an absolute path (relative ones start at `root`), or `postgresql+psycopg://`.

    Raises ValueError with what the value should be; the sentence carries nothing of the value but the
    name of an option.
    """
    if url.startswith("sqlite:///"):
        path = url.removeprefix("sqlite:///")
        if not path or path == ":memory:":
            raise ValueError("should name a file: sqlite:///var/packshot.db")
        return f"sqlite:///{(root / path).as_posix()}"
    scheme, _, rest = url.partition("://")
    if scheme not in _SCHEMES or not rest:
        raise ValueError(f"should be sqlite:///var/packshot.db or {_FORM}")
    return f"postgresql+psycopg://{_server(rest)}"


def _server(rest: str) -> str:
    found = _SERVER.fullmatch(rest)
    if found is None:
        raise ValueError(f"should name a host and, after a slash, a database: {_FORM}")
    port = found["port"]
    if port and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise ValueError(f"should have a port from 1 to 65535: {_FORM}")
    options = dict(_options(found["options"] or ""))
    if not found["host"] and "host" not in options and "service" not in options:
        raise ValueError(f"should name a host: {_FORM}")
    user, password = (None if part is None else unquote(part) for part in (found["user"], found["password"]))
    user, password = options.pop("user", user), options.pop("password", password)
    if any(_unprintable(text or "") for text in (user, password, *options.values())):
        raise ValueError("should have no control characters")
    sign = "" if user is None else quote(user, safe="")
    sign += "" if password is None else ":" + quote(password, safe="")
    place = found["host"] + (f":{port}" if port else "")
    query = f"?{urlencode(options)}" if options else ""
    return f"{sign}{'@' if sign else ''}{place}/{quote(unquote(found['name']), safe='')}{query}"


def _options(text: str) -> list[tuple[str, str]]:
    options = []
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name == "ssl":  # asyncpg's word
            name, value = "sslmode", {"true": "require", "false": "disable"}.get(value.lower(), value)
        if name in _OTHER_DRIVERS:
            continue
        if name not in _OPTIONS | {"user", "password"}:
            named = f": {name}" if re.fullmatch("[a-z_]{2,32}", name) else ""
            raise ValueError(f"has an option after the ? that Postgres doesn't know{named}")
        if name == "sslmode" and value not in _SSL_MODES:
            raise ValueError(f"should have an sslmode of {', '.join(_SSL_MODES)}")
        options.append((name, value))
    return options


def _unprintable(text: str) -> bool:
    return any(ord(sign) < 32 or ord(sign) == 127 for sign in text)
