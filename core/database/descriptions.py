"""Statements about descriptions: journalled before they are asked for, found again by photo and model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.database.insert import insert_missing
from core.database.queue import LOST, OPEN
from core.database.schema import descriptions, provider_states

DONE = "described"
"""The outcome of a description that came; others are errors' kinds, or LOST."""


def take_turn(connection: sa.Connection, provider: str) -> None:
    """Until this transaction ends no other begins a description there: a photo is asked about once."""
    insert_missing(connection, provider_states, {"provider": provider, "stopped_data": {}})
    row = sa.select(provider_states.c.id).where(provider_states.c.provider == provider)
    connection.execute(row.with_for_update())


def begin(connection: sa.Connection, values: Mapping[str, Any]) -> int:
    """Journal one just before it is sent; returns its id."""
    statement = sa.insert(descriptions).values(values).returning(descriptions.c.id)
    return int(connection.execute(statement).scalar_one())


def end(connection: sa.Connection, id: int, values: Mapping[str, Any]) -> str | None:
    """Give one its outcome. Returns what it was before, OPEN or LOST; None when it had one already."""
    d = descriptions.c
    statement = sa.update(descriptions).where(d.id == id).values(values)
    if connection.execute(statement.where(d.outcome.is_(None))).rowcount:
        return OPEN
    return LOST if connection.execute(statement.where(d.outcome == LOST)).rowcount else None


def by_key(connection: sa.Connection, key: str) -> sa.Row[Any] | None:
    return connection.execute(sa.select(descriptions).where(descriptions.c.key == key)).first()


def by_id(connection: sa.Connection, id: int) -> sa.Row[Any]:
    return connection.execute(sa.select(descriptions).where(descriptions.c.id == id)).one()


def done(
    connection: sa.Connection, sha256s: Sequence[str], model: str, since: datetime
) -> dict[str, sa.Row[Any]]:
    """The newest description of each photo that was asked for since then, by the photo's hash."""
    d = descriptions.c
    statement = sa.select(descriptions).where(
        d.sha256.in_(sha256s), d.model == model, d.outcome == DONE, d.sent_at >= since
    )
    return {row.sha256: row for row in connection.execute(statement.order_by(d.id))}


def under_way(connection: sa.Connection, sha256: str, model: str) -> int | None:
    """The id of one that was sent and has no outcome yet."""
    d = descriptions.c
    statement = sa.select(d.id).where(d.sha256 == sha256, d.model == model, d.outcome.is_(None))
    found = connection.execute(statement.order_by(d.id).limit(1)).scalar_one_or_none()
    return None if found is None else int(found)


def open_before(connection: sa.Connection, moment: datetime) -> Sequence[sa.Row[Any]]:
    """Those without an outcome that were sent before."""
    d = descriptions.c
    statement = sa.select(descriptions).where(d.outcome.is_(None), d.sent_at < moment)
    return connection.execute(statement).all()
