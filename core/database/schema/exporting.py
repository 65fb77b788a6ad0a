"""What left the desk: each export, and what became of each picture in it."""

from __future__ import annotations

import sqlalchemy as sa

from core.database.columns import Json
from core.database.schema.parts import identity, key, metadata, number, text, time, to

exports = sa.Table(
    "exports",
    metadata,
    identity(),
    key(),
    time("at"),
    text("actor", 200),
    text("actor_name", 200),
    text("language", 8),
    text("channel", 64, nullable=True),
    time("since", nullable=True),
    sa.Column("fresh", sa.Boolean, nullable=False),
    number("count"),
    time("finished_at", nullable=True),
    text("error_kind", 32, nullable=True),
    sa.Column("error_data", Json, nullable=False),
    sa.Index("ix_exports_actor_channel", "actor", "channel"),
)

export_items = sa.Table(
    "export_items",
    metadata,
    identity(),
    to("export_id", "exports", index=False),
    to("output_id", "outputs", nullable=True),
    number("position"),
    text("role", 32),
    text("name", 300),
    text("sha256", 64, nullable=True),
    number("bytes", nullable=True),
    text("error_kind", 32, nullable=True),
    sa.Column("error_data", Json, nullable=False),
    sa.UniqueConstraint("export_id", "output_id"),
)
