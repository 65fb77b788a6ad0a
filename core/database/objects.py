"""Statements that compare objects with rows: every key that a row names, in key order, by keyset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from core.database.schema import calls, checks, events, outputs, photos, presets, tasks
from core.model import OutputState


class Source(StrEnum):
    """Which column names an object."""

    PHOTO = "photo"
    PHOTO_THUMB = "photo_thumb"
    OUTPUT = "output"
    OUTPUT_THUMB = "output_thumb"
    CALL = "call"
    CHECK = "check"

    @property
    def is_thumb(self) -> bool:
        return self in (Source.PHOTO_THUMB, Source.OUTPUT_THUMB, Source.CHECK)


@dataclass(frozen=True, kw_only=True)
class Named:
    """One row that names an object; `bytes` and `sha256` where the row records them."""

    source: Source
    id: int
    """Of the photo, output or call."""
    key: str
    task_id: int
    output_id: int | None
    state: OutputState | None
    error_kind: str | None
    bytes: int | None
    sha256: str | None
    picture_key: str | None
    """What a thumbnail is made from."""
    leaving: bool
    """Its removal has begun: the object may be gone already."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A call by its key, with where its output stands."""

    id: int
    output_id: int
    task_id: int
    state: OutputState
    cost_micros: int | None
    provider_request_id: str | None
    answered_at: datetime | None
    outcome: str | None


MISSING, DIFFERS = "object.missing", "object.differs"
"""Events that say what became of an object; with its key they mark the difference as known."""

_NONE = sa.null()
_HEAT = checks.c.evidence["heat"].as_string()
_COLUMNS: Mapping[Source, tuple[Any, Any, Sequence[Any]]] = {
    Source.PHOTO: (
        photos.c.id,
        photos.c.object_key,
        (photos.c.task_id, _NONE, _NONE, _NONE, photos.c.bytes, photos.c.sha256, _NONE),
    ),
    Source.PHOTO_THUMB: (
        photos.c.id,
        photos.c.thumb_key,
        (photos.c.task_id, _NONE, _NONE, _NONE, _NONE, _NONE, photos.c.object_key),
    ),
    Source.OUTPUT: (
        outputs.c.id,
        outputs.c.object_key,
        (
            outputs.c.task_id,
            outputs.c.id,
            outputs.c.state,
            outputs.c.error_kind,
            outputs.c.bytes,
            outputs.c.sha256,
            _NONE,
        ),
    ),
    Source.OUTPUT_THUMB: (
        outputs.c.id,
        outputs.c.thumb_key,
        (
            outputs.c.task_id,
            outputs.c.id,
            outputs.c.state,
            outputs.c.error_kind,
            _NONE,
            _NONE,
            outputs.c.object_key,
        ),
    ),
    Source.CHECK: (
        checks.c.id,
        _HEAT,
        (outputs.c.task_id, outputs.c.id, outputs.c.state, outputs.c.error_kind, _NONE, _NONE, _NONE),
    ),
    Source.CALL: (
        calls.c.id,
        calls.c.object_key,
        (outputs.c.task_id, outputs.c.id, outputs.c.state, outputs.c.error_kind, _NONE, _NONE, _NONE),
    ),
}


def page(
    connection: sa.Connection, source: Source, *, store: str, after: tuple[str, int] | None, limit: int
) -> list[Named]:
    """Up to `limit` rows of one column after (key, id), in the order of the keys' bytes."""
    row_id, column, rest = _COLUMNS[source]
    # Postgres would order by the language of the database; object stores order by bytes.
    key = sa.collate(column, "C") if connection.dialect.name == "postgresql" else column
    holder = photos if source in (Source.PHOTO, Source.PHOTO_THUMB) else outputs
    statement = sa.select(row_id, column, *rest, holder.c.purge_started_at).where(column.is_not(None))
    if source is Source.CALL:
        statement = statement.join(outputs, outputs.c.id == calls.c.output_id)
    if source is Source.CHECK:
        statement = statement.join(outputs, outputs.c.id == checks.c.output_id)
    statement = statement.where(holder.c.store == store)
    if after is not None:
        statement = statement.where(sa.or_(key > after[0], sa.and_(key == after[0], row_id > after[1])))
    found = connection.execute(statement.order_by(key, row_id).limit(limit)).all()
    return [
        Named(
            source=source,
            id=row[0],
            key=row[1],
            task_id=row[2],
            output_id=row[3],
            state=None if row[4] is None else OutputState(row[4]),
            error_kind=row[5],
            bytes=row[6],
            sha256=row[7],
            picture_key=row[8],
            leaving=row[9] is not None,
        )
        for row in found
    ]


def still_named(connection: sa.Connection, keys: Sequence[str]) -> set[str]:
    """Those of `keys` that any row of any store names; asked once more before something is deleted."""
    columns = (
        photos.c.object_key,
        photos.c.thumb_key,
        outputs.c.object_key,
        outputs.c.thumb_key,
        calls.c.object_key,
        _HEAT,
    )
    parts = [sa.select(column).where(column.in_(keys)) for column in columns]
    return {str(row[0]) for row in connection.execute(sa.union(*parts))}


def sent(connection: sa.Connection, task_key: str, call_key: str, store: str) -> Sent | None:
    """The call that an object under `generated/{task}/{call}` answers."""
    statement = (
        sa.select(
            calls.c.id,
            calls.c.output_id,
            outputs.c.task_id,
            outputs.c.state,
            calls.c.cost_micros,
            calls.c.provider_request_id,
            calls.c.answered_at,
            calls.c.outcome,
        )
        .join(outputs, outputs.c.id == calls.c.output_id)
        .join(tasks, tasks.c.id == outputs.c.task_id)
        .where(calls.c.key == call_key, tasks.c.key == task_key, outputs.c.store == store)
    )
    row = connection.execute(statement).first()
    return None if row is None else Sent(**{**row._mapping, "state": OutputState(row.state)})


def change_output(
    connection: sa.Connection,
    output_id: int,
    states: Sequence[OutputState],
    values: Mapping[str, Any],
    *,
    object_key: str | None = None,
) -> bool:
    """Change an output that still is in one of `states` (and still names `object_key`)."""
    statement = sa.update(outputs).where(outputs.c.id == output_id, outputs.c.state.in_(states))
    if object_key is not None:
        statement = statement.where(outputs.c.object_key == object_key)
    return connection.execute(statement.values(values)).rowcount == 1


def marked(connection: sa.Connection, task_id: int, key: str) -> bool:
    """Was it said of this task's object that it is missing or differs?"""
    statement = sa.select(events.c.data).where(
        events.c.task_id == task_id, events.c.verb.in_((MISSING, DIFFERS))
    )
    return any(row.data.get("key") == key for row in connection.execute(statement))


def born(connection: sa.Connection) -> datetime | None:
    """When this database was first used; objects from before can't be its own."""
    return connection.execute(sa.select(sa.func.min(presets.c.created_at))).scalar()
