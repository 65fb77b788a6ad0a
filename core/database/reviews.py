"""Statements about reviews: they are added, never changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.database.schema import outputs, photos, reviews
from core.database.tasks import is_key
from core.model import OutputState, ReviewState

# Statements of each judgement are built once: building one takes as long as SQLite takes to answer it.
_o, _r = outputs.c, reviews.c
_TARGET = sa.select(_o.id, _o.key, _o.task_id, _o.photo_id).where(_o.key == sa.bindparam("asked"))
_LOCK = sa.select(photos.c.id).where(photos.c.id == sa.bindparam("photo")).with_for_update()
_SAID = (
    sa.select(reviews)
    .where(
        _r.output_id.in_(sa.bindparam("ids", expanding=True))
        | _r.key.in_(sa.bindparam("keys", expanding=True))
    )
    .order_by(_r.id)
)
_ADD = sa.insert(reviews).returning(reviews)
_SET = (
    sa.update(outputs)
    .where(_o.id == sa.bindparam("which"))
    .values(
        review=sa.bindparam("state_of"),
        review_id=sa.bindparam("stands"),
        touched_at=sa.bindparam("touched", type_=_o.touched_at.type),
    )
)
_SET_JUDGED = _SET.where(_o.state == OutputState.SUCCEEDED, _o.deleted_at.is_(None))


def target(connection: sa.Connection, key: str) -> Any | None:
    """What an act on an output needs of it: id, key, task_id and photo_id."""
    return connection.execute(_TARGET, {"asked": key}).first() if is_key(key) else None


def lock_unit(connection: sa.Connection, photo_id: int) -> None:
    """Let nobody else judge outputs of this photo until the transaction ends: ids rise as acts do."""
    if connection.dialect.name != "sqlite":  # It has one writer at a time.
        connection.execute(_LOCK, {"photo": photo_id})


def lock_units(connection: sa.Connection, output_ids: Sequence[int]) -> None:
    """The same for the photos of these outputs."""
    of = sa.select(outputs.c.photo_id).where(outputs.c.id.in_(output_ids))
    connection.execute(
        sa.select(photos.c.id).where(photos.c.id.in_(of)).order_by(photos.c.id).with_for_update()
    )


def unit_of(connection: sa.Connection, photo_id: int) -> list[Any]:
    """The outputs (id, key) of a photo that can be judged, by variant."""
    o = outputs.c
    judged = (o.photo_id == photo_id, o.state == OutputState.SUCCEEDED, o.deleted_at.is_(None))
    return list(connection.execute(sa.select(o.id, o.key).where(*judged).order_by(o.variant)))


def of_outputs(connection: sa.Connection, output_ids: Iterable[int]) -> list[Any]:
    """All reviews of these outputs, oldest first."""
    statement = sa.select(reviews).where(reviews.c.output_id.in_(list(output_ids)))
    return list(connection.execute(statement.order_by(reviews.c.id)))


def said(connection: sa.Connection, output_ids: Iterable[int], keys: Iterable[str]) -> list[Any]:
    """All reviews of these outputs, and what stands under these keys already, oldest first."""
    return list(connection.execute(_SAID, {"ids": list(output_ids), "keys": list(keys)}))


def by_keys(connection: sa.Connection, keys: Iterable[str]) -> list[Any]:
    """The reviews that stand under these keys already."""
    statement = sa.select(reviews).where(reviews.c.key.in_(list(keys)))
    return list(connection.execute(statement.order_by(reviews.c.id)))


def add(connection: sa.Connection, values: Mapping[str, Any]) -> Any:
    """Add one; returns its row."""
    return connection.execute(_ADD, dict(values)).one()


def add_many(connection: sa.Connection, values: Sequence[Mapping[str, Any]]) -> list[int]:
    """Add several; returns their ids in the order given."""
    if not values:
        return []
    # SQLite would give ids back for one row at a time only.
    connection.execute(sa.insert(reviews), list(values))
    ids = {row.key: int(row.id) for row in by_keys(connection, [row["key"] for row in values])}
    return [ids[row["key"]] for row in values]


def set_states(
    connection: sa.Connection, standing: Sequence[tuple[int, ReviewState, int | None]], *, at: datetime
) -> None:
    """`set_state` of outputs that the caller has looked at and locked: (output id, state, review id)."""
    if rows := [{"which": i, "state_of": s, "stands": r, "touched": at} for i, s, r in standing]:
        connection.execute(_SET, rows)


def set_state(
    connection: sa.Connection, output_id: int, state: ReviewState, review_id: int | None, *, at: datetime
) -> bool:
    """Let an output's state follow its reviews, the newest of which came `at`; `review_id` is the one that
    stands. False when it can't be judged (any more)."""
    values = {"which": output_id, "state_of": state, "stands": review_id, "touched": at}
    return connection.execute(_SET_JUDGED, values).rowcount == 1


def newest_of(connection: sa.Connection, actor: str, limit: int) -> list[Any]:
    """The newest reviews (output_id, at, verdict, sitting) of an actor, newest first."""
    r = reviews.c
    statement = sa.select(r.output_id, r.at, r.verdict, r.sitting).where(r.actor == actor)
    return list(connection.execute(statement.order_by(r.id.desc()).limit(limit)))
