"""What an act on many does to some pictures of its list, in one transaction of the caller."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from core import clock, generation, insights, review, tags, trash
from core.bulk_job import Act, Job
from core.database import jobs, reviews, search, tasks
from core.database import tags as rows_of_tags
from core.errors import (
    AlreadySo,
    ChangedSince,
    InTrash,
    NotFailed,
    NotFound,
    NotJudged,
    PackshotError,
    ReviewConflict,
    TooManyTags,
)
from core.model import OutputState, ReviewState
from core.studio import Studio
from core.verdicts import Act as OneAct
from core.verdicts import Review, Verdict, review_of, standing

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Outcomes(dict[int, tuple[str, int | None]]):
    """What became of outputs, by id: jobs.DONE or the kind of an error, and the review that was written."""

    def leave(self, output_id: int, error: type[PackshotError]) -> None:
        self[output_id] = (error.__name__, None)

    def done(self, output_id: int, review_id: int | None = None) -> None:
        self[output_id] = (jobs.DONE, review_id)

    @property
    def changed(self) -> list[int]:
        return [output_id for output_id, (kind, _) in self.items() if kind == jobs.DONE]


def do(studio: Studio, connection: Connection, job: Job, items: Sequence[Any]) -> Outcomes:
    """Do the act of a job to these outputs, (output_id, review_id) of its list; each has an outcome then."""
    ids = [item.output_id for item in items]
    if job.act in (Act.APPROVE, Act.REJECT, Act.UNJUDGE):
        reviews.lock_units(connection, ids)
    found, into = jobs.look(connection, ids), Outcomes()
    for output_id in set(ids) - {row.id for row in found}:
        into.leave(output_id, NotFound)
    ready = []
    for row in found:
        if row.deleted_at and job.act not in (Act.DELETE, Act.RESTORE):
            into.leave(row.id, InTrash)
        else:
            ready.append(row)
    own = {item.output_id: item.review_id for item in items}
    acts: dict[Act, Callable[[], None]] = {
        Act.APPROVE: lambda: _judge(studio, connection, job, ready, into),
        Act.REJECT: lambda: _judge(studio, connection, job, ready, into),
        Act.UNJUDGE: lambda: _unjudge(studio, connection, job, ready, own, into),
        Act.TAG: lambda: _tag(connection, job, ready, into),
        Act.UNTAG: lambda: _untag(connection, job, ready, into),
        Act.RETRY: lambda: _retry(studio, connection, job, ready, into),
        Act.DELETE: lambda: _delete(connection, job, ready, into),
        Act.RESTORE: lambda: _restore(connection, job, ready, into),
    }
    acts[job.act]()
    return into


def _judge(studio: Studio, connection: Connection, job: Job, rows: Sequence[Any], into: Outcomes) -> None:
    verdict = Verdict.APPROVED if job.act is Act.APPROVE else Verdict.REJECTED
    state, said = ReviewState(verdict), _said(connection, rows)
    going, values = [], []
    for row in rows:
        before = said[row.id]
        if row.state != OutputState.SUCCEEDED:
            into.leave(row.id, NotJudged)
        elif row.review == state:
            into.leave(row.id, AlreadySo)
        elif before and before[-1].id > job.seen and not before[-1].by_hand_of(job.by.id, ""):
            into.leave(row.id, ReviewConflict)
        else:
            going.append(row)
            values.append(_review(job, row, verdict, before))
    with insights.counting(studio, connection, [row.id for row in going], judged=True):
        ids = reviews.add_many(connection, values)
        states = [(row.id, state, i) for row, i in zip(going, ids, strict=True)]
        reviews.set_states(connection, states, at=clock.now())
    _told(connection, job, going, values)
    for row, number in zip(going, ids, strict=True):
        into.done(row.id, number)
    if job.note:
        search.reindex(connection, [row.id for row in going])


def _unjudge(
    studio: Studio,
    connection: Connection,
    job: Job,
    rows: Sequence[Any],
    own: dict[int, int | None],
    into: Outcomes,
) -> None:
    """Take the job's own judgements back where they still stand."""
    said = _said(connection, rows)
    going, values, states = [], [], []
    for row in rows:
        if row.review_id is None or row.review_id != own[row.id] or row.state != OutputState.SUCCEEDED:
            into.leave(row.id, ChangedSince)
            continue
        going.append(row)
        values.append(_review(job, row, Verdict.UNDONE, said[row.id]))
        below = standing(said[row.id])[:-1]
        state = ReviewState(below[-1].verdict) if below else ReviewState.TO_REVIEW
        states.append((row.id, state, below[-1].id if below else None))
    with insights.counting(studio, connection, [row.id for row in going], judged=True):
        ids = reviews.add_many(connection, values)
        reviews.set_states(connection, states, at=clock.now())
    _told(connection, job, going, values)
    for row, number in zip(going, ids, strict=True):
        into.done(row.id, number)


def _said(connection: Connection, rows: Sequence[Any]) -> defaultdict[int, list[Review]]:
    found: defaultdict[int, list[Review]] = defaultdict(list)
    for row in reviews.of_outputs(connection, [row.id for row in rows]):
        found[row.output_id].append(review_of(row))
    return found


def _review(job: Job, row: Any, verdict: Verdict, said: Sequence[Review]) -> dict[str, Any]:
    # Each picture's is an act of its own: one of them may be undone alone.
    key = str(uuid.uuid5(uuid.NAMESPACE_OID, job.key + row.key))
    rejected = verdict is Verdict.REJECTED
    act = OneAct(
        seq=0,
        key=key,
        output=row.key,
        verdict=verdict,
        reason=job.reason if rejected else None,
        note=job.note if rejected else "",
    )
    values = review.row_of(act, row.id, said, group=key, by=job.by)
    # One moment for all: nobody took a second for each.
    return {**values, "at": job.begun_at, "channel": None, "findings": [], "override": ""}


def _told(connection: Connection, job: Job, rows: Sequence[Any], values: Sequence[dict[str, Any]]) -> None:
    for verdict in {value["verdict"] for value in values}:
        of = [
            (row.task_id, row.id, {"review": value["key"], "reason": value["reason"], "job": job.key})
            for row, value in zip(rows, values, strict=True)
        ]
        at, verb = clock.now(), f"review.{verdict}"
        tasks.add_events(connection, at=at, actor=job.by.id, verb=verb, of=of)


def _tag(connection: Connection, job: Job, rows: Sequence[Any], into: Outcomes) -> None:
    ids = [row.id for row in rows]
    there = rows_of_tags.having(connection, ids, job.tag)
    full = rows_of_tags.full(connection, ids, tags.MOST)
    going = []
    for row in rows:
        if row.id in there:
            into.leave(row.id, AlreadySo)
        elif row.id in full:
            into.leave(row.id, TooManyTags)
        else:
            going.append(row)
            into.done(row.id)
    rows_of_tags.add(connection, [row.id for row in going], job.tag)
    _tagged(connection, job, going, "output.tagged")


def _untag(connection: Connection, job: Job, rows: Sequence[Any], into: Outcomes) -> None:
    there = rows_of_tags.having(connection, [row.id for row in rows], job.tag)
    for row in rows:
        if row.id in there:
            into.done(row.id)
        else:
            into.leave(row.id, AlreadySo)
    rows_of_tags.remove(connection, sorted(there), job.tag)
    _tagged(connection, job, [row for row in rows if row.id in there], "output.untagged")


def _tagged(connection: Connection, job: Job, rows: Sequence[Any], verb: str) -> None:
    of = [(row.task_id, row.id, {"name": job.tag, "job": job.key}) for row in rows]
    tasks.add_events(connection, at=clock.now(), actor=job.by.id, verb=verb, of=of)
    search.reindex(connection, [row.id for row in rows])


def _retry(studio: Studio, connection: Connection, job: Job, rows: Sequence[Any], into: Outcomes) -> None:
    wanted = [
        row for row in rows if row.state == OutputState.FAILED and not (row.error_data or {}).get("kept")
    ]
    queued = generation.requeue(studio, connection, wanted, (OutputState.FAILED,), by=job.by)
    for row in rows:
        if row.id in queued:
            into.done(row.id)
        else:
            into.leave(row.id, NotFailed)


def _delete(connection: Connection, job: Job, rows: Sequence[Any], into: Outcomes) -> None:
    _moved(rows, trash.put_in(connection, [row.id for row in rows], by=job.by), into)


def _restore(connection: Connection, job: Job, rows: Sequence[Any], into: Outcomes) -> None:
    over = jobs.by_id(connection, job.undoes or 0).finished_at
    own = [row for row in rows if row.deleted_at and row.deleted_at <= over]
    for row in rows:
        into.leave(row.id, ChangedSince)
    _moved(own, trash.take_out(connection, [row.id for row in own], by=job.by), into)


def _moved(rows: Sequence[Any], change: trash.Change, into: Outcomes) -> None:
    for row in rows:
        into[row.id] = (change.refused.get(row.id, AlreadySo.__name__), None)
    for output_id in change.changed:
        into.done(output_id)
