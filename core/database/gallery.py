"""Statements of History: newest first, filtered, by keyset."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.database.columns import storable
from core.database.schema import outputs, photos, tasks
from core.model import OutputState, ReviewState


def page(
    connection: sa.Connection,
    *,
    states: Sequence[OutputState],
    reviews: Sequence[ReviewState],
    preset: str | None,
    sku: str | None,
    since: datetime | None,
    until: datetime | None,
    before: int | None,
    after: int | None,
    limit: int,
) -> list[Any]:
    """Up to `limit` outputs with their photo and task, newest first.

    `before` and `after` are output ids: older than, newer than. `states` and `reviews` widen each other.
    """
    statement = (
        sa.select(
            outputs.c.id,
            outputs.c.key,
            outputs.c.state,
            outputs.c.review,
            outputs.c.variant,
            outputs.c.created_at,
            outputs.c.started_at,
            outputs.c.thumb_key,
            outputs.c.store,
            outputs.c.model,
            outputs.c.provider,
            outputs.c.cost_micros,
            outputs.c.error_kind,
            outputs.c.error_data,
            photos.c.sku,
            photos.c.product_name,
            photos.c.original_name,
            tasks.c.key.label("task_key"),
            tasks.c.preset,
            tasks.c.preset_version,
        )
        .join(photos, photos.c.id == outputs.c.photo_id)
        .join(tasks, tasks.c.id == outputs.c.task_id)
    )
    for condition in _conditions(states, reviews, preset, sku, since, until):
        statement = statement.where(condition)
    if after is not None:
        newer = statement.where(outputs.c.id > after).order_by(outputs.c.id).limit(limit)
        return list(reversed(connection.execute(newer).all()))
    if before is not None:
        statement = statement.where(outputs.c.id < before)
    return list(connection.execute(statement.order_by(outputs.c.id.desc()).limit(limit)).all())


def count(
    connection: sa.Connection,
    *,
    states: Sequence[OutputState],
    reviews: Sequence[ReviewState],
    preset: str | None,
    sku: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> int:
    """How many match, counted up to `limit`."""
    statement = (
        sa.select(outputs.c.id)
        .join(photos, photos.c.id == outputs.c.photo_id)
        .join(tasks, tasks.c.id == outputs.c.task_id)
        .where(*_conditions(states, reviews, preset, sku, since, until))
        .limit(limit)
    )
    return int(connection.execute(sa.select(sa.func.count()).select_from(statement.subquery())).scalar_one())


def _conditions(
    states: Sequence[OutputState],
    reviews: Sequence[ReviewState],
    preset: str | None,
    sku: str | None,
    since: datetime | None,
    until: datetime | None,
) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [outputs.c.deleted_at.is_(None)]
    # Only the sides that are asked for: SQLite reads every picture for an OR with an empty one.
    either: list[sa.ColumnElement[bool]] = [outputs.c.state.in_(states)] if states else []
    if reviews:
        # Judged pictures are few among those that succeeded: their index, not that of the state.
        few = ReviewState.TO_REVIEW not in reviews
        state = outputs.c.state.concat("") if few else outputs.c.state
        either.append(sa.and_(outputs.c.review.in_(reviews), state == OutputState.SUCCEEDED))
    if either:
        found.append(sa.or_(*either))
    if preset:
        found.append(tasks.c.preset == preset)
    if sku:
        escaped = storable(sku).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        # Both sides by the database: its lower() may know fewer letters than Python's.
        beginning = sa.func.lower(sa.literal(f"{escaped}%"))
        found.append(sa.func.lower(photos.c.sku).like(beginning, escape="\\"))
    if since:
        found.append(outputs.c.created_at >= since)
    if until:
        found.append(outputs.c.created_at < until)
    return found
