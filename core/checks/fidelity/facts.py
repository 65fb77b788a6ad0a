"""What the fidelity check says, as frozen records."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from core.checks.fidelity.wording import Reading


class Verdict(StrEnum):
    """Advice for a person. Nothing follows from it by itself."""

    PRESERVED = "preserved"
    """The product was found in both pictures and nothing measured says that it was changed."""
    ALTERED = "altered"
    """At least one axis says that it was changed."""
    COULD_NOT_COMPARE = "could_not_compare"
    """The product was not found well enough. That says nothing about whether it was changed."""


class Why(StrEnum):
    """Why two pictures could not be compared."""

    UNREADABLE = "unreadable"
    """One of them can't be decoded."""
    TOO_SMALL = "too_small"
    """Too few pixels of the product to see a label."""
    NO_PRODUCT = "no_product"
    """The source shows nothing that stands out."""
    NOT_FOUND = "not_found"
    """The result shows no product that lies on the source's."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle as fractions of a picture's width and height, from its left upper corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the product differs: the same spot in both pictures."""

    axis: str
    """The axis that found it: `colour` or `structure`."""
    score: float
    result: Box
    source: Box
    spot: tuple[int, int, int, int]
    """The same in pixels of the frame: left, top, right, bottom."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis: `value` in its own unit, and `score`, where 1.0 is the limit and more is altered."""

    name: str
    value: float
    score: float


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """What was found. `heat` is a WebP of the result with the differing places tinted."""

    verdict: Verdict
    why: Why | None = None
    axes: tuple[Axis, ...] = ()
    places: tuple[Place, ...] = ()
    """The worst first."""
    reading: Reading | None = None
    """What the label says at the worst spot of its structure, where it was read."""
    align: tuple[float, ...] | None = None
    """Six numbers a b c d e f: a point (x, y) of the source lies at (a x + b y + c, d x + e y + f) of the
    result, both as fractions of their picture's width and height."""
    heat: bytes | None = field(default=None, repr=False)

    @property
    def score(self) -> float:
        """The worst axis; 1.0, the limit itself, where nothing could be compared."""
        return max((axis.score for axis in self.axes), default=1.0)
