"""Clocks and the lines that benchmarks print."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def alternated(ours: Callable[[], float], reference: Callable[[], float], runs: int) -> tuple[float, float]:
    """Medians of both, run in turn so that drift of the machine hits both alike."""
    pairs = [(ours(), reference()) for _ in range(runs)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def line(what: str, ours: float, reference: float, budget: float) -> str:
    ratio = ours / reference
    verdict = "within" if ratio <= budget else "OVER"
    return f"{what}: {ours * 1000:.0f} ms over {reference * 1000:.0f} ms = {ratio:.2f} ({verdict} {budget})"


def least(what: str, ours: float, reference: float, budget: float) -> str:
    """The same for rates a second, where more is better."""
    ratio = ours / reference
    verdict = "within" if ratio >= budget else "UNDER"
    return f"{what}: {ours:.0f}/s over {reference:.0f}/s = {ratio:.2f} ({verdict} at least {budget})"
