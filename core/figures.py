"""What Insights shows, from the sums by day: a handful of statements, however many pictures there are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Generic, TypeVar

from core import budget, clock
from core.database import rollups, spending
from core.database.engine import reading
from core.studio import Studio
from core.tallies import middle

_MADE = ("outcome", "review", "spent", "possible", "latency")
_BY_DAY = ("outcome", "review", "spent", "possible")
_JUDGED = ("judged", "second", "pace")

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, kw_only=True)
class Span:
    """Days of TIMEZONE, both inclusive."""

    since: date
    until: date


@dataclass(frozen=True, kw_only=True)
class Made(Generic[K]):
    """What was made under one key, and what became of it; money in micro-dollars."""

    key: K
    outcomes: Mapping[str, int]
    """Ended outputs by "picture" or the kind of their error."""
    approved: int
    rejected: Mapping[str, int]
    """By reason."""
    spent: int
    possible: int
    """Estimates of calls that may have been charged."""
    unpriced: int
    """Calls of which nobody knows a price, not even an estimate."""

    @property
    def pictures(self) -> int:
        return self.outcomes.get("picture", 0)

    @property
    def judged(self) -> int:
        return self.approved + sum(self.rejected.values())

    @property
    def approval(self) -> float | None:
        """Of what was judged, 0 to 1; None when nothing was."""
        return self.approved / self.judged if self.judged else None

    @property
    def per_approved(self) -> float | None:
        """Micro-dollars, all that was or may have been charged; None when nothing was approved or priced."""
        cost = self.spent + self.possible
        return cost / self.approved if self.approved and (cost or not self.unpriced) else None


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Times of pictures in milliseconds, each at most 4.5 % off."""

    provider: str
    model: str
    n: int
    p50: float
    p95: float


@dataclass(frozen=True, kw_only=True)
class Reviewer:
    actor: str
    approved: int
    rejected: int
    pace: float | None
    """Judgements a minute, pauses of more than five minutes left out."""
    agreed: int
    differed: int
    """Pictures times other people who judged the same one alike, or not."""

    @property
    def agreement(self) -> float | None:
        both = self.agreed + self.differed
        return self.agreed / both if both else None


@dataclass(frozen=True, kw_only=True)
class Day:
    """One day's money in micro-dollars, descriptions included."""

    day: date
    spent: int
    possible: int


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Everything of a span."""

    span: Span
    whole: Made[None]
    looks: tuple[Made[tuple[str, int]], ...]
    """By preset and version."""
    models: tuple[Made[tuple[str, str]], ...]
    """By provider and model."""
    weeks: tuple[Made[date], ...]
    """By the week's Monday, oldest first."""
    latency: tuple[Latency, ...]
    reviewers: tuple[Reviewer, ...]
    days: tuple[Day, ...]
    """Each day of the span, oldest first."""
    limit: int | None
    """DAILY_BUDGET_USD in micro-dollars."""


def last(studio: Studio, days: int) -> Span:
    """The last days up to today."""
    today = budget.day_of(studio, clock.now())
    return Span(since=today - timedelta(days=days - 1), until=today)


def figures(studio: Studio, span: Span) -> Figures:
    """Raises DatabaseError kinds."""
    between: Any = {"since": span.since, "until": span.until}
    parts = ("measure", "detail", "preset", "version", "provider", "model")
    with reading(studio.engine) as connection:
        made = rollups.read(connection, _MADE, parts, **between)
        daily = rollups.read(connection, _BY_DAY, ("measure", "detail", "day"), **between)
        people = rollups.read(connection, _JUDGED, ("measure", "detail", "actor"), **between)
        money = spending.by_day(connection, span.since, span.until)
    days = (span.since + timedelta(days=n) for n in range((span.until - span.since).days + 1))
    times = [row for row in made if row.measure == "latency"]
    rows = [row for row in made if row.measure != "latency"]
    whole = _made(rows, lambda row: None)
    return Figures(
        span=span,
        whole=whole[0] if whole else _one(None, []),
        looks=_most(_made(rows, lambda row: (row.preset, row.version))),
        models=_most(_made(rows, lambda row: (row.provider, row.model))),
        weeks=tuple(sorted(_made(daily, lambda row: _monday(row.day)), key=lambda made: made.key)),
        latency=_latency(times),
        reviewers=_reviewers(people),
        days=tuple(Day(day=d, spent=money.get(d, (0, 0))[0], possible=money.get(d, (0, 0))[1]) for d in days),
        limit=budget.to_micros(studio.settings.daily_budget_usd),
    )


def by_version(studio: Studio) -> dict[tuple[str, int], Made[tuple[str, int]]]:
    """All that was made with each version of every preset. Raises DatabaseError kinds."""
    with reading(studio.engine) as connection:
        rows = rollups.read(connection, _BY_DAY, ("measure", "detail", "preset", "version"))
    return {made.key: made for made in _made(rows, lambda row: (row.preset, int(row.version)))}


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _most(found: list[Made[K]]) -> tuple[Made[K], ...]:
    return tuple(sorted(found, key=lambda made: (-sum(made.outcomes.values()), str(made.key))))


def _made(rows: Iterable[Any], key: Callable[[Any], K]) -> list[Made[K]]:
    groups: defaultdict[K, list[Any]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return [_one(name, group) for name, group in groups.items()]


def _one(key: K, rows: list[Any]) -> Made[K]:
    outcomes: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    approved = spent = possible = unpriced = 0
    for row in rows:
        if row.measure == "outcome":
            outcomes[row.detail] += row.n
        elif row.measure == "spent":
            spent += row.amount
        elif row.measure == "possible":
            possible += row.amount
            unpriced += row.n if row.detail else 0
        elif row.detail == "approved":
            approved += row.n
        else:
            rejected[row.detail.removeprefix("rejected.")] += row.n
    return Made(
        key=key,
        outcomes=outcomes,
        approved=approved,
        rejected=rejected,
        spent=spent,
        possible=possible,
        unpriced=unpriced,
    )


def _latency(rows: list[Any]) -> tuple[Latency, ...]:
    groups: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for row in rows:
        groups[row.provider, row.model][int(row.detail)] += row.n
    found = [
        Latency(
            provider=provider,
            model=model,
            n=counts.total(),
            p50=_percentile(counts, 0.5),
            p95=_percentile(counts, 0.95),
        )
        for (provider, model), counts in groups.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.n, one.provider, one.model)))


def _percentile(counts: Mapping[int, int], share: float) -> float:
    """The time of the bucket that holds this share of all, counted from the quickest."""
    wanted, seen = share * sum(counts.values()), 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= wanted:
            break
    return middle(bucket)


@dataclass(kw_only=True)
class _Acts:
    counts: Counter[str] = field(default_factory=Counter)
    ms: int = 0


def _reviewers(rows: list[Any]) -> tuple[Reviewer, ...]:
    found: defaultdict[str, _Acts] = defaultdict(_Acts)
    for row in rows:
        found[row.actor].counts[row.detail or row.measure] += row.n
        if row.measure == "pace":
            found[row.actor].ms += row.amount
    people = [
        Reviewer(
            actor=actor,
            approved=acts.counts["approved"],
            rejected=acts.counts["rejected"],
            pace=60_000 * acts.counts["pace"] / acts.ms if acts.ms else None,
            agreed=acts.counts["agreed"],
            differed=acts.counts["differed"],
        )
        for actor, acts in found.items()
    ]
    return tuple(sorted(people, key=lambda one: (-one.approved - one.rejected, one.actor)))
