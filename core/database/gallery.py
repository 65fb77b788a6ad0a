"""Statements of History: what matches, page by page, by keyset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.database.asked import Asked
from core.database.schema import output_tags, outputs, photos, tasks
from core.database.walk import Walk

o = outputs.c


@dataclass(frozen=True, kw_only=True)
class Found:
    """`ids` in the order they were met. `reach` is the last output that was examined, when there may be more
    beyond it; None when there is nothing more. From `back` on, exclusive, the other way leads to the start
    and what lies before it; None without a start."""

    ids: list[int]
    reach: int | None
    back: int | None


def find(connection: sa.Connection, asked: Asked, *, start: int | None, ascending: bool, limit: int) -> Found:
    """Up to `limit` outputs that match, met from `start` (exclusive) on; without it from the very end."""
    walk = Walk(connection, asked, start=start, ascending=ascending)
    ids, reach = _ahead(walk, limit, among=4 * limit, enough=limit)
    back = None if start is None else ids[0] if ids else walk.next()
    return Found(ids=ids, reach=ids[-1] if len(ids) == limit else reach, back=back)


def _ahead(walk: Walk, limit: int, *, among: int, enough: int) -> tuple[list[int], int | None]:
    if len(walk.leads) == 1 and len(ids := walk.page(walk.leads[0], limit, among=among)) == limit:
        return ids, ids[-1]  # Nearly always: most of what is met is wanted.
    return _furthest(walk, limit, enough=enough)


def _furthest(walk: Walk, limit: int, *, enough: int) -> tuple[list[int], int | None]:
    """What the best lead finds; where that is not enough, and a set is small, all there is."""
    lead, reach = walk.furthest()
    ids = walk.page(lead, limit)
    if len(ids) < enough and reach is not None and (few := walk.few()):
        return walk.page(few, limit), None
    return ids, reach


def first(connection: sa.Connection, asked: Asked, *, limit: int, most: int) -> tuple[Found, int, bool]:
    """Up to `limit` outputs that match, from the newest or dearest on, and how many do, counted up to `most`
    among the candidates of this page; True when that is all."""
    walk = Walk(connection, asked, start=None, ascending=False)
    ids, reach = _ahead(walk, most, among=most + most // 8, enough=limit)
    found = Found(ids=ids[:limit], reach=ids[limit - 1] if len(ids) >= limit else reach, back=None)
    return found, len(ids), len(ids) < most and reach is None


def entries(connection: sa.Connection, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The columns of outputs with their photo and task, by name, by id."""
    statement = (
        sa.select(
            *(o[name] for name in ("id", "key", "state", "review", "variant", "created_at", "started_at")),
            *(o[name] for name in ("thumb_key", "store", "model", "provider", "cost_micros")),
            *(o[name] for name in ("error_kind", "error_data", "preset", "preset_version")),
            photos.c.sku,
            photos.c.product_name,
            photos.c.original_name,
            tasks.c.key.label("task_key"),
        )
        .join(photos, photos.c.id == o.photo_id)
        .join(tasks, tasks.c.id == o.task_id)
        .where(o.id.in_(ids))
    )
    found = connection.execute(statement)
    names = tuple(found.keys())
    return {row[0]: dict(zip(names, row, strict=True)) for row in found.all()}


def moment(connection: sa.Connection, output_id: int) -> datetime | None:
    """When an output was asked for."""
    return connection.execute(sa.select(o.created_at).where(o.id == output_id)).scalar_one_or_none()


def operators(connection: sa.Connection, *, limit: int = 200) -> list[str]:
    """Who asked for outputs, by name of the index alone."""
    return _distinct(connection, o.created_by, limit)


def tags(connection: sa.Connection, *, limit: int = 200) -> list[str]:
    """The tags that outputs have."""
    return _distinct(connection, output_tags.c.tag, limit)


def models(connection: sa.Connection, *, limit: int = 200) -> list[str]:
    """The models that outputs were asked of."""
    return _distinct(connection, o.model, limit)


def _distinct(connection: sa.Connection, column: sa.Column[str], limit: int) -> list[str]:
    """One step through the index for each value, however many rows have it."""
    first = sa.select(sa.func.min(column).label("value")).cte("found", recursive=True)
    after = sa.select(sa.func.min(column)).where(column > first.c.value).scalar_subquery()
    steps = first.union_all(sa.select(after).where(first.c.value.is_not(None)))
    statement = sa.select(steps.c.value).where(steps.c.value.is_not(None), steps.c.value != "")
    return list(connection.execute(statement.limit(limit)).scalars())
