"""What the desk decided about rules of channels."""

from __future__ import annotations

import sqlalchemy as sa

from core.database.columns import Json
from core.database.schema.parts import identity, metadata, text, time

channel_rules = sa.Table(
    "channel_rules",
    metadata,
    identity(),
    text("channel", 64),
    text("rule", 64),
    time("at"),
    text("actor", 200),
    sa.Column("body", Json, nullable=True),
    sa.Index("ix_channel_rules_channel_rule_id", "channel", "rule", "id"),
)
