"""What is kept and for how long, tags, and acts on many pictures at once."""

from __future__ import annotations

import sqlalchemy as sa

from core.database.columns import Json, Text
from core.database.schema.parts import identity, key, metadata, number, text, time, to

output_tags = sa.Table(
    "output_tags",
    metadata,
    identity(),
    to("output_id", "outputs", index=False),
    text("tag", 64),
    sa.UniqueConstraint("output_id", "tag"),
    sa.Index("ix_output_tags_tag_output_id", "tag", "output_id"),
)

retention_rules = sa.Table(
    "retention_rules",
    metadata,
    identity(),
    sa.Column("what", Text(16), nullable=False, unique=True),
    number("days"),
    time("set_at"),
    text("set_by", 200),
)

jobs = sa.Table(
    "jobs",
    metadata,
    identity(),
    key(),
    text("verb", 32),
    text("state", 16),
    time("created_at"),
    text("created_by", 200),
    text("actor_name", 200),
    text("actor_role", 16),
    sa.Column("wanted", Json, nullable=False),
    sa.Column("asked", Json, nullable=False),
    number("up_to"),
    number("seen_review"),
    number("cursor", nullable=True),
    number("total"),
    number("done"),
    number("refused"),
    to("undoes", "jobs", nullable=True),
    text("holder", 36, nullable=True),
    time("held_until", nullable=True),
    time("finished_at", nullable=True),
    text("error_kind", 32, nullable=True),
    sa.Index("ix_jobs_state_id", "state", "id"),
)

job_items = sa.Table(
    "job_items",
    metadata,
    identity(),
    to("job_id", "jobs", index=False),
    to("output_id", "outputs"),
    text("refused", 32, nullable=True),
    number("review_id", nullable=True),
    sa.UniqueConstraint("job_id", "output_id"),
)
