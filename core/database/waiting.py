"""The one statement behind the queue's gauges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.database.schema import outputs
from core.model import OutputState


@dataclass(frozen=True, kw_only=True)
class Waiting:
    counts: Mapping[OutputState, int]
    oldest: datetime | None
    """When the oldest waiting output was ordered."""


def look(connection: sa.Connection) -> Waiting:
    """Counts of open outputs and the oldest that waits; reads those alone, by the index of states."""
    statement = (
        sa.select(
            outputs.c.state, sa.func.count().label("n"), sa.func.min(outputs.c.created_at).label("oldest")
        )
        .where(outputs.c.state.in_((OutputState.QUEUED, OutputState.RUNNING)))
        .group_by(outputs.c.state)
    )
    rows = {OutputState(row.state): row for row in connection.execute(statement)}
    waits = rows.get(OutputState.QUEUED)
    return Waiting(
        counts={state: row.n for state, row in rows.items()}, oldest=waits.oldest if waits else None
    )
