"""Sums by day: what became of pictures, what they cost, who judged them, what is stored."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from core.database.schema.parts import identity, metadata, number, text

KEY = ("measure", "detail", "day", "preset", "version", "provider", "model", "store", "actor", "purged")
"""What a sum is of; a part that a measure doesn't tell apart is "", 0 or false."""


def _key() -> list[sa.Column[Any]]:
    return [
        text("measure", 16),
        text("detail", 64),
        sa.Column("day", sa.Date, nullable=False),
        text("preset", 64),
        number("version"),
        text("provider", 16),
        text("model", 128),
        text("store", 128),
        text("actor", 200),
        sa.Column("purged", sa.Boolean, nullable=False),
    ]


rollups = sa.Table(
    "rollups",
    metadata,
    identity(),
    *_key(),
    number("n"),
    number("amount"),
    sa.UniqueConstraint(*KEY, name="uq_rollups_key"),
)

rollup_changes = sa.Table("rollup_changes", metadata, identity(), *_key(), number("n"), number("amount"))
"""Written in the transaction of what they sum, folded into `rollups` later: nobody waits for a busy row."""
