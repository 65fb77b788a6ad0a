"""Statements about money by day: reserved before a call, settled after it. Amounts in micro-dollars."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from core.database.insert import insert_missing
from core.database.schema import spending

DESK = ""
"""The payer under which everybody's spending stands."""


def reserve(connection: sa.Connection, day: date, payer: str, micros: int, limit: int | None) -> bool:
    """Set `micros` aside, unless the day's sum would pass `limit`: one conditional UPDATE."""
    s = spending.c
    statement = sa.update(spending).values(reserved_micros=s.reserved_micros + micros)
    if limit is not None:
        used = s.reserved_micros + s.spent_micros + s.possible_micros
        statement = statement.where(used + micros <= limit)
    return _change(connection, day, payer, statement)


def settle(
    connection: sa.Connection, day: date, payer: str, *, reserved: int, spent: int, possible: int
) -> None:
    """Give back what was reserved and write down what was, or may have been, charged."""
    s = spending.c
    statement = sa.update(spending).values(
        reserved_micros=s.reserved_micros - reserved,
        spent_micros=s.spent_micros + spent,
        possible_micros=s.possible_micros + possible,
    )
    _change(connection, day, payer, statement)


def of_day(connection: sa.Connection, day: date, payer: str) -> tuple[int, int, int]:
    """(reserved, spent, possibly charged)."""
    s = spending.c
    statement = sa.select(s.reserved_micros, s.spent_micros, s.possible_micros)
    row = connection.execute(statement.where(s.day == day, s.payer == payer)).first()
    return (0, 0, 0) if row is None else (int(row[0]), int(row[1]), int(row[2]))


def by_day(connection: sa.Connection, since: date, until: date) -> dict[date, tuple[int, int]]:
    """(spent, possibly charged) of the whole desk on each day that has any."""
    s = spending.c
    statement = sa.select(s.day, s.spent_micros, s.possible_micros)
    rows = connection.execute(statement.where(s.payer == DESK, s.day.between(since, until)))
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def _change(connection: sa.Connection, day: date, payer: str, statement: sa.Update) -> bool:
    """Change the row of a day and payer; it is made by the first who changes nothing."""
    statement = statement.where(spending.c.day == day, spending.c.payer == payer)
    if connection.execute(statement).rowcount:
        return True
    zero = {"reserved_micros": 0, "spent_micros": 0, "possible_micros": 0}
    insert_missing(connection, spending, {"day": day, "payer": payer, **zero})
    return connection.execute(statement).rowcount == 1
