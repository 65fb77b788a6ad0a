"""Statements about presets: their versions, which only come, and the decisions which of them counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.database.insert import insert_missing
from core.database.schema import outputs, preset_decisions, presets

_NEAR = 300
"""Of a preset's newest outputs so many are looked at for one that can stand for it."""

_d, _p, _o = preset_decisions.c, presets.c, outputs.c


@dataclass(frozen=True, kw_only=True)
class Decision:
    """From `at` on `version` counts, and is offered unless `hidden`."""

    name: str
    version: int
    hidden: bool
    at: datetime
    actor: str


_DECISION = [_d[field.name] for field in fields(Decision)]


def lock(connection: sa.Connection) -> None:
    """Until the transaction's end nobody else changes a preset. SQLite has one writer anyway."""
    connection.execute(sa.select(_p.id).order_by(_p.id).limit(1).with_for_update())


def insert(connection: sa.Connection, values: Mapping[str, Any]) -> None:
    """Insert a version, unless one of that name and number is there."""
    insert_missing(connection, presets, values)


def complete(connection: sa.Connection, row_id: int, body: Mapping[str, Any]) -> None:
    """Say the rest of a version that an earlier Packshot recorded by its prompt alone."""
    connection.execute(sa.update(presets).where(_p.id == row_id).values(body=dict(body)))


def versions(connection: sa.Connection, name: str, *, limit: int | None = None) -> Sequence[Any]:
    """The versions of a preset, newest first: id, name, version, created_at, created_by, body, note."""
    statement = sa.select(presets).where(_p.name == name).order_by(_p.version.desc()).limit(limit)
    return connection.execute(statement).all()


def version(connection: sa.Connection, name: str, number: int) -> Any | None:
    return connection.execute(sa.select(presets).where(_p.name == name, _p.version == number)).first()


def known_versions(connection: sa.Connection) -> set[tuple[str, int]]:
    """(name, version) of all."""
    return {(row.name, row.version) for row in connection.execute(sa.select(_p.name, _p.version))}


def decide(connection: sa.Connection, decision: Decision) -> None:
    """Write a decision; those before stay."""
    values = {field.name: getattr(decision, field.name) for field in fields(Decision)}
    connection.execute(sa.insert(preset_decisions).values(**values))


def mark(connection: sa.Connection) -> int:
    """Grows with each decision."""
    return int(connection.execute(sa.select(sa.func.max(_d.id))).scalar() or 0)


def decisions(connection: sa.Connection, name: str) -> tuple[Decision, ...]:
    """All about one preset, newest first."""
    statement = sa.select(*_DECISION).where(_d.name == name).order_by(_d.id.desc())
    return tuple(Decision(**row._mapping) for row in connection.execute(statement))


def standing(connection: sa.Connection) -> Sequence[Any]:
    """The version that counts of each preset, the oldest preset first: name, version, body, hidden."""
    newest = sa.select(sa.func.max(_d.id)).group_by(_d.name)
    first = sa.select(_p.name, sa.func.min(_p.id).label("first")).group_by(_p.name).subquery()
    statement = (
        sa.select(_p.name, _p.version, _p.body, _d.hidden)
        .join(presets, sa.and_(_p.name == _d.name, _p.version == _d.version))
        .join(first, first.c.name == _d.name)
        .where(_d.id.in_(newest))
        .order_by(first.c.first)
    )
    return connection.execute(statement.select_from(preset_decisions)).all()


def approved_thumb(connection: sa.Connection, name: str) -> str | None:
    """The object key of the thumbnail of a picture made lately with this preset and approved."""
    near = (
        sa.select(_o.id, _o.review, _o.state, _o.thumb_key, _o.deleted_at)
        .where(_o.preset == name)
        .order_by(_o.id.desc())
        .limit(_NEAR)
        .subquery()
    )
    good = (
        near.c.review == "approved",
        near.c.state == "succeeded",
        near.c.deleted_at.is_(None),
        near.c.thumb_key.is_not(None),
    )
    found = connection.execute(sa.select(near.c.thumb_key).where(*good).order_by(near.c.id.desc()).limit(1))
    return found.scalar()
