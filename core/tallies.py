"""What one picture adds to the sums of its day: pure functions of rows.

Measures, with `detail`, and what `n` and `amount` are:

- `outcome`: how an output stands that has ended, "picture" or the kind of its error; n outputs.
- `review`: of pictures, "approved" or "rejected.{reason}"; n pictures, on the day they were made.
- `latency`: of pictures, the bucket of the provider's time; n pictures.
- `spent`: calls whose cost is known; n calls, amount micro-dollars.
- `possible`: calls of unknown cost that may have been charged, "" or "unpriced" where nobody had an
  estimate; n calls, amount micro-dollars of the estimates.
- `judged`: by reviewer and day of judging, "approved" or "rejected"; n verdicts that stand.
- `second`: by reviewer, "agreed" or "differed"; n other people who judged the same picture.
- `pace`: by reviewer; n judgements that followed another one, amount milliseconds between them.
- `stored`: by store, the room "input", "generated" or "thumb"; n objects, amount bytes.
- `unsized`: of those, objects whose size was not recorded; n objects.
- `asked`: by store, R2's class "a" or "b"; n acts. From what processes count, not from rows.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

from core import errors
from core.database.queue import LOST
from core.database.rollups import ZERO, Cell, Sum
from core.model import OutputState, ReviewState
from core.verdicts import says_more

OF_ROWS = (
    "outcome", "review", "latency", "spent", "possible", "judged", "second", "pace", "stored", "unsized",
)  # fmt: skip
"""Measures that follow from rows, so that they can be made anew."""
LONGEST_LOOK = timedelta(minutes=5)
"""After a longer pause a reviewer was away."""
SHORTEST_LOOK = timedelta(milliseconds=100)
"""Nobody looks faster: such reviews came as one act on many."""
_STEPS = 8
"""Buckets of latency in each doubling."""

Found = defaultdict[Cell, Sum]


def found() -> Found:
    return defaultdict(lambda: ZERO)


def bucket(ms: int) -> int:
    """The bucket of a time: number i holds those up to 2**(i/8) milliseconds that i-1 does not."""
    return math.ceil(_STEPS * math.log2(ms)) if ms > 1 else 0


def middle(number: int) -> float:
    """The time that stands for a bucket, in milliseconds: at most 4.5 % from each in it."""
    return float(2 ** ((number - 0.5) / _STEPS)) if number else 1.0


def of_output(rows: Sequence[Any], zone: tzinfo, into: Found) -> None:
    """Where an output stands, and its objects. `rows` as `database.rollups.made` has them."""
    row = rows[0]
    day = _day(row.finished_at or row.created_at, zone)
    made_by = {"provider": row.provider, "model": row.model}
    whole = {**made_by, "preset": row.preset, "version": row.preset_version}
    if OutputState(row.state).ended:
        succeeded = row.state == OutputState.SUCCEEDED
        how = "picture" if succeeded else row.error_kind or "-"
        into[Cell("outcome", how, day, **whole)] += (1, 0)
        if succeeded and row.latency_ms is not None:
            into[Cell("latency", str(bucket(row.latency_ms)), day, **made_by)] += (1, 0)
        if succeeded and row.review == ReviewState.APPROVED:
            into[Cell("review", "approved", day, **whole)] += (1, 0)
        elif succeeded and row.review == ReviewState.REJECTED:
            into[Cell("review", f"rejected.{row.reason or 'other'}"[:64], day, **whole)] += (1, 0)
    objects = {call.call_object_key: call.call_bytes for call in rows if call.call_object_key}
    if row.object_key:
        objects[row.object_key] = row.bytes
    for size in objects.values():
        _stored("generated", size, day, row.store, into)
    if row.thumb_key:
        _stored("thumb", row.thumb_bytes, day, row.store, into)


def of_calls(rows: Sequence[Any], zone: tzinfo, into: Found) -> None:
    """What an output's calls cost. `rows` as before."""
    for row in rows:
        if row.call_id is None or row.call_outcome is None:
            continue
        day = row.call_day or _day(row.call_sent_at, zone)
        whole = {"preset": row.preset, "version": row.preset_version}
        whole |= {"provider": row.provider, "model": row.model}
        if row.call_cost_micros is not None:
            into[Cell("spent", "", day, **whole)] += (1, row.call_cost_micros)
        elif _may_be_charged(row.call_outcome):
            known = "" if row.call_reserved_micros else "unpriced"
            into[Cell("possible", known, day, **whole)] += (1, row.call_reserved_micros)


def _may_be_charged(outcome: str) -> bool:
    """As it was settled: a picture, a lost call, or an error of which the provider doesn't say otherwise."""
    kind = vars(errors).get(outcome)
    if outcome == LOST or not (isinstance(kind, type) and issubclass(kind, errors.ProviderError)):
        return True
    return kind.may_be_charged


def of_reviews(rows: Sequence[Any], zone: tzinfo, into: Found) -> None:
    """Who judged an output, and whether others saw it alike. `rows` as `database.rollups.judged` has them."""
    standing: list[Any] = []
    for row in rows:
        if row.verdict not in (ReviewState.APPROVED, ReviewState.REJECTED):
            del standing[-1:]
            continue
        if standing and says_more(row, standing[-1]):
            standing.pop()
        standing.append(row)
        pause = row.at - row.before if row.before else None
        if pause is not None and SHORTEST_LOOK <= pause <= LONGEST_LOOK:
            ms = round(pause.total_seconds() * 1000)
            into[Cell("pace", "", _day(row.at, zone), actor=row.actor)] += (1, ms)
    last = {row.actor: row for row in standing}
    for actor, row in last.items():
        day = _day(row.at, zone)
        into[Cell("judged", row.verdict, day, actor=actor)] += (1, 0)
        for other in last.values():
            if other.actor != actor:
                how = "agreed" if other.verdict == row.verdict else "differed"
                into[Cell("second", how, day, actor=actor)] += (1, 0)


def of_photo(row: Any, zone: tzinfo, into: Found) -> None:
    """A photo's objects. `row` as `database.rollups.uploaded` has it."""
    day = _day(row.created_at, zone)
    _stored("input", row.bytes, day, row.store, into)
    _stored("thumb", row.thumb_bytes, day, row.store, into)


def _stored(room: str, size: int | None, day: Any, store: str, into: Found) -> None:
    into[Cell("stored", room, day, store=store)] += (1, size or 0)
    if size is None:
        into[Cell("unsized", room, day, store=store)] += (1, 0)


def _day(moment: datetime, zone: tzinfo) -> Any:
    return moment.astimezone(zone).date()
