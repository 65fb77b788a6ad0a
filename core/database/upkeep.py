"""Statements of the daily step: whose turn it is, and what was done the last time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.database.insert import insert_missing
from core.database.schema import upkeep

_u = upkeep.c


def next_at(connection: sa.Connection, store: str) -> datetime | None:
    """When it is due again for a store; None when nobody ever looked."""
    return connection.execute(sa.select(_u.next_at).where(_u.store == store)).scalar()


def begin(connection: sa.Connection, store: str, *, first: datetime) -> None:
    """Say when it is due for the first time, if nobody has."""
    insert_missing(connection, upkeep, {"store": store, "next_at": first})


def claim(connection: sa.Connection, store: str, *, now: datetime, until: datetime) -> bool:
    """Take the turn until then, if it is due; False when it is not or somebody was quicker."""
    statement = sa.update(upkeep).where(_u.store == store, _u.next_at <= now)
    return connection.execute(statement.values(next_at=until)).rowcount == 1


def put_off(connection: sa.Connection, store: str, until: datetime) -> None:
    """Hold the turn longer, or say when the next one is."""
    connection.execute(sa.update(upkeep).where(_u.store == store).values(next_at=until))


def note(connection: sa.Connection, store: str, *, at: datetime, by: str, last: Mapping[str, Any]) -> None:
    """Write down what rules took."""
    insert_missing(connection, upkeep, {"store": store, "next_at": at})
    values = {"last_at": at, "last_by": by, "last": dict(last)}
    connection.execute(sa.update(upkeep).where(_u.store == store).values(values))


def last(connection: sa.Connection, store: str) -> Any | None:
    """last_at, last_by and last of a store, if its rules were ever carried out."""
    statement = sa.select(_u.last_at, _u.last_by, _u.last)
    return connection.execute(statement.where(_u.store == store, _u.last_at.is_not(None))).first()
