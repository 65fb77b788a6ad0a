"""Rows to records of `core.model`."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from core.database import schema
from core.model import ChecksState, Event, Output, OutputState, Photo, ReviewState, Task

_PHOTO = [schema.photos.c[f.name] for f in fields(Photo)]
_TASK = [schema.tasks.c[f.name] for f in fields(Task)]
_OUTPUT = [schema.outputs.c[f.name] for f in fields(Output)]
_EVENT = [schema.events.c[f.name] for f in fields(Event)]


def select_tasks() -> sa.Select[Any]:
    return sa.select(*_TASK)


def select_photos() -> sa.Select[Any]:
    return sa.select(*_PHOTO)


def select_outputs() -> sa.Select[Any]:
    return sa.select(*_OUTPUT)


def select_events() -> sa.Select[Any]:
    return sa.select(*_EVENT)


def values(row: sa.Row[Any]) -> dict[str, Any]:
    """The columns by name; twenty times as quick as `row._mapping`, which a page of 48 pictures feels."""
    return dict(zip(row._fields, row, strict=True))


def task(row: sa.Row[Any]) -> Task:
    return Task(**values(row))


def photo(row: sa.Row[Any]) -> Photo:
    return Photo(**values(row))


def event(row: sa.Row[Any]) -> Event:
    return Event(**values(row))


def output(row: sa.Row[Any]) -> Output:
    found = values(row)
    found["state"] = OutputState(found["state"])
    found["review"] = ReviewState(found["review"])
    found["checks"] = ChecksState(found["checks"])
    return Output(**found)
