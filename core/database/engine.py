"""Connections, transactions, and the translation of database errors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from core.errors import (
    DatabaseCorrupt,
    DatabaseError,
    DatabaseFull,
    DatabaseReadOnly,
    DatabaseUnavailable,
)


def make_engine(url: str, *, pool_size: int) -> sa.Engine:
    """An engine for `sqlite:///...` or `postgresql+psycopg://...`; nothing is opened yet."""
    if make_url(url).get_backend_name() == "sqlite":
        engine = sa.create_engine(url, connect_args={"timeout": 15}, pool_size=pool_size, max_overflow=20)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    return sa.create_engine(
        url,
        # Prepared plans turn generic and lose the index on rare terms.
        connect_args={"prepare_threshold": None, "connect_timeout": 5},
        pool_size=pool_size,
        max_overflow=20,
        pool_pre_ping=True,
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # _begin_sqlite says BEGIN, the driver doesn't.
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 15000")
    for attempt in range(50):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            break
        except connection.OperationalError as exc:
            # Two processes that create the file together: this pragma ignores the busy timeout.
            if "locked" not in str(exc) or attempt == 49:
                raise
            time.sleep(0.05)
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A writer takes the lock at its start: one that reads first and upgrades later may fail at once.
    writes = connection.get_execution_options().get("packshot_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection for reading. Raises DatabaseError kinds."""
    with translated(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction, committed at the end of the block. Raises DatabaseError kinds."""
    with translated(engine), engine.connect() as connection:
        connection = connection.execution_options(packshot_writes=True)
        with connection.begin():
            yield connection


@contextmanager
def translated(engine: sa.Engine) -> Iterator[None]:
    """Database trouble becomes one of `core.errors.DatabaseError`; mistakes of ours stay as they are."""
    try:
        if engine.dialect.name == "sqlite" and engine.url.database:
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        yield
    except sa.exc.IntegrityError:
        raise
    except (sa.exc.OperationalError, sa.exc.DatabaseError, sa.exc.TimeoutError) as exc:
        kind = _kind(
            str(getattr(exc, "orig", None) or exc), connection_lost=isinstance(exc, sa.exc.OperationalError)
        )
        if kind is None:
            raise
        raise kind(_first_line(exc)) from exc
    except OSError as exc:
        raise DatabaseUnavailable(exc.strerror or "") from exc


def _kind(text: str, *, connection_lost: bool) -> type[DatabaseError] | None:
    text = text.lower()
    if "not a database" in text or "malformed" in text:
        return DatabaseCorrupt
    if "readonly" in text or "read-only" in text:
        return DatabaseReadOnly
    if "disk is full" in text or "no space left" in text or "disk full" in text:
        return DatabaseFull
    if "no such table" in text or "no such column" in text or "syntax error" in text:
        return None
    return DatabaseUnavailable if connection_lost else None


def _first_line(exc: Exception) -> str:
    """The driver's first line; connection strings never stand in it."""
    return str(getattr(exc, "orig", None) or type(exc).__name__).split("\n")[0][:200]


def database_time(engine: sa.Engine) -> datetime:
    """The database's own clock; also the shortest way to see that it answers."""
    with reading(engine) as connection:
        if engine.dialect.name == "sqlite":
            text = connection.execute(
                sa.text("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')")
            ).scalar_one()
            connection.execute(sa.text("SELECT count(*) FROM sqlite_master"))
            return datetime.fromisoformat(text)
        found: datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
        return found.astimezone(UTC)
