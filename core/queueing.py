"""What waits for a reviewer, and how she gets on."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime, time
from typing import Any

from core import clock
from core.database import claims, review_queue, reviews
from core.database.engine import reading
from core.database.review_queue import START, Narrowed
from core.intake import MAX_OUTPUTS
from core.model import Actor, ReviewState
from core.studio import Studio
from core.text import clean
from core.verdicts import Item, Pace, Queue, Verdict, Wanted, review_of

COUNT_LIMIT = 1_000
"""Counts are exact up to here."""
_OWN = tuple({f.name for f in fields(Item)} - {"review", "last", "held_by", "align"})
"""What an item has as its row has it."""
_PAUSE = 60.0
"""Seconds. A longer gap between two pictures is a pause."""


def queue(
    studio: Studio,
    wanted: Wanted,
    *,
    by: Actor,
    sitting: str = "",
    place: str | None = None,
    back: int = 2,
    ahead: int = 8,
) -> Queue:
    """The pictures around `place`, an output's key, or from the oldest on.

    Waiting ones, and those that this sitting has judged, so that they can be stepped back to; the picture at
    the place is there whatever became of it, unless it is in the trash. Raises DatabaseError kinds.
    """
    now = clock.now()
    with reading(studio.engine) as connection:
        held = {row.photo_id: row.actor_name for row in claims.of_others(connection, by.id, sitting, now)}
        narrowed = _narrowed(connection, wanted, by, () if wanted.held else tuple(held))
        here = review_queue.place_of(connection, place) if place else None
        start = (here.photo_id, here.variant) if here else START
        found, further = review_queue.ahead(connection, narrowed, start, ahead + MAX_OUTPUTS)
        rows = {row.id: row for row in found}
        before: dict[int, Any] = {}
        if here:
            if here.judgeable:
                rows[here.id] = here
            found = review_queue.back(connection, narrowed, start, back + MAX_OUTPUTS)
            before = {row.id: row for row in found}
        for row in review_queue.judged(connection, narrowed, by.id, sitting) if here else ():
            (rows if (row.photo_id, row.variant) >= start else before)[row.id] = row
        later = _units(sorted(rows.values(), key=_standing), ahead + 1)
        nearest = sorted(before.values(), key=_standing, reverse=True)
        earlier = _units(nearest, back, here.photo_id if here else None)[::-1]
        ids = [row.id for row in (*earlier, *later)]
        every = replace(narrowed, flagged=False, created_by=None, without=())
        counts = review_queue.counts(
            connection,
            [every, replace(every, flagged=True), replace(every, created_by=by.id)],
            COUNT_LIMIT + 1,
        )
        items = review_queue.items(connection, ids) if ids else []
    return Queue(
        items=tuple(_item(row, held) for row in items),
        position=len(earlier),
        waiting=counts[0],
        flagged=counts[1],
        mine=counts[2],
        further=further,
    )


def pace(studio: Studio, *, by: Actor, sitting: str = "") -> Pace:
    """How many pictures `by` has judged today and in this sitting, and how quickly."""
    zone = studio.settings.zone
    midnight = datetime.combine(clock.now().astimezone(zone), time.min, tzinfo=zone)
    with reading(studio.engine) as connection:
        rows = reviews.newest_of(connection, by.id, COUNT_LIMIT)
    newest: dict[int, Any] = {}
    for row in rows:
        newest.setdefault(row.output_id, row)
    judged = [row for row in newest.values() if row.verdict != Verdict.UNDONE]
    at = sorted(row.at for row in judged if sitting == row.sitting)
    gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(at)]
    worked = [gap for gap in gaps if gap <= _PAUSE]
    spent = sum(worked)
    return Pace(
        today=sum(row.at >= midnight for row in judged),
        sitting=len(at),
        per_minute=60 * len(worked) / spent if spent else None,
    )


def _narrowed(connection: Any, wanted: Wanted, by: Actor, without: tuple[int, ...]) -> Narrowed:
    photo_ids = task_id = None
    if wanted.task:
        task_id = review_queue.task_id(connection, wanted.task) or 0
    if sku := clean(wanted.sku or "").strip():
        photo_ids = review_queue.photos_of_sku(connection, sku)
    return Narrowed(
        task_id=task_id,
        photo_ids=photo_ids,
        flagged=wanted.flagged,
        created_by=by.id if wanted.mine else None,
        preset=wanted.preset or None,
        without=without,
    )


def _units(rows: Sequence[Any], most: int, photo_id: int | None = None) -> list[Any]:
    """The first `most` rows, and those that go on with the photo of the last one, or with `photo_id`: the
    best of a photo's pictures is chosen among all of them."""
    shown = list(rows[:most])
    last = shown[-1].photo_id if shown else photo_id
    return shown + list(itertools.takewhile(lambda row: row.photo_id == last, rows[most:]))


def _standing(row: Any) -> tuple[int, int]:
    return (row.photo_id, row.variant)


def _item(row: Any, held: dict[int, str]) -> Item:
    last = review_of(row, "review_") if row.review_id else None
    align = (row.evidence or {}).get("align")
    return Item(
        **{name: getattr(row, name) for name in _OWN},
        review=ReviewState(row.review),
        last=last,
        held_by=held.get(row.photo_id),
        align=tuple(map(float, align)) if align else None,
    )
