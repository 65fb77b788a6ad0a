"""Statements of the reviewers' queue: the oldest waiting photo first, its outputs together, by keyset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from core.database.columns import storable
from core.database.schema import checks, outputs, photos, reviews, tasks
from core.database.schema.work import WAITING
from core.model import OutputState, ReviewState

CANDIDATES = 2_000
"""Waiting outputs that one statement reads at most when several filters meet."""
STRETCHES = 5
"""How many such statements one look may take."""
MOST_PHOTOS = 2_000
"""Photos of one SKU that are looked through, newest first."""
RECENT = 200
"""Reviews of a sitting whose pictures can be stepped back to."""

Place = tuple[int, int]
"""(photo id, variant): where an output stands in the queue."""

_o = outputs.c
_place = sa.tuple_(_o.photo_id, _o.variant)
# As text: a partial index is used only where the statement holds its very words. SQLite would rather find the
# state by another index and sort all that waits, unless it is told that each term is nearly always true.
_LIKELY = " AND ".join(f"likelihood({term}, 1.0)" for term in WAITING.split(" AND "))
_JUDGEABLE = (_o.state == OutputState.SUCCEEDED, _o.deleted_at.is_(None))
START: Place = (0, 0)


@dataclass(frozen=True, kw_only=True)
class Narrowed:
    """What is wanted, in terms of rows."""

    task_id: int | None = None
    photo_ids: Sequence[int] | None = None
    """Of the wanted SKU."""
    flagged: bool = False
    created_by: str | None = None
    preset: str | None = None
    without: Sequence[int] = ()
    """Photos that others look at."""

    def conditions(self, of: Any) -> list[sa.ColumnElement[bool]]:
        """On the columns `of` outputs. The one that an index answers comes first."""
        found: list[sa.ColumnElement[bool]] = []
        if self.task_id is not None:
            found.append(of.task_id == self.task_id)
        if self.photo_ids is not None:
            found.append(of.photo_id.in_(self.photo_ids))
        if self.flagged:
            found.append(of.flagged)
        if self.created_by is not None:
            found.append(of.created_by == self.created_by)
        if self.preset is not None:
            found.append(of.preset == storable(self.preset))
        return found


def task_id(connection: sa.Connection, key: str) -> int | None:
    return connection.execute(sa.select(tasks.c.id).where(tasks.c.key == storable(key))).scalar()


def photos_of_sku(connection: sa.Connection, sku: str) -> list[int]:
    """The ids of a SKU's photos, as it is written or all in capitals or small letters."""
    written = {storable(text) for text in (sku, sku.upper(), sku.lower())}
    statement = sa.select(photos.c.id).where(photos.c.sku.in_(written))
    return list(connection.execute(statement.order_by(photos.c.id.desc()).limit(MOST_PHOTOS)).scalars())


def place_of(connection: sa.Connection, key: str) -> Any:
    """(id, photo_id, variant, judgeable) of an output, or None."""
    judgeable = sa.and_(*_JUDGEABLE).label("judgeable")
    statement = sa.select(_o.id, _o.photo_id, _o.variant, judgeable).where(_o.key == storable(key))
    return connection.execute(statement).first()


def ahead(connection: sa.Connection, wanted: Narrowed, start: Place, limit: int) -> tuple[list[Any], bool]:
    """Up to `limit` waiting outputs (id, photo_id, variant) from `start` on, and whether more may wait
    beyond those that were read."""
    found: list[Any] = []
    for _ in range(STRETCHES):
        near = _near(connection, wanted).where(_place >= _literal(start)).order_by(_o.photo_id, _o.variant)
        found += connection.execute(_narrowed(wanted, near, limit - len(found))).all()
        if len(found) == limit or len(wanted.conditions(_o)) < 2:
            return found, False
        last = connection.execute(near.limit(1).offset(CANDIDATES - 1)).first()
        if last is None:
            return found, False
        start = (last.photo_id, last.variant + 1)
    return found, True


def back(connection: sa.Connection, wanted: Narrowed, start: Place, limit: int) -> list[Any]:
    """Up to `limit` waiting outputs before `start`, nearest first."""
    order = (_o.photo_id.desc(), _o.variant.desc())
    near = _near(connection, wanted).where(_place < _literal(start)).order_by(*order)
    return list(connection.execute(_narrowed(wanted, near, limit, newest_first=True)))


def judged(connection: sa.Connection, wanted: Narrowed, actor: str, sitting: str) -> list[Any]:
    """The outputs (id, photo_id, variant) that were judged in a sitting and wait no more."""
    of_actor = sa.select(reviews.c.output_id, reviews.c.sitting).where(reviews.c.actor == actor)
    recent = of_actor.order_by(reviews.c.id.desc()).limit(RECENT).subquery("recent")
    of_sitting = sa.select(recent.c.output_id).where(recent.c.sitting == sitting)
    statement = sa.select(_o.id, _o.photo_id, _o.variant).where(
        _o.id.in_(of_sitting), _o.review != ReviewState.TO_REVIEW, *_JUDGEABLE, *wanted.conditions(_o)
    )
    return list(connection.execute(_without(wanted, statement)))


def counts(connection: sa.Connection, wanted: Sequence[Narrowed], limit: int) -> list[int]:
    """How many wait for each, counted up to `limit`, in one statement."""
    counted = []
    for one in wanted:
        near = _near(connection, one).order_by(_o.photo_id, _o.variant)
        few = _narrowed(one, near, limit, candidates=CANDIDATES * STRETCHES).subquery()
        counted.append(sa.select(sa.func.count()).select_from(few).scalar_subquery())
    return [int(n) for n in connection.execute(sa.select(*counted)).one()]


def items(connection: sa.Connection, ids: Sequence[int]) -> list[Any]:
    """Outputs with their photo, task, newest review (columns of `reviews` as `review_...`) and fidelity."""
    return list(connection.execute(_select_items(), {"ids": list(ids)}))


@cache
def _select_items() -> sa.Select[Any]:
    of_output = sa.select(sa.func.max(reviews.c.id)).where(reviews.c.output_id == _o.id)
    newest = of_output.correlate(outputs).scalar_subquery()
    fidelity = sa.and_(checks.c.output_id == _o.id, checks.c.name == "fidelity")
    return (
        sa.select(
            _o.id, _o.key, _o.photo_id, _o.variant, _o.width, _o.height, _o.review, _o.flagged,
            _o.object_key.label("image_key"), _o.thumb_key,
            photos.c.key.label("photo_key"), photos.c.sku, photos.c.product_name, photos.c.original_name,
            photos.c.object_key.label("source_key"), photos.c.thumb_key.label("source_thumb_key"),
            photos.c.width.label("source_width"), photos.c.height.label("source_height"),
            tasks.c.key.label("task_key"), tasks.c.preset, tasks.c.preset_version,
            checks.c.evidence, checks.c.result.label("compared"),
            *(column.label(f"review_{column.name}") for column in reviews.c),
        )
        .join(photos, photos.c.id == _o.photo_id)
        .join(tasks, tasks.c.id == _o.task_id)
        .outerjoin(reviews, reviews.c.id == newest)
        .outerjoin(checks, fidelity)
        .where(_o.id.in_(sa.bindparam("ids", expanding=True)))
        .order_by(_o.photo_id, _o.variant)
    )  # fmt: skip


def _literal(place: Place) -> sa.Tuple:
    return sa.tuple_(sa.literal(place[0], sa.BigInteger), sa.literal(place[1], sa.BigInteger))


def _near(connection: sa.Connection, wanted: Narrowed) -> sa.Select[Any]:
    """Waiting outputs that meet the first condition, which one index answers."""
    waiting = sa.text(_LIKELY if connection.dialect.name == "sqlite" else WAITING)
    statement = sa.select(_o.id, _o.photo_id, _o.variant).where(waiting, *wanted.conditions(_o)[:1])
    return _without(wanted, statement)


def _without(wanted: Narrowed, statement: sa.Select[Any]) -> sa.Select[Any]:
    return statement.where(_o.photo_id.not_in(wanted.without)) if wanted.without else statement


def _narrowed(
    wanted: Narrowed,
    near: sa.Select[Any],
    limit: int,
    *,
    candidates: int = CANDIDATES,
    newest_first: bool = False,
) -> sa.Select[Any]:
    """Of the outputs `near`, those that meet all other conditions, in the same order."""
    if len(wanted.conditions(_o)) < 2:
        return near.limit(limit)
    few = (
        near.add_columns(_o.task_id, _o.flagged, _o.created_by, _o.preset).limit(candidates).subquery("near")
    )
    order: tuple[sa.ColumnElement[int], ...] = (few.c.photo_id, few.c.variant)
    if newest_first:
        order = (few.c.photo_id.desc(), few.c.variant.desc())
    statement = sa.select(few.c.id, few.c.photo_id, few.c.variant).where(*wanted.conditions(few.c)[1:])
    return statement.order_by(*order).limit(limit)
