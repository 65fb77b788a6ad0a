"""The presets that Packshot brings: one TOML file each. `core.presets.record` gives them their numbers."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from core.model import Preset
from core.presets.rules import checked, preset_of

_FOLDER = Path(__file__).parent
BY = "packshot"
"""Who made them, in the records."""


@cache
def shipped() -> tuple[Preset, ...]:
    """In the order in which they are offered, with 0 for their number. Raises PresetRefused for a file that
    is wrong."""
    found = []
    for path in _FOLDER.glob("*.toml"):
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        order = values.pop("order")
        found.append((order, preset_of(path.stem, 0, checked({**values, "picture": path.stem}))))
    return tuple(preset for _, preset in sorted(found, key=lambda pair: pair[0]))
