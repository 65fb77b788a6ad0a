"""Column types that mean the same on SQLite and on Postgres."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Json = sa.JSON().with_variant(postgresql.JSONB, "postgresql")


class UtcDateTime(sa.TypeDecorator[datetime]):
    """Aware datetimes in UTC on both databases (SQLite keeps no zone)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """Text that both databases take: a NUL, which Postgres refuses, and half a sign become U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


class Text(sa.TypeDecorator[str]):
    """Text that can always be written and asked for: what a model says must not cost its row."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else storable(value)


class LongText(Text):
    """The same without a limit."""

    impl = sa.Text
    cache_ok = True
