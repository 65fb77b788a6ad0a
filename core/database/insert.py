"""Insert a row unless it is there: the one statement that both databases spell alike but by dialect."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_missing(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> None:
    """Insert `values`; a row that stands in the way of a unique constraint is left as it is."""
    connection.execute(_statement(connection.dialect.name, table), dict(values))


@cache
def _statement(dialect: str, table: sa.Table) -> sa.Insert:
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing()
