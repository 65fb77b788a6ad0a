"""A picture's bytes as what is measured: pixels in sRGB, and the facts of its file."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageCms, ImageOps

from core.errors import BadImage
from core.images.decode import on_white, to_srgb
from core.images.metadata import read_xmp

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PILLOW = {"JPEG": "jpeg", "MPO": "jpeg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "TIFF": "tiff",
           "BMP": "bmp"}  # fmt: skip
EXTENSIONS = {"jpeg": "jpg", "png": "png", "webp": "webp", "gif": "gif", "tiff": "tif", "bmp": "bmp"}
# An MPO is opened as the JPEG that it begins with.
_READ = tuple(name for name in _PILLOW if name != "MPO")
_MOST_PIXELS = 100_000_000


@dataclass(frozen=True, kw_only=True)
class Opened:
    """`rgb`: HxWx3 uint8 in sRGB, upright, transparent parts on white."""

    rgb: NDArray[np.uint8] = field(repr=False)
    format: str
    bytes: int
    dpi: float | None
    profile: str
    """"none", "sRGB", or the name that the file's profile gives itself."""
    colours: str
    """How the file keeps its colours: RGB, L, CMYK ..."""
    source_type: str | None
    turned: bool
    """The file said that it lies on its side."""
    flattened: bool

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])

    @property
    def srgb(self) -> bool:
        """Everybody shows its colours as meant."""
        return self.profile in ("none", "sRGB") and self.colours in ("RGB", "RGBA", "L", "LA", "P", "1")


def open_picture(data: bytes) -> Opened:
    """Decode it whole. Raises BadImage for what can't be read or has over 100 megapixels."""
    import numpy as np

    try:
        with Image.open(io.BytesIO(data), formats=_READ) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise BadImage("too many pixels")
            picture.load()
            info: dict[Any, Any] = dict(picture.info)
            upright = ImageOps.exif_transpose(picture)
            turned = picture.getexif().get(0x0112, 1) not in (0, 1)
            shown, flattened = on_white(to_srgb(upright))
            dpi = info.get("dpi")
            xmp = info.get("xmp") or info.get("XML:com.adobe.xmp")
            return Opened(
                rgb=np.asarray(shown),
                format=_PILLOW[str(picture.format)],
                bytes=len(data),
                dpi=round(float(min(dpi)), 1) if dpi else None,
                profile=_profile(info.get("icc_profile")),
                colours=picture.mode,
                source_type=read_xmp(xmp) if xmp else None,
                turned=turned,
                flattened=flattened,
            )
    except (OSError, SyntaxError, ValueError, IndexError, EOFError, Image.DecompressionBombError) as exc:
        raise BadImage("damaged") from exc


def _profile(found: bytes | None) -> str:
    if not found:
        return "none"
    try:
        name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(found))).strip()
    except (ImageCms.PyCMSError, OSError, ValueError):
        return "?"
    return "sRGB" if "srgb" in name.lower() else name[:80] or "?"
