"""Keep the sums by day true: written with the fact that they sum, folded later, compared with the rows.

Sums cover all that was ever made: what was deleted or purged was paid for and judged all the same. Only
`stored` follows what is there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core import budget, clock, tallies
from core.database import rollups
from core.database.engine import reading, snapshot, writing
from core.database.rollups import OUTPUT, PHOTO, REVIEWED, ZERO, Cell, Sum
from core.errors import DatabaseError, NotAllowed
from core.model import Actor, Role
from core.tallies import Found

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.studio import Studio

log = logging.getLogger(__name__)

_AT_ONCE = 2_000
"""Changes folded in one transaction, a few milliseconds."""
_RANGE = 5_000
"""Ids read in one statement when everything is summed."""
_STORED = ("stored", "unsized")


@contextmanager
def counting(
    studio: Studio, connection: Connection, output_ids: Sequence[int], *, judged: bool = False
) -> Iterator[None]:
    """Whatever the block changes of these outputs and their calls moves in the sums, in its transaction.

    The outputs are locked until the transaction ends. With `judged` their reviews count as well: ask for it
    where reviews are written.
    """
    rollups.lock(connection, output_ids)
    before = _look(studio, connection, output_ids, judged=judged)
    yield
    rollups.add(connection, _less(_look(studio, connection, output_ids, judged=judged), before))


def ended(studio: Studio, connection: Connection, output_ids: Sequence[int]) -> None:
    """Count outputs that waited, and so were in no sum, and have just ended without a call."""
    changes = tallies.found()
    for ids in rollups.together(output_ids):
        for rows in rollups.made(connection, ids):
            tallies.of_output(rows, studio.settings.zone, changes)
    # What they have stored was counted when it was stored.
    rollups.add(connection, {cell: n for cell, n in changes.items() if cell.measure not in _STORED})


def uploaded(studio: Studio, connection: Connection, photo_ids: Sequence[int]) -> None:
    """Count what photos have just stored."""
    rollups.add(connection, _photos(studio, connection, photo_ids))


@contextmanager
def purging(
    studio: Studio, connection: Connection, output_ids: Sequence[int], photo_ids: Sequence[int] = ()
) -> Iterator[None]:
    """The block deletes these rows for good: their sums stay, set apart, but what was stored goes."""
    rollups.lock(connection, output_ids)
    # Whoever judged one of these next did so after a pause, which can't be seen from the rows any more.
    wide = [*output_ids, *rollups.followers(connection, output_ids)]

    def seen() -> Found:
        found = _look(studio, connection, wide, judged=True)
        for cell, number in _photos(studio, connection, photo_ids).items():
            found[cell] += number
        return found

    before = seen()
    yield
    changes = _less(seen(), before)
    for cell, number in list(changes.items()):
        if cell.measure not in _STORED:
            changes[cell._replace(purged=True)] += ZERO - number
    rollups.add(connection, changes)


def count_asked(studio: Studio) -> None:
    """Write down what this process has asked of R2 since the last time. Raises DatabaseError kinds."""
    taken = studio.meters.take_asked()
    day = budget.day_of(studio, clock.now())
    sums = {
        Cell("asked", kind, day, store=store): Sum(n, 0)
        for (store, kind), n in taken.items()
        if store.startswith("r2:")
    }
    if not sums:
        return
    try:
        with writing(studio.engine) as connection:
            rollups.add(connection, sums)
    except DatabaseError:
        studio.meters.give_asked(taken)
        raise


def beat(studio: Studio) -> None:
    """Count what was asked of the store, and fold what waits to be folded, a portion.

    Raises DatabaseError kinds.
    """
    count_asked(studio)
    with reading(studio.engine) as connection:
        waits = rollups.waiting(connection)
    if waits:
        with writing(studio.engine) as connection:
            rollups.fold(connection, _AT_ONCE)


def compare(studio: Studio) -> dict[Cell, tuple[Sum, Sum]]:
    """Where sums and rows differ: (the sum, what the rows add up to). Reads every row; changes nothing.

    Raises DatabaseError kinds.
    """
    with snapshot(studio.engine) as connection:
        return _compared(studio, connection)


def rebuild(studio: Studio, *, by: Actor) -> int:
    """Make the sums what the rows add up to; returns how many were wrong. Work goes on meanwhile.

    What is missing is added as one more change, so that changes of others meanwhile count as ever. Sums of
    purged rows, which nothing can give again, stay. Raises NotAllowed below an admin, DatabaseError kinds.
    """
    if not by.role.may(Role.ADMIN):
        raise NotAllowed(Role.ADMIN)
    while True:
        with snapshot(studio.engine) as connection:
            seen = rollups.built(connection)
            differences = _compared(studio, connection)
        with writing(studio.engine) as connection:
            if rollups.count_building(connection, seen):
                rollups.add(connection, {cell: raw - kept for cell, (kept, raw) in differences.items()})
                return len(differences)


def fill(studio: Studio) -> None:
    """Sum what is there, once in the life of a database. Raises DatabaseError kinds."""
    with reading(studio.engine) as connection:
        done = rollups.built(connection)
    if not done:
        started = clock.now()
        number = rebuild(studio, by=Actor.local())
        if number:
            seconds = (clock.now() - started).total_seconds()
            log.info("summed what was made", extra={"sums": number, "seconds": round(seconds, 1)})


def _look(studio: Studio, connection: Connection, output_ids: Sequence[int], *, judged: bool) -> Found:
    zone, found = studio.settings.zone, tallies.found()
    for ids in rollups.together(output_ids):
        for rows in rollups.made(connection, ids):
            tallies.of_output(rows, zone, found)
            tallies.of_calls(rows, zone, found)
        if judged:
            for rows in rollups.judged(connection, ids):
                tallies.of_reviews(rows, zone, found)
    return found


def _photos(studio: Studio, connection: Connection, photo_ids: Sequence[int]) -> Found:
    found = tallies.found()
    for ids in rollups.together(photo_ids):
        for row in rollups.uploaded(connection, PHOTO.in_(ids)):
            tallies.of_photo(row, studio.settings.zone, found)
    return found


def _less(after: Found, before: Found) -> Found:
    changes = tallies.found()
    for cell in {*after, *before}:
        if (change := after.get(cell, ZERO) - before.get(cell, ZERO)) != ZERO:
            changes[cell] = change
    return changes


def _compared(studio: Studio, connection: Connection) -> dict[Cell, tuple[Sum, Sum]]:
    kept = {c: n for c, n in rollups.sums(connection, tallies.OF_ROWS).items() if not c.purged}
    zone, raw = studio.settings.zone, tallies.found()
    for which in rollups.ranges(connection, OUTPUT, _RANGE):
        for rows in rollups.made(connection, which):
            tallies.of_output(rows, zone, raw)
            tallies.of_calls(rows, zone, raw)
    for which in rollups.ranges(connection, REVIEWED, _RANGE):
        for rows in rollups.judged(connection, which):
            tallies.of_reviews(rows, zone, raw)
    for which in rollups.ranges(connection, PHOTO, _RANGE):
        for row in rollups.uploaded(connection, which):
            tallies.of_photo(row, zone, raw)
    pairs = ((cell, kept.get(cell, ZERO), raw.get(cell, ZERO)) for cell in {*kept, *raw})
    return {cell: (mine, sum_) for cell, mine, sum_ in pairs if mine != sum_}
