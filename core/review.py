"""Judging pictures. Reviews are only added; an output's state is what they come to."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core import clock, insights
from core.claiming import LEASE, claim, release
from core.database import reviews, search, tasks
from core.database.engine import reading, writing
from core.errors import (
    DatabaseError,
    NotAllowed,
    NotFound,
    NothingToUndo,
    NotJudged,
    OrderRefused,
    PackshotError,
    ReviewConflict,
    TextTooLong,
)
from core.model import Actor, ReviewState, Role
from core.queueing import COUNT_LIMIT, pace, queue
from core.studio import Studio
from core.text import clean
from core.verdicts import (
    Act,
    Applied,
    Item,
    Pace,
    Queue,
    Reason,
    Result,
    Review,
    Verdict,
    Wanted,
    review_of,
    standing,
    state_of,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = [
    "COUNT_LIMIT", "LEASE", "MAX_NOTE", "Act", "Applied", "Item", "Pace", "Queue", "Reason", "Result",
    "Review", "Verdict", "Wanted", "apply", "best_of", "claim", "decide", "history_of", "judge", "pace",
    "queue", "release", "row_of", "undo",
]  # fmt: skip

MAX_NOTE = 2_000
"""Characters."""


def decide(
    studio: Studio,
    output_key: str,
    verdict: Verdict,
    *,
    by: Actor,
    reason: Reason | None = None,
    note: str = "",
    seen: int | None = None,
    sitting: str = "",
    channel: str | None = None,
    findings: Sequence[Mapping[str, Any]] = (),
    override: str = "",
) -> Review:
    """Approve or reject a picture.

    `seen` is the id of the newest review that `by` has seen. An approval may be for a channel, with what its
    rules found and why it was approved all the same. Nothing is kept when it raises: NotAllowed, NotFound,
    NotJudged, ReviewConflict, TextTooLong, DatabaseError kinds.
    """
    act = _act(output_key, verdict, reason=reason, note=note, seen=seen, sitting=sitting)
    return judge(studio, act, by=by, channel=channel, findings=findings, override=override)[0]


def undo(
    studio: Studio, output_key: str, *, by: Actor, note: str = "", seen: int | None = None, sitting: str = ""
) -> Review:
    """Take the newest judgement of a picture back, and those of its set if it was one act.

    Raises what `decide` raises, and NothingToUndo.
    """
    return judge(studio, _act(output_key, Verdict.UNDONE, note=note, seen=seen, sitting=sitting), by=by)[0]


def best_of(
    studio: Studio, output_key: str, *, by: Actor, note: str = "", seen: int | None = None, sitting: str = ""
) -> list[Review]:
    """Approve a picture and reject the other ones of its photo, in one act. Its own review comes first.

    Those that are rejected stay as they are. `seen` counts for all of them. Raises what `decide` raises.
    """
    act = _act(output_key, Verdict.APPROVED, note=note, seen=seen, sitting=sitting, best=True)
    return list(judge(studio, act, by=by))


def apply(studio: Studio, acts: Sequence[Act], *, by: Actor) -> Applied:
    """Do what a page sends, in the order of `seq`; what was done before is answered as it was then.

    A refused act holds up no other. Raises DatabaseError kinds: send all of them again.
    """
    results = []
    for act in sorted(acts, key=lambda act: act.seq):
        try:
            results.append(Result(act=act, reviews=judge(studio, act, by=by)))
        except DatabaseError:
            raise
        except ReviewConflict as error:
            other = next((r for r in _of_unit(studio, act.output) if r.id == error.data["seen"]), None)
            results.append(Result(act=act, error=error, other=other))
        except PackshotError as error:
            results.append(Result(act=act, error=error))
    return Applied(ack=results[-1].act.seq if results else None, results=tuple(results))


def history_of(studio: Studio, output_key: str) -> tuple[Review, ...]:
    """All reviews of an output, oldest first. Raises NotFound."""
    with reading(studio.engine) as connection:
        output = _target(connection, output_key)
        return tuple(review_of(row) for row in reviews.of_outputs(connection, [output.id]))


def judge(
    studio: Studio,
    act: Act,
    *,
    by: Actor,
    channel: str | None = None,
    findings: Sequence[Mapping[str, Any]] = (),
    override: str = "",
) -> tuple[Review, ...]:
    """One act with its rows, states and events in one transaction; the review of `act.output` comes first."""
    if not by.role.may(Role.REVIEWER):
        raise NotAllowed(Role.REVIEWER)
    act = _checked(act)
    values = {"channel": channel, "findings": [dict(f) for f in findings], "override": override}
    with writing(studio.engine) as connection:
        output = _target(connection, act.output)
        reviews.lock_unit(connection, output.photo_id)
        unit = {output.id: act.key}
        if act.best or act.verdict is Verdict.UNDONE:
            others = [row for row in reviews.unit_of(connection, output.photo_id) if row.id != output.id]
            unit |= {row.id: str(uuid.uuid5(uuid.NAMESPACE_OID, act.key + row.key)) for row in others}
        rows, keys = reviews.said(connection, unit, unit.values()), {*unit.values()}
        if done := [row for row in rows if row.key in keys]:
            return tuple(review_of(row) for row in done)
        said: dict[int, list[Review]] = {output_id: [] for output_id in unit}
        for row in rows:
            said[row.output_id].append(review_of(row))
        if act.verdict is Verdict.UNDONE:
            wanted = _taken_back(output.id, said)
        elif act.best:
            rejected = ReviewState.REJECTED
            wanted = [i for i in unit if i == output.id or state_of(said[i]) is not rejected]
        else:
            wanted = [output.id]
        last = [said[i][-1] for i in wanted if said[i]]
        if act.verdict is Verdict.UNDONE:  # What it takes back may be older.
            last += [standing(said[i])[-1] for i in wanted]
        _refuse_unseen(last, act, by)
        saved = []
        with insights.counting(studio, connection, wanted, judged=True):
            for output_id in wanted:
                verdict = Verdict.REJECTED if act.best and output_id != output.id else act.verdict
                one = replace(act, verdict=verdict, key=unit[output_id])
                row = row_of(one, output_id, said[output_id], group=act.key, by=by)
                review = review_of(reviews.add(connection, {**row, **values}))
                every = [*said[output_id], review]
                stands = standing(every)[-1].id if standing(every) else None
                if not reviews.set_state(connection, output_id, state_of(every), stands, at=review.at):
                    raise _not_judged(connection, output_id)
                _record(connection, output.task_id, review)
                saved.append(review)
        if noted := [review.output_id for review in saved if review.note]:
            search.reindex(connection, noted)
        return tuple(saved)


def _act(output_key: str, verdict: Verdict, **values: Any) -> Act:
    return Act(seq=0, key=str(uuid.uuid4()), output=output_key, verdict=verdict, **values)


def _checked(act: Act) -> Act:
    """An act as it is kept. Raises TextTooLong and OrderRefused."""
    for name, value in (("key", act.key), ("sitting", act.sitting)):
        if len(value) > 36 or not value.isascii() or not value.isprintable():
            raise OrderRefused(name, clean(value)[:40], "uuid")
    note = clean(act.note, lines=True).strip()
    if len(note) > MAX_NOTE:
        raise TextTooLong("note", len(note), MAX_NOTE)
    rejected = act.verdict is Verdict.REJECTED
    return replace(act, note=note, reason=act.reason if rejected else None)


def _taken_back(output_id: int, said: Mapping[int, list[Review]]) -> list[int]:
    """The outputs whose newest judgement came with that of `output_id`, which is first."""
    newest = {i: stack[-1] for i, of_one in said.items() if (stack := standing(of_one))}
    if output_id not in newest:
        raise NothingToUndo()
    act = newest[output_id].act
    return [output_id, *(i for i, review in newest.items() if i != output_id and review.act == act)]


def _refuse_unseen(newest: Sequence[Review], act: Act, by: Actor) -> None:
    unseen = [r for r in newest if r.id > (act.seen or 0) and not r.by_hand_of(by.id, act.sitting)]
    if unseen:
        last = max(unseen, key=lambda review: review.id)
        raise ReviewConflict(last.actor_name or last.actor, last.verdict.value, last.id)


def row_of(act: Act, output_id: int, said: Sequence[Review], *, group: str, by: Actor) -> dict[str, Any]:
    """The values of a new review. `said`: all reviews of the output. One that adds to the same hand's
    judgement stays in that one's act and loses nothing it said."""
    reason, note = act.reason, act.note
    stand = standing(said)
    if act.verdict is Verdict.UNDONE:
        reason = stand[-2].reason if len(stand) > 1 else None
    elif stand and stand[-1].verdict is act.verdict and stand[-1].by_hand_of(by.id, act.sitting):
        last = stand[-1]
        reason, note, group = reason or last.reason, note or last.note, last.act
    return {
        "key": act.key,
        "output_id": output_id,
        "at": clock.now(),
        "actor": by.id,
        "actor_name": by.name,
        "sitting": act.sitting,
        "verdict": act.verdict,
        "reason": reason,
        "note": note,
        "act": group,
    }


def _record(connection: Connection, task_id: int, review: Review) -> None:
    tasks.add_event(
        connection,
        at=clock.now(),
        actor=review.actor,
        verb=f"review.{review.verdict}",
        task_id=task_id,
        output_id=review.output_id,
        data={"review": review.key, "reason": review.reason},
    )


def _not_judged(connection: Connection, output_id: int) -> PackshotError:
    output = tasks.output_by_id(connection, output_id)
    if output is None:
        return NotFound("output", str(output_id))
    return NotJudged("deleted" if output.deleted_at else output.state)


def _target(connection: Connection, key: str) -> Any:
    output = reviews.target(connection, key)
    if output is None:
        raise NotFound("output", key)
    return output


def _of_unit(studio: Studio, output_key: str) -> list[Review]:
    """All reviews of an output and of the other ones of its photo."""
    with reading(studio.engine) as connection:
        output = _target(connection, output_key)
        unit = [row.id for row in reviews.unit_of(connection, output.photo_id)]
        return [review_of(row) for row in reviews.of_outputs(connection, unit)]
