"""Statements about the desk's own decisions on rules of channels: one row for each, none is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.database.schema import channel_rules


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What somebody decided about one rule; `body` None goes back to the published rule."""

    channel: str
    rule: str
    at: datetime
    actor: str
    body: Mapping[str, Any] | None


_COLUMNS = [channel_rules.c[field.name] for field in fields(Decision)]


def add(connection: sa.Connection, decision: Decision) -> None:
    """Write a decision; those before stay."""
    values = {field.name: getattr(decision, field.name) for field in fields(Decision)}
    connection.execute(sa.insert(channel_rules).values(**values))


def latest(connection: sa.Connection) -> tuple[Decision, ...]:
    """The newest decision on each rule that has any."""
    newest = sa.select(sa.func.max(channel_rules.c.id)).group_by(
        channel_rules.c.channel, channel_rules.c.rule
    )
    rows = connection.execute(sa.select(*_COLUMNS).where(channel_rules.c.id.in_(newest)))
    return tuple(Decision(**row._mapping) for row in rows)


def of(connection: sa.Connection, channel: str, rule: str, *, limit: int) -> tuple[Decision, ...]:
    """The decisions on one rule, newest first."""
    statement = (
        sa.select(*_COLUMNS)
        .where(channel_rules.c.channel == channel, channel_rules.c.rule == rule)
        .order_by(channel_rules.c.id.desc())
        .limit(limit)
    )
    return tuple(Decision(**row._mapping) for row in connection.execute(statement))
