"""Statements about where one output comes from and what was done with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from core.database.descriptions import DONE
from core.database.schema import calls, checks, descriptions, events, reviews


def calls_of(connection: sa.Connection, output_id: int) -> Sequence[sa.Row[Any]]:
    """Oldest first, as all here."""
    return connection.execute(
        sa.select(calls).where(calls.c.output_id == output_id).order_by(calls.c.id)
    ).all()


def reviews_of(connection: sa.Connection, output_id: int) -> Sequence[sa.Row[Any]]:
    statement = sa.select(reviews).where(reviews.c.output_id == output_id)
    return connection.execute(statement.order_by(reviews.c.id)).all()


def checks_of(connection: sa.Connection, output_id: int) -> Sequence[sa.Row[Any]]:
    statement = sa.select(checks).where(checks.c.output_id == output_id)
    return connection.execute(statement.order_by(checks.c.id)).all()


def description_of(connection: sa.Connection, sha256s: Sequence[str]) -> sa.Row[Any] | None:
    """The newest that came of a photo."""
    d = descriptions.c
    statement = sa.select(descriptions).where(d.sha256.in_(sha256s), d.outcome == DONE)
    return connection.execute(statement.order_by(d.id.desc()).limit(1)).first()


def stops_of(connection: sa.Connection, task_id: int) -> Sequence[sa.Row[Any]]:
    """What was done to the whole task, but that it was submitted."""
    statement = sa.select(events).where(events.c.task_id == task_id, events.c.output_id.is_(None))
    return connection.execute(statement.where(events.c.verb != "task.submitted").order_by(events.c.id)).all()
