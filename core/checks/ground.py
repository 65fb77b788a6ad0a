"""Where the background ends and the product begins, for pictures before a plain background."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORK = 640
"""Longest side in pixels at which it is looked for."""
DEEPEST = 75
"""Levels by which a shadow on the background may be darker than it."""
_SMOOTH = 7
"""Levels within 3x3 pixels at work size: backgrounds and soft shadows are smoother, outlines are not."""
_RIM = 8
"""Pixels at work size beside the product that are not judged: soft edges and JPEG's ringing."""
_PART = 0.002
"""Of the frame: smaller things are dust."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Masks of HxW booleans at work size. `colour` is the border's median as RGB."""

    plain: bool
    """The border is one colour, perhaps with soft light; else nothing below can be told."""
    flat: bool
    """It is one colour to the level: drawn, not photographed."""
    colour: tuple[int, int, int]
    ground: NDArray[np.bool_] = field(repr=False)
    parts: NDArray[np.int32] = field(repr=False)
    """0 is the background, each thing before it has a number."""
    boxes: tuple[tuple[int, int, int, int, int], ...]
    """Left, top, width, height and area of each thing from number 1 on, in pixels of work size."""

    @property
    def light(self) -> int:
        """The darkest channel of the border's colour."""
        return min(self.colour)

    def product(self, without: frozenset[int] = frozenset()) -> tuple[int, ...]:
        """The numbers of the things that belong to the product: all but dust and what is `without`."""
        size = self.parts.size
        return tuple(
            number
            for number, (*_, area) in enumerate(self.boxes, 1)
            if area >= _PART * size and number not in without
        )


def find(rgb: NDArray[np.uint8]) -> Ground:
    """Find the background of a picture (HxWx3): what is smooth, of the border's colour and joined to it."""
    import cv2
    import numpy as np

    small = shrunk(rgb, WORK)
    ring = _ring(small, max(2, round(0.012 * max(small.shape[:2]))))
    colour = np.median(ring, axis=0)
    off = np.abs(ring.astype(np.int16) - colour).max(axis=1)
    plain = float((off <= 28).mean()) >= 0.7
    flat = float((off <= 3).mean()) >= 0.9
    ground = _joined(small, colour) if plain else np.zeros(small.shape[:2], bool)
    things = cv2.morphologyEx((~ground).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(things, connectivity=8)
    boxes: list[Any] = [tuple(int(value) for value in stats[n]) for n in range(1, count)] if plain else []
    red, green, blue = (int(value) for value in colour)
    return Ground(
        plain=plain, flat=flat, colour=(red, green, blue), ground=ground, parts=parts, boxes=tuple(boxes)
    )


def shrunk(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture with at most `side` pixels along its longest side."""
    import cv2

    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return rgb
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)


def _ring(image: NDArray[np.uint8], edge: int) -> NDArray[np.uint8]:
    """The outermost pixels, one a row."""
    import numpy as np

    flat = (image[:edge], image[-edge:], image[edge:-edge, :edge], image[edge:-edge, -edge:])
    return np.concatenate([part.reshape(-1, image.shape[2]) for part in flat])


def _joined(small: NDArray[np.uint8], colour: NDArray[np.float64]) -> NDArray[np.bool_]:
    import cv2
    import numpy as np

    height, width = small.shape[:2]
    soft = cv2.GaussianBlur(small, (3, 3), 0)
    kernel = np.ones((3, 3), np.uint8)
    steps = (cv2.dilate(soft, kernel) - cv2.erode(soft, kernel)).max(axis=2)
    away = np.abs(soft.astype(np.int16) - colour.astype(np.int16)).max(axis=2)
    near = away <= DEEPEST
    smooth = (near & (steps <= _SMOOTH)).astype(np.uint8)
    # An outline may have small gaps: where only they lead in, it is the product.
    room = cv2.erode(smooth, np.ones((5, 5), np.uint8))
    # The picture's edge counts as open ground, so that narrow margins are found as well.
    room = cv2.copyMakeBorder(room, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    edge = np.zeros((height + 2, width + 2), bool)
    edge[1:-1, 1:-1] = smooth.astype(bool) & (away <= 40)
    inner = edge.copy()
    inner[4:-4, 4:-4] = False
    room |= inner.astype(np.uint8)
    _, labels = cv2.connectedComponents(room, connectivity=4)
    joined = (labels == labels[0, 0])[1:-1, 1:-1].astype(np.uint8)
    # Back out to the outlines that the erosion kept away from.
    grown = cv2.dilate(joined, np.ones((7, 7), np.uint8)) & near.astype(np.uint8) & (steps <= 3 * _SMOOTH)
    return (joined | grown).astype(bool)


def shares(rgb: NDArray[np.uint8], ground: Ground, level: int) -> tuple[float, float | None]:
    """Of the outermost pixels and of all background pixels, those whose darkest channel reaches `level`.

    The second is None where the background can't be told from the rest. Measured at full size.
    """
    import cv2
    import numpy as np

    light = cv2.min(cv2.min(rgb[..., 0], rgb[..., 1]), rgb[..., 2]) >= level
    height, width = light.shape
    edge = max(2, round(0.006 * max(height, width)))
    border = float(_ring(light[..., None].astype(np.uint8), edge).mean())
    if not ground.plain:
        return border, None
    things = cv2.dilate((~ground.ground).astype(np.uint8), np.ones((2 * _RIM + 1,) * 2, np.uint8))
    open_ground = cv2.resize(1 - things, (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)
    total = int(open_ground.sum())
    if total < 0.005 * light.size:
        return border, None
    return border, float((light & open_ground).sum()) / total


def whitened(rgb: NDArray[np.uint8], ground: Ground) -> NDArray[np.uint8]:
    """The picture with its background white; the product and its edge stay as they are.

    Shadows fade: what is up to 45 levels under white becomes white, what is 75 under it stays.
    """
    import cv2
    import numpy as np

    height, width = rgb.shape[:2]
    inner = cv2.erode(ground.ground.astype(np.uint8) * 255, np.ones((3, 3), np.uint8))
    soft = cv2.resize(cv2.GaussianBlur(inner, (3, 3), 0), (width, height), interpolation=cv2.INTER_LINEAR)
    light = cv2.min(cv2.min(rgb[..., 0], rgb[..., 1]), rgb[..., 2])
    ramp = np.clip((np.arange(256) - (255 - DEEPEST)) * 255 / 30, 0, 255).astype(np.uint8)
    share = cv2.multiply(soft, cv2.LUT(light, ramp), scale=1 / 255)
    # The last pixels before the outline, by how much of the background's colour is in them: else a grey seam
    # would stay around the product.
    beside = cv2.dilate(ground.ground.astype(np.uint8) * 255, np.ones((7, 7), np.uint8))
    beside = cv2.resize(beside, (width, height), interpolation=cv2.INTER_LINEAR)
    away = cv2.absdiff(rgb, np.full_like(rgb, ground.colour)).max(axis=2)
    alike = np.clip((40 - np.arange(256)) * 255 / 30, 0, 255).astype(np.uint8)
    share = cv2.max(share, cv2.multiply(beside, cv2.LUT(away, alike), scale=1 / 255))
    made = rgb.copy()
    for channel in range(3):
        part = made[..., channel]
        made[..., channel] = part + cv2.multiply(255 - part, share, scale=1 / 255)
    return made
