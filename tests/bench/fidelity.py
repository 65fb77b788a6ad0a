"""The fidelity check on drawn pairs: how well it tells altered from preserved, and how long it takes.

208 pairs whose packages, words and seeds the thresholds were never tuned on, and a part of those that they
were tuned on beside them. A pair that could not be compared counts with the limit itself (1.0) as its score:
it helps nobody. Seconds are CPU time of one thread on one core, reading of labels left out, over what
scikit-image's plain SSIM of the same two pictures takes in the same run.
"""

from __future__ import annotations

import io
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.drawn.pairs import ALTERED, KEPT, Pair, pair

EACH = 16
"""Pairs of each of the 13 kinds."""
TUNED = 4
"""Likewise, of those that were tuned on."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    kind: str
    score: float
    compared: bool
    seconds: float
    plain: float
    """Seconds of the reference."""


def run() -> Iterator[str]:
    import cv2

    threads, cores = cv2.getNumThreads(), None
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cores)})
    try:
        yield from _lines("tuned", [_judged(kind, n, held=False) for kind in _kinds() for n in range(TUNED)])
        held = [_judged(kind, n, held=True) for kind in _kinds() for n in range(EACH)]
        yield from _lines("held out", held)
        yield _speed(held)
    finally:
        cv2.setNumThreads(threads)
        if cores:
            os.sched_setaffinity(0, cores)


def _kinds() -> tuple[str, ...]:
    return (*KEPT, *ALTERED)


def _judged(kind: str, number: int, *, held: bool) -> Judged:
    from core.checks.fidelity import compare

    drawn = pair(kind, number, held=held)
    started = time.process_time()
    found = compare(drawn.source, drawn.result, words=False)
    seconds = time.process_time() - started
    return Judged(
        kind=kind,
        score=found.score,
        compared=bool(found.axes),
        seconds=seconds,
        plain=_plain(drawn),
    )


def _plain(drawn: Pair) -> float:
    import numpy as np
    from PIL import Image
    from skimage.metrics import structural_similarity

    with Image.open(io.BytesIO(drawn.source)) as one, Image.open(io.BytesIO(drawn.result)) as other:
        started = time.process_time()
        structural_similarity(np.asarray(one), np.asarray(other), channel_axis=2)
        return time.process_time() - started


def _lines(part: str, judged: Sequence[Judged]) -> Iterator[str]:
    kept = [one for one in judged if one.kind in KEPT]
    scores = [one.score for one in kept]
    for kind in KEPT:
        rows = [one for one in kept if one.kind == kind]
        alarms = sum(one.score >= 1 and one.compared for one in rows)
        unable = sum(not one.compared for one in rows)
        worst = max(one.score for one in rows)
        more = f"{alarms} false alarms, {unable} not compared, worst score {worst:.2f}"
        yield f"{part}, preserved, {kind}: {len(rows)} pairs, {more}"
    for kind in ALTERED:
        rows = [one for one in judged if one.kind == kind]
        missed = sum(one.score < 1 for one in rows)
        area = _area(auc([one.score for one in rows], scores), 0.9)
        yield f"{part}, altered, {kind}: {len(rows)} pairs, {area}, {missed} missed"
    altered = [one for one in judged if one.kind in ALTERED]
    yield f"{part}, {len(judged)} pairs: {_area(auc([one.score for one in altered], scores), 0.97)}"
    alarms = sum(one.score >= 1 and one.compared for one in kept) / len(kept)
    misses = sum(one.score < 1 for one in altered) / len(altered)
    unable = sum(not one.compared for one in kept) / len(kept)
    verdict = "within" if unable < 0.1 else "OVER"
    yield f"{part}: false alarms {alarms:.1%}, misses {misses:.1%}"
    yield f"{part}: not compared of preserved {unable:.1%} ({verdict} 10%)"


def _area(area: float, least: float) -> str:
    return f"AUC {area:.3f} ({'within' if area >= least else 'UNDER'} at least {least})"


def _speed(judged: Sequence[Judged]) -> str:
    ours = statistics.median(one.seconds for one in judged)
    plain = statistics.median(one.plain for one in judged)
    slow = sorted(one.seconds for one in judged)[int(0.95 * len(judged))]
    verdict = "within" if ours < 1 else "OVER"
    return (
        f"a pair at 1024 px on one core: {ours:.2f} s, 95 of 100 under {slow:.2f} s ({verdict} 1.0 s); "
        f"{ours / plain:.1f} times scikit-image's SSIM ({plain:.2f} s)"
    )


def auc(altered: Sequence[float], kept: Sequence[float]) -> float:
    """The chance that an altered pair scores above a preserved one; a tie is half a chance."""
    wins = sum((a > k) + 0.5 * (a == k) for a in altered for k in kept)
    return wins / (len(altered) * len(kept))
