"""What the gauges of the queue and of the providers show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.database import provider_states
from core.database.schema import outputs
from core.model import OutputState


@dataclass(frozen=True, kw_only=True)
class Waiting:
    counts: Mapping[OutputState, int]
    oldest: datetime | None
    """When the oldest waiting output was ordered."""
    cooling: Sequence[tuple[str, datetime]]
    """Providers that nobody asks before a time."""
    stopped: Sequence[tuple[str, str]]
    """Providers that nobody asks, with the kind of error that stopped them."""


def look(connection: sa.Connection, now: datetime) -> Waiting:
    """Two statements: one over the open outputs, by the index of states, and one over the few providers."""
    statement = (
        sa.select(
            outputs.c.state, sa.func.count().label("n"), sa.func.min(outputs.c.created_at).label("oldest")
        )
        .where(outputs.c.state.in_((OutputState.QUEUED, OutputState.RUNNING)))
        .group_by(outputs.c.state)
    )
    rows = {OutputState(row.state): row for row in connection.execute(statement)}
    waits = rows.get(OutputState.QUEUED)
    states = provider_states.all_of(connection)
    return Waiting(
        counts={state: row.n for state, row in rows.items()},
        oldest=waits.oldest if waits else None,
        cooling=[(row.provider, row.cooldown_until) for row in states if row.cooldown_until],
        stopped=[
            (row.provider, row.stopped_kind)
            for row in states
            if row.stopped_kind and (row.stopped_until is None or row.stopped_until > now)
        ],
    )
