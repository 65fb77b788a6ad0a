"""One act on many pictures: frozen, confirmed, done once each, taken back. On both databases."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import bulk, bulk_list, bulk_worker, clock, generation, history, insights, review, trash
from core.bulk import Act, Job
from core.database import jobs, schema, search
from core.database.engine import reading, writing
from core.errors import (
    BudgetExhausted,
    NoImage,
    NotAllowed,
    NotFound,
    NothingChosen,
    NotUndone,
    NumberChanged,
    OrderRefused,
    OutcomeUnknown,
    PriceUnknown,
    TagEmpty,
    TextTooLong,
)
from core.history import Filter, Sort
from core.model import Actor, OutputState, ReviewState, Role
from core.review import Verdict
from core.studio import Studio, open_studio
from core.tags import tag_of
from core.verdicts import Reason
from tests.conftest import BY, Scripted, finished, on_both, order, upload
from tests.database.rows import add_task
from tests.differing import everything, verbs
from tests.parts.desks import Place, start, wait_until

pytestmark = on_both
Open = Callable[..., Studio]
OTHER = Actor(id="mei@shop.hk", name="Mei", role=Role.REVIEWER)


def stocked(desk: Studio, number: int, *, state: str = "succeeded", **task: Any) -> list[str]:
    """The keys of pictures without files, two of each photo."""
    ids: list[int] = []
    while len(ids) < number:
        ids += add_task(desk.engine, outputs=min(2, number - len(ids)), **task)
    o = schema.outputs.c
    with writing(desk.engine) as connection:
        values = {"state": state, "checks": "done", "finished_at": clock.now()}
        connection.execute(sa.update(schema.outputs).where(o.id.in_(ids)).values(**values))
        rows = connection.execute(sa.select(o.id, o.key).where(o.id.in_(ids)).order_by(o.id))
        return [row.key for row in rows]


def states(desk: Studio) -> list[str]:
    o = schema.outputs.c
    with reading(desk.engine) as connection:
        return list(connection.execute(sa.select(o.review).order_by(o.id)).scalars())


def work(desk: Studio, job: Job, *, steps: int = 1_000) -> Job:
    """Do a job here, as its worker does, or some steps of it."""
    now = clock.now()
    with writing(desk.engine) as connection:
        jobs.claim(connection, job.id, "here", now, now + bulk_worker.LEASE)
    for _ in range(steps):
        if not bulk_worker.step(desk, job.id, "here"):
            break
    return bulk.job(desk, job.key)


def done(desk: Studio, chosen: Any, act: Act, *, by: Actor = BY, **values: Any) -> Job:
    """Freeze, confirm and do."""
    frozen = bulk.freeze(desk, chosen, by=by)
    return work(desk, bulk.begin(desk, frozen.key, act, by=by, number=frozen.total, **values))


def true_sums(desk: Studio) -> bool:
    return insights.compare(desk) == {}


def test_a_selection_is_approved_and_taken_back(desk: Open) -> None:
    opened = desk(work=False)
    keys = stocked(opened, 5)
    insights.rebuild(opened, by=BY)
    job = done(opened, keys[:3], Act.APPROVE)
    assert (job.state, job.total, job.done, job.left) == ("finished", 3, 3, 0)
    assert states(opened) == ["approved"] * 3 + ["to_review"] * 2
    assert len(verbs(opened, "review.approved")) == 3
    assert true_sums(opened)
    back = work(opened, bulk.undo(opened, job.key, by=BY))
    assert (back.act, back.total, back.done, back.undoes) == (Act.UNJUDGE, 3, 3, job.id)
    assert states(opened) == ["to_review"] * 5
    assert true_sums(opened)
    assert bulk.undo(opened, job.key, by=BY).key == back.key, "twice is once"
    with pytest.raises(NotUndone):
        bulk.undo(opened, back.key, by=BY)


def test_a_reason_and_a_note_are_kept_and_found(desk: Open) -> None:
    opened = desk(work=False)
    keys = stocked(opened, 2)
    done(opened, keys, Act.REJECT, reason=Reason.COLOUR, note="太黃\x00")
    (found,) = review.history_of(opened, keys[0])
    assert (found.verdict, found.reason, found.note) == (Verdict.REJECTED, Reason.COLOUR, "太黃")
    assert len(history.page(opened, Filter(text="太黃")).entries) == 2
    # One of them is undone alone, and the other one of the same photo stays.
    review.undo(opened, keys[0], by=BY, seen=found.id)
    assert states(opened) == ["to_review", "rejected"]


@pytest.mark.parametrize("sort", list(Sort))
def test_what_matches_is_frozen_and_counted(desk: Open, sort: Sort, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = desk(work=False)
    monkeypatch.setattr(bulk_list, "_AT_ONCE", 7)
    stocked(opened, 12, preset="flat_lay")
    keys = stocked(opened, 30)
    with writing(opened.engine) as connection:
        o = schema.outputs.c
        connection.execute(sa.update(schema.outputs).values(cost_micros=40_000 - o.id * 7 % 13 * 1000))
    trash.delete(opened, keys[0], by=BY)
    frozen = bulk.freeze(opened, Filter(preset="white_bg_front", sort=sort), by=BY)
    assert frozen.total == 29
    stocked(opened, 4)  # They match too, but came later.
    for number in (28, 30, 0):
        before = everything(opened)
        with pytest.raises(NumberChanged):
            bulk.begin(opened, frozen.key, Act.APPROVE, by=BY, number=number)
        assert everything(opened) == before
    job = work(opened, bulk.begin(opened, frozen.key, Act.APPROVE, by=BY, number=29))
    assert job.done == 29
    assert history.count(opened, Filter(reviews=(ReviewState.APPROVED,))).number == 29
    assert history.count(opened, Filter(reviews=(ReviewState.TO_REVIEW,))).number == 12 + 4


def test_nothing_chosen_is_said_and_leaves_nothing(desk: Open) -> None:
    opened = desk(work=False)
    (key,) = stocked(opened, 1)
    trash.delete(opened, key, by=BY)
    before = everything(opened)
    for chosen in ([], ["nothing", "\x00"], [key], Filter(), Filter(text="!"), Filter(task="none")):
        with pytest.raises(NothingChosen):
            bulk.freeze(opened, chosen, by=BY)
    assert everything(opened) == before


def test_a_list_that_is_not_confirmed_is_forgotten(desk: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = desk(work=False)
    keys = stocked(opened, 2)
    before = everything(opened)
    frozen = bulk.freeze(opened, keys, by=BY)
    bulk.forget(opened, frozen.key, by=OTHER)
    assert bulk.changed_by(opened, frozen.key, by=BY)[Act.APPROVE] == 2, "it is not theirs"
    bulk.forget(opened, frozen.key, by=BY)
    assert everything(opened) == before
    old = bulk.freeze(opened, keys, by=BY)
    monkeypatch.setattr(bulk_list, "KEPT", -bulk_list.KEPT)
    bulk.freeze(opened, keys, by=BY)
    with pytest.raises(NotFound):
        bulk.begin(opened, old.key, Act.APPROVE, by=BY, number=2)


def test_pressed_twice_it_is_done_once(desk: Open) -> None:
    opened = desk(work=False)
    frozen = bulk.freeze(opened, stocked(opened, 2), by=BY)
    first = bulk.begin(opened, frozen.key, Act.APPROVE, by=BY, number=2)
    assert bulk.begin(opened, frozen.key, Act.APPROVE, by=BY, number=2).id == first.id
    work(opened, first)
    assert bulk.begin(opened, frozen.key, Act.DELETE, by=BY, number=2).act is Act.APPROVE
    assert states(opened) == ["approved"] * 2 and len(verbs(opened, "review.approved")) == 2


def test_who_may(desk: Open) -> None:
    opened = desk(work=False)
    keys = stocked(opened, 2)
    viewer, operator = (Actor(id=r, name=r, role=r) for r in (Role.VIEWER, Role.OPERATOR))
    with pytest.raises(NotAllowed):
        bulk.freeze(opened, keys, by=viewer)
    frozen = bulk.freeze(opened, keys, by=operator)
    before = everything(opened)
    for act, values in (
        (Act.APPROVE, {}),
        (Act.REJECT, {}),
        (Act.TAG, {"tag": "x"}),
        (Act.UNTAG, {"tag": "x"}),
    ):
        with pytest.raises(NotAllowed):
            bulk.begin(opened, frozen.key, act, by=operator, number=2, **values)
    for act in (Act.RESTORE, Act.UNJUDGE):
        with pytest.raises(OrderRefused):
            bulk.begin(opened, frozen.key, act, by=BY, number=2)
    with pytest.raises(NotFound):
        bulk.begin(opened, frozen.key, Act.APPROVE, by=BY, number=2)
    for verb in (bulk.job, lambda d, k: bulk.stop(d, k, by=BY), lambda d, k: bulk.undo(d, k, by=BY)):
        for key in (frozen.key, "nothing", "\x00"):
            with pytest.raises(NotFound):
                verb(opened, key)
    assert everything(opened) == before
    job = done(opened, keys, Act.APPROVE, by=OTHER)
    with pytest.raises(NotAllowed):
        bulk.undo(opened, job.key, by=operator)
    with pytest.raises(NotAllowed):
        bulk.stop(opened, job.key, by=operator)
    assert done(opened, keys, Act.DELETE, by=operator).done == 2


def test_what_others_did_meanwhile_stays(desk: Open) -> None:
    opened = desk(work=False)
    keys = stocked(opened, 5)
    earlier = review.decide(opened, keys[0], Verdict.REJECTED, by=OTHER)
    frozen = bulk.freeze(opened, keys, by=BY)
    review.decide(opened, keys[1], Verdict.REJECTED, by=OTHER)
    review.decide(opened, keys[2], Verdict.APPROVED, by=OTHER)
    trash.delete(opened, keys[3], by=BY)
    job = work(opened, bulk.begin(opened, frozen.key, Act.APPROVE, by=BY, number=5))
    assert job.skipped == {"ReviewConflict": 1, "AlreadySo": 1, "InTrash": 1} and job.done == 2
    assert states(opened) == ["approved", "rejected", "approved", "to_review", "approved"]
    assert earlier.id <= job.seen, "what was there before is judged over"


def test_only_what_is_still_its_own_is_taken_back(desk: Open) -> None:
    opened = desk(work=False)
    keys = stocked(opened, 4)
    review.decide(opened, keys[0], Verdict.REJECTED, by=OTHER)
    job = done(opened, keys, Act.APPROVE)
    last = review.history_of(opened, keys[1])[-1]
    review.decide(opened, keys[1], Verdict.REJECTED, by=OTHER, seen=last.id)
    review.undo(opened, keys[2], by=OTHER, seen=review.history_of(opened, keys[2])[-1].id)
    back = work(opened, bulk.undo(opened, job.key, by=BY))
    assert back.skipped == {"ChangedSince": 2} and back.done == 2
    assert states(opened) == ["rejected", "rejected", "to_review", "to_review"]


def test_deleted_and_restored(desk: Open) -> None:
    opened = desk(work=False)
    keys = stocked(opened, 4)
    going = stocked(opened, 1, state="queued")
    job = done(opened, [*keys, *going], Act.DELETE)
    assert (job.done, job.skipped) == (4, {"StillGoing": 1})
    assert history.count(opened, Filter()).number == 1
    # One was restored and deleted once more: that is another one's act.
    trash.restore(opened, keys[0], by=BY)
    trash.delete(opened, keys[0], by=OTHER_OPERATOR)
    trash.restore(opened, keys[1], by=BY)
    back = work(opened, bulk.undo(opened, job.key, by=BY))
    assert (back.done, back.skipped) == (2, {"ChangedSince": 2})
    assert {one.key for one in trash.page(opened).entries} == {keys[0]}


OTHER_OPERATOR = Actor(id="bo", name="Bo", role=Role.OPERATOR)


def test_tags_are_put_on_found_and_taken_off(desk: Open) -> None:
    opened = desk(work=False)
    keys = stocked(opened, 3)
    assert done(opened, keys[:1], Act.TAG, tag="Moon  FESTIVAL").tag == "moon festival"
    job = done(opened, keys, Act.TAG, tag="ｍoon festival ")
    assert (job.done, job.skipped) == (2, {"AlreadySo": 1})
    assert len(history.page(opened, Filter(text="festiv")).entries) == 3
    assert [event.verb for event in history.details(opened, keys[2]).events] == ["output.tagged"]
    work(opened, bulk.undo(opened, job.key, by=BY))
    assert [entry.key for entry in history.page(opened, Filter(text="festival")).entries] == keys[:1]
    gone = done(opened, keys, Act.UNTAG, tag="moon festival")
    assert (gone.done, gone.skipped) == (1, {"AlreadySo": 2})
    assert history.page(opened, Filter(text="festival")).entries == ()
    assert work(opened, bulk.undo(opened, gone.key, by=BY)).done == 1
    assert len(history.page(opened, Filter(text="festival")).entries) == 1


def test_a_tag_that_can_t_be_one(desk: Open) -> None:
    opened = desk(work=False)
    frozen = bulk.freeze(opened, stocked(opened, 1), by=BY)
    before = everything(opened)
    for tag, error in (
        ("", TagEmpty),
        (" \x00\u202e", TagEmpty),
        ("- ! -", TagEmpty),
        ("x" * 41, TextTooLong),
    ):
        with pytest.raises(error):
            bulk.begin(opened, frozen.key, Act.TAG, by=BY, number=1, tag=tag)
    with pytest.raises(TextTooLong):
        bulk.begin(opened, frozen.key, Act.REJECT, by=BY, number=1, note="x" * 2001)
    assert everything(opened) == before
    assert (tag_of("  中秋\n節 "), tag_of("Ａ１"), tag_of("x" * 40)) == ("中秋 節", "a1", "x" * 40)


def test_a_picture_takes_so_many_tags(desk: Open) -> None:
    opened = desk(work=False)
    (key,) = stocked(opened, 1)
    with writing(opened.engine) as connection:
        (number,) = connection.execute(sa.select(schema.outputs.c.id)).scalars()
        rows = [{"output_id": number, "tag": f"t{n}"} for n in range(20)]
        connection.execute(sa.insert(schema.output_tags), rows)
    assert done(opened, [key], Act.TAG, tag="one more").skipped == {"TooManyTags": 1}
    assert done(opened, [key], Act.TAG, tag="t3").skipped == {"AlreadySo": 1}


def test_only_what_failed_is_asked_again(desk: Open, scripted: Scripted, photo: bytes) -> None:
    opened = desk()
    scripted.script = [NoImage("no"), OutcomeUnknown(), photo]
    task = generation.submit(opened, [upload(photo)], order(outputs=3), by=BY)
    keys = [output.key for output in finished(opened, task).outputs]
    frozen = bulk.freeze(opened, keys, by=BY)
    assert bulk.changed_by(opened, frozen.key, by=BY)[Act.RETRY] == 1
    price = bulk.price(opened, frozen.key, by=BY)
    assert (price.pictures, price.micros, price.unpriced) == (1, 33_600, 0)
    asked = len(scripted.asked)
    job = bulk.begin(opened, frozen.key, Act.RETRY, by=BY, number=3)
    wait_until(lambda: bulk.job(opened, job.key).over, seconds=20, what="the job")
    job = bulk.job(opened, job.key)
    assert (job.done, job.skipped, job.takes_back) == (1, {"NotFailed": 2}, False)
    found = [output.state for output in finished(opened, task).outputs]
    assert sorted(found) == ["succeeded", "succeeded", "unknown"]
    assert len(scripted.asked) == asked + 1
    with pytest.raises(NotUndone):
        bulk.undo(opened, job.key, by=BY)


def test_asking_again_keeps_to_the_limits(desk: Open, scripted: Scripted) -> None:
    opened = desk(work=False, daily_budget_usd=0.05)
    keys = stocked(opened, 2, state="failed")
    frozen = bulk.freeze(opened, keys, by=BY)
    with pytest.raises(BudgetExhausted):
        bulk.begin(opened, frozen.key, Act.RETRY, by=BY, number=2)
    other = bulk.freeze(opened, stocked(opened, 1, state="failed", provider="gone"), by=BY)
    with writing(opened.engine) as connection:
        connection.execute(sa.update(schema.outputs).values(provider="gone"))
    assert bulk.price(opened, other.key, by=BY).unpriced == 1
    with pytest.raises(PriceUnknown):
        bulk.begin(opened, other.key, Act.RETRY, by=BY, number=1)
    assert {output.state for output in rows(opened)} == {"failed"}


def rows(desk: Studio) -> list[Any]:
    with reading(desk.engine) as connection:
        return list(connection.execute(sa.select(schema.outputs)))


def test_a_stopped_act_stays_half_done_and_is_taken_back(desk: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_worker, "CHUNK", 2)
    opened = desk(work=False)
    frozen = bulk.freeze(opened, stocked(opened, 7), by=BY)
    job = bulk.begin(opened, frozen.key, Act.APPROVE, by=BY, number=7)
    assert bulk.going_on(opened, by=BY) == job and bulk.going_on(opened, by=OTHER) is None
    work(opened, job, steps=2)
    job = bulk.stop(opened, job.key, by=BY)
    assert (job.state, job.done) == ("stopped", 4)
    assert not bulk_worker.step(opened, job.id, "here")
    assert states(opened).count("approved") == 4 and bulk.going_on(opened, by=BY) is None
    assert work(opened, bulk.undo(opened, job.key, by=BY)).done == 4
    assert states(opened) == ["to_review"] * 7


def test_who_lost_its_job_does_nothing_more(desk: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_worker, "CHUNK", 2)
    opened = desk(work=False)
    frozen = bulk.freeze(opened, stocked(opened, 6), by=BY)
    job = bulk.begin(opened, frozen.key, Act.APPROVE, by=BY, number=6)
    work(opened, job, steps=1)
    now = clock.now()
    with writing(opened.engine) as connection:
        assert not jobs.claim(connection, job.id, "other", now, now + bulk_worker.LEASE), "it is held"
        assert jobs.claim(
            connection, job.id, "other", now + 2 * bulk_worker.LEASE, now + 3 * bulk_worker.LEASE
        )
    assert not bulk_worker.step(opened, job.id, "here")
    while bulk_worker.step(opened, job.id, "other"):
        pass
    assert bulk.job(opened, job.key).done == 6 and len(verbs(opened, "review.approved")) == 6


def test_pictures_that_were_removed_for_good_are_counted(desk: Open) -> None:
    opened = desk(work=False)
    frozen = bulk.freeze(opened, stocked(opened, 3), by=BY)
    job = bulk.begin(opened, frozen.key, Act.TAG, by=BY, number=3, tag="x")
    with writing(opened.engine) as connection:
        first = sa.select(sa.func.min(schema.outputs.c.id)).scalar_subquery()
        connection.execute(sa.delete(schema.job_items).where(schema.job_items.c.output_id == first))
    job = work(opened, job)
    assert (job.done, job.skipped, job.state) == (2, {"NotFound": 1}, "finished")


def test_statements_grow_with_portions_and_not_with_pictures(desk: Open) -> None:
    opened = desk(work=False)
    keys = stocked(opened, 160)
    counts = {}
    for act, values in (
        (Act.TAG, {"tag": "x"}), (Act.APPROVE, {}), (Act.REJECT, {"note": "n"}), (Act.DELETE, {}),
    ):  # fmt: skip
        for number in (10, 150):
            frozen = bulk.freeze(opened, keys[:number] if number == 10 else keys[10:], by=BY)
            job = bulk.begin(opened, frozen.key, act, by=BY, number=frozen.total, **values)
            said: list[str] = []

            def listen(_c: Any, _cursor: Any, statement: str, *_: Any, said: list[str] = said) -> None:
                said.append(statement)

            sa.event.listen(opened.engine, "before_cursor_execute", listen)
            job = work(opened, job)
            sa.event.remove(opened.engine, "before_cursor_execute", listen)
            assert job.done == number
            counts[act, number] = len(said)
        # Sums are written a few at a time, and Postgres takes a thousand values in one statement.
        assert counts[act, 150] <= counts[act, 10] + 4, counts
    assert max(counts.values()) <= 45, counts


def a_desk(place: Place) -> None:
    bulk_worker.CHUNK = 3
    vars(bulk_worker)["_BREATH"] = 0.02
    with open_studio(place.settings()):
        time.sleep(60)


def test_a_killed_process_leaves_an_act_that_another_one_ends(
    desk: Open, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = desk(work=False)
    frozen = bulk.freeze(opened, stocked(opened, 400), by=BY)
    job = bulk.begin(opened, frozen.key, Act.APPROVE, by=BY, number=400)
    place = Place(database_url=database_url, folder=tmp_path, model="http://127.0.0.1:9")
    process = start(a_desk, place)
    try:
        wait_until(lambda: bulk.job(opened, job.key).done > 20, seconds=60, what="the first pictures")
    finally:
        process.kill()
        process.join()
    half = bulk.job(opened, job.key)
    assert 20 < half.done < 400 and half.state == "running"
    assert states(opened).count("approved") == half.done
    with writing(opened.engine) as connection:  # Its lease runs out.
        connection.execute(sa.update(schema.jobs).values(held_until=clock.now()))
    with ExitStack() as stack:
        stack.enter_context(open_studio(opened.settings))
        wait_until(lambda: bulk.job(opened, job.key).over, seconds=60, what="the rest")
    assert (bulk.job(opened, job.key).state, bulk.job(opened, job.key).done) == ("finished", 400)
    assert len(verbs(opened, "review.approved")) == 400
    with reading(opened.engine) as connection:
        assert len(set(connection.execute(sa.select(schema.reviews.c.output_id)).scalars())) == 400


def test_a_mistake_ends_the_act_and_not_the_desk(
    desk: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened = desk()
    keys = stocked(opened, 3)

    def broken(*_: Any) -> None:
        raise RuntimeError("a mistake")

    with monkeypatch.context() as patched:
        patched.setattr(search, "reindex", broken)
        frozen = bulk.freeze(opened, keys, by=BY)
        job = bulk.begin(opened, frozen.key, Act.TAG, by=BY, number=3, tag="x")
        wait_until(lambda: bulk.job(opened, job.key).over, seconds=20, what="its end")
    assert (bulk.job(opened, job.key).state, bulk.job(opened, job.key).done) == ("broken", 0)
    frozen = bulk.freeze(opened, keys, by=BY)
    job = bulk.begin(opened, frozen.key, Act.TAG, by=BY, number=3, tag="x")
    wait_until(lambda: bulk.job(opened, job.key).over, seconds=20, what="the next one")
    assert bulk.job(opened, job.key).done == 3
    assert OutputState.SUCCEEDED in {row.state for row in rows(opened)}
