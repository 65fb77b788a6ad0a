"""One way through the outputs that match: never more candidates than a bound, however rare they are.

The filter whose candidates reach furthest by its index leads; the others are asked of those alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from core.database import search, tags
from core.database.asked import Asked, Condition, between, by_index, of_cost, of_days
from core.database.schema import outputs

CANDIDATES = 2_000
"""Outputs that are examined for one page."""
_SORTED = 10
"""Times as many may be put in order first, where an index gives them in none."""

_NO_ID, _ANY_ID = -1, 2**62

o = outputs.c


@dataclass(frozen=True, kw_only=True)
class Lead:
    """A filter by whose index outputs are met: `parts` are selects of them, with the column of the id."""

    name: str
    parts: tuple[tuple[sa.Select[Any], sa.ColumnElement[int]], ...]


class Walk:
    """A walk from a place on, exclusive; without one from the very end. `leads` give candidates in order,
    `sets` in none: those help only where they are few. `late` has to be put in order first, and helps where
    it is not too much for that."""

    def __init__(
        self, connection: sa.Connection, asked: Asked, *, start: int | None, ascending: bool
    ) -> None:
        self._connection = connection
        self._asked = asked
        self._ascending = ascending
        self._start = start
        self._cost = self._cost_of(start)
        self._low, self._high = self._first_id(), self._last_id()
        if start is not None and not asked.by_cost:
            if ascending:
                self._low = max(start + 1, self._low or 0)
            else:
                self._high = start - 1 if self._high is None else min(start - 1, self._high)
        own = by_index(asked)
        self._conditions = [("", o.deleted_at.is_(None)), *((name, sa.or_(*ways)) for name, ways in own)]
        self._conditions += [("", condition) for condition in of_days(asked)]
        leads = [
            Lead(name=name, parts=tuple((sa.select(o.id).where(w), o.id) for w in ways)) for name, ways in own
        ]
        if asked.tag:
            leads.append(Lead(name="tag", parts=(tags.ids(asked.tag),)))
            self._conditions.append(("tag", tags.holds(asked.tag)))
        costs = of_cost(asked)
        priced = sa.select(o.id) if asked.by_cost else sa.select(o.id).where(*costs)
        cost = [Lead(name="by cost" if asked.by_cost else "cost", parts=((priced, o.id),))] if costs else []
        self._conditions += [("cost", condition) for condition in costs]
        text = []
        if asked.question:
            text = [Lead(name="text", parts=(search.ids(connection, asked.question),))]
        # SQLite gives what matches a text in the order of ids, Postgres in none.
        everything = Lead(name="all", parts=((sa.select(o.id), o.id),))
        in_order = leads + (text if connection.dialect.name == "sqlite" else [])
        if asked.by_cost:
            self.leads, self.sets = cost, text + leads + ([everything] if of_days(asked) else [])
            self.late = None
        else:
            self.leads = in_order or [everything]
            self.sets = cost
            self.late = text[0] if text and text[0] not in in_order else None

    def furthest(self) -> tuple[Lead, int | None]:
        """The lead, or `late`, whose next candidates reach furthest, and the last of them; None where it has
        fewer than the bound, so that nothing lies beyond."""
        last = []
        for lead in self.leads:
            some = self._candidates(lead, CANDIDATES).subquery()
            order = self._order(some.c.id, some.c.cost_micros if self._asked.by_cost else None)
            last.append(
                sa.select(some.c.id).order_by(*order).limit(1).offset(CANDIDATES - 1).scalar_subquery()
            )
        reach = self._connection.execute(sa.select(*last)).one()
        both = list(zip(self.leads, reach, strict=True))
        for lead, end in both:
            if end is None:
                return lead, None
        if self.late and (ids := self._all(self.late, _SORTED * CANDIDATES)) is not None:
            low, high = self._low or 0, _ANY_ID if self._high is None else self._high
            ahead = (number for number in ids if low <= number <= high)
            ids = sorted(ahead, reverse=not self._ascending)[:CANDIDATES]
            late = _known(self._connection, self.late.name, ids)
            if len(ids) < CANDIDATES:
                return late, None
            both.append((late, ids[-1]))
        return (max if self._ascending else min)(both, key=lambda one: one[1])

    def next(self) -> int:
        """The next candidate, or the very end: the way back from there begins with the start."""
        ids = self._connection.execute(self._candidates(self.leads[0], 1)).scalars()
        return next(iter(ids), _ANY_ID if self._ascending else 0)

    def few(self) -> Lead | None:
        """A set of no more than the bound in all: with it nothing is left out."""
        for lead in self.sets:
            if (ids := self._all(lead, CANDIDATES)) is not None:
                self.sets = [_known(self._connection, lead.name, ids)]
                return self.sets[0]
        return None

    def page(self, lead: Lead, limit: int, *, among: int | None = None) -> list[int]:
        """Those of the next candidates that match, in order; `among` the next few of them, or the bound."""
        in_order, by_cost = lead not in self.sets, self._asked.by_cost
        some = self._candidates(lead, min(among or CANDIDATES, CANDIDATES), in_order=in_order).cte(
            "candidates"
        )
        conditions = [condition for name, condition in self._conditions if name != lead.name or not name]
        # "Is true": so no other index is taken, which may hold more rows than there are candidates.
        statement = sa.select(o.id).join(some, some.c.id == o.id)
        statement = statement.where(sa.and_(*conditions).is_(sa.true()))
        if question := self._asked.question:
            given = lead.name == "text"
            statement = search.narrowed(self._connection, statement, some.c.id, question, given=given)
        if not in_order:
            statement = statement.where(
                sa.or_(*(sa.and_(sa.true(), *bounds) for bounds in self._bounds(o.id, by_cost)))
            )
        order = self._order(o.id, o.cost_micros if by_cost else None)
        return list(self._connection.execute(statement.order_by(*order).limit(limit)).scalars().all())

    def _all(self, lead: Lead, most: int) -> list[int] | None:
        """All of a set; None where it holds more than `most`."""
        question = self._asked.question if lead.name == "text" else None
        if question and not search.seldom(self._connection, question, most):
            return None
        some = self._candidates(lead, most + 1, in_order=False)
        with _by_its_own_index(self._connection, lead.name):
            if self._connection.dialect.name == "postgresql":
                # One value: as rows they would take longer than to be found.
                one = sa.select(sa.func.array_agg(some.subquery().c.id))
                ids = list(self._connection.execute(one).scalar() or ())
            else:
                ids = list(self._connection.execute(some).scalars().all())
        return ids if len(ids) <= most else None

    def _candidates(self, lead: Lead, limit: int, *, in_order: bool = True) -> sa.Select[Any]:
        """Ids of the next candidates of a lead, in the order of the walk or in any."""
        by_cost = self._asked.by_cost and in_order
        some = []
        for part, at in lead.parts:
            # A text's index knows nothing of what lies ahead, unless it is in the order of ids.
            whole = lead.name == "text" and not in_order
            for bounds in [[]] if whole else self._bounds(at, by_cost):
                next_ones = part.where(*bounds).limit(limit)
                if by_cost:
                    next_ones = next_ones.add_columns(o.cost_micros)
                if in_order:
                    next_ones = next_ones.order_by(*self._order(at, o.cost_micros if by_cost else None))
                some.append(next_ones)
        if len(some) == 1:
            return some[0]
        both = sa.union_all(*(sa.select(part.subquery()) for part in some)).subquery()
        every = sa.select(both).limit(limit)
        if not in_order:
            return every
        return every.order_by(*self._order(both.c.id, both.c.cost_micros if by_cost else None))

    def _order(self, at: sa.ColumnElement[int], cost: sa.ColumnElement[int] | None = None) -> list[Any]:
        keys = [at] if cost is None else [cost, at]
        return [key if self._ascending else key.desc() for key in keys]

    def _bounds(self, at: sa.ColumnElement[int], by_cost: bool) -> list[list[Condition]]:
        """What lies ahead, in pieces that an index can serve."""
        start = self._start
        # One bound a side: SQLite would take the wider of two.
        if by_cost:  # Days are no part of this index.
            least, most = self._asked.cost_from, self._asked.cost_to
            if start is None or (cost := self._cost) is None:
                return [between(o.cost_micros, least, most) or [o.cost_micros.is_not(None)]]
            if self._ascending:
                same, least = at > start, max(cost + 1, least or 0)
            else:
                same, most = at < start, cost - 1 if most is None else min(cost - 1, most)
            return [[o.cost_micros == cost, same], between(o.cost_micros, least, most)]
        return [between(at, self._low, self._high)]

    def _cost_of(self, start: int | None) -> int | None:
        if start is None or not self._asked.by_cost:
            return None
        return self._connection.execute(sa.select(o.cost_micros).where(o.id == start)).scalar_one_or_none()

    # Ids follow the clock but for what is written at the same time: of the rows nearest to the days' edge the
    # outermost id counts, and `created_at` is asked of each row as well.
    def _first_id(self) -> int | None:
        if self._asked.since is None:
            return None
        near = sa.select(o.id).where(o.created_at >= self._asked.since).order_by(o.created_at, o.id)
        edge = sa.select(sa.func.min(near.limit(CANDIDATES).subquery().c.id))
        found = self._connection.execute(edge).scalar()
        return _ANY_ID if found is None else int(found)

    def _last_id(self) -> int | None:
        if self._asked.until is None:
            return None
        near = sa.select(o.id).where(o.created_at < self._asked.until)
        near = near.order_by(o.created_at.desc(), o.id.desc()).limit(CANDIDATES)
        found = self._connection.execute(sa.select(sa.func.max(near.subquery().c.id))).scalar()
        return _NO_ID if found is None else int(found)


def _known(connection: sa.Connection, name: str, ids: Sequence[int]) -> Lead:
    if connection.dialect.name == "postgresql":
        # One value, however many they are.
        among = o.id == sa.any_(sa.literal(list(ids), postgresql.ARRAY(sa.BigInteger)))
    else:
        among = o.id.in_(ids)
    return Lead(name=name, parts=((sa.select(o.id).where(among), o.id),))


@contextmanager
def _by_its_own_index(connection: sa.Connection, name: str) -> Iterator[None]:
    """Postgres would read the table, or walk its ids, for what it takes to be many: and they may all lie at
    the other end."""
    if connection.dialect.name != "postgresql":
        yield
        return
    ways = ("seqscan", "indexscan") if name == "text" else ("seqscan",)
    connection.execute(sa.text("; ".join(f"SET LOCAL enable_{way} = off" for way in ways)))
    yield
    connection.execute(sa.text("; ".join(f"SET LOCAL enable_{way} = on" for way in ways)))
