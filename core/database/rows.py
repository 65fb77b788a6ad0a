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


def task(row: sa.Row[Any]) -> Task:
    return Task(**row._mapping)


def photo(row: sa.Row[Any]) -> Photo:
    return Photo(**row._mapping)


def event(row: sa.Row[Any]) -> Event:
    return Event(**row._mapping)


def output(row: sa.Row[Any]) -> Output:
    values = dict(row._mapping)
    values["state"] = OutputState(values["state"])
    values["review"] = ReviewState(values["review"])
    values["checks"] = ChecksState(values["checks"])
    return Output(**values)
