"""Statements of the sums by day: changes are only inserted, and folded into the sums later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from core.database.insert import insert_missing
from core.database.schema import calls, outputs, photos, reviews, rollup_changes, rollups, tasks
from core.database.schema.rollups import KEY

_TOGETHER = 500
"""Ids in one statement, or sums in one statement."""
_NEVER = date(1970, 1, 1)


class Cell(NamedTuple):
    """What a sum is of, in the order of `schema.rollups.KEY`."""

    measure: str
    detail: str
    day: date
    preset: str = ""
    version: int = 0
    provider: str = ""
    model: str = ""
    store: str = ""
    actor: str = ""
    purged: bool = False


class Sum(NamedTuple):
    """How many, and their amount: micro-dollars, bytes or milliseconds, by the measure."""

    n: int
    amount: int

    def __add__(self, other: tuple[int, ...]) -> Sum:  # type: ignore[override]
        return Sum(self.n + other[0], self.amount + other[1])

    def __sub__(self, other: Sum) -> Sum:
        return Sum(self.n - other.n, self.amount - other.amount)


Sums = Mapping[Cell, Sum]
ZERO = Sum(0, 0)
_BUILT = Cell("built", "", _NEVER)
"""Not a sum: how often all sums were made anew. Two who do it at once must not both add what was missing."""


def add(connection: sa.Connection, changes: Sums) -> None:
    """Write changes down, one statement."""
    rows = [{**cell._asdict(), **change._asdict()} for cell, change in changes.items() if change != ZERO]
    if rows:
        connection.execute(sa.insert(rollup_changes), rows)


def waiting(connection: sa.Connection) -> bool:
    """Is there a change to fold?"""
    return connection.execute(sa.select(rollup_changes.c.id).limit(1)).first() is not None


def fold(connection: sa.Connection, limit: int) -> int:
    """Move up to `limit` changes into the sums; returns how many.

    What another process folds at this moment is left to it.
    """
    c = rollup_changes.c
    some = sa.select(c.id).order_by(c.id).limit(limit).with_for_update(skip_locked=True).cte("some")
    gone = sa.delete(rollup_changes).where(c.id.in_(sa.select(some.c.id))).returning(rollup_changes)
    found: defaultdict[Cell, Sum] = defaultdict(lambda: ZERO)
    number = 0
    for row in connection.execute(gone):
        found[Cell(*(getattr(row, name) for name in KEY))] += (row.n, row.amount)
        number += 1
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(rollups)
    statement = statement.on_conflict_do_update(
        index_elements=KEY,
        set_={name: rollups.c[name] + statement.excluded[name] for name in ("n", "amount")},
    )
    # In one order, so that two processes never wait for each other in a ring.
    rows = [{**cell._asdict(), **found[cell]._asdict()} for cell in sorted(found)]
    if rows:
        connection.execute(statement, rows)
    return number


def built(connection: sa.Connection) -> int:
    """How often all sums were made anew; 0 before the first time."""
    r = rollups.c
    found = connection.execute(sa.select(r.n).where(r.measure == _BUILT.measure, r.day == _NEVER)).scalar()
    return int(found or 0)


def count_building(connection: sa.Connection, seen: int) -> bool:
    """Say that the sums are made anew; False when somebody else did since `seen` was read."""
    insert_missing(connection, rollups, {**_BUILT._asdict(), **ZERO._asdict()})
    r = rollups.c
    statement = sa.update(rollups).where(r.measure == _BUILT.measure, r.day == _NEVER, r.n == seen)
    return connection.execute(statement.values(n=seen + 1)).rowcount == 1


def read(
    connection: sa.Connection,
    measures: Sequence[str],
    by: Sequence[str],
    *,
    since: date | None = None,
    until: date | None = None,
) -> list[Any]:
    """Sums (n, amount) by the columns `by`, of days from `since` to `until`; folded or not."""
    parts = []
    for table in (rollups, rollup_changes):
        columns = [table.c[name] for name in by]
        part = sa.select(
            *columns, sa.func.sum(table.c.n).label("n"), sa.func.sum(table.c.amount).label("amount")
        )
        part = part.where(table.c.measure.in_(measures)).group_by(*columns)
        if since is not None:
            part = part.where(table.c.day >= since)
        if until is not None:
            part = part.where(table.c.day <= until)
        parts.append(part)
    both = sa.union_all(*parts).subquery()
    names = [both.c[name] for name in by]
    # Postgres sums integers to a number with decimals.
    totals = [sa.cast(sa.func.sum(both.c[name]), sa.BigInteger).label(name) for name in ("n", "amount")]
    statement = sa.select(*names, *totals).group_by(*names)
    return [row for row in connection.execute(statement) if row.n or row.amount]


def sums(connection: sa.Connection, measures: Sequence[str]) -> dict[Cell, Sum]:
    """Every sum of these measures that is not nothing."""
    found = read(connection, measures, KEY)
    return {Cell(*(getattr(row, name) for name in KEY)): Sum(row.n, row.amount) for row in found}


def lock(connection: sa.Connection, output_ids: Sequence[int]) -> None:
    """Keep others from changing these outputs until this transaction ends."""
    if connection.dialect.name == "sqlite":
        return  # It has one writer at a time.
    for ids in together(output_ids):
        statement = sa.select(outputs.c.id).where(outputs.c.id.in_(ids)).order_by(outputs.c.id)
        connection.execute(statement.with_for_update(key_share=True)).all()


def made(connection: sa.Connection, which: sa.ColumnElement[bool] | Sequence[int]) -> Iterator[list[Any]]:
    """Outputs, some or those of these ids, with what is summed of them: for each the rows of its calls, at
    least one."""
    yield from _groups(_chosen(connection, _select_made, OUTPUT, which), "id")


@cache
def _select_made() -> sa.Select[Any]:
    o, c, r = outputs.c, calls.c, reviews.c
    reason = sa.select(r.reason).where(r.output_id == o.id).order_by(r.id.desc()).limit(1).scalar_subquery()
    names = ("id", "state", "review", "created_at", "finished_at", "error_kind", "latency_ms", "provider",
             "model", "store", "object_key", "bytes", "thumb_key", "thumb_bytes")  # fmt: skip
    asked = ("day", "sent_at", "outcome", "cost_micros", "reserved_micros", "object_key", "bytes")
    return (
        sa.select(
            *(o[name] for name in names),
            tasks.c.preset,
            tasks.c.preset_version,
            reason.label("reason"),
            c.id.label("call_id"),
            *(c[name].label(f"call_{name}") for name in asked),
        )
        .join(tasks, tasks.c.id == o.task_id)
        .outerjoin(calls, c.output_id == o.id)
        .order_by(o.id, c.id)
    )


def judged(connection: sa.Connection, which: sa.ColumnElement[bool] | Sequence[int]) -> Iterator[list[Any]]:
    """The reviews of outputs, oldest first, each with when its reviewer had judged before."""
    yield from _groups(_chosen(connection, _select_judged, REVIEWED, which), "output_id")


@cache
def _select_judged() -> sa.Select[Any]:
    r, earlier = reviews.c, reviews.alias()
    before = (
        sa.select(earlier.c.at)
        .where(earlier.c.actor == r.actor, earlier.c.id < r.id)
        .order_by(earlier.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    names = (r.output_id, r.at, r.actor, r.sitting, r.verdict)
    before_it = sa.type_coerce(before, r.at.type).label("before")
    return sa.select(*names, before_it).order_by(r.output_id, r.id)


def uploaded(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Iterator[Any]:
    """Photos with what is summed of them."""
    p = photos.c
    statement = sa.select(p.store, p.bytes, p.thumb_bytes, tasks.c.created_at)
    yield from connection.execute(statement.join(tasks, tasks.c.id == p.task_id).where(which))


OUTPUT, REVIEWED, PHOTO = outputs.c.id, reviews.c.output_id, photos.c.id


def followers(connection: sa.Connection, output_ids: Sequence[int]) -> set[int]:
    """Outputs that were judged next after one of these, by the same person."""
    found: set[int] = set()
    later = reviews.alias()
    for ids in together(output_ids):
        r = reviews.c
        nearest = (
            sa.select(later.c.output_id)
            .where(later.c.actor == r.actor, later.c.id > r.id)
            .order_by(later.c.id)
            .limit(1)
            .scalar_subquery()
        )
        rows = connection.execute(sa.select(nearest).where(r.output_id.in_(ids)))
        found |= {int(row[0]) for row in rows if row[0] is not None}
    return found


def ranges(connection: sa.Connection, column: sa.Column[Any], step: int) -> Iterator[sa.ColumnElement[bool]]:
    """The whole of an id column in pieces."""
    last = connection.execute(sa.select(sa.func.max(column))).scalar() or 0
    for start in range(0, last, step):
        yield column.between(start + 1, start + step)


def together(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Ids in portions that every database takes in one statement, in order."""
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), _TOGETHER):
        yield ordered[start : start + _TOGETHER]


def _chosen(
    connection: sa.Connection,
    every: Callable[[], sa.Select[Any]],
    column: sa.Column[Any],
    which: sa.ColumnElement[bool] | Sequence[int],
) -> Iterable[Any]:
    if isinstance(which, sa.ColumnElement):
        return connection.execute(every().where(which))
    return connection.execute(_of_ids(every, column), {"ids": list(which)})


@cache
def _of_ids(every: Callable[[], sa.Select[Any]], column: sa.Column[Any]) -> sa.Select[Any]:
    """Built once: each judgement asks both twice."""
    return every().where(column.in_(sa.bindparam("ids", expanding=True)))


def _groups(rows: Iterable[Any], name: str) -> Iterator[list[Any]]:
    group: list[Any] = []
    for row in rows:
        if group and getattr(group[0], name) != getattr(row, name):
            yield group
            group = []
        group.append(row)
    if group:
        yield group
