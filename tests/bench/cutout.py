"""The local cut-out on plain-background photos: how well it fits, and whether wrong ones are called unsure.

Drawn packages before plain grounds, their outline known. The reliability table groups the cut-outs by
`cutout_confidence`: wrong ones (IoU under 0.9) should stand in the low rows, below the confidence from which
the desk calls a cut-out sure.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Sequence
from random import Random

from tests.drawn.packages import draw, invent
from tests.drawn.pairs import Way, mask_of, photographed

PHOTOS = 80
WRONG = 0.9
"""Intersection over union below which somebody should look."""
GROUNDS = ("white", "grey", "studio", "table", "cloth")
EDGES = (0.0, 0.3, 0.5, 0.7, 0.9, 1.01)

Found = tuple[float, float]
"""IoU and confidence."""


def run() -> Iterator[str]:
    from core.providers.local import SURE

    found = [cut(number) for number in range(PHOTOS)]
    fits = [iou for iou, _ in found]
    median = statistics.median(fits)
    verdict = "within" if median >= 0.95 else "UNDER"
    tenth = sorted(fits)[len(fits) // 10]
    yield (
        f"{PHOTOS} photos on plain grounds: median IoU {median:.3f} ({verdict} at least 0.95), "
        f"one in ten under {tenth:.3f}"
    )
    yield from _table(found)
    wrong = [sure for iou, sure in found if iou < WRONG]
    called = sum(sure < SURE for sure in wrong)
    yield f"wrong (IoU under {WRONG}): {len(wrong)}, of these called unsure: {called}"
    right = [sure for iou, sure in found if iou >= WRONG]
    yield f"right: {len(right)}, of these called sure: {sum(sure >= SURE for sure in right)}"


def cut(number: int) -> Found:
    """One photo cut out."""
    from core.images.cutout import cut_out

    rng = Random(f"cut {number}")
    package = draw(invent(1000 + number, held=number % 2 == 0))
    way = Way(
        height=rng.uniform(0.5, 0.85),
        turn=rng.uniform(-6, 6),
        tilt=(rng.uniform(-8, 8), rng.uniform(-6, 6)),
        gain=rng.uniform(0.85, 1.1),
        warmth=rng.uniform(-0.04, 0.06),
        slope=(rng.uniform(-0.15, 0.15), rng.uniform(-0.1, 0.1)),
        grain=rng.uniform(1, 4),
        blur=rng.uniform(0, 0.6),
        ground=GROUNDS[number % len(GROUNDS)],
    )
    made = cut_out(photographed(package, way, rng))
    truth, own = mask_of(package, way), made.alpha > 0.5
    return float((truth & own).sum() / (truth | own).sum()), made.confidence


def _table(found: Sequence[Found]) -> Iterator[str]:
    for low, high in itertools.pairwise(EDGES):
        rows = [iou for iou, sure in found if low <= sure < high]
        if rows:
            wrong = sum(iou < WRONG for iou in rows)
            yield (
                f"confidence {low:.1f} to {min(high, 1):.1f}: {len(rows)} photos, median IoU "
                f"{statistics.median(rows):.3f}, {wrong} wrong"
            )
        else:
            yield f"confidence {low:.1f} to {min(high, 1):.1f}: none"
