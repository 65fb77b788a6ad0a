"""One act on many pictures: confirmed by its number, done in the background, taken back.

`core.bulk_list` freezes what it is done to, `core.bulk_worker` does the work.
"""

from __future__ import annotations

import uuid
from typing import Any

from core import clock
from core.bulk_job import INVERSE, ONLY_BACK, Act, Job, allow, job_of, needed, whose
from core.bulk_list import Frozen, Price, approved, changed_by, forget, freeze, list_of, price, refuse_unpaid
from core.database import jobs, tasks
from core.database.engine import reading, writing
from core.errors import NotFound, NotUndone, NumberChanged, OrderRefused, TextTooLong
from core.model import Actor
from core.review import MAX_NOTE
from core.studio import Studio
from core.tags import tag_of
from core.text import clean
from core.verdicts import Reason

__all__ = [
    "INVERSE", "Act", "Frozen", "Job", "Price", "approved", "begin", "changed_by", "forget", "freeze",
    "going_on", "job", "needed", "price", "stop", "undo",
]  # fmt: skip


def begin(
    studio: Studio,
    key: str,
    act: Act,
    *,
    by: Actor,
    number: int,
    reason: Reason | None = None,
    note: str = "",
    tag: str = "",
) -> Job:
    """Do an act to a frozen list of `number` pictures; returns at once. Begun twice it is begun once.

    Nothing is done when it raises: NotAllowed; NotFound; NumberChanged; TextTooLong, TagEmpty; asking again:
    BudgetExhausted and PriceUnknown; DatabaseError kinds.
    """
    if act in ONLY_BACK:
        raise OrderRefused("act", act, ", ".join(one for one in Act if one not in ONLY_BACK))
    allow(by, needed(act))
    asked: dict[str, Any] = {}
    if act is Act.REJECT:
        note = clean(note, lines=True).strip()
        if len(note) > MAX_NOTE:
            raise TextTooLong("note", len(note), MAX_NOTE)
        asked = {"reason": reason, "note": note}
    elif act in (Act.TAG, Act.UNTAG):
        asked = {"tag": tag_of(tag)}
    with reading(studio.engine) as connection:
        row = list_of(connection, key, by)
        groups = jobs.failed(connection, row.id) if act is Act.RETRY else []
    if row.state == jobs.DRAFT:
        if row.total != number:
            raise NumberChanged(number, row.total)
        refuse_unpaid(studio, groups, by)
        now = clock.now()
        values = {"state": jobs.WAITING, "act": act, "asked": asked, "begun_at": now, **whose(by)}
        with writing(studio.engine) as connection:
            if jobs.change(connection, key, [jobs.DRAFT], values):
                data = {"job": key, "act": act, "n": number, **asked}
                tasks.add_event(connection, at=now, actor=by.id, verb="bulk.begun", data=data)
        studio.stirred.set()
    return job(studio, key)


def job(studio: Studio, key: str) -> Job:
    """Raises NotFound."""
    with reading(studio.engine) as connection:
        row = jobs.by_key(connection, key)
    if row is None or row.state == jobs.DRAFT:
        raise NotFound("job", key)
    return job_of(row)


def going_on(studio: Studio, *, by: Actor) -> Job | None:
    """What an actor began last and is not over, for instance in a tab that was closed."""
    with reading(studio.engine) as connection:
        row = jobs.newest_open(connection, by.id)
    return None if row is None else job_of(row)


def stop(studio: Studio, key: str, *, by: Actor) -> Job:
    """Do nothing more of it; what is done stays, and can be undone. Raises NotFound, NotAllowed."""
    allow(by, needed(job(studio, key).act))
    with writing(studio.engine) as connection:
        jobs.lock(connection, key)  # What is being done now is done before the end.
        values = {"state": jobs.STOPPED, "finished_at": clock.now(), "holder": None, "held_until": None}
        if jobs.change(connection, key, [jobs.WAITING, jobs.RUNNING], values):
            data = {"job": key}
            tasks.add_event(connection, at=clock.now(), actor=by.id, verb="bulk.stopped", data=data)
    return job(studio, key)


def undo(studio: Studio, key: str, *, by: Actor) -> Job:
    """Take back what an act did, as a job of its own; undone twice it is undone once.

    What somebody changed since then stays. Raises NotFound, NotAllowed, NotUndone.
    """
    with writing(studio.engine) as connection:
        jobs.lock(connection, key)
        row = jobs.by_key(connection, key)
        if row is None or row.state == jobs.DRAFT:
            raise NotFound("job", key)
        found = job_of(row)
        if not found.takes_back:
            raise NotUndone()
        allow(by, needed(INVERSE[found.act]))
        if there := jobs.undo_of(connection, found.id):
            return job_of(there)
        now, own = clock.now(), str(uuid.uuid4())
        values = {"key": own, "act": INVERSE[found.act], "asked": row.asked, "undoes": found.id}
        times = {"created_at": now, "begun_at": now}
        job_id = jobs.insert(connection, {**values, **times, **whose(by)})
        jobs.copy_done(connection, found.id, job_id)
        total = jobs.count(connection, job_id)
        jobs.change(connection, own, [jobs.DRAFT], {"state": jobs.WAITING, "total": total})
        data = {"job": own, "act": INVERSE[found.act], "n": total, "undoes": key}
        tasks.add_event(connection, at=now, actor=by.id, verb="bulk.begun", data=data)
    studio.stirred.set()
    return job(studio, own)
