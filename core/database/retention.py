"""Statements about rules of keeping: which ended pictures have stood as they are for long enough.

A picture's age counts from its end (`finished_at`) or, if that came later, from the last time that it was
judged, restored or found to differ (`touched_at`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from core.database.schema import claims, export_items, exports, outputs, retention_rules
from core.database.trash import waits
from core.model import OutputState, ReviewState

_o = outputs.c
_BAD = (OutputState.FAILED, OutputState.BLOCKED, OutputState.UNKNOWN)
_DONE = OutputState.SUCCEEDED

Strip = tuple[OutputState, ReviewState]
STRIPS: Mapping[str, tuple[Strip, ...]] = {
    # One that was approved and lost its file may get it back: it stays.
    "failed": tuple((s, r) for s in _BAD for r in (ReviewState.TO_REVIEW, ReviewState.REJECTED)),
    "rejected": ((_DONE, ReviewState.REJECTED),),
    "to_review": ((_DONE, ReviewState.TO_REVIEW),),
    "approved": ((_DONE, ReviewState.APPROVED),),
}
"""Which pictures each rule is about; no two have one in common. Each lies together in an index."""

Place = tuple[datetime, int]
"""When an output ended, and its id."""

_DOWNLOAD = timedelta(days=1)
"""An export that began before and never ended was given up."""


@dataclass(frozen=True, kw_only=True)
class Old:
    """What is old enough: in `store`, as it is since before `before`; `spooled` are ids that wait for the
    spool of this machine. `now` tells what is in somebody's hands."""

    what: str
    store: str
    before: datetime
    spooled: Collection[int]
    now: datetime

    def where(self) -> list[sa.ColumnElement[bool]]:
        found = [
            _o.deleted_at.is_(None),
            _o.finished_at < self.before,
            sa.or_(_o.touched_at.is_(None), _o.touched_at < self.before),
            _o.store == self.store,
        ]
        if self.what == "failed":
            found.append(~waits(self.spooled))
        if self.what == "to_review":
            found.append(~sa.exists().where(claims.c.output_id == _o.id, claims.c.until > self.now))
        if self.what == "approved":
            leaving = (
                sa.select(export_items.c.id)
                .join(exports, exports.c.id == export_items.c.export_id)
                .where(
                    export_items.c.output_id == _o.id,
                    exports.c.finished_at.is_(None),
                    exports.c.at > self.now - _DOWNLOAD,
                )
            )
            found.append(~leaving.exists())
        return found


def rules(connection: sa.Connection) -> list[Any]:
    """What, days, set_at and set_by of each rule that somebody set."""
    return list(connection.execute(sa.select(retention_rules)))


def write(connection: sa.Connection, what: str, days: int | None, *, at: datetime, by: str) -> None:
    """Set a rule, in the place of the one that was."""
    connection.execute(sa.delete(retention_rules).where(retention_rules.c.what == what))
    values = {"what": what, "days": days, "set_at": at, "set_by": by}
    connection.execute(sa.insert(retention_rules).values(values))


def totals(connection: sa.Connection, old: Old) -> tuple[int, int, datetime | None]:
    """How many are old enough, the bytes of their pictures, and when the first of them ended."""
    strips = STRIPS[old.what]
    statement = sa.select(
        sa.func.count(), sa.func.coalesce(sa.func.sum(_o.bytes), 0), sa.func.min(_o.finished_at)
    ).where(
        _o.state.in_({state for state, _ in strips}),
        _o.review.in_({review for _, review in strips}),
        *old.where(),
    )
    count, size, oldest = connection.execute(statement).one()
    return int(count), int(size), oldest


def next_of(
    connection: sa.Connection, old: Old, strip: Strip, *, after: Place | None, limit: int
) -> list[Any]:
    """Up to `limit` (id, finished_at) that are old enough, the first that ended first, from `after` on."""
    state, review = strip
    statement = sa.select(_o.id, _o.finished_at).where(_o.state == state, _o.review == review, *old.where())
    if after is not None:
        at, last = after
        later = sa.or_(_o.finished_at > at, sa.and_(_o.finished_at == at, _o.id > last))
        statement = statement.where(_o.finished_at >= at, later)
    return list(connection.execute(statement.order_by(_o.finished_at, _o.id).limit(limit)))


def still(connection: sa.Connection, old: Old, strip: Strip, output_ids: Sequence[int]) -> dict[int, int]:
    """Those of `output_ids` that still are, with the bytes of their pictures: asked once they are locked."""
    state, review = strip
    statement = sa.select(_o.id, sa.func.coalesce(_o.bytes, 0)).where(
        _o.id.in_(output_ids), _o.state == state, _o.review == review, *old.where()
    )
    return {int(output_id): int(size) for output_id, size in connection.execute(statement)}
