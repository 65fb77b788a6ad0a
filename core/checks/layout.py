"""Which part of a picture is shown, with which margins and at which size, so that rules are met."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.checks.judge import Seen
from core.checks.rules import Channel, Level, Rule

_SPARE = 0.02
"""Share of the frame by which a fill is brought past its limit: outlines are known to a pixel of 640."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """`window` is left, top, width and height in pixels of the picture; it may reach beyond it.

    `size` is what the window becomes; `cropped` and `padded` say what was done on purpose.
    """

    window: tuple[int, int, int, int]
    size: tuple[int, int]

    def cropped(self, width: int, height: int) -> bool:
        left, top, wide, high = self.window
        return left > 0 or top > 0 or left + wide < width or top + high < height

    def padded(self, width: int, height: int) -> bool:
        left, top, wide, high = self.window
        return left < 0 or top < 0 or left + wide > width or top + high > height

    @property
    def scale(self) -> float:
        return self.size[0] / self.window[2]


def lay_out(seen: Seen, channel: Channel, *, white: bool) -> Layout:
    """The layout for a channel; `white`: the background is white, so that margins may be added or taken.

    Enlarges only where a rule that blocks needs it.
    """
    width, height = seen.opened.width, seen.opened.height
    exact = _exact(channel)
    ratio = _ratio(channel, exact, width / height)
    window = _around_product(seen, channel, ratio, exact) if white else None
    if window is None:
        wide, high = _holding(width, height, ratio)
        window = (-((wide - width) // 2), -((high - height) // 2), wide, high)
    return Layout(window=window, size=_size(channel, window[2:], ratio, exact))


def _exact(channel: Channel) -> tuple[int, int] | None:
    for rule in channel.of("pixels"):
        names = (("min_width", "max_width"), ("min_height", "max_height"))
        if all(low in rule.values and rule.values[low] == rule.values.get(high) for low, high in names):
            return rule.values["min_width"], rule.values["min_height"]
    return None


def _ratio(channel: Channel, exact: tuple[int, int] | None, now: float) -> float:
    if exact:
        return exact[0] / exact[1]
    for rule in channel.of("ratio"):
        wanted = float(rule.values["wide"] / rule.values["high"])
        # What counts as met stays as it is.
        return now if abs(now / wanted - 1) <= 0.005 else wanted
    return now


def _holding(width: float, height: float, ratio: float) -> tuple[int, int]:
    """The smallest frame of the ratio that holds width and height."""
    if width / height >= ratio:
        return round(width), max(1, round(width / ratio))
    return max(1, round(height * ratio)), round(height)


def _around_product(
    seen: Seen, channel: Channel, ratio: float, exact: tuple[int, int] | None
) -> tuple[int, int, int, int] | None:
    """A window in which the product fills as much as is wanted; None where it may stay as it is."""
    if seen.box is None or seen.area is None:
        return None
    width, height = seen.opened.width, seen.opened.height
    left, top, right, bottom = (v * side for v, side in zip(seen.box, (width, height) * 2, strict=True))
    wide, high = right - left, bottom - top
    # At full fill the frame would be this wide.
    least = max(wide, high * ratio)
    low, high_limit = _limits(seen, channel, ratio, exact, least, wide, high)
    now = least / _holding(width, height, ratio)[0]
    margins = [rule.values["min"] for rule in channel.of("margin")]
    off_centre = bool(margins) and min(seen.box[0], seen.box[1], 1 - seen.box[2], 1 - seen.box[3]) < max(
        margins
    )
    if low <= now <= high_limit and not off_centre:
        return None
    if low > high_limit:
        return None  # Rules against each other: both stay as findings.
    if now < low:
        fill = min(low + _SPARE, (low + high_limit) / 2, 0.985)
    elif now > high_limit:
        fill = max(high_limit - _SPARE, (low + high_limit) / 2)
    else:
        fill = min(now, high_limit - 0.005)
    frame = least / fill
    across, down = round(frame), max(1, round(frame / ratio))
    if abs(ratio - 1) < 0.005:
        down = across
    middle = (left + right) / 2, (top + bottom) / 2
    return round(middle[0] - across / 2), round(middle[1] - down / 2), across, down


def _limits(
    seen: Seen,
    channel: Channel,
    ratio: float,
    exact: tuple[int, int] | None,
    least: float,
    wide: float,
    high: float,
) -> tuple[float, float]:
    """The lowest and the highest share of the longer axis that meet all rules which this product can meet."""
    low, most = 0.0, 1.0
    at_full = {"axis": 1.0, "box": wide * high * ratio / least**2}
    width, height = seen.opened.width, seen.opened.height
    at_full["area"] = (seen.area or 0) * width * height * ratio / least**2
    for rule in channel.of("fill"):
        full, square = at_full[rule.values["by"]], rule.values["by"] != "axis"
        for name in ("min", "max"):
            if name not in rule.values:
                continue
            share = rule.values[name] / full
            share = math.sqrt(share) if square else share
            if name == "min" and share + _SPARE / 4 < 0.985:
                low = max(low, share)
            elif name == "max":
                most = min(most, share)
    for rule in channel.of("margin"):
        most = min(most, 1 - 2 * rule.values["min"])
    if exact:
        for rule in channel.of("subject"):
            for side, name in ((wide, "min_width"), (high, "min_height")):
                share = (rule.values.get(name, 0) + 3) * least / (side * exact[0])
                if share < 0.985:
                    low = max(low, share)
    return low, most


def _size(
    channel: Channel, window: tuple[int, int], ratio: float, exact: tuple[int, int] | None
) -> tuple[int, int]:
    if exact:
        return exact
    width, height = window
    scale, most = 1.0, min((_most(rule, width, height) for rule in channel.rules), default=math.inf)
    for rule in channel.rules:
        if rule.level is Level.BLOCK:
            scale = max(scale, least_scale(rule, width, height))
    scale = min(scale, most)
    if scale == 1:
        return window
    up = math.ceil if scale > 1 else math.floor
    across, down = max(1, up(width * scale - 1e-6)), max(1, up(height * scale - 1e-6))
    if width == height:
        down = across
    return across, down


def _most(rule: Rule, width: int, height: int) -> float:
    """The largest scale that a rule allows."""
    values = rule.values
    if rule.kind == "pixels":
        sides = ((width, values.get("max_width")), (height, values.get("max_height")))
        return min((limit / side for side, limit in sides if limit), default=math.inf)
    if rule.kind in ("longest_side", "shortest_side") and "max" in values:
        return float(values["max"] / (max if rule.kind == "longest_side" else min)(width, height))
    if rule.kind == "megapixels":
        return float(math.sqrt(values["max"] * 1e6 / (width * height)))
    return math.inf


def least_scale(rule: Rule, width: int, height: int) -> float:
    """The smallest scale that a rule allows."""
    values = rule.values
    if rule.kind == "pixels":
        return max(values.get("min_width", 0) / width, values.get("min_height", 0) / height)
    if rule.kind in ("longest_side", "shortest_side") and "min" in values:
        return float(values["min"] / (max if rule.kind == "longest_side" else min)(width, height))
    return 0.0
