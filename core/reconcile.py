"""Compare what the store holds with what the rows say, in pages and with constant memory."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from core import adoption, clock, insights
from core.database import objects
from core.database.engine import reading
from core.database.objects import Named, Source
from core.differences import Difference, Kind, Report
from core.errors import ObjectDiffers, ObjectMissing, StorageFull, StorageReadOnly, StorageUnavailable
from core.model import OutputState
from core.storage import ObjectInfo
from core.studio import Studio

GRACE = timedelta(hours=24)
"""Younger objects without a row may belong to a task that is being written; they are let be."""
PAGE = 1000
"""Of the store: no store gives more at once."""
ROWS = 4000
"""Of a column: keys have no index, so each page looks at the whole table once."""
_ROOMS = ("check/", "generated/", "input/", "thumb/")
"""Where a desk keeps objects, in key order; whatever else lies in a bucket is not looked at."""
_DOCTOR = "input/doctor/"
_LEFT_BY_STORE = {e.__name__ for e in (StorageUnavailable, StorageFull, StorageReadOnly, ObjectMissing)}


def compare(studio: Studio, *, deep: bool = False, report: Report | None = None) -> Report:
    """What differs, the sums by day as well; nothing is changed.

    `deep` also reads every object and compares hashes.
    Thumbnails have no recorded size or hash: only their presence is compared. A `report` given is filled
    while the comparison runs. Raises StorageError and DatabaseError kinds.
    """
    report = report or Report(deep=deep, started_at=clock.now())
    for difference in differences(studio, report):
        report.note(difference)
    report.sums = len(insights.compare(studio))
    report.finished_at = clock.now()
    return report


def differences(studio: Studio, report: Report) -> Iterator[Difference]:
    """Each difference once, in key order; other counts go to `report`."""
    with reading(studio.engine) as connection:
        born = objects.born(connection)
    for found, rows in _pairs(stored(studio), named(studio)):
        report.rows += len(rows)
        if found is None:
            # The row may be younger than the page of the listing: the store is asked for this one key.
            found = studio.store.head(rows[0].key)
        if found is None:
            yield from _without_object(studio, rows, report)
        elif rows:
            report.objects += 1
            report.matched += 1
            yield from _both(studio, found, rows, report)
        else:
            report.objects += 1
            yield from _without_row(studio, found, born, report)


def stored(studio: Studio) -> Iterator[ObjectInfo]:
    """Every object of a desk's rooms in key order, a page at a time."""
    for room in _ROOMS:
        after = None
        while True:
            page = studio.store.list(room, after=after, limit=PAGE)
            yield from page.objects
            if (after := page.after) is None:
                break


def named(studio: Studio) -> Iterator[Named]:
    """Every naming of an object of this store in key order, a page of each column at a time."""
    yield from heapq.merge(*(_column(studio, source) for source in Source), key=attrgetter("key"))


def _column(studio: Studio, source: Source) -> Iterator[Named]:
    after = None
    while True:
        with reading(studio.engine) as connection:
            page = objects.page(connection, source, store=studio.store.name, after=after, limit=ROWS)
        yield from page
        if len(page) < ROWS:
            return
        after = (page[-1].key, page[-1].id)


def _pairs(
    found: Iterator[ObjectInfo], rows: Iterator[Named]
) -> Iterator[tuple[ObjectInfo | None, tuple[Named, ...]]]:
    """Both streams side by side: each key once, with its object, the rows that name it, or both."""
    both = heapq.merge(_ordered(found), _ordered(rows), key=attrgetter("key"))
    for _, same in groupby(both, key=attrgetter("key")):
        items = list(same)
        info = next((item for item in items if isinstance(item, ObjectInfo)), None)
        yield info, tuple(item for item in items if isinstance(item, Named))


def _ordered(items: Iterator[ObjectInfo] | Iterator[Named]) -> Iterator[ObjectInfo | Named]:
    """A stream out of order would take every object for an orphan: stop instead."""
    last = ""
    for item in items:
        if item.key < last:
            raise RuntimeError(f"out of order: {item.key!r} after {last!r}")
        last = item.key
        yield item


def _without_object(studio: Studio, rows: tuple[Named, ...], report: Report) -> Iterator[Difference]:
    if all(row.leaving for row in rows):
        report.leaving += 1
    elif _known(studio, rows):
        report.known += 1
    else:
        thumb = all(row.source.is_thumb for row in rows)
        yield Difference(kind=Kind.THUMB if thumb else Kind.MISSING, key=rows[0].key, rows=rows)


def _without_row(
    studio: Studio, found: ObjectInfo, born: datetime | None, report: Report
) -> Iterator[Difference]:
    doctors = found.key.startswith(_DOCTOR)
    if not doctors and (born is None or found.modified < born):
        report.foreign += 1
        return
    call = adoption.call_of(studio, found.key)
    # A copy goes with its answer, which comes after it: to the row, or nowhere.
    copy = adoption.is_copy(found.key)
    if copy and call is not None and call.state is OutputState.SUCCEEDED:
        call = None
    if call is not None and not copy and call.state is not OutputState.RUNNING:
        yield Difference(kind=Kind.UNFINISHED, key=found.key, found=found)
    elif call is not None or clock.now() - found.modified < GRACE:
        report.young += 1
    else:
        yield Difference(kind=Kind.ORPHAN, key=found.key, found=found)


def _both(studio: Studio, found: ObjectInfo, rows: tuple[Named, ...], report: Report) -> Iterator[Difference]:
    sizes = {row.bytes for row in rows if row.bytes is not None}
    kind = Kind.SIZE if sizes - {found.bytes} else None
    hashes = {row.sha256 for row in rows if row.sha256 is not None}
    if report.deep and kind is None and hashes:
        kind = Kind.HASH if _other_hash(studio, found.key, hashes) else None
    if kind is None:
        # Whatever an output said of its object before, by its hash it is whole again.
        again = {*_LEFT_BY_STORE, *([ObjectDiffers.__name__] if report.deep else [])}
        if any(
            row.source is Source.OUTPUT and row.state is OutputState.FAILED and row.error_kind in again
            for row in rows
        ):
            yield Difference(kind=Kind.UNFINISHED, key=found.key, rows=rows, found=found)
    elif _known(studio, rows):
        report.known += 1
    else:
        yield Difference(kind=kind, key=found.key, rows=rows, found=found)


def _known(studio: Studio, rows: tuple[Named, ...]) -> bool:
    """Was it said of every row that names the object? A row that shows its picture never says so."""
    if any(row.source is Source.OUTPUT and row.state is OutputState.SUCCEEDED for row in rows):
        return False
    with reading(studio.engine) as connection:
        return all(objects.marked(connection, row.task_id, row.key) for row in rows)


def _other_hash(studio: Studio, key: str, recorded: set[str]) -> bool:
    try:
        data = studio.store.get(key)
    except ObjectMissing:
        return False  # Deleted since it was listed: the next comparison tells.
    return bool(recorded - {hashlib.sha256(data).hexdigest()})
