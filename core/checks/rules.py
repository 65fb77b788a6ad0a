"""A marketplace's rules as records: what each kind wants, and which values it may have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

from core.errors import RuleRefused


class Level(StrEnum):
    """What a rule that is not met does to an approval."""

    BLOCK = "block"
    WARN = "warn"


class Confidence(StrEnum):
    """How a rule is known."""

    OFFICIAL = "O"
    SECONDARY = "S"
    ASSUMED = "A"
    """It may warn and never blocks."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """One value of a rule: a number between `low` and `high`, one or some of `choices`, or yes and no."""

    type: Literal["whole", "number", "choice", "choices", "yes"]
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()
    needed: bool = True


_SIDE = Value(type="whole", low=1, high=30_000, needed=False)
_BYTES = Value(type="whole", low=1, high=1_000_000_000, needed=False)
_SHARE = Value(type="number", low=0.0, high=1.0)

FORMATS = ("jpeg", "png", "webp", "gif", "tiff", "bmp")
KINDS: Mapping[str, Mapping[str, Value]] = {
    "pixels": dict.fromkeys(("min_width", "min_height", "max_width", "max_height"), _SIDE),
    "longest_side": {"min": _SIDE, "max": _SIDE},
    "shortest_side": {"min": _SIDE, "max": _SIDE},
    "megapixels": {"max": Value(type="number", low=0.01, high=900)},
    # Width to height, as 1:1 or 4:5; half a percent off is still it.
    "ratio": {name: Value(type="whole", low=1, high=100) for name in ("wide", "high")},
    "format": {"formats": Value(type="choices", choices=FORMATS)},
    # The file's name ends as its bytes say.
    "extension": {},
    "bytes": {"min": _BYTES, "max": _BYTES},
    "dpi": {"min": Value(type="whole", low=1, high=2_400)},
    # Shares of the outermost pixels, and of all background pixels, whose darkest channel reaches `level`.
    # `photo`: a scene is as good as white, but nothing in between is.
    "background": {
        "level": Value(type="whole", low=128, high=255),
        "border": _SHARE,
        "ground": _SHARE,
        "photo": Value(type="yes", needed=False),
    },
    # Of the frame: the product's longer axis, its bounding box, or its own area.
    "fill": {
        "by": Value(type="choice", choices=("axis", "box", "area")),
        "min": Value(type="number", low=0.0, high=1.0, needed=False),
        "max": Value(type="number", low=0.0, high=1.0, needed=False),
    },
    # The product's bounding box in pixels.
    "subject": {"min_width": _SIDE, "min_height": _SIDE},
    # The narrowest free edge around the product, as a share of the frame.
    "margin": {"min": Value(type="number", low=0.0, high=0.49)},
    "frame": {},
    # Of a grid of 10 by 10, the cells that text off the product touches at most.
    "text": {"cells": Value(type="whole", low=0, high=100)},
    # sRGB, or no profile, which everybody reads as sRGB.
    "profile": {},
    # A picture made by a model says so by IPTC's DigitalSourceType.
    "provenance": {},
    # Nobody but a person can tell.
    "look": {"about": Value(type="choice", choices=("props", "collage", "shadow"))},
}


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What the desk made of a published rule; `level` None keeps the published one."""

    at: datetime
    by: str
    values: Mapping[str, Any]
    level: Level | None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of a channel as it counts on a day."""

    id: str
    kind: str
    level: Level
    values: Mapping[str, Any] = field(default_factory=dict)
    source: str
    checked_on: str
    """The month in which the source was read, as 2026-11."""
    confidence: Confidence
    starts: date | None = None
    """From this day on; a rule of a later day only warns."""
    ends: date | None = None
    """The last day."""
    edit: Edit | None = None
    """The desk's own decision, where there is one."""


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A marketplace with the rules that count on a day."""

    name: str
    title: str
    rules: tuple[Rule, ...]

    def of(self, kind: str) -> tuple[Rule, ...]:
        """The rules of one kind, those that block first."""
        found = [rule for rule in self.rules if rule.kind == kind]
        return tuple(sorted(found, key=lambda rule: rule.level is not Level.BLOCK))


def checked(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a rule, when they are of its kind's form. Raises RuleRefused with the first wrong one."""
    if kind not in KINDS:
        raise RuleRefused("kind", kind, ", ".join(KINDS))
    known = KINDS[kind]
    for name in values:
        if name not in known:
            raise RuleRefused(name, values[name], ", ".join(known) or "-")
    found = {name: _fits(name, wanted, values[name]) for name, wanted in known.items() if name in values}
    for name, wanted in known.items():
        if wanted.needed and name not in found:
            raise RuleRefused(name, "-", _allowed(wanted))
    # A kind whose values may all be left out needs one of them.
    some = [name for name, wanted in known.items() if wanted.type in ("whole", "number")]
    if some and not any(name in found for name in some):
        raise RuleRefused(some[0], "-", _allowed(known[some[0]]))
    for low, high in (("min", "max"), ("min_width", "max_width"), ("min_height", "max_height")):
        if low in found and high in found and found[low] > found[high]:
            raise RuleRefused(low, found[low], f"≤ {found[high]}")
    return found


def _fits(name: str, wanted: Value, value: Any) -> Any:
    if wanted.type == "yes":
        fits = isinstance(value, bool)
    elif wanted.type == "choice":
        fits = value in wanted.choices
    elif wanted.type == "choices":
        fits = isinstance(value, list) and bool(value) and all(item in wanted.choices for item in value)
    else:
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        fits = number and wanted.low <= value <= wanted.high
        fits = fits and (wanted.type == "number" or value == int(value))
    if not fits:
        raise RuleRefused(name, value, _allowed(wanted))
    return int(value) if wanted.type == "whole" else value


def _allowed(wanted: Value) -> str:
    if wanted.choices:
        return ", ".join(wanted.choices)
    if wanted.type == "yes":
        return "true, false"
    return f"{wanted.low:g} – {wanted.high:g}"
