"""The sums by day are what the rows, the files and the money of the day add up to, after whatever acts."""

from __future__ import annotations

import io
import tempfile
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from PIL import Image

from core import clock, generation, insights, language, making, reconcile, recovery, repair, tallies, trash
from core import purge as purges
from core.database import queue, rollups, schema
from core.database.engine import reading, writing
from core.database.rollups import Sum
from core.errors import Blocked, NoImage, NotAllowed, OutcomeUnknown, Overloaded, RateLimited
from core.model import Actor, OutputState, Role
from core.settings import load_settings
from core.studio import Studio, open_studio
from tests.conftest import BY, Scripted, finished, on_both, order, upload
from tests.database.rows import add_task, add_worker, claim

Desk = Callable[..., Studio]
COST = 33_600


def small_photo() -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((64, 48)).convert("RGB").save(out, "JPEG")
    return out.getvalue()


SMALL = small_photo()


class Crash(BaseException):
    """The process is gone in the middle of a call."""


def crash() -> bytes:
    raise Crash


def sums(desk: Studio, measure: str) -> dict[str, Sum]:
    """By detail, purged ones as well."""
    with reading(desk.engine) as connection:
        return {row.detail: Sum(row.n, row.amount) for row in rollups.read(connection, [measure], ["detail"])}


def review(desk: Studio, output_id: int, verdict: str, *, actor: str, reason: str | None = None) -> None:
    """A review as it is written: a row, and the output's state after it."""
    state = {"undone": "to_review"}.get(verdict, verdict)
    values = {"key": str(uuid.uuid4()), "output_id": output_id, "at": clock.now(), "actor": actor}
    values |= {"verdict": verdict, "reason": reason, "note": ""}
    with writing(desk.engine) as connection, insights.counting(desk, connection, [output_id], judged=True):
        connection.execute(sa.insert(schema.reviews).values(values))
        o = schema.outputs
        connection.execute(sa.update(o).where(o.c.id == output_id).values(review=state))


def purge(desk: Studio, output_id: int) -> None:
    """Objects and rows of one output go for good."""
    with writing(desk.engine) as connection, insights.purging(desk, connection, [output_id]):
        o, c = schema.outputs.c, schema.calls.c
        row = connection.execute(sa.select(o.object_key, o.thumb_key).where(o.id == output_id)).one()
        keys = {*row, *connection.execute(sa.select(c.object_key).where(c.output_id == output_id)).scalars()}
        desk.store.delete([key for key in keys if key])
        columns = [column for table in schema.metadata.sorted_tables for column in table.c]
        for column in columns:
            if any(key.column is o.id for key in column.foreign_keys):
                mine = column == output_id
                if column.nullable:
                    connection.execute(sa.update(column.table).where(mine).values({column: None}))
                else:
                    connection.execute(sa.delete(column.table).where(mine))
        connection.execute(sa.delete(schema.outputs).where(o.id == output_id))


class Acts(RuleBasedStateMachine):
    """Random acts on a desk; what they add up to is counted apart."""

    url: ClassVar[Callable[[Path], str]]
    drop: ClassVar[Callable[[str], None]]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.spent = self.possible = 0
        self.purged: Counter[str] = Counter()

    @initialize()
    def opened(self) -> None:
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        url = type(self).url(folder)
        self.stack.callback(type(self).drop, url)
        self.model = Scripted(SMALL)
        values = {"database_url": url, "upload_dir": folder / "media", "app_secret": "a secret for tests"}
        settings = load_settings(**values)
        self.desk = self.stack.enter_context(
            open_studio(settings, work=False, providers={"gemini": self.model})
        )
        self.media = folder / "media"
        self.key = generation.submit(self.desk, [upload(SMALL)] * 2, order(outputs=2), by=BY)

    def teardown(self) -> None:
        self.stack.close()

    def rows(self, *states: OutputState) -> list[Any]:
        with reading(self.desk.engine) as connection:
            o = schema.outputs
            statement = sa.select(o).where(o.c.state.in_(states or tuple(OutputState)))
            return list(connection.execute(statement.order_by(o.c.id)))

    def dies(self, worker: int) -> None:
        with writing(self.desk.engine) as connection:
            queue.renew_lease(connection, worker, clock.now() - timedelta(seconds=1))
        recovery.recover(self.desk)

    @rule(
        answers=st.lists(
            st.sampled_from(
                ["picture", "picture", "bytes", RateLimited(0.0), Overloaded(), NoImage(None),
                 Blocked("prompt", "x"), OutcomeUnknown(), "crash", "late"]
            ),
            min_size=1, max_size=4,
        )
    )  # fmt: skip
    def make(self, answers: list[Any]) -> None:
        worker = add_worker(self.desk.engine)
        later = clock.now() + timedelta(hours=1)
        for output_id in claim(self.desk.engine, worker, limit=len(answers), now=later):
            answer = answers.pop()
            if answer == "crash":
                answer = crash
            elif answer == "late":
                answer = self.late
                self.worker = worker
            elif isinstance(answer, str):
                answer = {"picture": SMALL, "bytes": b"no picture"}[answer]
            self.model.script = [answer]
            try:
                making.run_output(self.desk, output_id, worker_id=worker, stopping=threading.Event())
            except Crash:
                self.dies(worker)

    def late(self) -> bytes:
        """The lease runs out while the picture is on its way."""
        self.dies(self.worker)
        return SMALL

    @rule()
    def retry(self) -> None:
        generation.retry(self.desk, self.key, by=BY)

    @rule(which=st.integers(0, 9))
    def retry_one(self, which: int) -> None:
        if rows := self.rows(OutputState.UNKNOWN, OutputState.BLOCKED, OutputState.FAILED):
            generation.retry_output(self.desk, rows[which % len(rows)].key, by=BY)

    @rule()
    def stop(self) -> None:
        generation.stop_waiting(self.desk, self.key, by=BY)

    @rule(
        which=st.integers(0, 9),
        verdict=st.sampled_from(["approved", "rejected", "undone"]),
        actor=st.sampled_from(["amy", "bo"]),
    )
    def judge(self, which: int, verdict: str, actor: str) -> None:
        if rows := self.rows(OutputState.SUCCEEDED):
            reason = "shape" if verdict == "rejected" else None
            review(self.desk, rows[which % len(rows)].id, verdict, actor=actor, reason=reason)

    @rule(which=st.integers(0, 9))
    def purge(self, which: int) -> None:
        if rows := self.rows(OutputState.SUCCEEDED, OutputState.FAILED):
            row = rows[which % len(rows)]
            self.purged[row.error_kind or "picture"] += 1
            self.purged[f"review {row.review}"] += row.state == OutputState.SUCCEEDED
            purge(self.desk, row.id)

    @rule()
    def fold(self) -> None:
        insights.beat(self.desk)

    @rule()
    def rebuild(self) -> None:
        assert insights.rebuild(self.desk, by=BY) == 0

    @invariant()
    def sums_are_what_there_is(self) -> None:
        if not hasattr(self, "desk"):
            return
        desk = self.desk
        assert insights.compare(desk) == {}
        rows = self.rows(OutputState.SUCCEEDED, OutputState.FAILED, OutputState.BLOCKED, OutputState.UNKNOWN)
        wanted = Counter(row.error_kind or "picture" for row in rows)
        wanted += Counter({kind: n for kind, n in self.purged.items() if not kind.startswith("review")})
        assert {kind: found.n for kind, found in sums(desk, "outcome").items()} == +wanted
        judged = Counter(row.review for row in rows if row.state == OutputState.SUCCEEDED)
        for state, detail in (("approved", "approved"), ("rejected", "rejected.shape")):
            number = judged[state] + self.purged[f"review {state}"]
            assert sums(desk, "review").get(detail, Sum(0, 0)).n == number
        with reading(desk.engine) as connection:
            s = schema.spending.c
            money = connection.execute(sa.select(s.spent_micros, s.possible_micros).where(s.payer == ""))
            spent, possible = tuple(money.first() or (0, 0))
        assert sum(found.amount for found in sums(desk, "spent").values()) == spent
        assert sum(found.amount for found in sums(desk, "possible").values()) == possible
        stored = sums(desk, "stored")
        for room in ("input", "generated", "thumb"):
            files = [path.stat().st_size for path in (self.media / room).rglob("*") if path.is_file()]
            assert stored.get(room, Sum(0, 0)) == Sum(len(files), sum(files)), room
        assert sums(desk, "unsized") == {}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_sums_are_true_after_random_acts(kind: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("postgres") if kind == "postgres" else None

    class Here(Acts):
        url = staticmethod(lambda folder: server.fresh() if server else f"sqlite:///{folder / 'packshot.db'}")
        drop = staticmethod(server.drop if server else lambda url: None)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=8,
            stateful_step_count=15,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def make_all(desk: Studio, answers: list[Any], scripted: Scripted) -> None:
    scripted.script = answers
    worker = add_worker(desk.engine)
    for output_id in claim(desk.engine, worker):
        making.run_output(desk, output_id, worker_id=worker)


@on_both
def test_what_was_made_before_is_summed_when_the_desk_opens(
    desk: Desk, scripted: Scripted, photo: bytes
) -> None:
    first = desk(work=False)
    generation.submit(first, [upload(photo)], order(outputs=3), by=BY)
    make_all(first, [photo, NoImage(None), photo], scripted)
    before = [sums(first, measure) for measure in ("outcome", "spent", "latency", "stored")]
    with writing(first.engine) as connection:  # As a version without sums leaves it.
        for table in (schema.rollups, schema.rollup_changes):
            connection.execute(sa.delete(table))
    again = desk(work=False)
    assert [sums(again, measure) for measure in ("outcome", "spent", "latency", "stored")] == before
    assert insights.compare(again) == {}


@on_both
def test_what_was_purged_stays_in_the_sums_and_leaves_the_store(
    desk: Desk, scripted: Scripted, photo: bytes
) -> None:
    opened = desk(work=False)
    key = generation.submit(opened, [upload(photo)], order(outputs=3), by=BY)
    make_all(opened, [photo, photo, NoImage(None)], scripted)
    outputs = generation.view(opened, key).outputs
    review(opened, outputs[0].id, "approved", actor="amy")
    review(opened, outputs[1].id, "rejected", actor="amy", reason="shape")
    measures = ("outcome", "review", "latency", "spent", "possible", "judged", "pace")
    before = {measure: sums(opened, measure) for measure in measures}
    for output in outputs[:2]:
        trash.delete(opened, output.key, by=BY)
    purges.run(opened, by=BY, until=clock.now())
    assert {measure: sums(opened, measure) for measure in measures} == before
    assert {room: found.n for room, found in sums(opened, "stored").items()} == {"input": 1, "thumb": 1}
    trash.delete(opened, outputs[2].key, by=BY)
    purges.run(opened, by=BY, until=clock.now())
    insights.beat(opened)
    assert insights.compare(opened) == {}
    assert insights.rebuild(opened, by=BY) == 0
    assert {measure: sums(opened, measure) for measure in measures} == before
    assert sums(opened, "stored") == {}


@on_both
def test_a_wrong_sum_is_found_and_set_right(desk: Desk, scripted: Scripted, photo: bytes) -> None:
    opened = desk(work=False)
    generation.submit(opened, [upload(photo)], order(), by=BY)
    make_all(opened, [photo], scripted)
    insights.beat(opened)
    with writing(opened.engine) as connection:
        r = schema.rollups
        connection.execute(sa.update(r).where(r.c.measure == "spent").values(amount=1))
    ((cell, (kept, raw)),) = insights.compare(opened).items()
    assert (cell.measure, kept, raw) == ("spent", Sum(1, 1), Sum(1, COST))
    with pytest.raises(NotAllowed):
        insights.rebuild(opened, by=Actor(id="v", name="v", role=Role.REVIEWER))
    assert insights.rebuild(opened, by=BY) == 1
    assert insights.compare(opened) == {}


def test_reconcile_tells_of_wrong_sums_and_sets_them_right(
    desk: Desk, scripted: Scripted, photo: bytes
) -> None:
    opened = desk(work=False)
    generation.submit(opened, [upload(photo)], order(), by=BY)
    make_all(opened, [photo], scripted)
    with writing(opened.engine) as connection:
        connection.execute(sa.update(schema.rollup_changes).values(n=7))
    found = reconcile.compare(opened)
    assert found.sums == found.left > 0
    said = "\n".join(found.lines(language.words("en")))
    assert f"{found.sums} sums by day are not what the records add up to" in said
    fixed = repair.fix(opened, by=BY)
    assert (fixed.sums_fixed, fixed.left) == (found.sums, 0)
    assert reconcile.compare(opened).number == 0


@on_both
def test_many_who_finish_and_fold_at_once_lose_nothing(desk: Desk, scripted: Scripted) -> None:
    opened = desk(provider_concurrency=8)
    scripted.picture = SMALL
    key = generation.submit(opened, [upload(SMALL)] * 5, order(outputs=6), by=BY)
    done = threading.Event()

    def fold() -> None:
        while not done.is_set():
            insights.beat(opened)

    folding = [threading.Thread(target=fold) for _ in range(2)]
    for thread in folding:
        thread.start()
    finished(opened, key, seconds=60)
    done.set()
    for thread in folding:
        thread.join()
    assert sums(opened, "outcome") == {"picture": Sum(30, 0)}
    assert sums(opened, "spent") == {"": Sum(30, 30 * COST)}
    assert insights.compare(opened) == {}


def test_two_who_make_the_sums_anew_add_once(desk: Desk, scripted: Scripted, photo: bytes) -> None:
    opened = desk(work=False)
    generation.submit(opened, [upload(photo)], order(), by=BY)
    make_all(opened, [photo], scripted)
    with writing(opened.engine) as connection:
        seen = rollups.built(connection)
        assert rollups.count_building(connection, seen)
        assert not rollups.count_building(connection, seen)


@on_both
def test_who_judged_and_whether_others_agreed(desk: Desk) -> None:
    opened = desk(work=False)
    ids = add_task(opened.engine, outputs=3)
    with writing(opened.engine) as connection:
        connection.execute(sa.update(schema.outputs).values(state="succeeded", finished_at=clock.now()))
    insights.rebuild(opened, by=BY)
    review(opened, ids[0], "approved", actor="amy")
    review(opened, ids[0], "approved", actor="bo")
    review(opened, ids[1], "approved", actor="amy")
    review(opened, ids[1], "rejected", actor="bo", reason="colour")
    review(opened, ids[2], "rejected", actor="amy", reason="crop")
    review(opened, ids[2], "undone", actor="amy")
    with reading(opened.engine) as connection:
        found = rollups.read(connection, ["judged", "second"], ["actor", "detail"])
    assert {(row.actor, row.detail): row.n for row in found} == {
        ("amy", "approved"): 2,
        ("bo", "approved"): 1,
        ("bo", "rejected"): 1,
        ("amy", "agreed"): 1,
        ("bo", "agreed"): 1,
        ("amy", "differed"): 1,
        ("bo", "differed"): 1,
    }
    assert sums(opened, "review") == {"approved": Sum(1, 0), "rejected.colour": Sum(1, 0)}


def test_a_bucket_stands_for_its_times_within_five_percent() -> None:
    for ms in [*range(1, 5000), 12_345, 359_999, 3_600_000]:
        assert abs(tallies.middle(tallies.bucket(ms)) - ms) <= 0.0453 * ms, ms
    assert tallies.bucket(0) == 0


def test_a_change_is_one_insert(desk: Desk, scripted: Scripted, photo: bytes) -> None:
    """Sums never make workers wait for one busy row: they touch `rollups` in the fold only."""
    opened = desk(work=False)
    generation.submit(opened, [upload(photo)], order(outputs=2), by=BY)
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    sa.event.listen(opened.engine, "before_cursor_execute", note)
    make_all(opened, [photo, NoImage(None)], scripted)
    sa.event.remove(opened.engine, "before_cursor_execute", note)
    assert sum("INSERT INTO rollup_changes" in statement for statement in statements) == 2
    assert not any("rollups" in statement for statement in statements)
