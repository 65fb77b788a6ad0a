"""Small pictures for grids."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 512


def thumbnail(picture: Image) -> bytes:
    """A WebP whose longest side is at most 512 px, without metadata; `picture` (RGB) stays as it is."""
    from PIL.Image import Resampling

    scale = min(1.0, SIDE / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = picture.resize(size, Resampling.LANCZOS, reducing_gap=2.0) if scale < 1 else picture
    out = io.BytesIO()
    small.save(out, "WEBP", quality=82, method=2)
    return out.getvalue()
