"""What the desk keeps for itself."""

from __future__ import annotations

import sqlalchemy as sa

from core.database.columns import Json, Text
from core.database.schema.parts import identity, metadata, number, text, time, to

presets = sa.Table(
    "presets",
    metadata,
    identity(),
    text("name", 64),
    number("version"),
    time("created_at"),
    text("created_by", 200),
    sa.Column("body", Json, nullable=False),
    sa.Column("note", Text(200), nullable=False, server_default=""),
    sa.UniqueConstraint("name", "version"),
)

# Each row says which version counts from then on; the newest of a preset stands.
preset_decisions = sa.Table(
    "preset_decisions",
    metadata,
    identity(),
    text("name", 64),
    number("version"),
    sa.Column("hidden", sa.Boolean, nullable=False),
    time("at"),
    text("actor", 200),
    sa.Index("ix_preset_decisions_name_id", "name", "id"),
)

events = sa.Table(
    "events",
    metadata,
    identity(),
    time("at"),
    text("actor", 200),
    text("verb", 64),
    to("task_id", "tasks", nullable=True),
    to("output_id", "outputs", nullable=True),
    sa.Column("data", Json, nullable=False),
)

saved_views = sa.Table(
    "saved_views",
    metadata,
    identity(),
    text("actor", 200),
    text("name", 64),
    time("saved_at"),
    sa.Column("query", Json, nullable=False),
    sa.UniqueConstraint("actor", "name"),
)
