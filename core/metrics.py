"""What is counted, and its text in OpenMetrics. Every Studio has its own."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Any

from core import clock
from core.database import waiting
from core.database.engine import reading
from core.errors import DatabaseError
from core.model import OutputState

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric
    from sqlalchemy import Engine

OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
FRESH = 5.0
"""Seconds for which an answer of the database is given again."""
_SECONDS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 180, 300, 360)


class Meters:
    """Counters of this process. Threads may share them."""

    def __init__(self) -> None:
        self._started = time.time()
        self._beaten: float | None = None
        self._lock = threading.Lock()
        self._made: _Made | None = None
        self._asked: Counter[tuple[str, str]] = Counter()

    def answered(self, provider: str, model: str, seconds: float) -> None:
        """A provider call ended, in whatever way."""
        self._parts.latency.labels(provider, model).observe(seconds)

    def ended(self, provider: str, model: str, outcome: str, cost_micros: int | None) -> None:
        """An attempt at an output ended; `outcome` is "picture" or an error's kind, an unknown cost None."""
        self._parts.outcomes.labels(provider, model, outcome).inc()
        if cost_micros is None:
            self._parts.unpriced.labels(provider, model).inc()
        else:
            self._parts.cost.labels(provider, model).inc(cost_micros)

    def store_failed(self, store: str, act: str, kind: str) -> None:
        """The store did not do what was asked."""
        self._parts.store.labels(store, act, kind).inc()

    def store_asked(self, store: str, kind: str) -> None:
        """An act was sent to the store, of R2's class "a" or "b"."""
        with self._lock:
            self._asked[store, kind] += 1

    def take_asked(self) -> Counter[tuple[str, str]]:
        """The acts by store and class since they were last taken."""
        with self._lock:
            taken, self._asked = self._asked, Counter()
        return taken

    def give_asked(self, taken: Counter[tuple[str, str]]) -> None:
        """Put back what could not be written down."""
        with self._lock:
            self._asked += taken

    def beat(self) -> None:
        """This process renewed its lease."""
        self._beaten = time.monotonic()

    def text(self, engine: Engine) -> str:
        """All of it, with the queue as the database has it now, or had at most `FRESH` seconds ago."""
        from prometheus_client.openmetrics import exposition

        made = self._parts
        made.queue.engine = engine
        if self._beaten is not None:
            made.beat.set(time.monotonic() - self._beaten)
        text: bytes = exposition.generate_latest(made.registry)  # type: ignore[no-untyped-call]
        return text.decode()

    @property
    def _parts(self) -> _Made:
        with self._lock:
            if self._made is None:
                self._made = _make(self._started)
            return self._made


@dataclass(kw_only=True)
class _Made:
    registry: CollectorRegistry
    outcomes: Any
    latency: Any
    cost: Any
    unpriced: Any
    store: Any
    beat: Any
    queue: _Queue


def _make(started: float) -> _Made:
    """The registry; the library is imported with the first count or reading."""
    import prometheus_client as given

    registry = given.CollectorRegistry(auto_describe=True)
    counter = partial(given.Counter, registry=registry)
    gauge = partial(given.Gauge, registry=registry)
    given.ProcessCollector(registry=registry)
    gauge("packshot_start_time_seconds", "When this process opened the desk.").set(started)
    given.Info("packshot_build", "The version that runs.", registry=registry).info({"version": version()})
    queue = _Queue()
    registry.register(queue)
    return _Made(
        registry=registry,
        outcomes=counter("packshot_attempts", "Ended attempts at outputs.", ["provider", "model", "outcome"]),
        latency=given.Histogram(
            "packshot_provider_seconds",
            "Time of provider calls.",
            ["provider", "model"],
            buckets=_SECONDS,
            registry=registry,
        ),
        cost=counter(
            "packshot_cost_microdollars",
            "Known cost of attempts, in millionths of a US dollar.",
            ["provider", "model"],
        ),
        unpriced=counter(
            "packshot_attempts_unpriced", "Ended attempts whose cost is not known.", ["provider", "model"]
        ),
        store=counter(
            "packshot_store_errors", "Acts that the object store refused.", ["store", "act", "kind"]
        ),
        beat=gauge("packshot_heartbeat_age_seconds", "Since this process renewed its lease."),
        queue=queue,
    )


class _Queue:
    """What waits and works, read from the database when somebody asks."""

    def __init__(self) -> None:
        self.engine: Engine | None = None
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._seen: waiting.Waiting | None = None

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        seen = self._fresh()
        up = GaugeMetricFamily("packshot_database_up", "1 when the database answered.")
        up.add_metric([], 0 if seen is None else 1)
        yield up
        if seen is None:
            return
        depth = GaugeMetricFamily(
            "packshot_outputs_open", "Outputs that wait or are made, of all processes.", labels=["state"]
        )
        for state in (OutputState.QUEUED, OutputState.RUNNING):
            depth.add_metric([state.value], seen.counts.get(state, 0))
        yield depth
        age = GaugeMetricFamily(
            "packshot_oldest_waiting_seconds",
            "Since the oldest waiting output was ordered; 0 when none waits.",
        )
        oldest = seen.oldest
        age.add_metric([], 0 if oldest is None else max(0.0, (clock.now() - oldest).total_seconds()))
        yield age
        cooldown = GaugeMetricFamily(
            "packshot_provider_cooldown_seconds", "Until a provider is asked again.", labels=["provider"]
        )
        for provider, until in seen.cooling:
            cooldown.add_metric([provider], max(0.0, (until - clock.now()).total_seconds()))
        yield cooldown
        stopped = GaugeMetricFamily(
            "packshot_provider_stopped",
            "1 for a provider that is asked no more.",
            labels=["provider", "kind"],
        )
        for provider, kind in seen.stopped:
            stopped.add_metric([provider, kind], 1)
        yield stopped

    def _fresh(self) -> waiting.Waiting | None:
        with self._lock:
            if self.engine is not None and time.monotonic() - self._read_at >= FRESH:
                try:
                    with reading(self.engine) as connection:
                        self._seen = waiting.look(connection, clock.now())
                except DatabaseError:
                    self._seen = None
                self._read_at = time.monotonic()
            return self._seen


def version() -> str:
    """Of this project, installed or not."""
    try:
        return metadata.version("packshot")
    except metadata.PackageNotFoundError:
        return "source"
