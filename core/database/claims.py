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
_MINE = (_c.actor == sa.bindparam("actor")) & (_c.sitting == sa.bindparam("sitting"))
_OF_OTHERS = (
    sa.select(outputs.c.photo_id, _c.actor_name)
    .join(outputs, outputs.c.id == _c.output_id)
    .where(_c.until > sa.bindparam("now"), sa.not_(_MINE))
    .order_by(_c.id)
    .limit(MOST)
)
_OF_OTHERS_AT = _OF_OTHERS.where(outputs.c.photo_id == sa.bindparam("photo"))
_DROP = sa.delete(claims).where(_MINE)
_OVER = (_c.output_id == sa.bindparam("output")) & (_c.until <= sa.bindparam("now"))
_MAKE_ROOM = sa.delete(claims).where(_MINE | _OVER)


def of_others(
    connection: sa.Connection, actor: str, sitting: str, now: datetime, *, photo_id: int | None = None
) -> list[Any]:
    """The live claims (photo_id, actor_name) of everybody else, of one photo or all."""
    values = {"actor": actor, "sitting": sitting, "now": now}
    if photo_id is None:
        return list(connection.execute(_OF_OTHERS, values))
    return list(connection.execute(_OF_OTHERS_AT, {**values, "photo": photo_id}))


def take(connection: sa.Connection, values: dict[str, Any], now: datetime) -> None:
    """Claim `output_id` until `until`; one on it that ran out makes room, and so does the actor's last.
    Who has none yet sweeps."""
    room = {"actor": values["actor"], "sitting": values["sitting"], "output": values["output_id"], "now": now}
    if not connection.execute(_MAKE_ROOM, room).rowcount:
        _sweep(connection, now)
    insert_missing(connection, claims, values)


def drop(connection: sa.Connection, actor: str, sitting: str) -> None:
    connection.execute(_DROP, {"actor": actor, "sitting": sitting})


def _sweep(connection: sa.Connection, now: datetime) -> None:
    """Take a few away that nobody renewed; two who sweep at once don't wait for one another."""
    old = sa.select(_c.id).where(_c.until <= now - KEPT).limit(20).with_for_update(skip_locked=True)
    connection.execute(sa.delete(claims).where(_c.id.in_(old)))
