"""History: what was made, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from core import search
from core.database import exporting, gallery, presets, tags, tasks
from core.database.asked import Asked
from core.database.engine import reading
from core.errors import NotFound
from core.model import Event, Output, OutputState, Photo, ReviewState, Task
from core.studio import Studio

if TYPE_CHECKING:
    from sqlalchemy import Connection

COUNT_LIMIT = 1_000
"""Counts are exact up to here."""


PAGE = 48
"""Pictures of a page, where no other number is asked for."""

_FIRST_DAY, _LAST_DAY = date(1970, 1, 2), date(9998, 12, 30)


class Sort(StrEnum):
    """The order of a list."""

    NEWEST = "newest"
    OLDEST = "oldest"
    COST = "cost"
    """Dearest first; what has no known cost is not in it."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What to show; states and reviews widen each other, all else narrows. Dates are days of TIMEZONE."""

    states: tuple[OutputState, ...] = ()
    reviews: tuple[ReviewState, ...] = ()
    text: str = ""
    """Looked for in SKU, product name, file name, style, review notes and tags."""
    preset: str | None = None
    version: int | None = None
    provider: str | None = None
    model: str | None = None
    operator: str | None = None
    """Whose order it was: the id of an actor."""
    task: str | None = None
    """The key of one press of Generate."""
    tag: str | None = None
    flagged: bool = False
    """A check says that it was altered, or that a person should look."""
    since: date | None = None
    until: date | None = None
    """Inclusive."""
    cost_from: int | None = None
    cost_to: int | None = None
    """Millionths of a US dollar, both inclusive."""
    sort: Sort = Sort.NEWEST


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One output as a list shows it."""

    id: int
    key: str
    state: OutputState
    review: ReviewState
    variant: int
    created_at: datetime
    started_at: datetime | None
    thumb_key: str | None
    store: str
    model: str
    provider: str
    cost_micros: int | None
    error_kind: str | None
    error_data: Mapping[str, Any] = field(default_factory=dict)
    sku: str
    product_name: str
    original_name: str
    task_key: str
    preset: str
    preset_version: int


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many match. Without `exact` it is the least that there are: COUNT_LIMIT, or what one look found."""

    number: int
    exact: bool


@dataclass(frozen=True, kw_only=True)
class Page:
    """`older` and `newer` are the cursors of the neighbours; None where there is none.

    Sorted by cost, what costs less counts as older. `searched` is set when the page is not full because
    enough was examined for once: from that output on, the neighbour goes on looking.
    """

    entries: tuple[Entry, ...]
    older: int | None
    newer: int | None
    searched: Entry | None = None


@dataclass(frozen=True, kw_only=True)
class Exported:
    """One time that a picture left the desk."""

    at: datetime
    actor_name: str
    channel: str | None
    name: str
    """Of the file."""


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What filters offer: who asked, with what, tags, and the versions of each look."""

    operators: list[str]
    models: list[str]
    tags: list[str]
    versions: Mapping[str, list[int]]


@dataclass(frozen=True, kw_only=True)
class Details:
    """One output with all that is known of it."""

    output: Output
    photo: Photo
    task: Task
    events: tuple[Event, ...]
    tags: tuple[str, ...]
    exports: tuple[Exported, ...]
    """Newest first."""


def page(
    studio: Studio, wanted: Filter, *, before: int | None = None, after: int | None = None, limit: int = PAGE
) -> Page:
    """One page. `before` and `after` are cursors of a Page. Raises DatabaseError kinds."""
    # An id is never larger, and its neighbours are numbers that SQLite takes.
    before, after = (None if cursor is None else min(max(cursor, 0), 2**62) for cursor in (before, after))
    first = before is after is None
    ascending = after is not None or (first and wanted.sort is Sort.OLDEST)
    with reading(studio.engine) as connection:
        asked = asked_of(studio, connection, wanted)
        if asked is None:
            return Page(entries=(), older=None, newer=None)
        start = after if after is not None else before
        found = gallery.find(connection, asked, start=start, ascending=ascending, limit=limit + 1)
        return _page(connection, found, wanted, ascending=ascending, limit=limit)


def first(studio: Studio, wanted: Filter) -> tuple[Page, Count]:
    """The first page and how many match, exact up to COUNT_LIMIT, in one look. Raises DatabaseError kinds."""
    with reading(studio.engine) as connection:
        asked = asked_of(studio, connection, wanted)
        if asked is None:
            return Page(entries=(), older=None, newer=None), Count(number=0, exact=True)
        found, number, exact = gallery.first(connection, asked, limit=PAGE + 1, most=COUNT_LIMIT + 1)
        ascending = wanted.sort is Sort.OLDEST
        if ascending:
            found = gallery.find(connection, asked, start=None, ascending=True, limit=PAGE + 1)
        page = _page(connection, found, wanted, ascending=ascending, limit=PAGE)
    return page, Count(number=min(number, COUNT_LIMIT), exact=exact)


def count(studio: Studio, wanted: Filter) -> Count:
    """How many match, exact up to COUNT_LIMIT. Raises DatabaseError kinds."""
    with reading(studio.engine) as connection:
        asked = asked_of(studio, connection, wanted)
        if asked is None:
            return Count(number=0, exact=True)
        _, number, exact = gallery.first(connection, asked, limit=PAGE + 1, most=COUNT_LIMIT + 1)
    return Count(number=min(number, COUNT_LIMIT), exact=exact)


def offered(studio: Studio) -> Offered:
    """Raises DatabaseError kinds."""
    with reading(studio.engine) as connection:
        versions: dict[str, list[int]] = {}
        for name, version in sorted(presets.known_versions(connection), reverse=True):
            versions.setdefault(name, []).append(version)
        return Offered(
            operators=gallery.operators(connection),
            models=gallery.models(connection),
            tags=gallery.tags(connection),
            versions=versions,
        )


def details(studio: Studio, output_key: str) -> Details:
    """Raises NotFound."""
    with reading(studio.engine) as connection:
        output = tasks.output_by_key(connection, output_key)
        if output is None:
            raise NotFound("output", output_key)
        return Details(
            output=output,
            photo=tasks.photo_by_id(connection, output.photo_id),
            task=tasks.task_by_id(connection, output.task_id),
            events=tasks.events_of(connection, output.id),
            tags=tags.of(connection, output.id),
            exports=tuple(Exported(**row._mapping) for row in exporting.exports_of(connection, output.id)),
        )


def asked_of(studio: Studio, connection: Connection, wanted: Filter) -> Asked | None:
    """A filter as the database is asked; None when nothing can match."""
    zone = studio.settings.zone

    def start(day: date) -> datetime:
        # Days from an address may lie at the calendar's ends, where zones and sums overflow.
        return datetime.combine(min(max(day, _FIRST_DAY), _LAST_DAY), time.min, tzinfo=zone)

    task_id = None
    if wanted.task is not None:
        task = tasks.task_by_key(connection, wanted.task)
        if task is None:
            return None
        task_id = task.id
    text = wanted.text.strip()
    question = search.question(text) if text else None
    if text and question is None:
        return None
    return Asked(
        states=wanted.states,
        reviews=wanted.reviews,
        question=question,
        preset=wanted.preset,
        version=wanted.version,
        provider=wanted.provider,
        model=wanted.model,
        operator=wanted.operator,
        task_id=task_id,
        tag=wanted.tag,
        flagged=wanted.flagged,
        since=start(wanted.since) if wanted.since else None,
        until=start(wanted.until) + timedelta(days=1) if wanted.until else None,
        cost_from=wanted.cost_from,
        cost_to=wanted.cost_to,
        by_cost=wanted.sort is Sort.COST,
    )


def _page(
    connection: Connection, found: gallery.Found, wanted: Filter, *, ascending: bool, limit: int
) -> Page:
    """`found` is one longer than the page, where there is more."""
    full = len(found.ids) > limit
    ids = found.ids[:limit]
    on = ids[-1] if full else found.reach
    cut = not full and found.reach is not None
    read = gallery.entries(connection, [*ids, found.reach] if cut and found.reach else ids)
    made = {number: _entry(values) for number, values in read.items()}
    shown = tuple(made[number] for number in ids if number in made)
    return Page(
        entries=shown[::-1] if ascending != (wanted.sort is Sort.OLDEST) else shown,
        older=found.back if ascending else on,
        newer=on if ascending else found.back,
        searched=made.get(found.reach or 0) if cut else None,
    )


def _entry(values: dict[str, Any]) -> Entry:
    values["state"], values["review"] = OutputState(values["state"]), ReviewState(values["review"])
    return Entry(**values)
