"""Statements of the trash: what goes in, what comes out again, and what is in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.database.schema import calls, outputs, photos, tasks
from core.model import OutputState

ENDED = tuple(state for state in OutputState if state.ended)


_MANY = 500
"""Values of one IN list."""


def waits(spooled: Collection[int]) -> sa.ColumnElement[bool]:
    """A paid answer of the output still waits for the store: the row says so, or it is one of `spooled`."""
    kept = outputs.c.error_data["kept"].as_boolean().is_(sa.true())
    return sa.or_(kept, outputs.c.id.in_(spooled)) if spooled else kept


def outputs_of(connection: sa.Connection, call_keys: Sequence[str]) -> set[int]:
    """The outputs that these calls were made for."""
    found: set[int] = set()
    for start in range(0, len(call_keys), _MANY):
        few = calls.c.key.in_(call_keys[start : start + _MANY])
        statement = sa.select(calls.c.output_id).where(few, calls.c.output_id.is_not(None))
        found |= set(connection.execute(statement).scalars())
    return found


def look(connection: sa.Connection, output_ids: Sequence[int]) -> list[Any]:
    """Where outputs stand: id, key, task_id, state, deleted_at, purge_started_at, locked until the end."""
    o = outputs.c
    statement = sa.select(o.id, o.key, o.task_id, o.state, o.deleted_at, o.purge_started_at)
    return list(connection.execute(statement.where(o.id.in_(output_ids)).order_by(o.id).with_for_update()))


def put_in(connection: sa.Connection, output_ids: Sequence[int], now: datetime) -> list[int]:
    """Put ended outputs into the trash; returns the ids of those that were not there before."""
    o = outputs.c
    statement = sa.update(outputs).where(o.id.in_(output_ids), o.deleted_at.is_(None), o.state.in_(ENDED))
    return sorted(int(row.id) for row in connection.execute(statement.values(deleted_at=now).returning(o.id)))


def take_out(connection: sa.Connection, output_ids: Sequence[int], now: datetime) -> list[int]:
    """Take outputs out of the trash, unless their removal has begun; returns the ids of those."""
    o = outputs.c
    statement = sa.update(outputs).where(
        o.id.in_(output_ids), o.deleted_at.is_not(None), o.purge_started_at.is_(None)
    )
    statement = statement.values(deleted_at=None, touched_at=now)
    return sorted(int(row.id) for row in connection.execute(statement.returning(o.id)))


def totals(connection: sa.Connection) -> tuple[int, int, datetime | None]:
    """How many are in the trash, bytes of their pictures, and the oldest time."""
    o = outputs.c
    statement = sa.select(
        sa.func.count(), sa.func.coalesce(sa.func.sum(o.bytes), 0), sa.func.min(o.deleted_at)
    ).where(o.deleted_at.is_not(None))
    count, size, oldest = connection.execute(statement).one()
    return int(count), int(size), oldest


def page(connection: sa.Connection, *, before: tuple[datetime, int] | None, limit: int) -> list[Any]:
    """What is in the trash with its photo's names and its task's key, last deleted first."""
    o, p = outputs.c, photos.c
    of_photo = (p.sku, p.product_name, p.original_name)
    statement = (
        sa.select(
            o.id, o.key, o.deleted_at, o.bytes, o.state, o.thumb_key, *of_photo, tasks.c.key.label("task_key")
        )
        .join(tasks, tasks.c.id == o.task_id)
        .join(photos, p.id == o.photo_id)
        .where(o.deleted_at.is_not(None))
        .order_by(o.deleted_at.desc(), o.id.desc())
    )
    if before is not None:
        at, last = before
        statement = statement.where(sa.or_(o.deleted_at < at, sa.and_(o.deleted_at == at, o.id < last)))
    return list(connection.execute(statement.limit(limit)))
