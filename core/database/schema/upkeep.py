"""How long pictures are kept, and whose turn it is to look after that."""

from __future__ import annotations

import sqlalchemy as sa

from core.database.columns import Json, Text
from core.database.schema.parts import identity, metadata, number, text, time

retention_rules = sa.Table(
    "retention_rules",
    metadata,
    identity(),
    sa.Column("what", Text(16), nullable=False, unique=True),
    # None: kept for ever, whatever RETENTION_DAYS says.
    number("days", nullable=True),
    time("set_at"),
    text("set_by", 200),
    sa.CheckConstraint("what IN ('failed', 'rejected', 'to_review', 'approved')", name="what"),
    sa.CheckConstraint("days >= 1 AND days <= 36500", name="days"),
)

upkeep = sa.Table(
    "upkeep",
    metadata,
    identity(),
    sa.Column("store", Text(128), nullable=False, unique=True),
    time("next_at"),
    # The last time that rules were carried out, by whom, and what they took.
    time("last_at", nullable=True),
    text("last_by", 200, nullable=True),
    sa.Column("last", Json, nullable=True),
)
