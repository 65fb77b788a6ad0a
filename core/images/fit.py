"""A picture whose shape is not what was asked for: cropped or padded here, and what was done is said."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from PIL import Image, ImageStat

from core.errors import BadImage
from core.images.kinds import image_type

_SAME = 0.02
"""Models' own ratios are up to 1% off their names."""
_CROP = 0.10
"""Up to here a centre crop takes at most 5% from two sides; a product that fills 85% stays whole."""
_SMALLER = 0.9
"""Share of the asked width below which a picture is called smaller than asked."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """`data` is None when the picture may stay as it is."""

    data: bytes | None = field(repr=False)
    notes: Mapping[str, Any]


def fit(data: bytes, size: tuple[int, int], *, ratio: float, asked: tuple[int, int], plain: bool) -> Fit:
    """Compare a decodable picture of `size` with the ratio and the pixels asked for.

    A ratio that is a little off is cropped at the centre; one further off is padded, with white where the
    background is `plain`, else with the colour of the edge beside it. Nothing is ever enlarged.
    Notes: `fitted` ("cropped" or "padded"), `returned` and `asked` (width and height), `smaller`.
    Raises BadImage for one that can't be decoded or has no shape that could be mended.
    """
    width, height = size
    off = max(width / height / ratio, ratio * height / width) - 1
    notes: dict[str, Any] = {}
    if (width * height) ** 0.5 < _SMALLER * (asked[0] * asked[1]) ** 0.5:
        notes |= {"smaller": True, "returned": [width, height], "asked": list(asked)}
    if off <= _SAME:
        return Fit(data=None, notes=notes)
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as picture:
            picture.load()
            shown = picture if picture.mode in ("RGB", "RGBA", "L") else picture.convert("RGB")
            profile = picture.info.get("icc_profile")
            if off <= _CROP:
                made, how = _cropped(shown, ratio), "cropped"
            else:
                made, how = _padded(shown, ratio, plain=plain), "padded"
    except (OSError, SyntaxError, ValueError, MemoryError) as exc:
        raise BadImage("damaged") from exc
    out = io.BytesIO()
    if image_type(data) == "image/png":
        made.save(out, "PNG", icc_profile=profile)
    else:
        made.convert("RGB").save(out, "JPEG", quality=95, subsampling=0, icc_profile=profile)
    return Fit(data=out.getvalue(), notes={**notes, "fitted": how, "returned": [width, height]})


def _cropped(picture: Image.Image, ratio: float) -> Image.Image:
    width, height = picture.size
    wide = min(width, max(1, round(height * ratio)))
    high = min(height, max(1, round(width / ratio)))
    left, top = (width - wide) // 2, (height - high) // 2
    return picture.crop((left, top, left + wide, top + high))


def _padded(picture: Image.Image, ratio: float, *, plain: bool) -> Image.Image:
    width, height = picture.size
    wide, high = max(width, round(height * ratio)), max(height, round(width / ratio))
    if wide * high > 4 * width * height:
        raise BadImage(f"{width}x{height}")
    left, top = (wide - width) // 2, (high - height) // 2
    made = Image.new(picture.mode, (wide, high), "white")
    if not plain:
        # The strips before and after the picture, each in the colour of the edge that it touches.
        if wide > width:
            strips = ((0, 0, left, high), (left + width, 0, wide, high))
            edges = ((0, 0, 2, height), (width - 2, 0, width, height))
        else:
            strips = ((0, 0, wide, top), (0, top + height, wide, high))
            edges = ((0, 0, width, 2), (0, height - 2, width, height))
        for strip, edge in zip(strips, edges, strict=True):
            colour = [round(value) for value in ImageStat.Stat(picture.crop(edge)).median]
            made.paste(cast("Any", tuple(colour) if len(colour) > 1 else colour[0]), strip)
    made.paste(picture, (left, top))
    return made
