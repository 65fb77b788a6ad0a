"""Reviewers judge what waits: nothing is overwritten unseen, nothing is lost, all of it can be undone."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core import clock, history, insights, review
from core.database import schema
from core.database.engine import reading, writing
from core.errors import (
    DatabaseError,
    NotAllowed,
    NotFound,
    NothingToUndo,
    NotJudged,
    OrderRefused,
    ReviewConflict,
    TextTooLong,
)
from core.model import Actor, ReviewState, Role
from core.review import Act, Reason, Verdict, Wanted
from core.studio import Studio
from tests.conftest import on_both
from tests.database.rows import add_task

pytestmark = on_both

Desk = Callable[..., Studio]
MEI = Actor(id="mei", name="Mei", role=Role.REVIEWER)
KEN = Actor(id="ken", name="Ken", role=Role.REVIEWER)
EVERY = Wanted()
JUDGING = {"review", "judged", "second", "pace"}


def ready(
    studio: Studio, outputs: int = 1, *, state: str = "succeeded", sku: str = "", **task: Any
) -> list[str]:
    """The keys of a photo's outputs, which came."""
    ids = add_task(studio.engine, outputs=outputs, sku=sku, **task)
    values = {
        "state": state, "object_key": "generated/o.jpg", "thumb_key": "thumb/o.webp", "width": 9,
        "height": 8, "preset": task.get("preset", "white_bg_front"),
        "created_by": task.get("created_by", "local"),
    }  # fmt: skip
    with writing(studio.engine) as connection:
        table = schema.outputs
        connection.execute(sa.update(table).where(table.c.id.in_(ids)).values(values))
        rows = connection.execute(sa.select(table.c.key).where(table.c.id.in_(ids)).order_by(table.c.id))
        return [str(row.key) for row in rows]


def change(studio: Studio, key: str, **values: Any) -> None:
    table = schema.outputs
    with writing(studio.engine) as connection:
        connection.execute(sa.update(table).where(table.c.key == key).values(values))


def state(studio: Studio, key: str) -> ReviewState:
    with reading(studio.engine) as connection:
        table = schema.outputs
        found = connection.execute(sa.select(table.c.review).where(table.c.key == key)).scalar_one()
    return ReviewState(found)


def verdicts(studio: Studio, key: str) -> list[str]:
    return [one.verdict.value for one in review.history_of(studio, key)]


def act(key: str, verdict: Verdict, seq: int = 1, **values: Any) -> Act:
    return Act(seq=seq, key=str(uuid.uuid4()), output=key, verdict=verdict, **values)


def shown(studio: Studio, wanted: Wanted = EVERY, by: Actor = MEI, **values: Any) -> list[str]:
    return [item.key for item in review.queue(studio, wanted, by=by, **values).items]


def test_what_is_decided_is_kept_and_taken_back_by_adding(desk: Desk) -> None:
    studio = desk(work=False)
    (key,) = ready(studio)
    first = review.decide(studio, key, Verdict.APPROVED, by=MEI, sitting="a")
    assert state(studio, key) is ReviewState.APPROVED
    second = review.decide(
        studio, key, Verdict.REJECTED, by=MEI, sitting="a", reason=Reason.LABEL_TEXT, note=" 字體\n變了\0 "
    )
    assert (second.reason, second.note, second.actor_name) == (Reason.LABEL_TEXT, "字體\n變了", "Mei")
    assert state(studio, key) is ReviewState.REJECTED
    assert review.undo(studio, key, by=MEI, sitting="a").verdict is Verdict.UNDONE
    assert state(studio, key) is ReviewState.APPROVED
    review.undo(studio, key, by=MEI, sitting="a")
    assert state(studio, key) is ReviewState.TO_REVIEW
    with pytest.raises(NothingToUndo):
        review.undo(studio, key, by=MEI, sitting="a")
    assert verdicts(studio, key) == ["approved", "rejected", "undone", "undone"]
    assert review.history_of(studio, key)[:2] == (first, second)
    assert [one.reason for one in review.history_of(studio, key)[2:]] == [None, None]
    assert not {cell.measure for cell in insights.compare(studio)} & JUDGING
    with reading(studio.engine) as connection:
        events = connection.execute(sa.select(schema.events).order_by(schema.events.c.id)).all()
    assert [event.verb for event in events] == [
        "review.approved", "review.rejected", "review.undone", "review.undone",
    ]  # fmt: skip
    assert {event.actor for event in events} == {"mei"}
    assert events[1].data == {"review": second.key, "reason": "label_text"}


def test_a_reason_given_later_belongs_to_the_same_judgement(desk: Desk) -> None:
    studio = desk(work=False)
    (key,) = ready(studio)
    bare = act(key, Verdict.REJECTED, 1, note="too dark", sitting="a")
    reason = act(key, Verdict.REJECTED, 2, reason=Reason.COLOUR, sitting="a")
    review.apply(studio, [bare, reason], by=MEI)
    *_, last = review.history_of(studio, key)
    assert (last.reason, last.note) == (Reason.COLOUR, "too dark")
    review.undo(studio, key, by=MEI, sitting="a")
    assert state(studio, key) is ReviewState.TO_REVIEW


def test_an_approval_for_a_channel_keeps_what_it_was_based_on(desk: Desk) -> None:
    studio = desk(work=False)
    (key,) = ready(studio)
    findings = [{"rule": "border", "result": "failed", "measured": {"share": 0.5}}]
    review.decide(
        studio, key, Verdict.APPROVED, by=MEI, channel="rakuten", findings=findings, override="the client"
    )
    (kept,) = review.history_of(studio, key)
    assert (kept.channel, list(kept.findings), kept.override) == ("rakuten", findings, "the client")


def test_only_pictures_that_came_are_judged_and_only_by_reviewers(desk: Desk) -> None:
    studio = desk(work=False)
    (key,) = ready(studio)
    (failed,) = ready(studio, state="failed")
    (gone,) = ready(studio)
    change(studio, gone, deleted_at=clock.now())
    refused: list[tuple[type[Exception], str, Actor, dict[str, Any]]] = [
        (NotJudged, failed, MEI, {}),
        (NotJudged, gone, MEI, {}),
        (NotFound, "nothing", MEI, {}),
        (NotFound, "裏\0", MEI, {}),
        (NotAllowed, key, replace(MEI, role=Role.OPERATOR), {}),
        (TextTooLong, key, MEI, {"note": "x" * 2001}),
        (OrderRefused, key, MEI, {"sitting": "x" * 37}),
    ]
    for kind, output, by, values in refused:
        with pytest.raises(kind):
            review.decide(studio, output, Verdict.APPROVED, by=by, **values)
    with pytest.raises(NotAllowed):
        review.claim(studio, key, by=replace(MEI, role=Role.VIEWER))
    with reading(studio.engine) as connection:
        for table in (schema.reviews, schema.events, schema.claims):
            assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 0
    assert shown(studio) == [key]


def test_the_best_of_a_photo_is_one_act(desk: Desk) -> None:
    studio = desk(work=False)
    one, two, three, four = ready(studio, outputs=4)
    (other,) = ready(studio)
    change(studio, four, state="failed", object_key=None)
    review.decide(studio, one, Verdict.APPROVED, by=MEI)
    review.decide(studio, three, Verdict.REJECTED, by=MEI, reason=Reason.CROP)
    saved = review.best_of(studio, two, by=MEI, note="the label is sharp")
    assert [r.verdict for r in saved] == [Verdict.APPROVED, Verdict.REJECTED]
    assert {r.note for r in saved} == {"the label is sharp"}
    assert [state(studio, key).value for key in (one, two, three, four, other)] == [
        "rejected", "approved", "rejected", "to_review", "to_review",
    ]  # fmt: skip
    assert verdicts(studio, three) == ["rejected"]
    review.undo(studio, two, by=MEI)
    assert [state(studio, key).value for key in (one, two, three)] == ["approved", "to_review", "rejected"]


def test_undoing_a_set_leaves_what_was_judged_since(desk: Desk) -> None:
    studio = desk(work=False)
    one, two, three = ready(studio, outputs=3)
    review.best_of(studio, one, by=MEI)
    (seen,) = review.history_of(studio, two)
    review.decide(studio, two, Verdict.APPROVED, by=KEN, seen=seen.id)
    review.undo(studio, one, by=MEI)
    assert [state(studio, key).value for key in (one, two, three)] == ["to_review", "approved", "to_review"]


def test_the_same_act_sent_twice_counts_once(desk: Desk) -> None:
    studio = desk(work=False)
    one, two = ready(studio, outputs=2)
    acts = [
        act(one, Verdict.REJECTED, 1, reason=Reason.SHAPE, sitting="a"),
        act(one, Verdict.UNDONE, 2, sitting="a"),
        act(two, Verdict.APPROVED, 3, best=True, sitting="a"),
    ]
    first = review.apply(studio, acts, by=MEI)
    again = review.apply(studio, [acts[2], acts[0], acts[1]], by=MEI)
    assert first == again
    assert first.ack == 3
    assert [len(result.reviews) for result in first.results] == [1, 1, 2]
    assert verdicts(studio, one) == ["rejected", "undone", "rejected"]
    assert verdicts(studio, two) == ["approved"]
    assert review.apply(studio, [], by=MEI) == review.Applied(ack=None, results=())


def test_a_refused_act_holds_up_no_other_and_keeps_its_note(desk: Desk) -> None:
    studio = desk(work=False)
    (key,) = ready(studio)
    bad = act("nothing", Verdict.REJECTED, 1, note="a note of an hour")
    done = review.apply(studio, [act(key, Verdict.APPROVED, 2), bad], by=MEI)
    assert [type(result.error) for result in done.results] == [NotFound, type(None)]
    assert (done.results[0].act, done.ack) == (bad, 2)
    assert state(studio, key) is ReviewState.APPROVED


def test_a_judgement_that_was_not_seen_is_not_overwritten(desk: Desk) -> None:
    studio = desk(work=False)
    one, two = ready(studio, outputs=2)
    mine = review.decide(studio, one, Verdict.APPROVED, by=MEI, sitting="a")
    for late in (
        act(one, Verdict.REJECTED, note="kept"),
        act(one, Verdict.APPROVED, seen=mine.id - 1),
        act(one, Verdict.UNDONE),
        act(two, Verdict.APPROVED, best=True),
    ):
        (result,) = review.apply(studio, [late], by=KEN).results
        assert isinstance(result.error, ReviewConflict)
        assert (result.other, result.act, result.reviews) == (mine, late, ())
        assert result.error.data == {"who": "Mei", "verdict": "approved", "seen": mine.id}
    # The same person at another page is another hand too: nothing is overwritten from a forgotten tab.
    with pytest.raises(ReviewConflict):
        review.decide(studio, one, Verdict.REJECTED, by=MEI, sitting="b")
    assert verdicts(studio, one) == ["approved"]
    knowing = act(two, Verdict.APPROVED, best=True, seen=mine.id)
    (result,) = review.apply(studio, [knowing], by=KEN).results
    assert [r.verdict.value for r in result.reviews] == ["approved", "rejected"]
    assert verdicts(studio, one) == ["approved", "rejected"]


def test_two_who_judge_at_the_same_moment(desk: Desk) -> None:
    studio = desk(work=False)
    units = [ready(studio, outputs=2) for _ in range(12)]
    start = threading.Barrier(4)
    told: list[review.Result] = []

    def judge(by: Actor, sitting: str, verdict: Verdict, best: bool) -> None:
        acts = [act(unit[n % 2], verdict, n, best=best, sitting=sitting) for n, unit in enumerate(units)]
        start.wait()
        told.extend(review.apply(studio, acts, by=by).results)

    hands = [
        (MEI, "a", Verdict.APPROVED, True), (KEN, "a", Verdict.REJECTED, False),
        (MEI, "b", Verdict.REJECTED, False), (KEN, "c", Verdict.APPROVED, True),
    ]  # fmt: skip
    threads = [threading.Thread(target=judge, args=hand) for hand in hands]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 4 * len(units)
    for n, unit in enumerate(units):
        key = unit[n % 2]
        saved = [result for result in told if result.act.output == key and result.reviews]
        lost = [result for result in told if result.act.output == key and result.error]
        assert (len(saved), len(lost)) == (1, 3)
        (won,) = saved
        assert all(isinstance(r.error, ReviewConflict) and r.other == won.reviews[0] for r in lost)
        assert verdicts(studio, key) == [won.act.verdict.value]
        other = unit[1 - n % 2]
        assert verdicts(studio, other) == (["rejected"] if won.act.best else [])


def test_the_queue_has_the_oldest_photo_first_and_its_outputs_together(desk: Desk) -> None:
    studio = desk(work=False)
    old, failed = ready(studio, outputs=2)
    middle = ready(studio, outputs=2, sku="A-1")
    (new,) = ready(studio)
    change(studio, failed, state="failed")
    found = review.queue(studio, EVERY, by=MEI)
    assert [item.key for item in found.items] == [old, *middle, new]
    assert (found.position, found.waiting, found.flagged, found.mine, found.further) == (0, 4, 0, 0, False)
    item = found.items[1]
    assert (item.sku, item.variant, item.width, item.source_width) == ("A-1", 1, 9, 10)
    assert (item.image_key, item.source_key) == ("generated/o.jpg", "input/t/p.jpg")
    assert found.items[1].photo_key == found.items[2].photo_key != found.items[0].photo_key
    assert shown(studio, place=middle[1], back=1, ahead=0) == [middle[0], middle[1]]
    assert shown(studio, place=middle[0], back=0, ahead=1) == middle
    assert shown(studio, place=middle[0], back=0, ahead=0) == middle, "the best is chosen among all of them"
    assert shown(studio, place=new, back=1, ahead=0) == [*middle, new]
    assert review.queue(studio, EVERY, by=MEI, place=middle[1]).position == 2
    assert shown(studio, place="gone\0") == [old, *middle, new]


def test_a_picture_judged_in_this_sitting_can_be_stepped_back_to(desk: Desk) -> None:
    studio = desk(work=False)
    keys = [ready(studio)[0] for _ in range(5)]
    review.decide(studio, keys[0], Verdict.APPROVED, by=KEN, sitting="k")
    for key in keys[1:3]:
        review.decide(studio, key, Verdict.REJECTED, by=MEI, sitting="a", note="n")
    found = review.queue(studio, EVERY, by=MEI, sitting="a", place=keys[3])
    assert ([item.key for item in found.items], found.position) == (keys[1:], 2)
    assert [item.review.value for item in found.items] == ["rejected", "rejected", "to_review", "to_review"]
    last = found.items[0].last
    assert last and (last.note, last.verdict) == ("n", Verdict.REJECTED)
    assert shown(studio, sitting="b", place=keys[3]) == keys[3:]
    # The picture at the place stays, whoever judges it meanwhile.
    review.decide(studio, keys[3], Verdict.APPROVED, by=KEN)
    found = review.queue(studio, EVERY, by=MEI, sitting="a", place=keys[3])
    assert ([item.key for item in found.items], found.position) == (keys[1:], 2)
    assert found.items[2].last and found.items[2].last.actor_name == "Ken"
    # One that went into the trash does not, and the place holds.
    change(studio, keys[3], deleted_at=clock.now())
    found = review.queue(studio, EVERY, by=MEI, sitting="a", place=keys[3])
    assert ([item.key for item in found.items], found.position) == ([*keys[1:3], keys[4]], 2)
    review.decide(studio, keys[4], Verdict.APPROVED, by=MEI, sitting="a")
    found = review.queue(studio, EVERY, by=MEI, sitting="a")
    assert (found.items, found.position, found.waiting) == ((), 0, 0)


def test_each_filter_of_the_queue_alone_and_with_another(desk: Desk) -> None:
    studio = desk(work=False)
    (plain,) = ready(studio, sku="Tea-1", created_by="mei")
    (look,) = ready(studio, preset="flat_lay", sku="tea-2")
    (both,) = ready(studio, preset="flat_lay", created_by="mei", sku="TEA-2")
    change(studio, look, flagged=True)
    change(studio, both, flagged=True)
    task = review.queue(studio, EVERY, by=MEI).items[1].task_key
    for wanted, expected in (
        (Wanted(preset="flat_lay"), [look, both]),
        (Wanted(preset="裏\0"), []),
        (Wanted(sku=" tea-2"), [look, both]),
        (Wanted(sku="Tea-1"), [plain]),
        (Wanted(sku="Tea"), []),
        (Wanted(task=task), [look]),
        (Wanted(task="no such task\0"), []),
        (Wanted(flagged=True), [look, both]),
        (Wanted(mine=True), [plain, both]),
        (Wanted(mine=True, flagged=True), [both]),
        (Wanted(preset="flat_lay", sku="TEA-2", mine=True), [both]),
        (Wanted(preset="white_bg_front", flagged=True), []),
    ):
        assert shown(studio, wanted) == expected, wanted
        middle = review.queue(studio, wanted, by=MEI, place=both)
        assert [item.key for item in middle.items if item.key != both] == [k for k in expected if k != both]
    found = review.queue(studio, Wanted(preset="flat_lay", flagged=True), by=MEI)
    assert (found.waiting, found.flagged, found.mine) == (2, 2, 1)


def test_who_looks_at_a_picture_is_shown_for_a_minute(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = desk(work=False)
    one, two = ready(studio, outputs=2)
    (three,) = ready(studio)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    assert review.claim(studio, one, by=MEI, sitting="a") is None
    assert review.claim(studio, one, by=MEI, sitting="a") is None
    assert review.claim(studio, two, by=KEN) == "Mei"
    assert review.claim(studio, three, by=KEN) is None
    assert shown(studio, by=KEN) == [three]
    assert shown(studio, by=MEI, sitting="a") == [one, two]
    assert shown(studio, by=MEI, sitting="b") == []
    asked = review.queue(studio, Wanted(held=True), by=KEN)
    assert [item.held_by for item in asked.items] == ["Mei", "Mei", None]
    assert review.queue(studio, EVERY, by=KEN).waiting == 3
    # It warns and blocks nobody; and the picture that somebody opened by its link stays in sight.
    assert shown(studio, by=KEN, place=two) == [two, three]
    review.decide(studio, two, Verdict.APPROVED, by=KEN)
    now += review.LEASE + timedelta(seconds=1)
    assert shown(studio, by=KEN) == [one, three]
    assert review.claim(studio, one, by=KEN) is None
    review.release(studio, by=KEN)
    assert shown(studio, by=MEI, sitting="a") == [one, three]
    now += timedelta(hours=2)
    assert review.claim(studio, three, by=KEN) is None
    with reading(studio.engine) as connection:
        assert connection.execute(sa.select(schema.claims.c.actor)).scalars().all() == ["ken"]


def test_those_who_claim_at_once_agree_on_one(desk: Desk) -> None:
    studio = desk(work=False)
    unit = ready(studio, outputs=2)
    start = threading.Barrier(6)
    told: list[str | None] = []

    def look(n: int) -> None:
        start.wait()
        told.append(review.claim(studio, unit[n % 2], by=MEI, sitting=f"s{n}"))

    threads = [threading.Thread(target=look, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told, key=str) == ["Mei"] * 5 + [None]


def test_the_pace_counts_pictures_not_acts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = desk(work=False)
    keys = [ready(studio)[0] for _ in range(5)]
    now = clock.now().astimezone(studio.settings.zone).replace(hour=0, minute=0, second=30)
    monkeypatch.setattr(clock, "now", lambda: now)
    assert review.pace(studio, by=MEI, sitting="a") == review.Pace(today=0, sitting=0, per_minute=None)
    now -= timedelta(minutes=1)
    review.decide(studio, keys[0], Verdict.APPROVED, by=MEI, sitting="old")
    now += timedelta(minutes=1)
    for key in keys[1:4]:
        review.decide(studio, key, Verdict.APPROVED, by=MEI, sitting="a")
        now += timedelta(seconds=10)
    now += timedelta(minutes=20)
    review.decide(studio, keys[4], Verdict.APPROVED, by=MEI, sitting="a")
    review.decide(studio, keys[4], Verdict.REJECTED, by=MEI, sitting="a")
    review.decide(studio, keys[4], Verdict.REJECTED, by=KEN, seen=2**40)
    assert review.pace(studio, by=MEI, sitting="a") == review.Pace(today=4, sitting=4, per_minute=6.0)
    review.undo(studio, keys[3], by=MEI, sitting="a")
    found = review.pace(studio, by=MEI, sitting="a")
    assert (found.today, found.sitting) == (3, 3)


def test_a_database_that_is_away_loses_no_act(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = desk(work=False)
    one, two = ready(studio)[0], ready(studio)[0]
    acts = [act(one, Verdict.APPROVED, 1), act(two, Verdict.REJECTED, 2)]
    broken = sa.exc.OperationalError("the line broke", {}, Exception())

    def fail(connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("INSERT INTO events") and "rejected" in str(parameters):
            raise broken

    sa.event.listen(studio.engine, "before_cursor_execute", fail)
    with pytest.raises((DatabaseError, sa.exc.OperationalError)):
        review.apply(studio, acts, by=MEI)
    sa.event.remove(studio.engine, "before_cursor_execute", fail)
    assert [state(studio, key).value for key in (one, two)] == ["approved", "to_review"]
    done = review.apply(studio, acts, by=MEI)
    assert (done.ack, [verdicts(studio, key) for key in (one, two)]) == (2, [["approved"], ["rejected"]])


def test_a_note_is_found_by_the_search_of_history(desk: Desk) -> None:
    studio = desk(work=False)
    key, other = ready(studio, 2)
    review.decide(studio, key, Verdict.REJECTED, by=MEI, note="標籤太黃")
    review.decide(studio, other, Verdict.APPROVED, by=MEI)
    found = history.page(studio, history.Filter(text="太黃"))
    assert [entry.key for entry in found.entries] == [key]


def test_an_undo_takes_back_what_somebody_else_said_only_when_it_was_seen(desk: Desk) -> None:
    studio = desk(work=False)
    (key,) = ready(studio)
    first = review.decide(studio, key, Verdict.APPROVED, by=KEN, sitting="k")
    other = review.decide(studio, key, Verdict.REJECTED, by=MEI, seen=first.id)
    with pytest.raises(ReviewConflict):
        review.undo(studio, key, by=KEN, sitting="k")
    review.decide(studio, key, Verdict.APPROVED, by=KEN, sitting="k", seen=other.id)
    review.undo(studio, key, by=KEN, sitting="k", seen=other.id)
    with pytest.raises(ReviewConflict) as caught:
        review.undo(studio, key, by=KEN, sitting="k")
    assert caught.value.data["seen"] == other.id
    assert review.history_of(studio, key)[-1].verdict is Verdict.UNDONE
    review.undo(studio, key, by=KEN, sitting="k", seen=other.id)
    assert len(review.history_of(studio, key)) == 5
