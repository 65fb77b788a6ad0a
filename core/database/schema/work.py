"""What was asked for and what became of it."""

from __future__ import annotations

import sqlalchemy as sa

from core.database.columns import Json, Text
from core.database.schema.parts import identity, key, metadata, number, text, time, to


def in_trash(*columns: str) -> list[sa.Index]:
    """Indexes of the few outputs that are in the trash."""
    few = sa.text("deleted_at IS NOT NULL")
    return [
        sa.Index(f"ix_outputs_trash_{name}", name, sqlite_where=few, postgresql_where=few) for name in columns
    ]


WAITING = "review = 'to_review' AND state = 'succeeded' AND deleted_at IS NULL"
"""Outputs that wait to be judged, as the databases must read it to use the indexes of the queue."""


UNCHECKED = "checks = 'pending' AND state = 'succeeded' AND deleted_at IS NULL"
"""Outputs whose picture nobody has compared with its photo yet, as the databases must read it."""


def waiting(name: str, *columns: str, flagged: bool = False) -> sa.Index:
    """An index of the outputs that wait to be judged."""
    few = (f"{WAITING} AND flagged = 1", f"{WAITING} AND flagged") if flagged else (WAITING, WAITING)
    return sa.Index(name, *columns, sqlite_where=sa.text(few[0]), postgresql_where=sa.text(few[1]))


tasks = sa.Table(
    "tasks",
    metadata,
    identity(),
    key(),
    time("created_at"),
    text("created_by", 200),
    text("preset", 64),
    number("preset_version"),
    text("style"),
    text("ratio", 8),
    text("size", 8),
    number("outputs"),
    text("provider", 16),
    text("model", 128),
    sa.Column("parameters", Json, nullable=False),
    sa.Column("unpriced_ok", sa.Boolean, nullable=False, server_default=sa.false()),
)

photos = sa.Table(
    "photos",
    metadata,
    identity(),
    key(),
    to("task_id", "tasks"),
    number("position"),
    sa.Column("sku", Text(128), nullable=False, index=True),
    text("product_name", 300),
    text("prompt"),
    text("store", 128),
    text("object_key", 300),
    text("thumb_key", 300),
    number("width"),
    number("height"),
    number("bytes"),
    text("sha256", 64),
    sa.Column("flattened", sa.Boolean, nullable=False),
    text("original_name", 300),
    text("original_type", 32),
    number("original_bytes"),
    text("original_sha256", 64),
    sa.Column("description", Json, nullable=True),
    time("purge_started_at", nullable=True),
    number("thumb_bytes", nullable=True),
)

workers = sa.Table(
    "workers",
    metadata,
    identity(),
    key(),
    text("host", 200),
    time("started_at"),
    time("lease_until"),
)

outputs = sa.Table(
    "outputs",
    metadata,
    identity(),
    key(),
    to("task_id", "tasks"),
    to("photo_id", "photos"),
    number("variant"),
    # Of its task, whose they stay: a list is filtered by them in the order of ids.
    sa.Column("preset", Text(64), nullable=False, server_default=""),
    sa.Column("preset_version", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("created_by", Text(200), nullable=False, server_default=""),
    text("state", 16),
    text("review", 16),
    text("checks", 16),
    text("provider", 16),
    text("model", 128),
    text("store", 128),
    sa.Column("request_key", Text(64), nullable=False, server_default=""),
    to("worker_id", "workers", nullable=True, index=False),
    number("attempts"),
    time("created_at"),
    time("started_at", nullable=True),
    time("finished_at", nullable=True),
    time("not_before", nullable=True),
    text("object_key", 300, nullable=True),
    text("thumb_key", 300, nullable=True),
    text("content_type", 64, nullable=True),
    number("width", nullable=True),
    number("height", nullable=True),
    number("bytes", nullable=True),
    text("sha256", 64, nullable=True),
    number("cost_micros", nullable=True),
    number("latency_ms", nullable=True),
    text("model_version", 128, nullable=True),
    text("provider_request_id", 200, nullable=True),
    sa.Column("notes", Json, nullable=False),
    text("error_kind", 32, nullable=True),
    sa.Column("error_data", Json, nullable=False),
    time("deleted_at", nullable=True),
    time("purge_started_at", nullable=True),
    number("thumb_bytes", nullable=True),
    number("review_id", nullable=True),
    sa.Column("flagged", sa.Boolean, nullable=False, server_default=sa.false()),
    time("check_after", nullable=True),
    sa.Column("check_tries", sa.BigInteger, nullable=False, server_default="0"),
    # When it was last judged, restored or found to differ; `finished_at` says when it ended.
    time("touched_at", nullable=True),
    sa.UniqueConstraint("photo_id", "variant"),
    sa.CheckConstraint(
        "state IN ('queued', 'running', 'succeeded', 'failed', 'blocked', 'unknown')", name="state"
    ),
    sa.CheckConstraint("review IN ('to_review', 'approved', 'rejected')", name="review"),
    sa.Index("ix_outputs_state_id", "state", "id"),
    sa.Index("ix_outputs_review_id", "review", "id"),
    sa.Index("ix_outputs_created_at_id", "created_at", "id"),
    sa.Index("ix_outputs_request_key", "request_key"),
    sa.Index("ix_outputs_state_review_id", "state", "review", "id"),
    sa.Index("ix_outputs_provider_id", "provider", "id"),
    sa.Index("ix_outputs_model_id", "model", "id"),
    sa.Index("ix_outputs_preset_id", "preset", "id"),
    sa.Index("ix_outputs_preset_preset_version_id", "preset", "preset_version", "id"),
    sa.Index("ix_outputs_created_by_id", "created_by", "id"),
    sa.Index("ix_outputs_cost_micros_id", "cost_micros", "id"),
    *in_trash("deleted_at", "id"),
    sa.Index(
        "ix_outputs_flagged_id",
        "id",
        sqlite_where=sa.text("flagged = 1"),
        postgresql_where=sa.text("flagged"),
    ),
    sa.Index(
        "ix_outputs_unchecked", "id", sqlite_where=sa.text(UNCHECKED), postgresql_where=sa.text(UNCHECKED)
    ),
    sa.Index(
        "ix_outputs_ageing",
        "state",
        "review",
        "finished_at",
        "id",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    ),
    waiting("ix_outputs_waiting", "photo_id", "variant"),
    waiting("ix_outputs_waiting_flagged", "photo_id", "variant", flagged=True),
    waiting("ix_outputs_waiting_preset", "preset", "photo_id", "variant"),
    waiting("ix_outputs_waiting_created_by", "created_by", "photo_id", "variant"),
)

calls = sa.Table(
    "calls",
    metadata,
    identity(),
    key(),
    # None when its output was purged: what was paid stays known.
    to("output_id", "outputs", nullable=True),
    sa.Column("request_key", Text(64), nullable=False, index=True),
    time("sent_at"),
    time("answered_at", nullable=True),
    text("outcome", 32, nullable=True),
    sa.Column("day", sa.Date, nullable=True),
    sa.Column("payer", Text(200), nullable=False, server_default=""),
    sa.Column("reserved_micros", sa.BigInteger, nullable=False, server_default="0"),
    number("cost_micros", nullable=True),
    text("provider_request_id", 200, nullable=True),
    text("object_key", 300, nullable=True),
    sa.Column("usage", Json, nullable=False),
    number("bytes", nullable=True),
)
