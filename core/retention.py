"""Rules of keeping: which pictures go to the trash at which age. Without a rule everything is kept.

A rule is about pictures that have stood as they are for some days: since they ended or, if that came later,
were judged, restored or found to differ. What a rule takes can be restored from the trash for TRASH_DAYS.
Photos have no age: one goes with the last picture that was made of it. No rule takes what waits, is being
made or looked at or exported just now, lies in another store, or whose paid answer waits for the store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from core import clock, trash
from core.database import retention, tasks, upkeep
from core.database import trash as trash_rows
from core.database.engine import reading, writing
from core.database.retention import Old, Place, Strip
from core.errors import DaysRefused, NotAllowed, OrderRefused, PreviewChanged
from core.model import Actor, Role
from core.studio import Studio

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST_DAYS = 36_500
CHUNK = 200
"""Outputs moved in one transaction."""


class What(StrEnum):
    """Which pictures a rule is about; there is one rule for each."""

    FAILED = "failed"
    """Ended without a picture: failed, refused, or no answer. Not one that was approved and lost its file."""
    REJECTED = "rejected"
    TO_REVIEW = "to_review"
    """Nobody judged it, or all of that was taken back."""
    APPROVED = "approved"


UNAPPROVED = frozenset({What.FAILED, What.REJECTED, What.TO_REVIEW})
"""RETENTION_DAYS is the rule of these, where nobody set another."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`days` None keeps them. Without `set_by` nobody set it: it is RETENTION_DAYS, or nothing."""

    what: What
    days: int | None
    set_at: datetime | None = None
    set_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a rule would take: `bytes` of the pictures, `oldest` the time at which the first ended."""

    what: What
    days: int | None
    outputs: int = 0
    bytes: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What rules would have taken at `at`, a line for each; no picture is in two lines."""

    at: datetime
    lines: tuple[Line, ...]

    @property
    def outputs(self) -> int:
        return sum(line.outputs for line in self.lines)

    @property
    def bytes(self) -> int:
        return sum(line.bytes for line in self.lines)

    @property
    def oldest(self) -> datetime | None:
        return min((line.oldest for line in self.lines if line.oldest), default=None)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "outputs": self.outputs,
            "bytes": self.bytes,
            "oldest": self.oldest and self.oldest.isoformat(),
            "rules": [
                {
                    "what": line.what.value,
                    "days": line.days,
                    "outputs": line.outputs,
                    "bytes": line.bytes,
                    "oldest": line.oldest and line.oldest.isoformat(),
                }
                for line in self.lines
            ],
        }


@dataclass(kw_only=True)
class Report:
    """What one run moved to the trash; grows while it goes on."""

    outputs: int = 0
    bytes: int = 0
    of: dict[str, int] = field(default_factory=dict)
    """How many by each rule that took any."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"outputs": self.outputs, "bytes": self.bytes, "of": dict(self.of)}


@dataclass(frozen=True, kw_only=True)
class Last:
    """The last run on this store."""

    at: datetime
    by: str
    outputs: int
    bytes: int


def rules(studio: Studio) -> tuple[Rule, ...]:
    """The rule of each kind of picture, in the order of `What`. Raises DatabaseError kinds."""
    with reading(studio.engine) as connection:
        rows = {row.what: row for row in retention.rules(connection)}
    found = []
    for what in What:
        if row := rows.get(what.value):
            found.append(Rule(what=what, days=row.days, set_at=row.set_at, set_by=row.set_by))
        else:
            found.append(Rule(what=what, days=studio.settings.retention_days if what in UNAPPROVED else None))
    return tuple(found)


def checked(what: str, days: object) -> tuple[What, int | None]:
    """A rule as it may stand. Raises OrderRefused for a kind that is not there, DaysRefused."""
    if what not in set(What):
        raise OrderRefused("what", what[:40], ", ".join(What))
    if days is not None and (type(days) is not int or not 1 <= days <= MOST_DAYS):
        raise DaysRefused(days, MOST_DAYS)
    return What(what), days


def set_rules(studio: Studio, wanted: Mapping[str, int | None], *, by: Actor) -> None:
    """Set rules, all of them or none; days None keeps. Nothing is moved by it.

    Raises NotAllowed below an admin; OrderRefused and DaysRefused; DatabaseError kinds.
    """
    _allow(by)
    values = [checked(what, days) for what, days in wanted.items()]
    with writing(studio.engine) as connection:
        for what, days in values:
            retention.write(connection, what, days, at=clock.now(), by=by.id)
            data = {"what": what.value, "days": days}
            tasks.add_event(connection, at=clock.now(), actor=by.id, verb="retention.set", data=data)


def preview(
    studio: Studio, wanted: Mapping[str, int | None] | None = None, *, at: datetime | None = None
) -> Preview:
    """What the rules that stand, or those that are `wanted` instead, would take.

    Raises OrderRefused and DaysRefused; StorageError kinds when this machine's spool can't be read;
    DatabaseError kinds.
    """
    asked = dict(checked(what, days) for what, days in (wanted or {}).items())
    days = {rule.what: asked.get(rule.what, rule.days) for rule in rules(studio)}
    at = at or clock.now()
    with reading(studio.engine) as connection:
        spooled = trash.spooled(studio, connection)
        return Preview(at=at, lines=tuple(_line(studio, connection, w, days[w], at, spooled) for w in What))


def run(
    studio: Studio,
    *,
    by: Actor,
    shown: Preview | None = None,
    report: Report | None = None,
    goes_on: Callable[[Report], bool] = lambda report: True,
) -> Report:
    """Move what the standing rules take to the trash, in chunks, until none is left or `goes_on` says no.

    With what was `shown` it takes just that: raises PreviewChanged, before anything is moved, when rules or
    numbers are not those any more. Raises NotAllowed below an admin; StorageError kinds when this machine's
    spool can't be read; DatabaseError kinds.
    """
    _allow(by)
    report = report or Report()
    at = shown.at if shown else clock.now()
    if shown:
        now = preview(studio, at=at)
        if [(w.days, w.outputs) for w in now.lines] != [(w.days, w.outputs) for w in shown.lines]:
            raise PreviewChanged(shown.outputs, now.outputs)
        days = {line.what: line.days for line in shown.lines}
    else:
        days = {rule.what: rule.days for rule in rules(studio)}
    with reading(studio.engine) as connection:
        spooled = trash.spooled(studio, connection)
    for what in What:
        age = days[what]
        if age is not None:
            old = _old(studio, what, age, at, spooled)
            if not _move(studio, old, age, by=by, report=report, goes_on=goes_on):
                break
    with writing(studio.engine) as connection:
        upkeep.note(connection, studio.store.name, at=clock.now(), by=by.id, last=report.as_dict())
        tasks.add_event(connection, at=clock.now(), actor=by.id, verb="retention.run", data=report.as_dict())
    return report


def last(studio: Studio) -> Last | None:
    """The last run, if there was one. Raises DatabaseError kinds."""
    with reading(studio.engine) as connection:
        row = upkeep.last(connection, studio.store.name)
    if row is None:
        return None
    return Last(at=row.last_at, by=row.last_by, outputs=row.last["outputs"], bytes=row.last["bytes"])


def _move(
    studio: Studio, old: Old, days: int, *, by: Actor, report: Report, goes_on: Callable[[Report], bool]
) -> bool:
    """Move what one rule takes; False when it was stopped."""
    for strip in retention.STRIPS[old.what]:
        after: Place | None = None
        while goes_on(report):
            with writing(studio.engine) as connection:
                taken, after = _chunk(connection, old, strip, days, after=after, by=by)
            report.outputs += len(taken)
            report.bytes += sum(taken.values())
            if taken:
                report.of[old.what] = report.of.get(old.what, 0) + len(taken)
            if after is None:
                break
        else:
            return False
    return True


def _chunk(
    connection: Connection, old: Old, strip: Strip, days: int, *, after: Place | None, by: Actor
) -> tuple[dict[int, int], Place | None]:
    """Move one chunk; returns what was moved with its bytes, and where to go on."""
    rows = retention.next_of(connection, old, strip, after=after, limit=CHUNK)
    # Locked in the order of ids, as everybody does; somebody may have judged one a moment before.
    trash_rows.look(connection, [row.id for row in rows])
    still = retention.still(connection, old, strip, [row.id for row in rows])
    moved = trash.put_in(connection, sorted(still), by=by, why={"rule": old.what, "days": days})
    after = (rows[-1].finished_at, rows[-1].id) if len(rows) == CHUNK else None
    return {output_id: still[output_id] for output_id in moved.changed}, after


def _line(
    studio: Studio,
    connection: Connection,
    what: What,
    days: int | None,
    at: datetime,
    spooled: frozenset[int],
) -> Line:
    if days is None:
        return Line(what=what, days=None)
    count, size, oldest = retention.totals(connection, _old(studio, what, days, at, spooled))
    return Line(what=what, days=days, outputs=count, bytes=size, oldest=oldest)


def _old(studio: Studio, what: What, days: int, at: datetime, spooled: frozenset[int]) -> Old:
    before = at - timedelta(days=days)
    return Old(what=what.value, store=studio.store.name, before=before, spooled=spooled, now=clock.now())


def _allow(by: Actor) -> None:
    if not by.role.may(Role.ADMIN):
        raise NotAllowed(Role.ADMIN)
