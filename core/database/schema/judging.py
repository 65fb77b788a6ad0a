"""What people and checks say of a picture."""

from __future__ import annotations

import sqlalchemy as sa

from core.database.columns import Id, Json, LongText, Text, UtcDateTime
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
    # One act may judge several pictures: they are undone together.
    sa.Column("act", Text(36), nullable=False, server_default=""),
    sa.Column("sitting", Text(36), nullable=False, server_default=""),
    sa.Column("actor_name", Text(200), nullable=False, server_default=""),
    text("channel", 64, nullable=True),
    sa.Column("override", LongText, nullable=False, server_default=""),
    sa.Column("findings", Json, nullable=False, server_default="[]"),
    sa.Index("ix_reviews_actor_id", "actor", "id"),
    sa.Index("ix_reviews_at", "at"),
)

claims = sa.Table(
    "claims",
    metadata,
    identity(),
    sa.Column("output_id", Id, sa.ForeignKey("outputs.id", ondelete="CASCADE"), nullable=False, unique=True),
    text("actor", 200),
    text("actor_name", 200),
    text("sitting", 36),
    sa.Column("until", UtcDateTime, nullable=False, index=True),
    sa.UniqueConstraint("actor", "sitting"),
)
"""Who looks at which picture just now; a row past its time counts no more."""

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
