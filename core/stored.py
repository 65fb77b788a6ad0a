"""How much a store holds and what that costs, from the sums by day: no store is asked."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from core import budget, clock
from core.database import rollups
from core.database.engine import reading
from core.studio import Studio

ROOMS = ("input", "generated", "thumb")
WEEKS = 12
_TABLE = Path(__file__).parent / "storage" / "prices.toml"


@dataclass(frozen=True, kw_only=True)
class Room:
    """Objects under one prefix, by the rows that name them."""

    name: str
    objects: int
    bytes: int
    unsized: int
    """Of the objects, those whose size was not recorded: they are not in `bytes`."""


@dataclass(frozen=True, kw_only=True)
class Bill:
    """A month of R2 in US dollars, not rounded up; the free part taken off."""

    storage: Decimal
    """For a whole month at what is stored now."""
    class_a: Decimal
    class_b: Decimal
    """For the operations of this month so far."""
    free_gb: int
    dated: date
    """Of the price list."""

    @property
    def whole(self) -> Decimal:
        return self.storage + self.class_a + self.class_b


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One store; operations are those that this desk's processes sent in this month of TIMEZONE."""

    rooms: tuple[Room, ...]
    weeks: tuple[tuple[date, int], ...]
    """(Monday, bytes stored in that week that are still there), the last twelve, oldest first."""
    elsewhere: int
    """Objects of rows that name other stores."""
    class_a: int
    class_b: int
    bill: Bill | None
    """None where the store is no R2."""

    @property
    def objects(self) -> int:
        return sum(room.objects for room in self.rooms)

    @property
    def bytes(self) -> int:
        return sum(room.bytes for room in self.rooms)

    @property
    def unsized(self) -> int:
        return sum(room.unsized for room in self.rooms)


def stored(studio: Studio) -> Stored:
    """What the configured store holds. Raises DatabaseError kinds."""
    today = budget.day_of(studio, clock.now())
    monday = today - timedelta(days=today.weekday())
    first = monday - timedelta(weeks=WEEKS - 1)
    parts = ("measure", "detail", "store")
    with reading(studio.engine) as connection:
        whole = rollups.read(connection, ("stored", "unsized"), parts)
        lately = rollups.read(connection, ("stored",), ("store", "day"), since=first)
        asked = rollups.read(connection, ("asked",), parts, since=today.replace(day=1))
    name = studio.store.name
    here: Counter[tuple[str, str]] = Counter()
    size: Counter[str] = Counter()
    for row in whole:
        if row.store == name:
            here[row.measure, row.detail] += row.n
            size[row.detail] += row.amount
    weeks: Counter[date] = Counter({first + timedelta(weeks=n): 0 for n in range(WEEKS)})
    for row in lately:
        if row.store == name:
            weeks[row.day - timedelta(days=row.day.weekday())] += row.amount
    calls = Counter({row.detail: row.n for row in asked if row.store == name})
    return Stored(
        rooms=tuple(
            Room(
                name=room,
                objects=here["stored", room],
                bytes=size[room],
                unsized=here["unsized", room],
            )
            for room in ROOMS
        ),
        weeks=tuple(sorted(weeks.items()))[-WEEKS:],
        elsewhere=sum(row.n for row in whole if row.store != name and row.measure == "stored"),
        class_a=calls["a"],
        class_b=calls["b"],
        bill=bill(size.total(), calls["a"], calls["b"]) if name.startswith("r2:") else None,
    )


def bill(size: int, class_a: int, class_b: int) -> Bill:
    """A month of R2 with so many bytes and operations."""
    prices = _prices()
    gigabytes = max(Decimal(0), Decimal(size) / 10**9 - prices["free_gb"])
    a, b = (
        Decimal(max(0, n - prices[f"free_{name}"])) / 10**6 * Decimal(prices[name])
        for n, name in ((class_a, "class_a"), (class_b, "class_b"))
    )
    return Bill(
        storage=gigabytes * Decimal(prices["gb_month"]),
        class_a=a,
        class_b=b,
        free_gb=prices["free_gb"],
        dated=prices["date"],
    )


@cache
def _prices() -> Any:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))["r2"]
