"""Connections and transactions."""

from __future__ import annotations

import itertools
import json
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from core.database.columns import storable
from core.database.trouble import translated
from core.errors import DatabaseError, DatabaseReadOnly

log = logging.getLogger(__name__)

T = TypeVar("T")

_written: WeakKeyDictionary[sa.Engine, int] = WeakKeyDictionary()
_counting = threading.Lock()

OVERFLOW = 8
"""Connections that may be opened above the pool for a moment."""

_CONNECT = {
    # Prepared plans turn generic and lose the index on rare terms.
    "prepare_threshold": None,
    "connect_timeout": 5,
    # A server that vanished without a word is noticed within half a minute.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
    "application_name": "packshot",
}


def make_engine(url: str, *, pool_size: int) -> sa.Engine:
    """An engine for `sqlite:///...` or `postgresql+psycopg://...`; nothing is opened yet."""
    if url.startswith("sqlite:///"):
        # A path is no URL: it may hold ? and %.
        place = sa.URL.create("sqlite", database=url.removeprefix("sqlite:///"))
        engine = sa.create_engine(
            place,
            connect_args={"timeout": 15},
            pool_size=pool_size,
            max_overflow=OVERFLOW,
            json_serializer=to_json,
        )
        sa.event.listen(engine, "do_connect", _make_folder)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    server = make_url(url)
    return sa.create_engine(
        server,
        connect_args={name: value for name, value in _CONNECT.items() if name not in server.query},
        pool_size=pool_size,
        max_overflow=OVERFLOW,
        pool_timeout=10,
        pool_pre_ping=True,
        json_serializer=to_json,
    )


def _make_folder(_dialect: object, _record: object, args: Sequence[str], _values: object) -> None:
    """SQLite makes the file, not the folder it lies in."""
    Path(args[0]).parent.mkdir(parents=True, exist_ok=True)


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
def snapshot(engine: sa.Engine) -> Iterator[sa.Connection]:
    """The same, and every statement sees the database as it is at the first. Raises DatabaseError kinds."""
    with translated(engine), engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction, committed at the end of the block. Raises DatabaseError kinds."""
    try:
        with translated(engine), engine.connect() as connection:
            connection = connection.execution_options(packshot_writes=True)
            with connection.begin():
                yield connection
    finally:
        with _counting:
            _written[engine] = _written.get(engine, 0) + 1


def written(engine: sa.Engine) -> int:
    """How many transactions of `writing` this process has ended: what was read before the last of them may
    not hold any more."""
    return _written.get(engine, 0)


def patiently(engine: sa.Engine, act: Callable[[sa.Connection], T], stopping: threading.Event) -> T:
    """One transaction of `act`, tried again while the database is away, until `stopping` is set.

    A transaction whose answer was lost may have counted: `act` must bear to be done twice. Raises the
    last DatabaseError when it is stopped.
    """
    for attempt in itertools.count():
        try:
            with writing(engine) as connection:
                return act(connection)
        except DatabaseError as error:
            if attempt == 0:
                log.warning("a row waits for the database: %s", error.kind)
            if stopping.wait(min(0.1 * 2**attempt, 5.0)):
                raise
    raise AssertionError("count() never ends")


def to_json(value: Any) -> str:
    """JSON that both databases take: what a model or a file said may hold signs that Postgres refuses."""
    return json.dumps(_clean(value), allow_nan=False)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(name)): _clean(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a database says of itself."""

    kind: str
    version: str
    at: datetime
    """Its own clock, in UTC."""


def facts(engine: sa.Engine) -> Facts:
    """Its name, version and clock; also the shortest way to see that it answers."""
    with reading(engine) as connection:
        if engine.dialect.name == "sqlite":
            text, version = connection.execute(
                sa.text("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), sqlite_version()")
            ).one()
            connection.execute(sa.text("SELECT count(*) FROM sqlite_master"))
            if not os.access(str(engine.url.database), os.W_OK):
                raise DatabaseReadOnly()  # Reading alone would look well.
            return Facts(kind="SQLite", version=version, at=datetime.fromisoformat(text))
        at, version = connection.execute(
            sa.text("SELECT clock_timestamp(), current_setting('server_version')")
        ).one()
        return Facts(kind="Postgres", version=version.split()[0], at=at.astimezone(UTC))
