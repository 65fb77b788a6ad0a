"""Statements about claims: who looks at which unit just now. They warn and never block."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from core.database.insert import insert_missing
from core.database.schema import claims, outputs

KEPT = timedelta(hours=1)
"""A claim is swept away this long after its time."""
MOST = 500
"""Live claims that are looked at."""

_c = claims.c


def of_others(
    connection: sa.Connection, actor: str, sitting: str, now: datetime, *, photo_id: int | None = None
) -> list[Any]:
    """The live claims (photo_id, actor_name) of everybody else, of one photo or all."""
    mine = sa.and_(_c.actor == actor, _c.sitting == sitting)
    statement = (
        sa.select(outputs.c.photo_id, _c.actor_name)
        .join(outputs, outputs.c.id == _c.output_id)
        .where(_c.until > now, sa.not_(mine))
    )
    if photo_id is not None:
        statement = statement.where(outputs.c.photo_id == photo_id)
    return list(connection.execute(statement.order_by(_c.id).limit(MOST)))


def take(connection: sa.Connection, values: dict[str, Any], now: datetime) -> None:
    """Claim `output_id` until `until`; one on it that ran out makes room, and so does the actor's last."""
    over = sa.and_(_c.output_id == values["output_id"], _c.until <= now)
    drop(connection, values["actor"], values["sitting"])
    connection.execute(sa.delete(claims).where(over))
    insert_missing(connection, claims, values)


def drop(connection: sa.Connection, actor: str, sitting: str) -> None:
    connection.execute(sa.delete(claims).where(_c.actor == actor, _c.sitting == sitting))


def sweep(connection: sa.Connection, now: datetime) -> None:
    """Take a few away that nobody renewed; two who sweep at once don't wait for one another."""
    old = sa.select(_c.id).where(_c.until <= now - KEPT).limit(20).with_for_update(skip_locked=True)
    connection.execute(sa.delete(claims).where(_c.id.in_(old)))
