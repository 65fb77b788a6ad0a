"""What was spent, and who is asked no more."""

from __future__ import annotations

import sqlalchemy as sa

from core.database.columns import Json, Text
from core.database.schema.parts import identity, key, metadata, number, text, time

descriptions = sa.Table(
    "descriptions",
    metadata,
    identity(),
    key(),
    text("provider", 16),
    text("model", 128),
    sa.Column("sha256", Text(64), nullable=False, index=True),
    time("sent_at"),
    time("answered_at", nullable=True),
    text("outcome", 32, nullable=True),
    sa.Column("day", sa.Date, nullable=True),
    text("payer", 200),
    number("reserved_micros"),
    number("cost_micros", nullable=True),
    text("provider_request_id", 200, nullable=True),
    sa.Column("body", Json, nullable=False),
)

spending = sa.Table(
    "spending",
    metadata,
    identity(),
    sa.Column("day", sa.Date, nullable=False),
    text("payer", 200),
    number("reserved_micros"),
    number("spent_micros"),
    number("possible_micros"),
    sa.UniqueConstraint("day", "payer"),
)

provider_states = sa.Table(
    "provider_states",
    metadata,
    identity(),
    sa.Column("provider", Text(16), nullable=False, unique=True),
    time("cooldown_until", nullable=True),
    text("stopped_kind", 32, nullable=True),
    sa.Column("stopped_data", Json, nullable=False),
    time("stopped_until", nullable=True),
)
