"""Who looks at which unit of the queue. A claim warns others for a short time and blocks nobody."""

from __future__ import annotations

from datetime import timedelta

from core import clock
from core.database import claims, reviews
from core.database.engine import writing
from core.errors import NotAllowed, NotFound
from core.model import Actor, Role
from core.studio import Studio

LEASE = timedelta(seconds=60)
"""How long a claim counts; the page renews it while it is open."""


def claim(studio: Studio, output_key: str, *, by: Actor, sitting: str = "") -> str | None:
    """Say that `by` looks at a picture and the other ones of its photo; the last claim of the sitting goes.

    Returns the name of another reviewer who looks at them already, or None. Raises NotAllowed, NotFound.
    """
    if not by.role.may(Role.REVIEWER):
        raise NotAllowed(Role.REVIEWER)
    now = clock.now()
    with writing(studio.engine) as connection:
        output = reviews.target(connection, output_key)
        if output is None:
            raise NotFound("output", output_key)
        reviews.lock_unit(connection, output.photo_id)
        others = claims.of_others(connection, by.id, sitting, now, photo_id=output.photo_id)
        if others:
            claims.drop(connection, by.id, sitting)
            return str(others[0].actor_name)
        values = {"actor": by.id, "actor_name": by.name, "sitting": sitting}
        claims.take(connection, {"output_id": output.id, "until": now + LEASE, **values}, now)
    return None


def release(studio: Studio, *, by: Actor, sitting: str = "") -> None:
    """Give up what the sitting claims."""
    with writing(studio.engine) as connection:
        claims.drop(connection, by.id, sitting)
