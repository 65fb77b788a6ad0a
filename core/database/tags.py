"""Statements about tags: short texts that people put on outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from core.database.schema import output_tags, outputs

_t = output_tags.c


def of(connection: sa.Connection, output_id: int) -> tuple[str, ...]:
    """The tags of an output, in the order of their letters."""
    statement = sa.select(_t.tag).where(_t.output_id == output_id).order_by(_t.tag)
    return tuple(connection.execute(statement).scalars())


def ids(tag: str) -> tuple[sa.Select[Any], sa.ColumnElement[int]]:
    """The outputs that have a tag, by an index in the order of their ids, and the column of these."""
    return sa.select(_t.output_id.label("id")).where(_t.tag == tag), _t.output_id


def holds(tag: str) -> sa.ColumnElement[bool]:
    """The condition on a row of `outputs` that it has a tag."""
    of = sa.select(sa.true()).where(_t.output_id == outputs.c.id, _t.tag == tag).correlate(outputs)
    return of.scalar_subquery().is_(sa.true())


def having(connection: sa.Connection, output_ids: Sequence[int], tag: str) -> set[int]:
    """Those of the outputs that have a tag."""
    statement = sa.select(_t.output_id).where(_t.output_id.in_(output_ids), _t.tag == tag)
    return set(connection.execute(statement).scalars())


def full(connection: sa.Connection, output_ids: Sequence[int], most: int) -> set[int]:
    """Those of the outputs that have `most` tags or more."""
    statement = sa.select(_t.output_id).where(_t.output_id.in_(output_ids)).group_by(_t.output_id)
    return set(connection.execute(statement.having(sa.func.count() >= most)).scalars())


def add(connection: sa.Connection, output_ids: Sequence[int], tag: str) -> None:
    """Tag outputs that don't have the tag."""
    if output_ids:
        connection.execute(sa.insert(output_tags), [{"output_id": i, "tag": tag} for i in output_ids])


def remove(connection: sa.Connection, output_ids: Sequence[int], tag: str) -> None:
    connection.execute(sa.delete(output_tags).where(_t.output_id.in_(output_ids), _t.tag == tag))
