"""Statements about saved views: each is one actor's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.database.insert import insert_missing
from core.database.schema import saved_views

v = saved_views.c


def of(connection: sa.Connection, actor: str) -> list[sa.Row[Any]]:
    """By name."""
    statement = sa.select(v.name, v.query).where(v.actor == actor).order_by(v.name)
    return list(connection.execute(statement))


def insert(
    connection: sa.Connection, actor: str, name: str, query: Mapping[str, Sequence[str]], at: datetime
) -> bool:
    """False when the actor has one of that name."""
    before = _number(connection, actor)
    insert_missing(
        connection, saved_views, {"actor": actor, "name": name, "query": dict(query), "saved_at": at}
    )
    return _number(connection, actor) > before


def rename(connection: sa.Connection, actor: str, name: str, new: str) -> bool:
    """False when there is none of that name."""
    mine = sa.update(saved_views).where(v.actor == actor, v.name == name)
    return connection.execute(mine.values(name=new)).rowcount == 1


def delete(connection: sa.Connection, actor: str, name: str) -> bool:
    mine = sa.delete(saved_views).where(v.actor == actor, v.name == name)
    return connection.execute(mine).rowcount == 1


def _number(connection: sa.Connection, actor: str) -> int:
    mine = sa.select(sa.func.count()).select_from(saved_views).where(v.actor == actor)
    return int(connection.execute(mine).scalar_one())
