"""What History shows as the page's address says it: read with care, written so that it reads back the same.

Streamlit's own `bind` writes the labels that people read: its links would hold for one language only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.history import Filter, Sort
from core.model import OutputState, ReviewState
from core.search import MOST
from core.tags import LONGEST
from core.text import clean

SHOW = ("to_review", "approved", "rejected", "failed", "working")
YES = "yes"
VIEWS = ("gallery", "table")
FIRST, LAST = date(2020, 1, 1), date(2099, 12, 31)
DEAREST = 1_000_000
"""US dollars for one picture."""
NAMES = ("text", "show", "preset", "version", "provider", "model", "operator", "task", "tag", "flagged",
         "days", "cost", "sort", "view")  # fmt: skip

_BAD = (OutputState.FAILED, OutputState.BLOCKED, OutputState.UNKNOWN)
_LONGEST = {"preset": 64, "provider": 16, "model": 128, "operator": 200, "task": 36, "tag": LONGEST}
_COST = re.compile(r"\d{1,7}(\.\d{1,6})?")

Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """All that is chosen, and how it is drawn."""

    text: str = ""
    show: tuple[str, ...] = ()
    preset: str | None = None
    version: int | None = None
    provider: str | None = None
    model: str | None = None
    operator: str | None = None
    task: str | None = None
    tag: str | None = None
    flagged: bool = False
    days: tuple[date, ...] = ()
    """The first and, where there is one, the last."""
    cost_from: int | None = None
    cost_to: int | None = None
    sort: Sort = Sort.NEWEST
    view: str = "gallery"

    @property
    def hidden(self) -> int:
        """How many filters are set that stand in the popover."""
        others = (self.preset, self.version, self.provider, self.model, self.operator, self.task, self.tag,
                  self.flagged, self.days)  # fmt: skip
        cost = self.cost_from is not None or self.cost_to is not None
        return sum(map(bool, others)) + cost + (self.sort is not Sort.NEWEST)

    def wanted(self) -> Filter:
        states = (*(_BAD if "failed" in self.show else ()),)
        if "working" in self.show:
            states += (OutputState.QUEUED, OutputState.RUNNING)
        return Filter(
            states=states,
            reviews=tuple(ReviewState(name) for name in self.show if name in set(ReviewState)),
            text=self.text,
            preset=self.preset,
            version=self.version,
            provider=self.provider,
            model=self.model,
            operator=self.operator,
            task=self.task,
            tag=self.tag,
            flagged=self.flagged,
            since=self.days[0] if self.days else None,
            until=self.days[-1] if self.days else None,
            cost_from=self.cost_from,
            cost_to=self.cost_to,
            sort=self.sort,
        )


def read(values: Values) -> tuple[Choice, list[str]]:
    """The choice of an address, and the names of what it says that means nothing: that is left out."""
    ignored: list[str] = []

    def first(name: str) -> str:
        return next(iter(values.get(name, ())), "")

    def known(name: str, fits: bool) -> bool:
        if first(name) and not fits:
            ignored.append(name)
        return bool(first(name)) and fits

    text = clean(first("text")).strip()
    if len(text) > MOST:
        ignored.append("text")
    given = values.get("show", ())
    known("show", all(name in SHOW for name in given))
    names = {
        name: first(name)
        for name, longest in _LONGEST.items()
        if known(name, len(first(name)) <= longest and clean(first(name)) == first(name))
    }
    version = first("version")
    whole = version.isascii() and version.isdigit() and len(version) <= 9 and "preset" in names
    days = [day for one in values.get("days", ())[:2] if (day := _day(one))]
    known("days", len(days) == len(values.get("days", ())))
    costs = [_micros(one) for one in values.get("cost", ())]
    known("cost", len(costs) <= 2 and all(cost is not None for cost in costs if cost != -1))
    least, most = ([*costs, -1, -1])[:2]
    if least is not None and most not in (None, -1) and least > (most or 0):
        least, most = most, least
    choice = Choice(
        text=text[:MOST],
        show=tuple(name for name in SHOW if name in given),
        **names,
        version=int(version) if known("version", whole) else None,
        flagged=known("flagged", first("flagged") == YES),
        days=tuple(sorted(days)),
        cost_from=None if least == -1 else least,
        cost_to=None if most == -1 else most,
        sort=Sort(first("sort")) if known("sort", first("sort") in set(Sort)) else Sort.NEWEST,
        view=first("view") if known("view", first("view") in VIEWS) else "gallery",
    )
    return choice, sorted(ignored, key=NAMES.index)


def written(choice: Choice) -> dict[str, list[str]]:
    """The address of a choice; what stands at its default is not in it."""
    values: dict[str, list[str]] = {
        "show": list(choice.show),
        "flagged": [YES] if choice.flagged else [],
        "days": [day.isoformat() for day in choice.days],
    }
    for name in ("text", *_LONGEST, "version"):
        value = getattr(choice, name)
        values[name] = [str(value)] if value else []
    if choice.cost_from is not None or choice.cost_to is not None:
        values["cost"] = [_dollars(choice.cost_from), _dollars(choice.cost_to)]
    if choice.sort is not Sort.NEWEST:
        values["sort"] = [choice.sort.value]
    if choice.view != "gallery":
        values["view"] = [choice.view]
    return {name: values[name] for name in NAMES if values.get(name)}


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST <= day <= LAST else None


def _micros(text: str) -> int | None:
    """Millionths of a dollar; -1 for an end that is open, None for what is no amount."""
    if text == "any":
        return -1
    if not _COST.fullmatch(text) or (amount := Decimal(text)) > DEAREST:
        return None
    return int(amount * 1_000_000)


def _dollars(micros: int | None) -> str:
    return "any" if micros is None else f"{Decimal(micros) / 1_000_000:f}"
