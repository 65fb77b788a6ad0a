"""Pairs of a source photo and a result, each with what was done to the product in between."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.drawn.packages import (
    HELD_LINES,
    HELD_NAMES,
    HELD_NOTES,
    HIGH,
    LOGOS,
    TUNED_LINES,
    TUNED_NAMES,
    TUNED_NOTES,
    WIDE,
    Package,
    draw,
    invent,
    other_hue,
)

Array = NDArray[Any]

SIDE = 1024
KEPT = ("scale", "rotation", "perspective", "light", "background", "jpeg", "combined")
ALTERED = ("recolour", "text", "small_text", "part", "logo", "stretch")


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a product stands before the camera and under which light."""

    height: float = 0.72
    """Of the picture's."""
    turn: float = 0.0
    """Degrees."""
    tilt: tuple[float, float] = (0.0, 0.0)
    """Degrees about the vertical and the horizontal axis."""
    at: tuple[float, float] = (0.5, 0.52)
    gain: float = 1.0
    gamma: float = 1.0
    warmth: float = 0.0
    slope: tuple[float, float] = (0.0, 0.0)
    """How much brighter the right is, and the bottom."""
    grain: float = 1.5
    blur: float = 0.0
    ground: str = "table"
    quality: int = 92
    stretch: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Pair:
    kind: str
    """One of KEPT or ALTERED."""
    source: bytes = field(repr=False)
    result: bytes = field(repr=False)
    place: tuple[float, float, float, float] | None = None
    """Where it was altered: x, y, width, height as fractions of the result."""

    @property
    def altered(self) -> bool:
        return self.kind in ALTERED


def pairs(count: int, *, held: bool) -> Iterator[Pair]:
    """`count` pairs, half preserved and half altered, kinds in turn; always the same ones."""
    for number in range(count):
        kinds, turn = (ALTERED, number // 2) if number % 2 else (KEPT, number // 2)
        yield pair(kinds[turn % len(kinds)], number, held=held)


def pair(kind: str, seed: int, *, held: bool = False) -> Pair:
    rng = Random(f"pair {kind} {seed} {held}")
    package = invent(seed, held=held)
    before = photographed(draw(package), _source(rng), rng)
    way = nuisance(kind if kind in KEPT else "combined", rng)
    changed, way = (package, way) if kind in KEPT else _altered(package, way, kind, rng, held)
    drawn = draw(changed)
    after = photographed(drawn, way, rng)
    place = None if kind in KEPT else _place(draw(package), drawn, way)
    return Pair(kind=kind, source=_jpeg(before, 92), result=_jpeg(after, way.quality), place=place)


def _source(rng: Random) -> Way:
    return Way(
        height=rng.uniform(0.62, 0.82),
        turn=rng.uniform(-3, 3),
        gain=rng.uniform(0.9, 1.1),
        warmth=rng.uniform(-0.03, 0.05),
        grain=rng.uniform(1, 4),
        blur=rng.uniform(0, 0.5),
        ground=rng.choice(("table", "grey", "white", "cloth")),
    )


def nuisance(kind: str, rng: Random) -> Way:
    """How the result differs where the product is kept."""
    every = kind == "combined"
    return Way(
        height=rng.uniform(0.45, 0.85) if kind == "scale" or every else 0.7,
        turn=rng.uniform(-14, 14) if kind == "rotation" else rng.uniform(-8, 8) if every else 0.0,
        tilt=(
            (rng.uniform(-17, 17), rng.uniform(-12, 12))
            if kind == "perspective"
            else (rng.uniform(-11, 11), rng.uniform(-8, 8))
            if every
            else (0.0, 0.0)
        ),
        at=(rng.uniform(0.42, 0.58), rng.uniform(0.47, 0.55)) if every else (0.5, 0.5),
        gain=rng.uniform(0.72, 1.25) if kind == "light" else rng.uniform(0.82, 1.15) if every else 1.0,
        gamma=rng.uniform(0.85, 1.2) if kind == "light" or every else 1.0,
        warmth=rng.uniform(-0.07, 0.07) if kind == "light" or every else 0.0,
        slope=(rng.uniform(-0.3, 0.3), rng.uniform(-0.15, 0.15)) if kind == "light" or every else (0.0, 0.0),
        grain=rng.uniform(0, 3),
        blur=rng.uniform(0, 0.7) if every else 0.0,
        ground=rng.choice(("white", "studio", "leaves", "table", "festive", "cloth"))
        if kind == "background" or every
        else "white",
        quality=rng.randrange(45, 75) if kind == "jpeg" else rng.randrange(70, 96) if every else 92,
    )


def _altered(p: Package, way: Way, kind: str, rng: Random, held: bool) -> tuple[Package, Way]:
    names, lines, notes = (
        (HELD_NAMES, HELD_LINES, HELD_NOTES) if held else (TUNED_NAMES, TUNED_LINES, TUNED_NOTES)
    )
    match kind:
        case "recolour":
            which = rng.choice(("body", "body", "accent", "label"))
            turn = rng.uniform(0.12, 0.88)
            changes: dict[str, Any] = {which: other_hue(getattr(p, which), turn)}
        case "text" if rng.random() < 0.5:
            changes = {"name": rng.choice([name for name in names if name != p.name])}
        case "text":
            other = rng.choice([line for line in lines if line not in p.lines])
            changes = {
                "lines": (other, *p.lines[1:]) if rng.random() < 0.5 else (p.lines[0], other, p.lines[2])
            }
        case "small_text":
            changes = {"note": rng.choice(notes)}
        case "part":
            changes = {"part": False}
        case "logo":
            changes = {"logo": rng.choice([logo for logo in LOGOS if logo != p.logo])}
        case _:
            by = 1 + rng.uniform(0.12, 0.25)
            by = by if rng.random() < 0.5 else 1 / by
            return p, replace(way, stretch=(by**0.5, by**-0.5), height=min(way.height, 0.72))
    return replace(p, **changes), way


def transform(way: Way) -> Array:
    """3x3: from the drawing's pixels to those of the picture, which is SIDE square."""
    a, b, c = (math.radians(angle) for angle in (way.turn, *way.tilt))
    roll = np.array([[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1]])
    yaw = np.array([[math.cos(b), 0, math.sin(b)], [0, 1, 0], [-math.sin(b), 0, math.cos(b)]])
    pitch = np.array([[1, 0, 0], [0, math.cos(c), -math.sin(c)], [0, math.sin(c), math.cos(c)]])
    turned = roll @ pitch @ yaw
    far = 2.6  # Distance of the camera in heights of the product.
    scale = way.height * SIDE
    plane = np.column_stack([turned[:, 0], turned[:, 1], [0, 0, far]])
    lens = np.array([[scale * far, 0, way.at[0] * SIDE], [0, scale * far, way.at[1] * SIDE], [0, 0, 1]])
    centre = np.diag([way.stretch[0] / HIGH, way.stretch[1] / HIGH, 1]) @ np.array(
        [[1, 0, -WIDE / 2], [0, 1, -HIGH / 2], [0, 0, 1]]
    )
    return lens @ plane @ centre


def photographed(drawing: Image.Image, way: Way, rng: Random) -> Array:
    """The drawing as a camera sees it: SIDExSIDEx3 uint8."""
    double = np.diag([2.0, 2.0, 1.0]) @ transform(way)
    given = np.asarray(drawing).astype(np.float32)
    given[..., :3] *= given[..., 3:] / 255
    large = cv2.warpPerspective(given, double, (2 * SIDE, 2 * SIDE), flags=cv2.INTER_LINEAR)
    seen = cv2.resize(large, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    alpha = seen[..., 3:] / 255
    random = np.random.default_rng(rng.randrange(2**32))
    ground = _ground(way.ground, random)
    shadow = cv2.GaussianBlur(np.roll(alpha[..., 0], 14, axis=(0, 1)), (0, 0), 16)[..., None]
    scene = seen[..., :3] + ground * (1 - 0.35 * shadow) * (1 - alpha)
    ys, xs = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE - 0.5
    light = way.gain * (1 + way.slope[0] * xs + way.slope[1] * ys)[..., None]
    lit = light * np.array([1 + way.warmth, 1, 1 - way.warmth], np.float32)
    product = 255 * np.clip(scene / 255, 0, 1) ** way.gamma * lit
    # The ground is lit as well, but white stays white in a shop's picture.
    whole = product if way.ground != "white" else product * alpha + scene * (1 - alpha)
    if way.blur:
        whole = cv2.GaussianBlur(whole, (0, 0), way.blur)
    grain = random.normal(0, way.grain, (SIDE, SIDE, 1)) if way.grain else 0
    return np.clip(whole + grain, 0, 255).astype(np.uint8)


def mask_of(drawing: Image.Image, way: Way) -> NDArray[np.bool_]:
    """Where the product stands in its picture."""
    alpha = np.asarray(drawing.getchannel("A"))
    return cv2.warpPerspective(alpha, transform(way), (SIDE, SIDE), flags=cv2.INTER_LINEAR) > 127


def _ground(name: str, random: np.random.Generator) -> Array:
    ys, xs = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
    match name:
        case "white":
            return np.full((SIDE, SIDE, 3), 255, np.float32)
        case "grey":
            return np.dstack([205 - 25 * ys + 8 * xs] * 3)
        case "studio":
            colour = random.uniform(120, 240, 3)
            return (colour * (1.05 - 0.25 * np.hypot(xs - 0.5, ys - 0.4))[..., None]).astype(np.float32)
    ground = np.empty((SIDE, SIDE, 3), np.float32)
    wall, table = {
        "table": ((228, 220, 206), (168, 136, 104)),
        "cloth": ((214, 206, 198), (206, 198, 190)),
        "festive": ((150, 26, 30), (110, 20, 24)),
    }.get(name, ((236, 228, 212), (186, 170, 140)))
    ground[:] = wall
    line = int(SIDE * random.uniform(0.55, 0.75))
    ground[line:] = table
    ground[line:] += random.normal(0, 5, (SIDE - line, 1, 1))
    if name == "cloth":
        ground += (4 * np.sin(xs * 300) + 4 * np.sin(ys * 300))[..., None]
    for _ in range({"leaves": 40, "festive": 24}.get(name, 0)):
        at = tuple(int(v) for v in random.integers(0, SIDE, 2))
        axes = (int(random.integers(20, 70)), int(random.integers(12, 34)))
        colour = random.uniform((60, 100, 50), (130, 170, 100)) if name == "leaves" else (226, 178, 84)
        turned = float(random.uniform(0, 180))
        cv2.ellipse(ground, at, axes, turned, 0, 360, tuple(map(float, colour)), -1, cv2.LINE_AA)
    return cv2.GaussianBlur(ground, (0, 0), 2.0 if name != "cloth" else 0.8)


def _place(before: Image.Image, after: Image.Image, way: Way) -> tuple[float, float, float, float] | None:
    """The box of what differs between two drawings, in the picture of the second; None when nothing does."""
    differs = np.abs(np.asarray(before).astype(int) - np.asarray(after)).max(axis=2) > 24
    ys, xs = np.nonzero(differs)
    if not len(xs):
        return None
    corners = np.array(
        [[x, y] for x in (xs.min(), xs.max()) for y in (ys.min(), ys.max())], np.float32
    ).reshape(-1, 1, 2)
    seen = cv2.perspectiveTransform(corners, transform(way)).reshape(-1, 2) / SIDE
    (left, top), (right, bottom) = seen.min(axis=0), seen.max(axis=0)
    return float(left), float(top), float(right - left), float(bottom - top)


def _jpeg(image: Array, quality: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=quality)
    return out.getvalue()
