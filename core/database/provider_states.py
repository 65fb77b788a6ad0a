"""Statements about providers that must be left alone for a while: one row each, shared by all processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.database.insert import insert_missing
from core.database.schema import provider_states


def cool(connection: sa.Connection, provider: str, until: datetime) -> None:
    """Nobody asks `provider` before `until`; a later time that is there already stays."""
    _there(connection, provider)
    p = provider_states.c
    statement = sa.update(provider_states).where(
        p.provider == provider, sa.or_(p.cooldown_until.is_(None), p.cooldown_until < until)
    )
    connection.execute(statement.values(cooldown_until=until))


def stop(
    connection: sa.Connection, provider: str, kind: str, data: Mapping[str, Any], until: datetime | None
) -> None:
    """Nobody asks `provider` before `until`, or before somebody lets it go on."""
    _there(connection, provider)
    statement = sa.update(provider_states).where(provider_states.c.provider == provider)
    connection.execute(statement.values(stopped_kind=kind, stopped_data=dict(data), stopped_until=until))


def resume(connection: sa.Connection, providers: Sequence[str], *, kind: str | None = None) -> list[str]:
    """Let those be asked again that were stopped, for `kind` where it is given; returns their names."""
    p = provider_states.c
    statement = sa.update(provider_states).where(p.provider.in_(providers), p.stopped_kind.is_not(None))
    if kind:
        statement = statement.where(p.stopped_kind == kind)
    values: dict[str, Any] = {"stopped_kind": None, "stopped_data": {}, "stopped_until": None}
    return list(connection.execute(statement.values(**values).returning(p.provider)).scalars())


def stopped(connection: sa.Connection, now: datetime) -> list[Any]:
    """Rows (provider, stopped_kind, stopped_data, stopped_until) of those that are stopped."""
    p = provider_states.c
    statement = sa.select(p.provider, p.stopped_kind, p.stopped_data, p.stopped_until)
    return list(connection.execute(statement.where(_stopped(now))))


def all_of(connection: sa.Connection) -> list[sa.Row[Any]]:
    """Every provider that was ever left alone."""
    return list(connection.execute(sa.select(provider_states).order_by(provider_states.c.provider)))


def left_alone(now: datetime) -> sa.Select[tuple[str]]:
    """The providers that must not be asked now, for a claim."""
    p = provider_states.c
    return sa.select(p.provider).where(sa.or_(p.cooldown_until > now, _stopped(now)))


def _stopped(now: datetime) -> sa.ColumnElement[bool]:
    p = provider_states.c
    return sa.and_(p.stopped_kind.is_not(None), sa.or_(p.stopped_until.is_(None), p.stopped_until > now))


def _there(connection: sa.Connection, provider: str) -> None:
    insert_missing(connection, provider_states, {"provider": provider, "stopped_data": {}})
