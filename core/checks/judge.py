"""A picture's bytes against a channel's rules: what was measured, beside what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from core.checks import frame, ground, text
from core.checks.ground import Ground
from core.checks.picture import EXTENSIONS, Opened, open_picture
from core.checks.rules import Channel, Level, Rule
from core.checks.text import Text

WHITE_FROM = 222
"""A border from this level on is near white: it can be made white."""


class Result(StrEnum):
    """What became of one rule."""

    MET = "met"
    WARNING = "warning"
    """Not met, and no hindrance."""
    FAILED = "failed"
    """Not met: it blocks."""
    NOT_MEASURED = "not_measured"
    """Nobody can say by measuring; a person has to look."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One rule and what was found; `measured` has numbers and words by name, `wanted` the rule's values."""

    rule: Rule
    result: Result
    measured: Mapping[str, Any]
    wanted: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """What a review keeps of it."""
        return {
            "rule": self.rule.id,
            "kind": self.rule.kind,
            "level": str(self.rule.level),
            "result": str(self.result),
            "measured": dict(self.measured),
            "wanted": dict(self.wanted),
        }


@dataclass(frozen=True)
class Seen:
    """A picture with what is measured of it, each once and only when a rule asks."""

    opened: Opened = field(repr=False)

    @cached_property
    def ground(self) -> Ground:
        return ground.find(self.opened.rgb)

    @cached_property
    def text(self) -> Text:
        return text.find(self.opened.rgb, self.ground)

    @cached_property
    def framed(self) -> tuple[str, ...]:
        return frame.framed(self.opened.rgb, self.ground)

    @cached_property
    def box(self) -> tuple[float, float, float, float] | None:
        """The product's left, top, right and bottom as shares; None where it can't be told."""
        numbers = self._product()
        if not numbers:
            return None
        boxes = [self.ground.boxes[number - 1] for number in numbers]
        height, width = self.ground.parts.shape
        return (
            min(x for x, *_ in boxes) / width,
            min(y for _, y, *_ in boxes) / height,
            max(x + w for x, _, w, _, _ in boxes) / width,
            max(y + h for _, y, _, h, _ in boxes) / height,
        )

    @cached_property
    def area(self) -> float | None:
        """The product's own area as a share of the frame."""
        numbers = self._product()
        return sum(self.ground.boxes[n - 1][4] for n in numbers) / self.ground.parts.size if numbers else None

    def _product(self) -> tuple[int, ...]:
        if not self.ground.plain or self.framed:
            return ()
        return self.ground.product(self.text.things)


def judge(
    data: bytes, channel: Channel, *, extension: str | None = None, made: bool | None = None
) -> tuple[Finding, ...]:
    """Judge exported bytes. `extension` is their file's name ending, without the dot; `made`: a model made
    the picture (None: nobody knows). Raises BadImage for bytes that are no picture."""
    return judge_seen(Seen(open_picture(data)), channel, extension=extension, made=made)


def judge_seen(
    seen: Seen, channel: Channel, *, extension: str | None = None, made: bool | None = None
) -> tuple[Finding, ...]:
    """The same for a picture that is open."""
    found = []
    for rule in channel.rules:
        if rule.kind == "extension":
            met, measured = _extension(seen, extension)
        elif rule.kind == "provenance":
            met, measured = _provenance(seen, made)
        else:
            met, measured = _MEASURES[rule.kind](seen, rule.values)
        found.append(Finding(rule=rule, result=_result(rule, met), measured=measured, wanted=rule.values))
    return tuple(found)


def blocking(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.result is Result.FAILED)


def _result(rule: Rule, met: bool | None) -> Result:
    if met is None:
        return Result.NOT_MEASURED
    if met:
        return Result.MET
    return Result.FAILED if rule.level is Level.BLOCK else Result.WARNING


Measured = tuple[bool | None, dict[str, Any]]
"""Met, not met or not measured (None), and what was measured."""


def _between(value: float, wanted: Mapping[str, Any], low: str = "min", high: str = "max") -> bool:
    return bool(wanted.get(low, value) <= value <= wanted.get(high, value))


def _pixels(seen: Seen, wanted: Mapping[str, Any]) -> Measured:
    width, height = seen.opened.width, seen.opened.height
    met = _between(width, wanted, "min_width", "max_width")
    met = met and _between(height, wanted, "min_height", "max_height")
    return met, {"width": width, "height": height}


def _longest(seen: Seen, wanted: Mapping[str, Any]) -> Measured:
    side = max(seen.opened.width, seen.opened.height)
    return _between(side, wanted), {"side": side}


def _shortest(seen: Seen, wanted: Mapping[str, Any]) -> Measured:
    side = min(seen.opened.width, seen.opened.height)
    return _between(side, wanted), {"side": side}


def _megapixels(seen: Seen, wanted: Mapping[str, Any]) -> Measured:
    pixels = seen.opened.width * seen.opened.height / 1e6
    return pixels <= wanted["max"], {"megapixels": round(pixels, 2)}


def _ratio(seen: Seen, wanted: Mapping[str, Any]) -> Measured:
    width, height = seen.opened.width, seen.opened.height
    off = abs(width * wanted["high"] / (height * wanted["wide"]) - 1)
    return off <= 0.005, {"width": width, "height": height}


def _format(seen: Seen, wanted: Mapping[str, Any]) -> Measured:
    return seen.opened.format in wanted["formats"], {"format": seen.opened.format}


def _extension(seen: Seen, extension: str | None) -> Measured:
    if extension is None:
        return None, {}
    alike = {"jpeg": "jpg", "tiff": "tif"}.get(extension.lower(), extension.lower())
    return alike == EXTENSIONS[seen.opened.format], {"extension": extension, "format": seen.opened.format}


def _bytes(seen: Seen, wanted: Mapping[str, Any]) -> Measured:
    return _between(seen.opened.bytes, wanted), {"bytes": seen.opened.bytes}


def _dpi(seen: Seen, wanted: Mapping[str, Any]) -> Measured:
    dpi = seen.opened.dpi
    return dpi is not None and dpi >= wanted["min"] - 0.5, {"dpi": dpi}


def _background(seen: Seen, wanted: Mapping[str, Any]) -> Measured:
    border, share = ground.shares(seen.opened.rgb, seen.ground, wanted["level"])
    measured: dict[str, Any] = {
        "border": round(border, 4),
        "ground": None if share is None else round(share, 4),
    }
    if border >= wanted["border"]:
        # A border that is white all round has a background, or hardly any of it.
        return (None, measured) if share is None else (share >= wanted["ground"], measured)
    scene = not seen.ground.plain or (not seen.ground.flat and seen.ground.light < WHITE_FROM)
    if scene and wanted.get("photo"):
        return True, {**measured, "photo": True}
    return False, measured


def _fill(seen: Seen, wanted: Mapping[str, Any]) -> Measured:
    if seen.box is None or seen.area is None:
        return None, {}
    left, top, right, bottom = seen.box
    shares = {
        "axis": max(right - left, bottom - top),
        "box": (right - left) * (bottom - top),
        "area": seen.area,
    }
    share = shares[wanted["by"]]
    # Outlines are found to a pixel of the work size.
    return _between(round(share, 2), wanted), {"fill": round(share, 3), "by": wanted["by"]}


def _subject(seen: Seen, wanted: Mapping[str, Any]) -> Measured:
    if seen.box is None:
        return None, {}
    left, top, right, bottom = seen.box
    width, height = round((right - left) * seen.opened.width), round((bottom - top) * seen.opened.height)
    met = _between(width, wanted, "min_width") and _between(height, wanted, "min_height")
    return met, {"width": width, "height": height}


def _margin(seen: Seen, wanted: Mapping[str, Any]) -> Measured:
    if seen.box is None:
        return None, {}
    left, top, right, bottom = seen.box
    margin = min(left, top, 1 - right, 1 - bottom)
    return round(margin, 3) >= wanted["min"], {"margin": round(margin, 3)}


def _frame(seen: Seen, _wanted: Mapping[str, Any]) -> Measured:
    return not seen.framed, {"sides": list(seen.framed)}


def _text(seen: Seen, wanted: Mapping[str, Any]) -> Measured:
    found = seen.text
    if not found.told:
        return None, {}
    return found.cells <= wanted["cells"], {
        "cells": found.cells,
        "boxes": [[round(v, 4) for v in box] for box in found.boxes],
    }


def _profile(seen: Seen, _wanted: Mapping[str, Any]) -> Measured:
    return seen.opened.srgb, {"profile": seen.opened.profile, "colours": seen.opened.colours}


def _provenance(seen: Seen, made: bool | None) -> Measured:
    found = seen.opened.source_type
    short = None if found is None else found.rsplit("/", 1)[-1]
    if found is not None:
        return True, {"type": short}
    return (None if made is None else not made), {"type": short}


def _look(_seen: Seen, _wanted: Mapping[str, Any]) -> Measured:
    return None, {}


_MEASURES: Mapping[str, Callable[[Seen, Mapping[str, Any]], Measured]] = {
    "pixels": _pixels,
    "longest_side": _longest,
    "shortest_side": _shortest,
    "megapixels": _megapixels,
    "ratio": _ratio,
    "format": _format,
    "bytes": _bytes,
    "dpi": _dpi,
    "background": _background,
    "fill": _fill,
    "subject": _subject,
    "margin": _margin,
    "frame": _frame,
    "text": _text,
    "profile": _profile,
    "look": _look,
}
