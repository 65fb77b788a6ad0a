"""Keep what Packshot brings among the versions of this desk, when a desk opens.

A text that no version of Packshot's has yet becomes the next one. It counts from then on where no person has
ever decided which version of that preset does; where somebody has, it waits to be activated. So an upgrade
changes no preset that an administrator took in hand.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from core import clock
from core.database import presets
from core.database.engine import writing
from core.database.presets import Decision
from core.model import Preset
from core.presets.active import whole
from core.presets.shipped import BY, shipped

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.studio import Studio


def record(studio: Studio) -> None:
    """Raises DatabaseError kinds."""
    with writing(studio.engine) as connection:
        presets.lock(connection)
        for preset in shipped():
            _record(connection, preset)
    studio.shelf.forget()


def body_of(preset: Preset) -> dict[str, Any]:
    """What a version keeps of it."""
    values = asdict(preset)
    del values["name"], values["version"]
    return {**values, "role": str(preset.role)}


def _record(connection: Connection, preset: Preset) -> None:
    body, rows = body_of(preset), presets.versions(connection, preset.name)
    own = [(row, {**body, **row.body}) for row in rows if row.created_by == BY]
    for row, said in own:
        # The first versions of Packshot kept the prompt alone.
        if not whole(row.body):
            presets.complete(connection, row.id, said)
    now = clock.now()
    number = next((row.version for row, said in own if said == body), None)
    if number is None:
        number = rows[0].version + 1 if rows else 1
        made = {"name": preset.name, "version": number, "created_at": now, "created_by": BY, "body": body}
        presets.insert(connection, made)
    elif presets.decisions(connection, preset.name):
        return
    decided = presets.decisions(connection, preset.name)
    if all(decision.actor == BY for decision in decided):
        presets.decide(connection, Decision(name=preset.name, version=number, hidden=False, at=now, actor=BY))
