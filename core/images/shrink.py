"""Reference photos small enough for one request."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

_SIDES = (4096, 3072, 2048, 1536, 1024, 768)
"""Longest sides in pixels that are tried in turn."""


def within(photos: Sequence[bytes], limit: int) -> tuple[bytes, ...]:
    """The photos in their order, together at most `limit` bytes where 768 px allow it.

    Photos that fit stay the bytes they are; else those over an equal share are made smaller, step by step.
    """
    found = tuple(photos)
    for side in _SIDES:
        if sum(map(len, found)) <= limit:
            break
        share = limit // len(found)
        found = tuple(
            small if len(small) <= share else _smaller(photo, side)
            for photo, small in zip(photos, found, strict=True)
        )
    return found


def _smaller(photo: bytes, side: int) -> bytes:
    """A JPEG whose longest side is at most `side`; the bytes themselves where that would not help."""
    with Image.open(io.BytesIO(photo)) as picture:
        picture.draft("RGB", (side, side))
        shown = picture.convert("RGB")
    shown.thumbnail((side, side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    shown.save(out, "JPEG", quality=90)
    return min(out.getvalue(), photo, key=len)
