"""What a provider returned: its type by content, its size, its thumbnail."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from PIL import Image

from core.errors import BadImage
from core.images.kinds import image_type
from core.images.thumbnail import thumbnail

_EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Sizes in pixels; `thumb` is a WebP."""

    width: int
    height: int
    thumb: bytes = field(repr=False)


def file_type(data: bytes) -> tuple[str, str]:
    """MIME type and file extension by magic bytes; anything unknown is kept as `.bin`."""
    kind = image_type(data)
    if kind in _EXTENSIONS:
        return kind, _EXTENSIONS[kind]
    return "application/octet-stream", "bin"


def read_picture(data: bytes) -> Picture:
    """Decode it whole. Raises BadImage when it is no JPEG, PNG or WebP, or is damaged."""
    kind = image_type(data)
    if kind not in _EXTENSIONS:
        raise BadImage("not a JPEG, PNG or WebP")
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as picture:
            picture.load()
            shown = picture.convert("RGB")
    except (OSError, SyntaxError, ValueError, IndexError, EOFError, Image.DecompressionBombError) as exc:
        raise BadImage("damaged") from exc
    return Picture(width=shown.width, height=shown.height, thumb=thumbnail(shown))
