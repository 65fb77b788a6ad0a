"""Statements about tasks, their photos and their outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.database import rows, search
from core.database.schema import events, outputs, photos, tasks
from core.errors import TaskExists
from core.model import Event, Output, Photo, Task


def insert_task(connection: sa.Connection, values: Mapping[str, Any]) -> int:
    """Insert a task; returns its id. Raises TaskExists when its key is taken."""
    try:
        return int(connection.execute(sa.insert(tasks).values(values).returning(tasks.c.id)).scalar_one())
    except sa.exc.IntegrityError as exc:
        raise TaskExists(values["key"]) from exc


def insert_photos(connection: sa.Connection, values: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert photos; returns their ids in the order given."""
    statement = sa.insert(photos).returning(photos.c.id, sort_by_parameter_order=True)
    return [int(row.id) for row in connection.execute(statement, list(values))]


def insert_outputs(connection: sa.Connection, values: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert outputs, findable at once; returns their ids in the order given."""
    t = tasks.c
    of = sa.select(t.id, t.preset, t.preset_version, t.created_by)
    whose = {
        row.id: {name: row._mapping[name] for name in ("preset", "preset_version", "created_by")}
        for row in connection.execute(of.where(t.id.in_({row["task_id"] for row in values})))
    }
    statement = sa.insert(outputs).returning(outputs.c.id, sort_by_parameter_order=True)
    rows = connection.execute(statement, [{**row, **whose.get(row["task_id"], {})} for row in values])
    ids = [int(row.id) for row in rows]
    search.reindex(connection, ids)
    return ids


def add_event(
    connection: sa.Connection,
    *,
    at: datetime,
    actor: str,
    verb: str,
    task_id: int | None = None,
    output_id: int | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Write what was done, in the transaction of the act."""
    values = {"at": at, "actor": actor, "verb": verb, "task_id": task_id, "output_id": output_id}
    connection.execute(sa.insert(events), {**values, "data": dict(data or {})})


def add_events(
    connection: sa.Connection,
    *,
    at: datetime,
    actor: str,
    verb: str,
    of: Sequence[tuple[int, int, Mapping[str, Any]]],
) -> None:
    """The same act on many outputs, each as (task id, output id, data)."""
    values = [
        {
            "at": at,
            "actor": actor,
            "verb": verb,
            "task_id": task_id,
            "output_id": output_id,
            "data": dict(data),
        }
        for task_id, output_id, data in of
    ]
    if values:
        connection.execute(sa.insert(events), values)


def task_by_key(connection: sa.Connection, key: str) -> Task | None:
    if not is_key(key):
        return None
    row = connection.execute(rows.select_tasks().where(tasks.c.key == key)).first()
    return None if row is None else rows.task(row)


def is_key(text: str) -> bool:
    """Could it be a key? A link's text may hold what no database takes as a value."""
    return text.isascii() and text.isprintable()


def task_by_id(connection: sa.Connection, task_id: int) -> Task:
    return rows.task(connection.execute(rows.select_tasks().where(tasks.c.id == task_id)).one())


def recent(connection: sa.Connection, limit: int) -> tuple[Task, ...]:
    """Newest first."""
    statement = rows.select_tasks().order_by(tasks.c.id.desc()).limit(limit)
    return tuple(rows.task(row) for row in connection.execute(statement))


def photos_of(connection: sa.Connection, task_id: int) -> tuple[Photo, ...]:
    """In the order of upload."""
    statement = rows.select_photos().where(photos.c.task_id == task_id).order_by(photos.c.position)
    return tuple(rows.photo(row) for row in connection.execute(statement))


def photo_by_id(connection: sa.Connection, photo_id: int) -> Photo:
    return rows.photo(connection.execute(rows.select_photos().where(photos.c.id == photo_id)).one())


def outputs_of(connection: sa.Connection, task_id: int) -> tuple[Output, ...]:
    statement = rows.select_outputs().where(outputs.c.task_id == task_id)
    return tuple(
        rows.output(row)
        for row in connection.execute(statement.order_by(outputs.c.photo_id, outputs.c.variant))
    )


def output_by_id(connection: sa.Connection, output_id: int) -> Output | None:
    row = connection.execute(rows.select_outputs().where(outputs.c.id == output_id)).first()
    return None if row is None else rows.output(row)


def output_by_key(connection: sa.Connection, key: str) -> Output | None:
    if not is_key(key):
        return None
    row = connection.execute(rows.select_outputs().where(outputs.c.key == key)).first()
    return None if row is None else rows.output(row)


def events_of(connection: sa.Connection, output_id: int) -> tuple[Event, ...]:
    """Oldest first."""
    statement = rows.select_events().where(events.c.output_id == output_id).order_by(events.c.id)
    return tuple(rows.event(row) for row in connection.execute(statement))
