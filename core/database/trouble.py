"""Database trouble -> the errors of the desk: the one place that reads drivers' codes and texts."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from core.errors import (
    DatabaseBehind,
    DatabaseCorrupt,
    DatabaseCrowded,
    DatabaseError,
    DatabaseFull,
    DatabaseHostUnknown,
    DatabaseMissing,
    DatabaseReadOnly,
    DatabaseRefused,
    DatabaseTaken,
    DatabaseUnavailable,
)


@contextmanager
def translated(engine: sa.Engine) -> Iterator[None]:
    """Database trouble becomes one of `core.errors.DatabaseError`; mistakes of ours stay as they are."""
    folder = None
    if engine.dialect.name == "sqlite" and engine.url.database:
        folder = Path(engine.url.database).parent
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except sa.exc.TimeoutError as exc:
        raise DatabaseCrowded("no connection of the pool became free") from exc
    except sa.exc.DBAPIError as exc:
        kind = _kind(exc, folder)
        if kind is None:
            raise
        raise kind(_first_line(exc)) from exc
    except OSError as exc:
        raise _SYSTEM.get(exc.errno or 0, DatabaseUnavailable)(exc.strerror or "") from exc


_SYSTEM: dict[int, type[DatabaseError]] = {
    errno.ENOSPC: DatabaseFull,
    errno.EDQUOT: DatabaseFull,
    errno.EACCES: DatabaseReadOnly,
    errno.EPERM: DatabaseReadOnly,
    errno.EROFS: DatabaseReadOnly,
}

# SQLSTATE codes or their classes: PostgreSQL 18, "Appendix A. Error Codes".
_STATES: dict[str, type[DatabaseError]] = {
    "28": DatabaseRefused,
    "3D": DatabaseMissing,
    "25006": DatabaseReadOnly,
    "42501": DatabaseReadOnly,
    "42P07": DatabaseTaken,
    "42P01": DatabaseBehind,
    "42703": DatabaseBehind,
    "3F": DatabaseBehind,
    "53100": DatabaseFull,
    "53300": DatabaseCrowded,
    "XX": DatabaseCorrupt,
    "08": DatabaseUnavailable,
    "53": DatabaseUnavailable,
    "57P": DatabaseUnavailable,
    "58": DatabaseUnavailable,
}

# SQLite has no such codes, nor has a connection to Postgres that failed at its start.
_TEXTS: tuple[tuple[str, type[DatabaseError]], ...] = (
    ("password authentication failed", DatabaseRefused),
    ("no password supplied", DatabaseRefused),
    ("pg_hba.conf", DatabaseRefused),
    ("authentication failed", DatabaseRefused),
    ("permission denied for database", DatabaseRefused),
    ("failed to resolve host", DatabaseHostUnknown),
    ("could not translate host name", DatabaseHostUnknown),
    ("too many connections", DatabaseCrowded),
    ("too many clients", DatabaseCrowded),
    ("connection slots are reserved", DatabaseCrowded),
    ("not a database", DatabaseCorrupt),
    ("malformed", DatabaseCorrupt),
    ("unsupported file format", DatabaseCorrupt),
    ("readonly", DatabaseReadOnly),
    ("read-only", DatabaseReadOnly),
    ("disk is full", DatabaseFull),
    ("no space left", DatabaseFull),
    ("already exists", DatabaseTaken),
    ("no such table", DatabaseBehind),
    ("no such column", DatabaseBehind),
)


def _kind(exc: sa.exc.DBAPIError, folder: Path | None) -> type[DatabaseError] | None:
    state = getattr(exc.orig, "sqlstate", None)
    if state:
        known = next((_STATES[state[:n]] for n in (5, 3, 2) if state[:n] in _STATES), None)
        return known or (DatabaseUnavailable if exc.connection_invalidated else None)
    text = str(exc.orig or exc).lower()
    for part, kind in _TEXTS:
        if part in text:
            return kind
    if "fatal:" in text and "does not exist" in text:
        return DatabaseMissing if "database " in text.partition("fatal:")[2] else DatabaseRefused
    if "unable to open database file" in text and folder and not _writable(folder):
        return DatabaseReadOnly
    if "syntax error" in text:
        return None
    return DatabaseUnavailable if isinstance(exc, sa.exc.OperationalError) else None


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)


def _first_line(exc: sa.exc.DBAPIError) -> str:
    """The driver's first line; connection strings and passwords never stand in it."""
    return str(exc.orig or type(exc).__name__).split("\n")[0][:200]
