"""A desk whose storage and records are made to differ, and what the tests look at."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core import clock, generation, tallies
from core.database import rollups, schema
from core.database.engine import reading, writing
from core.differences import Report
from core.model import Output, OutputState
from core.studio import Studio
from tests.conftest import BY, finished, order, upload

OLD = timedelta(hours=48)


def made(desk: Studio, photo: bytes, outputs: int = 1) -> list[Output]:
    """A finished task; the desk is made to look three days old."""
    key = generation.submit(desk, [upload(photo)], order(outputs=outputs), by=BY)
    found = list(finished(desk, key).outputs)
    with writing(desk.engine) as connection:
        connection.execute(sa.update(schema.presets).values(created_at=clock.now() - timedelta(days=3)))
    return found


def file_of(desk: Studio, key: str | None) -> Path:
    return Path(desk.settings.upload_dir) / (key or "")


def put(desk: Studio, key: str, data: bytes = b"bytes", *, age: timedelta = OLD) -> str:
    desk.store.put(key, data, "image/jpeg")
    then = (clock.now() - age).timestamp()
    os.utime(file_of(desk, key), (then, then))
    return key


def found(report: Report) -> dict[str, int]:
    return {kind.value: number for kind, number in report.found.items() if number}


def row(desk: Studio, output: Output) -> Any:
    with reading(desk.engine) as connection:
        return connection.execute(sa.select(schema.outputs).where(schema.outputs.c.id == output.id)).one()


def verbs(desk: Studio, like: str) -> list[tuple[str, str]]:
    with reading(desk.engine) as connection:
        statement = sa.select(schema.events.c.verb, schema.events.c.actor).order_by(schema.events.c.id)
        return [tuple(r) for r in connection.execute(statement.where(schema.events.c.verb.like(like)))]


def everything(desk: Studio) -> tuple[Any, ...]:
    """Every row of every table but leases, every sum, folded or not, and every object with its bytes."""
    with reading(desk.engine) as connection:
        moving = ("workers", "rollups", "rollup_changes")
        tables = [t for t in schema.metadata.sorted_tables if t.name not in moving]
        rows = {
            t.name: [tuple(r) for r in connection.execute(sa.select(t).order_by(*t.primary_key))]
            for t in tables
        }
        sums = rollups.sums(connection, tallies.OF_ROWS)
    return rows, sums, {item.key: desk.store.get(item.key) for item in desk.store.list().objects}


def lose_end(desk: Studio, output: Output) -> None:
    """As if the process had died between storing the answer and finishing the row."""
    with writing(desk.engine) as connection:
        nothing = dict.fromkeys(("object_key", "thumb_key", "width", "height", "bytes", "sha256"))
        connection.execute(
            sa.update(schema.outputs)
            .where(schema.outputs.c.id == output.id)
            .values(state=OutputState.UNKNOWN, error_kind="OutcomeUnknown", cost_micros=None, **nothing)
        )
        connection.execute(
            sa.update(schema.calls)
            .where(schema.calls.c.output_id == output.id)
            .values(object_key=None, outcome="lost", answered_at=None, cost_micros=None)
        )


def task_key(desk: Studio) -> str:
    with reading(desk.engine) as connection:
        return str(connection.execute(sa.select(schema.tasks.c.key)).scalar_one())
