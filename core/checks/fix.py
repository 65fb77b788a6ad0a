"""A copy of a picture that meets a channel's rules where it can, with what was done to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.checks import ground
from core.checks.encode import LABELLED, encode
from core.checks.judge import WHITE_FROM, Finding, Seen, judge_seen
from core.checks.layout import Layout, lay_out, least_scale
from core.checks.picture import EXTENSIONS, Opened, open_picture
from core.checks.rules import Channel, Level

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TYPES = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif",
          "tiff": "image/tiff", "bmp": "image/bmp"}  # fmt: skip
_WRITTEN = ("jpeg", "png", "webp", "tiff", "gif", "bmp")
"""Formats in the order in which they are taken."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that was done: `upright`, `flattened`, `srgb`, `whitened`, `cropped`, `padded`, `scaled`,
    `enlarged`, `dpi`, `provenance` or `encoded`; with its numbers."""

    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The bytes to be exported. `findings` were measured on them."""

    data: bytes = field(repr=False)
    content_type: str
    extension: str
    width: int
    height: int
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]
    upscaled: bool


def prepare(data: bytes, channel: Channel, *, source_type: str | None = None) -> Prepared:
    """Fix for a channel: what can be mended is, the rest stays as findings. Done twice it changes nothing.

    `source_type` is IPTC's DigitalSourceType; None keeps what the file says. Raises BadImage for bytes that
    are no picture.
    """
    seen = Seen(open_picture(data))
    source_type = source_type or seen.opened.source_type
    steps = _read_steps(seen.opened)
    rgb, white = _white_ground(seen, channel)
    if rgb is not seen.opened.rgb:
        steps.append(Step(kind="whitened"))
    layout = lay_out(seen, channel, white=white)
    rgb, moved = _moved(rgb, layout, seen, white=white)
    steps += moved
    form = _format(channel, seen.opened.format)
    steps += _file_steps(seen.opened, channel, form, source_type)
    if not steps and not _too_large_or_small(channel, len(data)):
        return _done(data, seen, channel, (), source_type)
    made, rgb, shrunk = _encoded(rgb, channel, form, seen.opened, source_type)
    steps += shrunk
    after = Seen(open_picture(made.data))
    said = {"format": form, "quality": made.quality, "bytes": len(made.data)}
    return _done(made.data, after, channel, (*steps, Step(kind="encoded", values=said)), source_type)


def _done(
    data: bytes, seen: Seen, channel: Channel, steps: tuple[Step, ...], source_type: str | None
) -> Prepared:
    opened = seen.opened
    extension = EXTENSIONS[opened.format]
    made = None if source_type is None else True
    return Prepared(
        data=data,
        content_type=_TYPES[opened.format],
        extension=extension,
        width=opened.width,
        height=opened.height,
        steps=steps,
        findings=judge_seen(seen, channel, extension=extension, made=made),
        upscaled=any(step.kind == "enlarged" for step in steps),
    )


def _read_steps(opened: Opened) -> list[Step]:
    steps = [Step(kind="upright")] if opened.turned else []
    if opened.flattened:
        steps.append(Step(kind="flattened"))
    if not opened.srgb:
        steps.append(Step(kind="srgb", values={"profile": opened.profile, "colours": opened.colours}))
    return steps


def _white_ground(seen: Seen, channel: Channel) -> tuple[NDArray[np.uint8], bool]:
    """The pixels, with the background made white where that meets a rule, and whether it is white now."""
    rgb = seen.opened.rgb
    rules = channel.of("background")
    if not seen.ground.plain or seen.framed:
        return rgb, False
    border, share = ground.shares(rgb, seen.ground, 250)
    white = border >= 0.97
    if not rules or seen.ground.light < WHITE_FROM or share is None:
        return rgb, white

    def unmet(pixels: NDArray[np.uint8]) -> int:
        count = 0
        for rule in rules:
            border, share = ground.shares(pixels, seen.ground, rule.values["level"])
            count += border < rule.values["border"] or (share or 0) < rule.values["ground"]
        return count

    before = unmet(rgb)
    if not before:
        return rgb, white
    made = ground.whitened(rgb, seen.ground)
    return (made, True) if unmet(made) < before else (rgb, white)


def _moved(
    rgb: NDArray[np.uint8], layout: Layout, seen: Seen, *, white: bool
) -> tuple[NDArray[np.uint8], list[Step]]:
    """The window of the layout at its size."""
    import cv2

    height, width = rgb.shape[:2]
    steps = []
    left, top, wide, high = layout.window
    if layout.cropped(width, height):
        steps.append(Step(kind="cropped", values={"width": wide, "height": high}))
        rgb = rgb[max(0, top) : min(height, top + high), max(0, left) : min(width, left + wide)]
    if layout.padded(width, height):
        steps.append(Step(kind="padded", values={"width": wide, "height": high}))
        over = (max(0, -top), max(0, top + high - height), max(0, -left), max(0, left + wide - width))
        rgb = _padded(rgb, over, white=white)
    if layout.size != (wide, high):
        up = layout.scale > 1
        values = {"width": layout.size[0], "height": layout.size[1], "factor": round(layout.scale, 2)}
        steps.append(Step(kind="enlarged" if up else "scaled", values=values))
        rgb = cv2.resize(rgb, layout.size, interpolation=cv2.INTER_LANCZOS4 if up else cv2.INTER_AREA)
    return rgb, steps


def _padded(rgb: NDArray[np.uint8], over: tuple[int, int, int, int], *, white: bool) -> NDArray[np.uint8]:
    """More room above, below, left and right: white, or in the colour of the edge beside it."""
    import numpy as np

    above, below, left, right = over
    height, width = rgb.shape[:2]
    made = np.full((height + above + below, width + left + right, 3), 255, np.uint8)
    if not white:
        if left or right:
            made[:, :left] = np.median(rgb[:, :2].reshape(-1, 3), axis=0)
            made[:, left + width :] = np.median(rgb[:, -2:].reshape(-1, 3), axis=0)
        if above or below:
            made[:above] = np.median(rgb[:2].reshape(-1, 3), axis=0)
            made[above + height :] = np.median(rgb[-2:].reshape(-1, 3), axis=0)
    made[above : above + height, left : left + width] = rgb
    return made


def _format(channel: Channel, now: str) -> str:
    allowed = set(_WRITTEN)
    for rule in channel.of("format"):
        both = allowed & set(rule.values["formats"])
        allowed = both or allowed
    if now in allowed:
        return now
    return next(name for name in _WRITTEN if name in allowed)


def _file_steps(opened: Opened, channel: Channel, form: str, source_type: str | None) -> list[Step]:
    """What the file itself lacks, its pixels aside."""
    steps = []
    if form != opened.format:
        steps.append(Step(kind="format", values={"from": opened.format, "to": form}))
    dpi = _dpi(channel)
    if dpi and (opened.dpi or 0) < dpi - 0.5 and form in ("jpeg", "png", "tiff"):
        steps.append(Step(kind="dpi", values={"dpi": dpi}))
    if source_type and source_type != opened.source_type and form in LABELLED:
        steps.append(Step(kind="provenance", values={"type": source_type.rsplit("/", 1)[-1]}))
    return steps


def _dpi(channel: Channel) -> int | None:
    return max((rule.values["min"] for rule in channel.of("dpi")), default=None)


def _limits(channel: Channel) -> tuple[int, int | None]:
    rules = channel.of("bytes")
    least = max((rule.values.get("min", 0) for rule in rules), default=0)
    most = min((rule.values["max"] for rule in rules if "max" in rule.values), default=None)
    return least, most


def _too_large_or_small(channel: Channel, size: int) -> bool:
    least, most = _limits(channel)
    return size < least or (most is not None and size > most)


def _encoded(
    rgb: NDArray[np.uint8], channel: Channel, form: str, opened: Opened, source_type: str | None
) -> tuple[Any, NDArray[np.uint8], list[Step]]:
    """Encode within the limit of bytes: by quality first, then with fewer pixels where rules leave room."""
    import cv2

    least, most = _limits(channel)
    dpi = _dpi(channel) or (round(opened.dpi) if opened.dpi else None)
    steps: list[Step] = []
    while True:
        made = encode(rgb, form, least=least, most=most, dpi=dpi, source_type=source_type)
        if most is None or len(made.data) <= most:
            return made, rgb, steps
        if form != "jpeg" and _may(channel, "jpeg"):
            form = "jpeg"
            continue
        height, width = rgb.shape[:2]
        # Bytes go with the pixels, a little slower.
        scale = min(0.9, math.sqrt(most / len(made.data)) * 0.97)
        size = (max(1, math.floor(width * scale)), max(1, math.floor(height * scale)))
        if not _large_enough(channel, size):
            return made, rgb, steps
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        values = {"width": size[0], "height": size[1], "factor": round(size[0] / width, 2)}
        steps = [Step(kind="scaled", values=values)]


def _may(channel: Channel, form: str) -> bool:
    return all(form in rule.values["formats"] for rule in channel.of("format"))


def _large_enough(channel: Channel, size: tuple[int, int]) -> bool:
    blocks = [rule for rule in channel.rules if rule.level is Level.BLOCK]
    return min(size) >= 64 and all(least_scale(rule, *size) <= 1 for rule in blocks)
