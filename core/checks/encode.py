"""Pixels to the bytes of a file: format, quality within limits of size, sRGB, dpi and provenance."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageCms

from core.images.metadata import xmp_packet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QUALITY = 92
_FLOOR = 60
"""Below this quality edges and small text of a label suffer visibly."""
_BEST = 100
_SEARCHED = ("jpeg", "webp")
LABELLED = ("jpeg", "png", "webp")
"""Formats that carry XMP."""


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """`quality` is None for formats without loss."""

    data: bytes = field(repr=False)
    quality: int | None


def encode(
    rgb: NDArray[np.uint8],
    format: str,
    *,
    least: int = 0,
    most: int | None = None,
    dpi: int | None = None,
    source_type: str | None = None,
) -> Encoded:
    """The picture as a file of `least` to `most` bytes where quality can reach that; else the nearest.

    Quality stays between 60 and 100 and starts at 92. What `format` can't carry (dpi of a WebP) is left out.
    """
    picture = Image.fromarray(rgb)
    options: dict[str, Any] = {"icc_profile": srgb()}
    if dpi and format in ("jpeg", "png", "tiff"):
        options["dpi"] = (dpi, dpi)
    if source_type and format in LABELLED:
        options |= _provenance(format, source_type)
    if format not in _SEARCHED:
        if format in ("gif", "bmp"):
            options = {}
        return Encoded(data=_saved(picture, format, options), quality=None)

    made: dict[int, bytes] = {}

    def at(quality: int) -> bytes:
        if quality not in made:
            made[quality] = _saved(picture, format, {**options, **_lossy(format, quality)})
        return made[quality]

    quality = QUALITY
    if most is not None and len(at(QUALITY)) > most:
        low, high = _FLOOR, QUALITY - 1
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if len(at(middle)) <= most else (low, middle - 1)
        quality = low
    elif len(at(QUALITY)) < least:
        low, high = QUALITY + 1, _BEST
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if len(at(middle)) >= least else (middle + 1, high)
        quality = low
    return Encoded(data=at(quality), quality=quality)


def _lossy(format: str, quality: int) -> dict[str, Any]:
    # Full colour resolution: red letters on white would get grey edges.
    return {"quality": quality, "subsampling": 0} if format == "jpeg" else {"quality": quality, "method": 4}


def _provenance(format: str, source_type: str) -> dict[str, Any]:
    packet = xmp_packet(source_type)
    if format != "png":
        return {"xmp": packet}
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet.decode())
    return {"pnginfo": info}


def _saved(picture: Image.Image, format: str, options: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    picture.save(out, format.upper(), **options)
    return out.getvalue()


@cache
def srgb() -> bytes:
    """The sRGB profile, the same bytes every day: its date (bytes 24 to 35) is taken out."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    made[24:36] = (2000).to_bytes(2, "big") + (1).to_bytes(2, "big") * 2 + bytes(6)
    return bytes(made)
