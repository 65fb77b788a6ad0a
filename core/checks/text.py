"""Text and watermarks that lie beside the product, found as rows of marks of one height."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from core.checks.ground import Ground, shrunk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GRID = 10
"""Rakuten counts a grid of 10 by 10 cells; one that text touches counts whole."""
_WORK = 1_000
_MOST_MARKS = 600
"""More marks than this are a pattern or a scene full of detail."""
_MOST_LINES = 6
"""Lines that are read; the rest is judged by its shape."""
_SURE = 4
"""Marks in a row that are text even when nobody can read them."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """`boxes` as shares of width and height (left, top, right, bottom). `told` False: it can't be said."""

    told: bool
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    things: frozenset[int] = field(default=frozenset(), repr=False)
    """The numbers of the ground's things that are text."""

    @property
    def cells(self) -> int:
        """How many of the grid's cells are touched."""
        touched = set()
        for left, top, right, bottom in self.boxes:
            touched |= {
                (x, y)
                for x in range(int(left * GRID), min(GRID, math.ceil(right * GRID)))
                for y in range(int(top * GRID), min(GRID, math.ceil(bottom * GRID)))
            }
        return len(touched)


def find(rgb: NDArray[np.uint8], ground: Ground) -> Text:
    """Text off the product. In a scene product and surroundings are not told apart: where it holds what
    looks like text, nothing is said."""
    import cv2
    import numpy as np

    image = shrunk(rgb, _WORK)
    height, width = image.shape[:2]
    kernel = np.ones((3, 3), np.uint8)
    edges = (cv2.dilate(image, kernel) - cv2.erode(image, kernel)).max(axis=2)
    if not ground.plain:
        ink = (edges > 60).astype(np.uint8)
        lines = [line for line in _lines(ink) if len(line) >= _SURE]
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return Text(told=not any(_read(grey, _around(line)) for line in lines[:_MOST_LINES]))
    product, small = _product(ground, (width, height))
    # Marks before the background, and marks on a badge that lies there.
    away = cv2.absdiff(image, np.full_like(image, ground.colour)).max(axis=2)
    on_ground = ((away > 12) & ~product).astype(np.uint8)
    on_badge = ((edges > 14) & ~product).astype(np.uint8)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    lines = [*_lines(on_ground), *_lines(on_badge)]
    # Parts of a set that stand in a row are no text unless they can be read.
    large = _lines_of(_marks_of(ground, (width, height)))
    found = [_around(line) for line in lines if _is_text(grey, line, sure=len(line) >= _SURE)]
    things = set()
    for line in large:
        if _is_text(grey, line, sure=False):
            found.append(_around(line))
    for number, box in small.items():
        if any(_within(box, text) for text in found):
            things.add(number)
    boxes = tuple((x / width, y / height, end / width, foot / height) for x, y, end, foot in found)
    return Text(told=True, boxes=boxes, things=frozenset(things))


def _product(ground: Ground, size: tuple[int, int]) -> tuple[NDArray[np.bool_], dict[int, Box]]:
    """What is product without doubt, a little wider, and the boxes of all things in pixels of `size`.

    Without doubt is the largest thing, what is half as large, and what stands inside their outlines.
    """
    import cv2
    import numpy as np

    scaled = _scaled_boxes(ground, size)
    if not ground.boxes:
        return np.zeros(size[::-1], bool), scaled
    most = max(area for *_, area in ground.boxes)
    sure = [n for n, (*_, area) in enumerate(ground.boxes, 1) if area >= 0.5 * most]
    mask = np.isin(ground.parts, sure).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    mask = cv2.drawContours(mask, contours, -1, 1, cv2.FILLED)
    mask = cv2.dilate(mask, np.ones((7, 7), np.uint8))
    return cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST).astype(bool), scaled


def _scaled_boxes(ground: Ground, size: tuple[int, int]) -> dict[int, Box]:
    across, down = size[0] / ground.parts.shape[1], size[1] / ground.parts.shape[0]
    return {
        n: (round(x * across), round(y * down), round((x + w) * across), round((y + h) * down))
        for n, (x, y, w, h, _) in enumerate(ground.boxes, 1)
    }


def _marks_of(ground: Ground, size: tuple[int, int]) -> list[Box]:
    """Things as large as the product's parts that might be large letters."""
    if not ground.boxes:
        return []
    most = max(area for *_, area in ground.boxes)
    scaled = _scaled_boxes(ground, size)
    boxes = [scaled[n] for n, (*_, area) in enumerate(ground.boxes, 1) if area >= 0.5 * most]
    return [box for box in boxes if box[3] - box[1] <= 0.25 * size[1]] if len(boxes) > 1 else []


def _lines(ink: NDArray[np.uint8]) -> list[list[Box]]:
    """Rows of marks in a mask, the longest first."""
    import cv2

    height, width = ink.shape
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    marks = []
    for x, y, w, h, area in stats[1:].tolist():
        tall = max(7, 0.008 * height) <= h <= 0.25 * height
        if tall and w <= 4 * h and w <= 0.5 * width and area >= 0.12 * w * h:
            marks.append((x, y, x + w, y + h))
    return _lines_of(marks[:_MOST_MARKS])


def _lines_of(marks: Sequence[Box]) -> list[list[Box]]:
    across = _rows(marks)
    turned = _rows([(y, x, foot, end) for x, y, end, foot in marks])
    down = [[(x, y, end, foot) for y, x, foot, end in line] for line in turned]
    used = {box for line in across for box in line}
    down = [line for line in down if not used & set(line)]
    return sorted([*across, *down], key=len, reverse=True)


def _rows(marks: Iterable[Box]) -> list[list[Box]]:
    """Three or more marks side by side, of about one height and on about one line."""
    rows: list[list[Box]] = []
    for mark in sorted(marks):
        for row in rows:
            _, top, end, foot = row[-1]
            heights = foot - top, mark[3] - mark[1]
            tall = max(heights)
            shared = min(foot, mark[3]) - max(top, mark[1])
            near = -0.5 * tall <= mark[0] - end <= 1.3 * tall
            if near and min(heights) >= 0.5 * tall and shared >= 0.5 * tall:
                row.append(mark)
                break
        else:
            rows.append([mark])
    return [row for row in rows if len(row) >= 3]


def _around(line: Sequence[Box]) -> Box:
    return (
        min(box[0] for box in line),
        min(box[1] for box in line),
        max(box[2] for box in line),
        max(box[3] for box in line),
    )


def _within(box: Box, text: Box) -> bool:
    """Does most of a thing lie in a line of text?"""
    wide = min(box[2], text[2] + 4) - max(box[0], text[0] - 4)
    high = min(box[3], text[3] + 4) - max(box[1], text[1] - 4)
    return wide > 0 and high > 0 and wide * high >= 0.6 * (box[2] - box[0]) * (box[3] - box[1])


def _is_text(grey: NDArray[np.uint8], line: Sequence[Box], *, sure: bool) -> bool:
    return sure or _read(grey, _around(line))


@cache
def languages() -> str | None:
    """What Tesseract reads here, or None where it is not installed."""
    if shutil.which("tesseract") is None:
        return None
    import pytesseract

    have = set(pytesseract.get_languages(config=""))
    return "+".join(name for name in ("eng", "chi_tra", "jpn") if name in have) or None


def _read(grey: NDArray[np.uint8], box: Box) -> bool:
    """Does Tesseract read two signs or more there? Where it is not installed, shape alone decides."""
    import cv2
    import numpy as np

    tongues = languages()
    if tongues is None:
        return True
    import pytesseract

    left, top, right, bottom = box
    pad = max(4, (bottom - top) // 4)
    crop = grey[max(0, top - pad) : bottom + pad, max(0, left - pad) : right + pad]
    scale = 48 / max(8, bottom - top)
    crop = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    low, high = np.percentile(crop, (1, 99))
    crop = np.clip((crop.astype(np.float32) - low) * 255 / max(1.0, high - low), 0, 255).astype(np.uint8)
    if crop[0].mean() < 128:
        crop = 255 - crop
    found = pytesseract.image_to_data(
        crop, lang=tongues, config="--psm 7", output_type=pytesseract.Output.DICT, timeout=10
    )
    signs = [
        text
        for text, sure in zip(found["text"], found["conf"], strict=True)
        if float(sure) >= 40
        for text in text
        if text.isalnum()
    ]
    return len(signs) >= 2
