"""An uploaded file to an upright sRGB JPEG without metadata, or a refusal by name."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

from PIL import Image, ImageCms, ImageOps

from core.errors import Animated, FileTooLarge, NotAnImage, TooManyPixels, Truncated, Unsupported
from core.images.kinds import image_type
from core.images.thumbnail import thumbnail

_TAKEN = {
    "image/jpeg": ("JPEG", "MPO"),
    "image/png": ("PNG",),
    "image/webp": ("WEBP",),
    "image/avif": ("AVIF",),
    "image/heic": ("HEIF",),
}
# What Pillow's readers and pillow-heif raise on damaged files.
_DAMAGE = (OSError, SyntaxError, ValueError, IndexError, EOFError, KeyError, TypeError, OverflowError)
_DAMAGE_BELOW = (struct.error, zlib.error, RuntimeError, MemoryError)


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A photo as it is stored; sizes in pixels, hashes as hexadecimal SHA-256."""

    jpeg: bytes = field(repr=False)
    thumb: bytes = field(repr=False)
    width: int
    height: int
    sha256: str
    flattened: bool
    original_type: str
    original_sha256: str


def decode(data: bytes, *, name: str, max_bytes: int, max_pixels: int) -> Decoded:
    """Decode by content: orientation applied, colours in sRGB, alpha laid on white, metadata dropped.

    Raises a PhotoRefused kind: NotAnImage, Truncated, Animated, Unsupported, FileTooLarge, TooManyPixels.
    """
    picture, kind, flattened = _upright(data, name=name, max_bytes=max_bytes, max_pixels=max_pixels)
    stored = io.BytesIO()
    picture.save(stored, "JPEG", quality=95, subsampling=0)
    jpeg = stored.getvalue()
    return Decoded(
        jpeg=jpeg,
        thumb=thumbnail(picture),
        width=picture.width,
        height=picture.height,
        sha256=hashlib.sha256(jpeg).hexdigest(),
        flattened=flattened,
        original_type=kind,
        original_sha256=hashlib.sha256(data).hexdigest(),
    )


def preview(data: bytes, *, name: str, max_bytes: int, max_pixels: int, side: int = 160) -> bytes:
    """A JPEG of at most `side` pixels; 160 is for the tray of chosen photos. Raises the kinds of `decode`."""
    picture, _, _ = _upright(data, name=name, max_bytes=max_bytes, max_pixels=max_pixels)
    picture.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=2)
    small = io.BytesIO()
    picture.save(small, "JPEG", quality=80)
    return small.getvalue()


def _upright(data: bytes, *, name: str, max_bytes: int, max_pixels: int) -> tuple[Image.Image, str, bool]:
    if len(data) > max_bytes:
        raise FileTooLarge(name, max_bytes / 1_000_000)
    kind = image_type(data)
    if kind is None:
        raise NotAnImage(name)
    if kind == "image/gif":
        with _damage(name), Image.open(io.BytesIO(data), formats=("GIF",)) as picture:
            frames = getattr(picture, "n_frames", 1)
        if frames > 1:
            raise Animated(name)
    if kind not in _TAKEN:
        raise Unsupported(name, kind.removeprefix("image/").upper())
    if kind == "image/heic":
        from pillow_heif import register_heif_opener

        register_heif_opener()
    with _damage(name), Image.open(io.BytesIO(data), formats=_TAKEN[kind]) as picture:
        pixels = picture.width * picture.height
        if pixels > max_pixels:
            raise TooManyPixels(name, pixels / 1_000_000, max_pixels / 1_000_000)
        # Phones write several pictures into one JPEG; the first is the photo.
        if picture.format in ("PNG", "WEBP", "AVIF") and getattr(picture, "n_frames", 1) > 1:
            raise Animated(name)
        picture.load()
        upright = ImageOps.exif_transpose(picture)
        upright, flattened = on_white(to_srgb(upright))
        return upright, kind, flattened


@contextmanager
def _damage(name: str) -> Iterator[None]:
    """Pillow's complaints about one file become Truncated."""
    with warnings.catch_warnings():
        # The size was read from the header and compared with our own limit.
        warnings.simplefilter("ignore")
        try:
            yield
        except Image.DecompressionBombError as exc:
            raise TooManyPixels(name, 179, 179) from exc
        except (*_DAMAGE, *_DAMAGE_BELOW) as exc:
            raise Truncated(name) from exc


def to_srgb(picture: Image.Image) -> Image.Image:
    """The picture in sRGB by its own profile, as RGB or RGBA."""
    profile = picture.info.get("icc_profile")
    if picture.mode in ("I;16", "I", "F", "I;16B"):
        # 16-bit greys: Pillow clips instead of scaling.
        picture = picture.convert("I").point(lambda value: value / 257).convert("L")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            mode = "RGBA" if "A" in picture.getbands() or "transparency" in picture.info else "RGB"
            given = picture if picture.mode in ("CMYK", "L", mode) else picture.convert(mode)
            alpha = given.getchannel("A") if mode == "RGBA" and given.mode == "RGBA" else None
            flat = given.convert("RGB") if given.mode == "RGBA" else given
            converted = ImageCms.profileToProfile(
                flat, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            result = cast("Image.Image", converted)
            if alpha:
                result.putalpha(alpha)
            return result
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # A broken profile says nothing; the numbers are read as sRGB.
    if picture.mode in ("P", "LA", "La", "PA", "RGBa") or "transparency" in picture.info:
        return picture.convert("RGBA")
    return picture if picture.mode in ("RGB", "RGBA") else picture.convert("RGB")


def on_white(picture: Image.Image) -> tuple[Image.Image, bool]:
    """Transparent parts laid on white, and whether there were any; the result carries no metadata."""
    if picture.mode != "RGBA":
        clean = Image.new("RGB", picture.size)
        clean.im = picture.im  # The same pixels, without the metadata in `info`.
        return clean, False
    alpha = picture.getchannel("A")
    see_through = cast("tuple[int, int]", alpha.getextrema())[0] < 255
    if not see_through:
        return picture.convert("RGB"), False
    white = Image.new("RGB", picture.size, (255, 255, 255))
    white.paste(picture.convert("RGB"), mask=alpha)
    return white, True
