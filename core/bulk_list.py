"""A list of pictures, frozen before its number is confirmed: what matches later, or no longer, is not
silently in it or out of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from core import budget, clock, history
from core.bulk_job import Act, allow, whose
from core.database import gallery, jobs
from core.database.engine import reading, writing
from core.errors import NotFound, NothingChosen
from core.history import Filter
from core.model import Actor, OutputState, ReviewState, Role
from core.studio import Studio

if TYPE_CHECKING:
    from sqlalchemy import Connection

KEPT = timedelta(hours=1)
"""A list that nobody confirmed is forgotten after this."""
_AT_ONCE = 1_000
"""Pictures that are put on a list in one transaction."""


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """A list that waits to be confirmed."""

    key: str
    total: int


@dataclass(frozen=True, kw_only=True)
class Price:
    """What it would cost to ask for the failed ones of a list again."""

    pictures: int
    micros: int
    """Millionths of a US dollar, of those whose price is known."""
    unpriced: int
    """Pictures whose price nobody knows."""


def freeze(studio: Studio, chosen: Sequence[str] | Filter, *, by: Actor) -> Frozen:
    """Make a list of pictures: by their keys, or everything that matches a filter, a portion at a time.

    What is in the trash is not on it. Raises NothingChosen, NotAllowed, DatabaseError kinds.
    """
    allow(by, Role.OPERATOR)
    key, now = str(uuid.uuid4()), clock.now()
    values = {"key": key, "created_at": now, **whose(by)}
    with writing(studio.engine) as connection:
        jobs.drop(connection, jobs.drafts(connection, now - KEPT, 2))
        job_id = jobs.insert(connection, values)
        if not isinstance(chosen, Filter):
            jobs.add_items(connection, job_id, jobs.ids_of(connection, list(dict.fromkeys(chosen))))
    if isinstance(chosen, Filter):
        for ids in _every(studio, chosen):
            with writing(studio.engine) as connection:
                jobs.add_items(connection, job_id, ids)
    with writing(studio.engine) as connection:
        total = jobs.count(connection, job_id)
        jobs.change(connection, key, [jobs.DRAFT], {"total": total})
        if not total:
            jobs.drop(connection, [job_id])
    if not total:
        raise NothingChosen()
    return Frozen(key=key, total=total)


def forget(studio: Studio, key: str, *, by: Actor) -> None:
    """Drop a list that is not confirmed after all."""
    with writing(studio.engine) as connection:
        row = jobs.by_key(connection, key)
        if row is not None and row.actor == by.id:
            jobs.drop(connection, [row.id])


def changed_by(studio: Studio, key: str, *, by: Actor) -> Mapping[Act, int]:
    """How many pictures of a list each act would change as they stand now. Raises NotFound."""
    with reading(studio.engine) as connection:
        row = list_of(connection, key, by)
        found = jobs.standings(connection, row.id)
        failed = sum(group.n for group in jobs.failed(connection, row.id))
    there = [group for group in found if not group.deleted]
    pictures = [group for group in there if group.state == OutputState.SUCCEEDED]
    return {
        Act.APPROVE: sum(g.n for g in pictures if g.review != ReviewState.APPROVED),
        Act.REJECT: sum(g.n for g in pictures if g.review != ReviewState.REJECTED),
        Act.TAG: sum(g.n for g in there),
        Act.UNTAG: sum(g.n for g in there),
        Act.RETRY: failed,
        Act.DELETE: sum(g.n for g in there if OutputState(g.state).ended),
    }


def price(studio: Studio, key: str, *, by: Actor) -> Price:
    """What asking again would cost. Raises NotFound."""
    with reading(studio.engine) as connection:
        groups = jobs.failed(connection, list_of(connection, key, by).id)
    costs = [(group.n, _each(studio, group)) for group in groups]
    return Price(
        pictures=sum(n for n, _ in costs),
        micros=sum(n * each for n, each in costs if each is not None),
        unpriced=sum(n for n, each in costs if each is None),
    )


def approved(studio: Studio, key: str, *, by: Actor, limit: int) -> list[str]:
    """The keys of a list's approved pictures, newest first. Raises NotFound."""
    with reading(studio.engine) as connection:
        row = list_of(connection, key, by)
        return jobs.keys_of(connection, row.id, review=ReviewState.APPROVED, limit=limit)


def _every(studio: Studio, wanted: Filter) -> Iterator[list[int]]:
    """The ids of all that match, as History finds them, some at a time."""
    start: int | None = None
    while True:
        with reading(studio.engine) as connection:
            asked = history.asked_of(studio, connection, wanted)
            if asked is None:
                return
            found = gallery.find(connection, asked, start=start, ascending=True, limit=_AT_ONCE)
        if found.ids:
            yield found.ids
        if found.reach is None:
            return
        start = found.reach


def list_of(connection: Connection, key: str, by: Actor) -> Any:
    """The row of an actor's own list."""
    row = jobs.by_key(connection, key)
    if row is None or row.actor != by.id:
        raise NotFound("job", key)
    return row


def _each(studio: Studio, group: Any) -> int | None:
    provider = studio.providers.get(group.provider)
    return provider.estimate(group.model, group.size) if provider else None


def refuse_unpaid(studio: Studio, groups: Sequence[Any], by: Actor) -> None:
    """Can today's limits hold what is asked for again?"""
    known = 0
    for group in groups:
        each = _each(studio, group)
        known += group.n * (each or 0)
        if each is None:
            budget.check_price(studio, group.model, None, group.n, unpriced_ok=group.unpriced_ok, by=by)
    if known:
        budget.check_price(studio, groups[0].model, known, 1, unpriced_ok=True, by=by)
