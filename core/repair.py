"""What `reconcile --fix` does about each difference; every change writes its event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from core import adoption, clock, insights
from core.database import checking, objects, tasks
from core.database.engine import writing
from core.database.objects import Named, Source
from core.differences import Difference, Kind, Report
from core.errors import BadImage, MostAreGone, NotAllowed, ObjectDiffers, ObjectMissing, PackshotError
from core.model import FIDELITY, Actor, OutputState, Role
from core.reconcile import differences
from core.storage.keys import FITTED
from core.studio import Studio

if TYPE_CHECKING:
    from sqlalchemy import Connection

_BATCH = 100
"""Orphans deleted in one transaction."""


def fix(studio: Studio, *, by: Actor, deep: bool = False, anyway: bool = False) -> Report:
    """Compare, and set right what can be; returns what was found and what is left.

    Thumbnails are made again. Stored answers go to their outputs (`core.adoption`). Orphans are deleted.
    An output whose picture is gone or has other bytes becomes failed (ObjectMissing, ObjectDiffers) and
    keeps its key, hash and cost; should the object come back, it is adopted. Photos, thumbnails and calls
    have no state: an event of their task says it. Sums by day are made anew. Raises NotAllowed below an
    admin; MostAreGone, before anything is changed, when more recorded objects are missing than there, unless
    `anyway`; StorageError and DatabaseError kinds.
    """
    if not by.role.may(Role.ADMIN):
        raise NotAllowed(Role.ADMIN)
    if not anyway:
        seen = Report(deep=False, started_at=clock.now())
        for difference in differences(studio, seen):
            seen.note(difference)
        gone = seen.found[Kind.MISSING] + seen.found[Kind.THUMB]
        if gone > seen.matched:
            raise MostAreGone(missing=gone, there=seen.matched)
    report = Report(deep=deep, started_at=clock.now())
    acts: Mapping[Kind, Callable[[Studio, Difference, Actor], bool]] = {
        Kind.MISSING: _say_missing,
        Kind.THUMB: _remake,
        Kind.SIZE: _say_differs,
        Kind.HASH: _say_differs,
        Kind.UNFINISHED: _adopt,
    }
    orphans: list[Difference] = []
    for difference in differences(studio, report):
        report.note(difference)
        if difference.kind is Kind.ORPHAN:
            orphans.append(difference)
            if len(orphans) == _BATCH:
                _delete(studio, orphans, by, report)
                orphans.clear()
        else:
            report.fixed[difference.kind] += acts[difference.kind](studio, difference, by)
    _delete(studio, orphans, by, report)
    report.sums = report.sums_fixed = insights.rebuild(studio, by=by)
    report.finished_at = clock.now()
    return report


def _delete(studio: Studio, orphans: list[Difference], by: Actor, report: Report) -> None:
    """The events and the act stand or fall together: a store that refuses leaves no event."""
    if not orphans:
        return
    with writing(studio.engine) as connection:
        kept = objects.still_named(connection, [item.key for item in orphans])
        going = [item for item in orphans if item.key not in kept]
        for item in going:
            data = {"key": item.key, "bytes": item.found.bytes if item.found else None}
            tasks.add_event(connection, at=clock.now(), actor=by.id, verb="object.deleted", data=data)
        studio.store.delete([item.key for item in going])
    report.fixed[Kind.ORPHAN] += len(going)
    # Named since by an adoption, or by a row of another store: no orphans after all.
    report.found[Kind.ORPHAN] -= len(kept)


def _say_missing(studio: Studio, difference: Difference, by: Actor) -> bool:
    _say(studio, difference, objects.MISSING, ObjectMissing(difference.key), by)
    named = adoption.parts(difference.key)
    if named and adoption.is_copy(difference.key):
        answer = adoption.answer_of(studio, named[0], named[1].removesuffix(FITTED))
        if answer:
            adoption.adopt(studio, answer, by=by)  # Makes the copy again.
    return True


def _say_differs(studio: Studio, difference: Difference, by: Actor) -> bool:
    _say(studio, difference, objects.DIFFERS, ObjectDiffers(difference.key), by)
    return True


def _say(studio: Studio, difference: Difference, verb: str, error: PackshotError, by: Actor) -> None:
    failed: dict[str, object] = {"state": OutputState.FAILED, "touched_at": clock.now()}
    failed |= {"error_kind": error.kind, "error_data": dict(error.data)}
    shown = [OutputState.SUCCEEDED]
    told = [row.output_id for row in difference.rows if row.output_id is not None]
    with writing(studio.engine) as connection, insights.counting(studio, connection, told):
        for row in difference.rows:
            data = {"key": row.key, "row": row.source.value}
            if row.source is Source.OUTPUT:
                changed = objects.change_output(connection, row.id, shown, failed, object_key=row.key)
                data |= {"to": OutputState.FAILED.value} if changed else {}
            _record(connection, row, verb, by, data)


def _remake(studio: Studio, difference: Difference, by: Actor) -> bool:
    try:
        for row in difference.rows:
            if row.source is Source.CHECK:
                continue
            if row.picture_key is None:
                raise ObjectMissing(row.key)
            adoption.remake_thumb(studio, row.picture_key, row.key)
    except (ObjectMissing, BadImage):
        return _say_missing(studio, difference, by)
    with writing(studio.engine) as connection:
        for row in difference.rows:
            if row.source is Source.CHECK and row.output_id is not None:
                checking.ask_again(connection, row.output_id, FIDELITY)
            _record(connection, row, "thumb.remade", by, {"key": row.key})
    return True


def _record(connection: Connection, row: Named, verb: str, by: Actor, data: Mapping[str, object]) -> None:
    tasks.add_event(
        connection,
        at=clock.now(),
        actor=by.id,
        verb=verb,
        task_id=row.task_id,
        output_id=row.output_id,
        data=data,
    )


def _adopt(studio: Studio, difference: Difference, by: Actor) -> bool:
    if difference.found is None:
        return False
    try:
        return adoption.adopt(studio, difference.found, by=by) is not None
    except ObjectMissing:
        return False  # Deleted since it was listed: the next comparison tells.
