"""What people and checks say of a picture."""

from __future__ import annotations

import sqlalchemy as sa

from core.database.columns import Json
from core.database.schema.parts import identity, key, metadata, text, time, to

reviews = sa.Table(
    "reviews",
    metadata,
    identity(),
    key(),
    to("output_id", "outputs"),
    time("at"),
    text("actor", 200),
    text("verdict", 16),
    text("reason", 32, nullable=True),
    text("note"),
    sa.Index("ix_reviews_actor_id", "actor", "id"),
    sa.Index("ix_reviews_at", "at"),
)

checks = sa.Table(
    "checks",
    metadata,
    identity(),
    to("output_id", "outputs"),
    time("at"),
    text("name", 64),
    text("result", 32),
    sa.Column("evidence", Json, nullable=False),
    sa.UniqueConstraint("output_id", "name"),
)
