"""The tables. Integer `id` for joins, order and cursors; uuid `key` for URLs and object names."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from core.database.columns import Id, Json, LongText, Text, UtcDateTime

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> sa.Column[int]:
    return sa.Column("id", Id, primary_key=True, autoincrement=True)


def _key() -> sa.Column[str]:
    return sa.Column("key", Text(36), nullable=False, unique=True)


def _to(name: str, target: str, *, nullable: bool = False, index: bool = True) -> sa.Column[int]:
    return sa.Column(name, Id, sa.ForeignKey(f"{target}.id"), nullable=nullable, index=index)


def _text(name: str, length: int | None = None, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, Text(length) if length else LongText, nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, UtcDateTime, nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


tasks = sa.Table(
    "tasks",
    metadata,
    _id(),
    _key(),
    _time("created_at"),
    _text("created_by", 200),
    _text("preset", 64),
    _number("preset_version"),
    _text("style"),
    _text("ratio", 8),
    _text("size", 8),
    _number("outputs"),
    _text("provider", 16),
    _text("model", 128),
    sa.Column("parameters", Json, nullable=False),
    sa.Column("unpriced_ok", sa.Boolean, nullable=False, server_default=sa.false()),
)

photos = sa.Table(
    "photos",
    metadata,
    _id(),
    _key(),
    _to("task_id", "tasks"),
    _number("position"),
    sa.Column("sku", Text(128), nullable=False, index=True),
    _text("product_name", 300),
    _text("prompt"),
    _text("store", 128),
    _text("object_key", 300),
    _text("thumb_key", 300),
    _number("width"),
    _number("height"),
    _number("bytes"),
    _text("sha256", 64),
    sa.Column("flattened", sa.Boolean, nullable=False),
    _text("original_name", 300),
    _text("original_type", 32),
    _number("original_bytes"),
    _text("original_sha256", 64),
    sa.Column("description", Json, nullable=True),
)

workers = sa.Table(
    "workers",
    metadata,
    _id(),
    _key(),
    _text("host", 200),
    _time("started_at"),
    _time("lease_until"),
)

outputs = sa.Table(
    "outputs",
    metadata,
    _id(),
    _key(),
    _to("task_id", "tasks"),
    _to("photo_id", "photos"),
    _number("variant"),
    _text("state", 16),
    _text("review", 16),
    _text("checks", 16),
    _text("provider", 16),
    _text("model", 128),
    _text("store", 128),
    sa.Column("request_key", Text(64), nullable=False, server_default=""),
    _to("worker_id", "workers", nullable=True, index=False),
    _number("attempts"),
    _time("created_at"),
    _time("started_at", nullable=True),
    _time("finished_at", nullable=True),
    _time("not_before", nullable=True),
    _text("object_key", 300, nullable=True),
    _text("thumb_key", 300, nullable=True),
    _text("content_type", 64, nullable=True),
    _number("width", nullable=True),
    _number("height", nullable=True),
    _number("bytes", nullable=True),
    _text("sha256", 64, nullable=True),
    _number("cost_micros", nullable=True),
    _number("latency_ms", nullable=True),
    _text("model_version", 128, nullable=True),
    _text("provider_request_id", 200, nullable=True),
    sa.Column("notes", Json, nullable=False),
    _text("error_kind", 32, nullable=True),
    sa.Column("error_data", Json, nullable=False),
    sa.UniqueConstraint("photo_id", "variant"),
    sa.CheckConstraint(
        "state IN ('queued', 'running', 'succeeded', 'failed', 'blocked', 'unknown')", name="state"
    ),
    sa.CheckConstraint("review IN ('to_review', 'approved', 'rejected')", name="review"),
    sa.Index("ix_outputs_state_id", "state", "id"),
    sa.Index("ix_outputs_review_id", "review", "id"),
    sa.Index("ix_outputs_created_at_id", "created_at", "id"),
    sa.Index("ix_outputs_request_key", "request_key"),
)

calls = sa.Table(
    "calls",
    metadata,
    _id(),
    _key(),
    _to("output_id", "outputs"),
    sa.Column("request_key", Text(64), nullable=False, index=True),
    _time("sent_at"),
    _time("answered_at", nullable=True),
    _text("outcome", 32, nullable=True),
    sa.Column("day", sa.Date, nullable=True),
    sa.Column("payer", Text(200), nullable=False, server_default=""),
    sa.Column("reserved_micros", sa.BigInteger, nullable=False, server_default="0"),
    _number("cost_micros", nullable=True),
    _text("provider_request_id", 200, nullable=True),
    _text("object_key", 300, nullable=True),
    sa.Column("usage", Json, nullable=False),
)

descriptions = sa.Table(
    "descriptions",
    metadata,
    _id(),
    _key(),
    _text("provider", 16),
    _text("model", 128),
    sa.Column("sha256", Text(64), nullable=False, index=True),
    _time("sent_at"),
    _time("answered_at", nullable=True),
    _text("outcome", 32, nullable=True),
    sa.Column("day", sa.Date, nullable=True),
    _text("payer", 200),
    _number("reserved_micros"),
    _number("cost_micros", nullable=True),
    _text("provider_request_id", 200, nullable=True),
    sa.Column("body", Json, nullable=False),
)

spending = sa.Table(
    "spending",
    metadata,
    _id(),
    sa.Column("day", sa.Date, nullable=False),
    _text("payer", 200),
    _number("reserved_micros"),
    _number("spent_micros"),
    _number("possible_micros"),
    sa.UniqueConstraint("day", "payer"),
)

provider_states = sa.Table(
    "provider_states",
    metadata,
    _id(),
    sa.Column("provider", Text(16), nullable=False, unique=True),
    _time("cooldown_until", nullable=True),
    _text("stopped_kind", 32, nullable=True),
    sa.Column("stopped_data", Json, nullable=False),
    _time("stopped_until", nullable=True),
)

reviews = sa.Table(
    "reviews",
    metadata,
    _id(),
    _key(),
    _to("output_id", "outputs"),
    _time("at"),
    _text("actor", 200),
    _text("verdict", 16),
    _text("reason", 32, nullable=True),
    _text("note"),
)

checks = sa.Table(
    "checks",
    metadata,
    _id(),
    _to("output_id", "outputs"),
    _time("at"),
    _text("name", 64),
    _text("result", 32),
    sa.Column("evidence", Json, nullable=False),
    sa.UniqueConstraint("output_id", "name"),
)

presets = sa.Table(
    "presets",
    metadata,
    _id(),
    _text("name", 64),
    _number("version"),
    _time("created_at"),
    _text("created_by", 200),
    sa.Column("body", Json, nullable=False),
    sa.UniqueConstraint("name", "version"),
)

events = sa.Table(
    "events",
    metadata,
    _id(),
    _time("at"),
    _text("actor", 200),
    _text("verb", 64),
    _to("task_id", "tasks", nullable=True),
    _to("output_id", "outputs", nullable=True),
    sa.Column("data", Json, nullable=False),
)
