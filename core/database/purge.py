"""Statements that remove deleted outputs for good: begun, then without their objects, then gone.

Between the three a process may die: what was begun can't be restored and is gone on with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.database.schema import calls, checks, events, metadata, outputs, photos, tasks
from core.database.trash import waits
from core.model import OutputState

_GOING = tuple(state for state in OutputState if not state.ended)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Outputs on their way out, and the photos that nobody else needs. `objects` are all that they name."""

    outputs: tuple[int, ...]
    photos: tuple[int, ...]
    objects: frozenset[str]
    shared: frozenset[str]
    """Of those, named by something that stays."""
    bytes: int
    keys: tuple[str, ...]
    """Of the outputs."""


@dataclass(frozen=True, kw_only=True)
class Due:
    """What may go: deleted in `store` at `until` or before, or begun with earlier, and no paid answer of it
    waits (`spooled` are those of this machine's spool)."""

    store: str
    until: datetime
    spooled: Collection[int]

    def where(self, *, waiting: bool = False) -> tuple[sa.ColumnElement[bool], ...]:
        """With `waiting` those that are left because such an answer does."""
        o = outputs.c
        late = sa.or_(o.deleted_at <= self.until, o.purge_started_at.is_not(None))
        kept = waits(self.spooled)
        # Not as the ended states: SQLite would take the index of the many that ended, not that of the trash.
        ended = o.state.not_in(_GOING)
        return (o.deleted_at.is_not(None), late, o.store == self.store, ended, kept if waiting else ~kept)


def totals(connection: sa.Connection, due: Due) -> tuple[int, int, datetime | None]:
    """How many may go, bytes of their pictures, and when the first was deleted."""
    o = outputs.c
    statement = sa.select(
        sa.func.count(), sa.func.coalesce(sa.func.sum(o.bytes), 0), sa.func.min(o.deleted_at)
    )
    count, size, oldest = connection.execute(statement.where(*due.where())).one()
    return int(count), int(size), oldest


def waiting(connection: sa.Connection, due: Due) -> int:
    """How many are left because a paid answer of theirs waits."""
    statement = sa.select(sa.func.count()).select_from(outputs).where(*due.where(waiting=True))
    return int(connection.execute(statement).scalar_one())


def begin(
    connection: sa.Connection, due: Due, *, after: tuple[datetime, int] | None, limit: int, now: datetime
) -> tuple[Batch, tuple[datetime, int] | None]:
    """Mark up to `limit` outputs. Returns them, and the place to go on after (None: there is no more)."""
    o = outputs.c
    statement = sa.select(o.id, o.key, o.photo_id, o.deleted_at, o.bytes).where(*due.where())
    if after is not None:
        at, last = after
        statement = statement.where(sa.or_(o.deleted_at > at, sa.and_(o.deleted_at == at, o.id > last)))
    statement = statement.order_by(o.deleted_at, o.id).limit(limit).with_for_update()
    rows = connection.execute(statement).all()
    ids = [row.id for row in rows]
    connection.execute(sa.update(outputs).where(o.id.in_(ids)).values(purge_started_at=now))
    left_alone = _photos(connection, {row.photo_id for row in rows}, store=due.store, now=now)
    named = _named(connection, ids, left_alone)
    batch = Batch(
        outputs=tuple(ids),
        photos=tuple(left_alone),
        objects=frozenset(named),
        shared=frozenset(_still_named(connection, named, ids, left_alone)),
        bytes=sum(row.bytes or 0 for row in rows),
        keys=tuple(row.key for row in rows),
    )
    return batch, (rows[-1].deleted_at, rows[-1].id) if len(rows) == limit else None


def _photos(connection: sa.Connection, photo_ids: Iterable[int], *, store: str, now: datetime) -> list[int]:
    """Mark those photos whose outputs are all on their way out."""
    stays = sa.exists().where(outputs.c.photo_id == photos.c.id, outputs.c.purge_started_at.is_(None))
    statement = (
        sa.update(photos)
        .where(photos.c.id.in_(photo_ids), photos.c.store == store, ~stays)
        .values(purge_started_at=now)
        .returning(photos.c.id)
    )
    return [int(row.id) for row in connection.execute(statement)]


def _named(connection: sa.Connection, output_ids: Sequence[int], photo_ids: Sequence[int]) -> set[str]:
    columns = (
        (outputs.c.object_key, outputs.c.id, output_ids),
        (outputs.c.thumb_key, outputs.c.id, output_ids),
        (calls.c.object_key, calls.c.output_id, output_ids),
        (photos.c.object_key, photos.c.id, photo_ids),
        (photos.c.thumb_key, photos.c.id, photo_ids),
    )
    parts = [sa.select(key).where(of.in_(ids), key.is_not(None)) for key, of, ids in columns]
    found = {str(row[0]) for row in connection.execute(sa.union(*parts))}
    evidence = connection.execute(sa.select(checks.c.evidence).where(checks.c.output_id.in_(output_ids)))
    return found | {row.evidence["heat"] for row in evidence if row.evidence.get("heat")}


def _still_named(
    connection: sa.Connection, keys: Iterable[str], output_ids: Sequence[int], photo_ids: Sequence[int]
) -> set[str]:
    keys = list(keys)
    columns = (
        (outputs.c.object_key, outputs.c.id, output_ids),
        (outputs.c.thumb_key, outputs.c.id, output_ids),
        (calls.c.object_key, calls.c.output_id, output_ids),
        (photos.c.object_key, photos.c.id, photo_ids),
        (photos.c.thumb_key, photos.c.id, photo_ids),
    )
    parts = [sa.select(key).where(key.in_(keys), of.not_in(ids)) for key, of, ids in columns]
    return {str(row[0]) for row in connection.execute(sa.union(*parts))}


def remove(connection: sa.Connection, batch: Batch) -> None:
    """Delete the rows of a batch whose objects are gone, and its tasks that have no photo left.

    Calls stay without their output: what was paid, when and by whom stays known.
    """
    of_batch = photos.c.id.in_(batch.photos)
    task_ids = list(connection.execute(sa.select(photos.c.task_id).where(of_batch).distinct()).scalars())
    connection.execute(
        sa.update(calls).where(calls.c.output_id.in_(batch.outputs)).values(output_id=None, object_key=None)
    )
    connection.execute(sa.delete(events).where(events.c.output_id.in_(batch.outputs)))
    _delete(connection, outputs, batch.outputs)
    # Those with an output that another batch takes stay until then.
    empty = sa.select(photos.c.id).where(of_batch, ~sa.exists().where(outputs.c.photo_id == photos.c.id))
    _delete(connection, photos, list(connection.execute(empty).scalars()))
    over = sa.select(tasks.c.id).where(
        tasks.c.id.in_(task_ids), ~sa.exists().where(photos.c.task_id == tasks.c.id)
    )
    task_ids = list(connection.execute(over).scalars())
    connection.execute(sa.delete(events).where(events.c.task_id.in_(task_ids)))
    _delete(connection, tasks, task_ids)


def _delete(connection: sa.Connection, table: sa.Table, ids: Sequence[int]) -> None:
    """Delete rows with all that belongs to them; what may stand alone loses its reference."""
    if not ids:
        return
    for column, child in _references(table):
        if column.nullable:
            connection.execute(sa.update(child).where(column.in_(ids)).values({column.name: None}))
        elif any(True for _ in _references(child)):
            below = list(connection.execute(sa.select(child.c.id).where(column.in_(ids))).scalars())
            _delete(connection, child, below)
        else:
            connection.execute(sa.delete(child).where(column.in_(ids)))
    connection.execute(sa.delete(table).where(table.c.id.in_(ids)))


def _references(table: sa.Table) -> list[tuple[sa.Column[Any], sa.Table]]:
    return [
        (key.parent, child)
        for child in metadata.tables.values()
        for key in child.foreign_keys
        if key.column.table is table and child is not table
    ]
