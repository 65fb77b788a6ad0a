"""Lines and bands along a picture's sides: a frame, an L, or a strip."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.checks.ground import Ground

SIDES = ("top", "right", "bottom", "left")
_DEPTH = 0.08
"""Of a side: further in, a line belongs to what is shown."""
_STEP = 24
"""Levels across a line, within two pixels."""
_ALONG = 0.85
"""Of a side's length that a line covers; corners may be round."""


def framed(rgb: NDArray[np.uint8], ground: Ground) -> tuple[str, ...]:
    """The sides that carry a frame, as Rakuten tells it: two or more that meet, or one coloured strip.

    A white edge is a margin and no frame: whether it was added to a photo can't be told.
    """
    import numpy as np

    found, strips = [], []
    for turns, side in enumerate(SIDES):
        # Each side is turned to the top.
        kind = _side(np.rot90(rgb, turns))
        if kind:
            found.append(side)
        if kind == "band" and ground.plain:
            strips.append(side)
    meets = any(SIDES[n] in found and SIDES[(n + 1) % len(SIDES)] in found for n in range(len(SIDES)))
    return tuple(found) if meets else tuple(strips)


def _side(image: NDArray[np.uint8]) -> str | None:
    """ "line" or "band" along the top of HxWx3, or None."""
    import numpy as np

    height, width = image.shape[:2]
    depth = max(6, round(_DEPTH * height))
    # A sixteenth of the columns is enough, but no fewer than 200.
    columns = slice(None, None, max(1, width // 200))
    strip = image[: depth + 6, columns].astype(np.int16)
    steps = np.abs(strip[2:] - strip[:-2]).max(axis=2) >= _STEP
    across = np.flatnonzero(steps[:depth].mean(axis=1) >= _ALONG)
    if not len(across):
        return None
    first = int(across[0])
    outer = strip[: first + 1].reshape(-1, 3)
    colour = np.median(outer, axis=0)
    if float((np.abs(outer - colour).max(axis=1) <= 16).mean()) < 0.85:
        return None
    # Where the crossing ends, the inside begins.
    last = first
    for row in across[1:]:
        if row - last > max(3, depth // 3):
            break
        last = int(row)
    inside = strip[min(last + 3, len(strip) - 1)]
    back = float((np.abs(inside - colour).max(axis=1) <= 20).mean())
    if back >= 0.5:
        return "line"
    return "band" if colour.min() < 235 else None
