"""History: what was made, newest first, and making it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time, timedelta
from typing import Any

from core import generation
from core.database import gallery, tasks
from core.database.engine import reading
from core.errors import NotFound
from core.intake import clean
from core.model import Actor, Event, Order, Output, OutputState, Photo, ReviewState, Task, Upload
from core.studio import Studio

COUNT_LIMIT = 1_000
"""Counts are exact up to here."""


_FIRST_DAY, _LAST_DAY = date(1970, 1, 2), date(9998, 12, 30)


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What to show; states and reviews widen each other, all else narrows. Dates are days of TIMEZONE."""

    states: tuple[OutputState, ...] = ()
    reviews: tuple[ReviewState, ...] = ()
    preset: str | None = None
    sku: str | None = None
    """The beginning of a SKU, in any case."""
    since: date | None = None
    until: date | None = None
    """Inclusive."""


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
class Page:
    """`older` and `newer` are the cursors of the neighbours; None where there is none."""

    entries: tuple[Entry, ...]
    older: int | None
    newer: int | None


@dataclass(frozen=True, kw_only=True)
class Details:
    """One output with all that is known of it."""

    output: Output
    photo: Photo
    task: Task
    events: tuple[Event, ...]


def page(
    studio: Studio, wanted: Filter, *, before: int | None = None, after: int | None = None, limit: int = 48
) -> Page:
    """One page, newest first. `before` and `after` are cursors of a Page. Raises DatabaseError kinds."""
    # SQLite takes no larger number, and an id is never one.
    before, after = (None if cursor is None else min(max(cursor, 0), 2**63 - 1) for cursor in (before, after))
    with reading(studio.engine) as connection:
        rows = gallery.page(
            connection, **_bounds(studio, wanted), before=before, after=after, limit=limit + 1
        )
    more = len(rows) > limit
    if after is not None:
        rows = rows[1:] if more else rows
        newer, older = more, True
    else:
        rows = rows[:limit]
        newer, older = before is not None, more
    entries = tuple(_entry(row) for row in rows)
    return Page(
        entries=entries,
        older=entries[-1].id if older and entries else None,
        newer=entries[0].id if newer and entries else None,
    )


def count(studio: Studio, wanted: Filter) -> int:
    """How many match; COUNT_LIMIT + 1 means more than COUNT_LIMIT."""
    with reading(studio.engine) as connection:
        return gallery.count(connection, **_bounds(studio, wanted), limit=COUNT_LIMIT + 1)


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
        )


def again(studio: Studio, output_key: str, *, by: Actor) -> str:
    """The same photo with the same order as a new task of one picture; returns its key."""
    found = details(studio, output_key)
    upload = photo_again(studio, found.photo)
    return generation.submit(studio, [upload], order_of(found.task), by=by, again=True)


def photo_again(studio: Studio, photo: Photo) -> Upload:
    """A stored photo as an upload. Raises StorageError kinds."""
    data = studio.store.get(photo.object_key)
    return Upload(
        name=photo.original_name,
        data=data,
        sku=photo.sku,
        product_name=photo.product_name,
        description=photo.description,
    )


def order_of(task: Task) -> Order:
    """The order of a task, for one picture."""
    return Order(
        preset=task.preset,
        outputs=1,
        ratio=task.ratio,
        size=task.size,
        provider=task.provider,
        model=task.model,
        style=task.style,
        parameters=task.parameters,
    )


def _bounds(studio: Studio, wanted: Filter) -> dict[str, Any]:
    zone = studio.settings.zone

    def start(day: date) -> datetime:
        # Days from an address may lie at the calendar's ends, where zones and sums overflow.
        return datetime.combine(min(max(day, _FIRST_DAY), _LAST_DAY), time.min, tzinfo=zone)

    return {
        "states": wanted.states,
        "reviews": wanted.reviews,
        "preset": wanted.preset,
        "sku": clean(wanted.sku).strip() if wanted.sku else None,
        "since": start(wanted.since) if wanted.since else None,
        "until": start(wanted.until) + timedelta(days=1) if wanted.until else None,
    }


def _entry(row: Any) -> Entry:
    values = {f.name: getattr(row, f.name) for f in fields(Entry)}
    return Entry(**{**values, "state": OutputState(row.state), "review": ReviewState(row.review)})
