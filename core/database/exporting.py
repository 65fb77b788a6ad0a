"""Statements of exports: what is approved, where each picture comes from, and what left the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.database.columns import storable
from core.database.schema import export_items, exports, outputs, photos, reviews, tasks
from core.model import OutputState, ReviewState

_MANY = 500
"""Values of one IN list."""

_stands = sa.and_(reviews.c.output_id == outputs.c.id, reviews.c.id == outputs.c.review_id)
"""The review by which a picture is approved, if it is: not one that was taken back."""


def _for_channel(channel: str) -> sa.ScalarSelect[int]:
    """The id of an output's newest approval for a channel, if it counts: it stands, or all that was said
    since are approvals as well, as those for other channels."""
    given, later = reviews.alias("given"), reviews.alias("later")
    against = sa.select(later.c.id).where(
        later.c.output_id == given.c.output_id,
        later.c.id > given.c.id,
        later.c.verdict != ReviewState.APPROVED,
    )
    counts = (
        given.c.output_id == outputs.c.id,
        given.c.channel == channel,
        given.c.verdict == ReviewState.APPROVED,
        sa.or_(given.c.id == outputs.c.review_id, ~against.exists()),
    )
    return sa.select(sa.func.max(given.c.id)).where(*counts).correlate(outputs).scalar_subquery()


_PICTURE = (
    outputs.c.id.label("output_id"),
    outputs.c.key,
    outputs.c.state,
    outputs.c.review,
    outputs.c.object_key,
    outputs.c.thumb_key,
    outputs.c.sha256,
    photos.c.sku,
    photos.c.product_name,
    photos.c.original_name,
    tasks.c.preset,
)


def _pictures(*columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return (
        sa.select(*_PICTURE, *columns)
        .join(photos, photos.c.id == outputs.c.photo_id)
        .join(tasks, tasks.c.id == outputs.c.task_id)
        .where(outputs.c.deleted_at.is_(None))
    )


def by_keys(connection: sa.Connection, keys: Sequence[str]) -> list[Any]:
    """Outputs by key that are not deleted, whatever became of them, in no order."""
    found: list[Any] = []
    for start in range(0, len(keys), _MANY):
        few = keys[start : start + _MANY]
        found += connection.execute(_pictures().where(outputs.c.key.in_(few))).all()
    return found


def approved(
    connection: sa.Connection,
    *,
    since: datetime | None,
    new_to: str | None,
    channel: str | None,
    only_for: bool,
    sku: str | None,
    limit: int,
) -> list[Any]:
    """Up to `limit` approved outputs, the oldest first: approved at `since` or later, with `new_to` in no
    finished export of that actor for `channel` since they were approved, with `only_for` for `channel`."""
    statement = _pictures().where(
        outputs.c.review == ReviewState.APPROVED,
        # So that SQLite takes the index of the few that were judged, not that of the many that succeeded.
        outputs.c.state.not_in([state for state in OutputState if state is not OutputState.SUCCEEDED]),
    )
    if since is not None or new_to is not None:
        statement = statement.join(reviews, _stands)
    if since is not None:
        statement = statement.where(reviews.c.at >= since)
    if only_for and channel is not None:
        statement = statement.where(_for_channel(channel).is_not(None))
    if new_to is not None:
        left = (
            sa.select(export_items.c.id)
            .join(exports, exports.c.id == export_items.c.export_id)
            .where(
                export_items.c.output_id == outputs.c.id,
                export_items.c.sha256.is_not(None),
                exports.c.finished_at.is_not(None),
                exports.c.actor == new_to,
                exports.c.channel.is_(None) if channel is None else exports.c.channel == channel,
                exports.c.at >= reviews.c.at,
            )
        )
        statement = statement.where(~left.exists())
    if sku:
        escaped = storable(sku).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        beginning = sa.func.lower(sa.literal(f"{escaped}%"))
        statement = statement.where(sa.func.lower(photos.c.sku).like(beginning, escape="\\"))
    return list(connection.execute(statement.order_by(outputs.c.id).limit(limit)).all())


def approved_for(connection: sa.Connection, output_ids: Sequence[int], channel: str) -> set[int]:
    """Those of the outputs that are approved for `channel`."""
    found: set[int] = set()
    for start in range(0, len(output_ids), _MANY):
        few = output_ids[start : start + _MANY]
        statement = sa.select(outputs.c.id)
        statement = statement.where(outputs.c.id.in_(few), _for_channel(channel).is_not(None))
        found |= set(connection.execute(statement).scalars())
    return found


def lineage(
    connection: sa.Connection, output_ids: Sequence[int], channel: str | None = None
) -> dict[int, Any]:
    """All that a manifest tells of where outputs come from, by output id. Of its approvals for channels
    it is the one for `channel`, else the last."""
    approval = reviews.alias("approval")
    stands = outputs.c.review_id
    given = stands if channel is None else sa.func.coalesce(_for_channel(channel), stands)
    statement = _pictures(
        outputs.c.variant,
        outputs.c.provider,
        outputs.c.model,
        outputs.c.model_version,
        outputs.c.provider_request_id,
        outputs.c.cost_micros,
        outputs.c.finished_at,
        photos.c.prompt,
        photos.c.original_type,
        photos.c.original_sha256,
        tasks.c.key.label("task_key"),
        tasks.c.preset_version,
        tasks.c.style,
        tasks.c.ratio,
        tasks.c.size,
        tasks.c.parameters,
        tasks.c.created_by,
        reviews.c.actor.label("reviewer"),
        reviews.c.actor_name.label("reviewer_name"),
        approval.c.channel.label("approved_for"),
        approval.c.override,
        approval.c.findings.label("approved_with"),
        reviews.c.at.label("reviewed_at"),
        reviews.c.note,
    )
    statement = statement.outerjoin(reviews, _stands).outerjoin(approval, approval.c.id == given)
    rows = connection.execute(statement.where(outputs.c.id.in_(output_ids)))
    return {row.output_id: row for row in rows}


def objects(connection: sa.Connection, output_ids: Sequence[int]) -> list[tuple[int, str]]:
    """(output id, object key) of outputs that have a picture."""
    found: list[tuple[int, str]] = []
    for start in range(0, len(output_ids), _MANY):
        few = output_ids[start : start + _MANY]
        statement = sa.select(outputs.c.id, outputs.c.object_key)
        statement = statement.where(outputs.c.id.in_(few), outputs.c.object_key.is_not(None))
        found += [(row.id, row.object_key) for row in connection.execute(statement.order_by(outputs.c.id))]
    return found


def insert(connection: sa.Connection, values: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> None:
    """An export with its items."""
    statement = sa.insert(exports).values(values).returning(exports.c.id)
    number = connection.execute(statement).scalar_one()
    connection.execute(sa.insert(export_items), [{**item, "export_id": number} for item in items])


def by_key(connection: sa.Connection, key: str) -> Any | None:
    """The row of an export."""
    if not (key.isascii() and key.isprintable()):
        return None
    return connection.execute(sa.select(exports).where(exports.c.key == key)).first()


def items_of(connection: sa.Connection, export_id: int) -> list[Any]:
    """The pictures of an export in its order, with what became of them."""
    own = (
        export_items.c.id.label("item_id"),
        export_items.c.role,
        export_items.c.name,
        export_items.c.sha256.label("exported_sha256"),
        export_items.c.error_kind,
        export_items.c.error_data,
    )
    statement = (
        sa.select(*_PICTURE, *own)
        .join(photos, photos.c.id == outputs.c.photo_id)
        .join(tasks, tasks.c.id == outputs.c.task_id)
        .join(export_items, export_items.c.output_id == outputs.c.id)
    )
    statement = statement.where(export_items.c.export_id == export_id).order_by(export_items.c.position)
    return list(connection.execute(statement).all())


def finish(
    connection: sa.Connection, key: str, values: Mapping[str, Any], items: Sequence[Mapping[str, Any]]
) -> None:
    """What became of an export and of its items, which are known by their `output_id`."""
    statement = sa.update(exports).where(exports.c.key == key).values(values).returning(exports.c.id)
    number = connection.execute(statement).scalar_one()
    if not items:
        return
    names = ("name", "sha256", "bytes", "error_kind", "error_data")
    changed: dict[str, Any] = {name: sa.bindparam(name) for name in names}
    own = (export_items.c.export_id == number, export_items.c.output_id == sa.bindparam("this"))
    connection.execute(
        sa.update(export_items).where(*own).values(changed),
        [{"this" if name == "output_id" else name: item[name] for name in item} for item in items],
    )


def exports_of(connection: sa.Connection, output_id: int) -> list[Any]:
    """The finished exports that a picture is in, newest first."""
    statement = (
        sa.select(exports.c.at, exports.c.actor_name, exports.c.channel, export_items.c.name)
        .join(export_items, export_items.c.export_id == exports.c.id)
        .where(
            export_items.c.output_id == output_id,
            export_items.c.sha256.is_not(None),
            exports.c.finished_at.is_not(None),
        )
    )
    return list(connection.execute(statement.order_by(exports.c.id.desc())).all())
