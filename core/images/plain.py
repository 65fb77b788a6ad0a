"""A picture as a JPEG that every program takes, with the mark of its origin."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, ImageCms, ImageOps

from core.errors import BadImage
from core.images.decode import on_white, to_srgb
from core.images.metadata import xmp_packet

QUALITY = 92
_FORMATS = ("JPEG", "PNG", "WEBP")


@dataclass(frozen=True, kw_only=True)
class Plain:
    """`flattened`: transparent parts were laid on white. `converted`: its colours were not sRGB."""

    data: bytes = field(repr=False)
    width: int
    height: int
    flattened: bool
    converted: bool


def plain_jpeg(data: bytes, *, source_type: str) -> Plain:
    """Upright, in sRGB, at QUALITY with its full colours; of the metadata only `source_type` goes in.

    Raises BadImage for what is no JPEG, PNG or WebP, or is damaged.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            picture.load()
            profile = picture.info.get("icc_profile")
            # In place: a copy for each step would be most of the memory of an export.
            ImageOps.exif_transpose(picture, in_place=True)
            # Nearly all pictures have no profile or sRGB's: to convert those would cost as much as the rest.
            usual = not profile or _is_srgb(profile)
            if usual and picture.mode in ("RGB", "L"):
                flattened = False
                shown: Image.Image = picture if picture.mode == "RGB" else picture.convert("RGB")
            else:
                shown, flattened = on_white(to_srgb(picture))
            out = io.BytesIO()
            options: dict[str, Any] = {"icc_profile": profile if usual else None, "exif": b"", "comment": b""}
            # Full colour resolution: red letters on white would get grey edges.
            shown.save(out, "JPEG", quality=QUALITY, subsampling=0, xmp=xmp_packet(source_type), **options)
    except (OSError, SyntaxError, ValueError, IndexError, EOFError, Image.DecompressionBombError) as exc:
        raise BadImage("damaged") from exc
    return Plain(
        data=out.getvalue(),
        width=shown.width,
        height=shown.height,
        flattened=flattened,
        converted=not usual,
    )


def _is_srgb(profile: bytes) -> bool:
    try:
        name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return True  # A broken profile says nothing; the numbers are read as sRGB.
    return "srgb" in name.lower()
