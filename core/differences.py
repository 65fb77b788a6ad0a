"""What a comparison of storage and records found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from core.database.objects import Named
from core.storage import ObjectInfo

if TYPE_CHECKING:
    from core.language import Words

EXAMPLES = 20
"""Of each kind; the rest is counted."""


class Kind(StrEnum):
    """One way in which store and rows differ."""

    ORPHAN = "orphan"
    """An object older than the grace period that no row names."""
    MISSING = "missing"
    """A row names an object that is not there."""
    THUMB = "thumb"
    """The same of a thumbnail."""
    SIZE = "size"
    """The object has other bytes: their number differs from the row's."""
    HASH = "hash"
    """The same, seen by SHA-256."""
    UNFINISHED = "unfinished"
    """A stored answer whose output ended without a picture: it can be adopted."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    kind: Kind
    key: str
    rows: tuple[Named, ...] = field(default=(), repr=False)
    found: ObjectInfo | None = field(default=None, repr=False)

    @property
    def row(self) -> str:
        """The rows that name it, such as "output 12"; empty when there is none."""
        return ", ".join(f"{row.source} {row.id}" for row in self.rows)


@dataclass(kw_only=True)
class Report:
    """Counts, and the first examples of each kind; grows while the comparison runs."""

    deep: bool
    started_at: datetime
    finished_at: datetime | None = None
    objects: int = 0
    """Looked at in the store."""
    matched: int = 0
    """Of those, named by a row."""
    rows: int = 0
    """Times that a row names an object."""
    young: int = 0
    """Without a row, younger than the grace period, or of a picture that is being made."""
    foreign: int = 0
    """Without a row and older than this database: never its own, never touched."""
    known: int = 0
    """Missing or different, and already said so on the task."""
    leaving: int = 0
    """Removed with a deleted picture whose row goes next."""
    found: Counter[Kind] = field(default_factory=Counter)
    fixed: Counter[Kind] = field(default_factory=Counter)
    examples: list[Difference] = field(default_factory=list)
    sums: int = 0
    """Sums by day that are not what the rows add up to."""
    sums_fixed: int = 0

    @property
    def number(self) -> int:
        """All that differs."""
        return self.found.total() + self.sums

    @property
    def left(self) -> int:
        """Differences that still stand."""
        return self.number - self.fixed.total() - self.sums_fixed

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        seconds = ((self.finished_at or self.started_at) - self.started_at).total_seconds()
        kinds = {
            kind.value: {
                "found": self.found[kind],
                "fixed": self.fixed[kind],
                "examples": [
                    {"key": item.key, "rows": item.row} for item in self.examples if item.kind is kind
                ],
            }
            for kind in Kind
        }
        names = ("deep", "objects", "matched", "rows", "young", "foreign", "known", "leaving", "left")
        counts = {name: getattr(self, name) for name in names}
        sums = {"found": self.sums, "fixed": self.sums_fixed}
        return {**counts, "seconds": round(seconds, 3), "sums": sums, "differences": kinds}

    def lines(self, words: Words) -> Iterator[str]:
        """For a terminal."""
        if self.number:
            yield words("reconcile.differ", n=self.number, objects=self.objects)
        else:
            yield words("reconcile.clean", n=self.objects)
        for kind in Kind:
            if not self.found[kind]:
                continue
            fixed = words("reconcile.fixed", n=self.fixed[kind]) if self.fixed[kind] else ""
            yield f"  {words(f'reconcile.{kind}', n=self.found[kind])}  {fixed}".rstrip()
            examples = [item for item in self.examples if item.kind is kind]
            yield from (f"    {item.key}  {item.row}".rstrip() for item in examples)
            if (more := self.found[kind] - len(examples)) > 0:
                yield f"    {words('reconcile.more', n=more)}"
        if self.sums:
            fixed = words("reconcile.fixed", n=self.sums_fixed) if self.sums_fixed else ""
            yield f"  {words('reconcile.sums', n=self.sums)}  {fixed}".rstrip()
        for name in ("young", "foreign", "known", "leaving"):
            if n := getattr(self, name):
                yield f"  {words(f'reconcile.aside.{name}', n=n)}"

    def note(self, difference: Difference) -> None:
        self.found[difference.kind] += 1
        if self.found[difference.kind] <= EXAMPLES:
            self.examples.append(difference)
