"""The presets of this desk, each as the version that counts. Everybody asks here.

What counts stands in the database; a process takes what it knows for some seconds before it looks whether
anything was decided since. What it decides itself, and what is sent, is looked up at once.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from core.errors import DatabaseError, OrderRefused
from core.model import Preset
from core.presets.rules import preset_of
from core.presets.shipped import shipped
from core.shelf import Standing

if TYPE_CHECKING:
    from core.studio import Studio

FRESH = 10.0
"""Seconds for which what is known is not asked about."""
_AWAY = 2.0
"""The same while the database does not answer."""


def offered(studio: Studio) -> tuple[Preset, ...]:
    """What can be chosen, in its order. While the database is away: what is known, or what Packshot
    brings."""
    return tuple(standing.preset for standing in _standing(studio) if not standing.hidden)


def every(studio: Studio) -> tuple[Standing, ...]:
    """The same, with what is hidden."""
    return _standing(studio)


def known(studio: Studio, name: str) -> Preset | None:
    """The preset of a name, hidden or not."""
    return next((s.preset for s in _standing(studio) if s.preset.name == name), None)


def find(studio: Studio, name: str, *, now: bool = False) -> Preset:
    """The preset of a name; a hidden one is there for who knows its name. With `now`, as the version that
    counts at this moment has it.

    Raises OrderRefused; with `now`, DatabaseError kinds.
    """
    if now:
        _look(studio)
    found = known(studio, name)
    if found is None:
        raise OrderRefused("preset", name[:64], ", ".join(preset.name for preset in offered(studio)))
    return found


def on_white(studio: Studio, name: str, version: int) -> bool:
    """Pictures of this version have a plain background. Raises nothing: while the version can't be read, as
    the preset is known."""
    found = _made_with(studio, name, version)
    return found is not None and found.plain_background


def _made_with(studio: Studio, name: str, version: int) -> Preset | None:
    from core.database import presets
    from core.database.engine import reading

    kept = studio.shelf.versions
    if (name, version) not in kept:
        try:
            with reading(studio.engine) as connection:
                row = presets.version(connection, name, version)
        except DatabaseError:
            row = None
        if row is None or not whole(row.body):
            return known(studio, name)
        kept[name, version] = preset_of(name, version, row.body)
    return kept[name, version]


def whole(body: Any) -> bool:
    """This version, or one after it, wrote all of it."""
    return isinstance(body, dict) and "prompt" in body and "ratio" in body


def _standing(studio: Studio) -> tuple[Standing, ...]:
    shelf = studio.shelf
    if time.monotonic() > shelf.until:
        acts = shelf.acts
        try:
            _look(studio)
        except DatabaseError:
            shelf.take(shelf.standing, shelf.mark, until=time.monotonic() + _AWAY, acts=acts)
    return shelf.standing or tuple(Standing(preset=preset, hidden=False) for preset in shipped())


def _look(studio: Studio) -> None:
    """Raises DatabaseError kinds."""
    from core.database import presets
    from core.database.engine import reading

    shelf = studio.shelf
    acts, standing = shelf.acts, shelf.standing
    with reading(studio.engine) as connection:
        mark = presets.mark(connection)
        if mark != shelf.mark:
            rows = [row for row in presets.standing(connection) if whole(row.body)]
            standing = tuple(
                Standing(preset=preset_of(row.name, row.version, row.body), hidden=row.hidden) for row in rows
            )
    place = {preset.name: n for n, preset in enumerate(shipped())}
    standing = tuple(sorted(standing, key=lambda s: place.get(s.preset.name, len(place))))
    shelf.take(standing, mark, until=time.monotonic() + FRESH, acts=acts)
