"""Rules of keeping: what goes at which age, what never goes, and that a run takes what was shown."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core import (
    clock,
    generation,
    history,
    purge,
    reconcile,
    retention,
    review,
    spool,
    trash,
    upkeep,
)
from core.database import schema
from core.database.engine import reading, writing
from core.errors import DaysRefused, NotAllowed, OrderRefused, PreviewChanged, StorageUnavailable
from core.model import Actor, Output, Role
from core.providers import ImageAnswer
from core.retention import What
from core.studio import Studio
from tests.conftest import BY, Scripted, finished, on_both, order, upload
from tests.database.rows import output_values
from tests.differing import everything, found, made, row, verbs

pytestmark = on_both
Open = Callable[..., Studio]
MEI = Actor(id="mei", name="Mei", role=Role.REVIEWER)


def age(desk: Studio, *outputs: Output, days: float, column: str = "finished_at", **values: Any) -> None:
    """As if they had ended (or been touched) that long ago, with other `values` beside."""
    ids = [output.id for output in outputs]
    values |= {column: clock.now() - timedelta(days=days)}
    with writing(desk.engine) as connection:
        statement = sa.update(schema.outputs).where(schema.outputs.c.id.in_(ids))
        connection.execute(statement.values(values))


def numbers(desk: Studio, **wanted: int | None) -> dict[str, int]:
    """What rules would take, by kind."""
    return {line.what: line.outputs for line in retention.preview(desk, wanted).lines if line.outputs}


def gone(desk: Studio) -> set[str]:
    """Keys of what is in the trash."""
    with reading(desk.engine) as connection:
        statement = sa.select(schema.outputs.c.key).where(schema.outputs.c.deleted_at.is_not(None))
        return set(connection.execute(statement).scalars())


def one_of_each(desk: Studio, photo: bytes) -> dict[str, Output]:
    """A picture of each kind, all of them a hundred days old."""
    outputs = dict(zip(("failed", "rejected", "to_review", "approved"), made(desk, photo, 4), strict=True))
    review.decide(desk, outputs["rejected"].key, review.Verdict.REJECTED, by=MEI)
    review.decide(desk, outputs["approved"].key, review.Verdict.APPROVED, by=MEI)
    age(desk, outputs["failed"], days=100, state="failed", error_kind="NoImage", bytes=None)
    every = [outputs[name] for name in ("rejected", "to_review", "approved")]
    age(desk, *every, days=100)
    age(desk, outputs["rejected"], outputs["approved"], days=100, column="touched_at")
    return outputs


def test_without_a_rule_everything_is_kept(desk: Open, photo: bytes) -> None:
    opened = desk()
    one_of_each(opened, photo)
    before = everything(opened)
    assert [(rule.what, rule.days) for rule in retention.rules(opened)] == [(what, None) for what in What]
    shown = retention.preview(opened)
    assert (shown.outputs, shown.bytes, shown.oldest) == (0, 0, None)
    assert everything(opened) == before, "a preview changes nothing"
    assert retention.run(opened, by=BY).outputs == 0
    assert gone(opened) == set()


def test_each_rule_takes_its_own(desk: Open, photo: bytes) -> None:
    opened = desk()
    outputs = one_of_each(opened, photo)
    for what in What:
        assert numbers(opened, **{what: 99}) == {what: 1}
        assert numbers(opened, **{what: 101}) == {}
    assert numbers(opened, **dict.fromkeys(What, 99)) == dict.fromkeys(What, 1)
    retention.set_rules(opened, {"rejected": 99, "failed": 200}, by=BY)
    shown = retention.preview(opened)
    assert (shown.outputs, shown.bytes) == (1, outputs["rejected"].bytes)
    assert shown.oldest and (clock.now() - shown.oldest).days == 100
    report = retention.run(opened, by=BY, shown=shown)
    assert (report.outputs, report.bytes, report.of) == (1, shown.bytes, {"rejected": 1})
    assert gone(opened) == {outputs["rejected"].key}
    assert verbs(opened, "output.deleted") == [("output.deleted", "local")]
    assert [verb for verb, _ in verbs(opened, "retention.%")] == ["retention.set"] * 2 + ["retention.run"]
    last = retention.last(opened)
    assert last and (last.by, last.outputs, last.bytes) == ("local", 1, shown.bytes)


def test_a_picture_that_was_judged_or_restored_is_young_again(desk: Open, photo: bytes) -> None:
    opened = desk()
    outputs = one_of_each(opened, photo)
    retention.set_rules(opened, {"rejected": 30, "to_review": 30}, by=BY)
    review.decide(opened, outputs["to_review"].key, review.Verdict.REJECTED, by=MEI)
    assert numbers(opened) == {"rejected": 1}, "rejected today"
    review.undo(opened, outputs["to_review"].key, by=MEI)
    assert numbers(opened) == {"rejected": 1}, "taken back today"
    retention.run(opened, by=BY)
    trash.restore(opened, outputs["rejected"].key, by=BY)
    assert retention.run(opened, by=BY).outputs == 0, "somebody wanted it back"
    age(opened, *outputs.values(), days=31, column="touched_at")
    assert numbers(opened) == {"rejected": 1, "to_review": 1}


def test_a_retry_counts_from_its_end(desk: Open, photo: bytes, scripted: Scripted) -> None:
    from core.errors import NoImage

    opened = desk()
    scripted.script = [NoImage("no")]
    key = generation.submit(opened, [upload(photo)], order(), by=BY)
    (output,) = finished(opened, key).outputs
    age(opened, output, days=50)
    assert numbers(opened, failed=30, to_review=30) == {"failed": 1}
    scripted.script = [NoImage("no")]
    generation.retry_output(opened, output.key, by=BY)
    finished(opened, key)
    assert numbers(opened, failed=30, to_review=30) == {}


def test_what_never_goes(desk: Open, photo: bytes) -> None:
    opened = desk(work=False)
    every = dict.fromkeys(What, 1)
    old = {"finished_at": clock.now() - timedelta(days=400), "created_at": clock.now() - timedelta(days=400)}
    done = {**old, "state": "succeeded", "object_key": "generated/t/o.jpg"}
    rows: dict[str, dict[str, Any]] = {
        "waits": {**old, "state": "queued", "finished_at": None},
        "is made": {**old, "state": "running", "finished_at": None},
        "was paid and is not stored": {**old, "state": "failed", "error_data": {"kept": True}},
        "lies in another store": {**done, "store": "elsewhere"},
        "was approved and lost its file": {**old, "state": "failed", "review": "approved"},
        "is in the trash": {**done, "deleted_at": clock.now()},
        "is looked at": done,
        "is being exported": {**done, "review": "approved"},
        "its answer is in the spool": {**old, "state": "unknown"},
    }  # fmt: skip
    goes = {"lost its answer": {**old, "state": "failed", "error_data": {"kept": False}},
            "was looked at": done, "was exported": {**done, "review": "approved"}}  # fmt: skip
    ids: dict[str, int] = {}
    with writing(opened.engine) as connection:
        from tests.database.rows import photo_values, task_values

        connection.execute(sa.insert(schema.tasks), [task_values()])
        connection.execute(sa.insert(schema.photos), [photo_values(1)])
        for number, (name, values) in enumerate({**rows, **goes}.items()):
            statement = sa.insert(schema.outputs).returning(schema.outputs.c.id)
            values = output_values(1, 1, key=f"o{number}", variant=number, **values)
            ids[name] = connection.execute(statement, values).scalar_one()
        soon, past = clock.now() + timedelta(minutes=1), clock.now() - timedelta(minutes=1)
        for name, until in (("is looked at", soon), ("was looked at", past)):
            claim = {
                "output_id": ids[name],
                "actor": name,
                "actor_name": name,
                "sitting": "s",
                "until": until,
            }
            connection.execute(sa.insert(schema.claims).values(claim))
        for name, ended in (("is being exported", None), ("was exported", clock.now())):
            export = {"key": name, "at": clock.now(), "actor": "a", "actor_name": "a", "language": "en",
                      "fresh": False, "count": 1, "error_data": {}, "finished_at": ended}  # fmt: skip
            number = connection.execute(
                sa.insert(schema.exports).values(export).returning(schema.exports.c.id)
            ).scalar_one()
            item = {"export_id": number, "output_id": ids[name], "position": 0, "role": "mainPhoto",
                    "name": "n", "error_data": {}}  # fmt: skip
            connection.execute(sa.insert(schema.export_items).values(item))
        call = {"key": "c-in-spool", "output_id": ids["its answer is in the spool"], "request_key": "r",
                "sent_at": clock.now(), "usage": {}}  # fmt: skip
        connection.execute(sa.insert(schema.calls).values(call))
    assert spool.keep(opened, "c-in-spool", ImageAnswer(data=photo, cost_micros=1), 1)
    retention.set_rules(opened, every, by=BY)
    assert numbers(opened) == {"failed": 1, "to_review": 1, "approved": 1}
    retention.run(opened, by=BY)
    with reading(opened.engine) as connection:
        statement = sa.select(schema.outputs.c.id).where(schema.outputs.c.deleted_at.is_not(None))
        moved = set(connection.execute(statement).scalars())
    assert moved == {ids[name] for name in (*goes, "is in the trash")}


def test_a_run_takes_what_was_shown_or_nothing(desk: Open, photo: bytes) -> None:
    opened = desk()
    outputs = one_of_each(opened, photo)
    retention.set_rules(opened, {"rejected": 30, "to_review": 30}, by=BY)
    shown = retention.preview(opened)
    review.decide(opened, outputs["to_review"].key, review.Verdict.APPROVED, by=MEI)
    before = everything(opened)
    with pytest.raises(PreviewChanged) as caught:
        retention.run(opened, by=BY, shown=shown)
    assert caught.value.data == {"shown": 2, "now": 1}
    assert everything(opened) == before
    shown = retention.preview(opened)
    retention.set_rules(opened, {"rejected": 31}, by=BY)
    before = everything(opened)
    with pytest.raises(PreviewChanged):
        retention.run(opened, by=BY, shown=shown)
    assert everything(opened) == before, "another rule, even if it takes as many"
    assert retention.run(opened, by=BY, shown=retention.preview(opened)).outputs == 1


def test_many_go_in_chunks_and_a_stop_is_gone_on_with(
    desk: Open, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = desk()
    outputs = made(opened, photo, 7)
    age(opened, *outputs, days=40)
    age(opened, *outputs[5:], days=1, column="touched_at")
    retention.set_rules(opened, {"to_review": 30}, by=BY)
    monkeypatch.setattr(retention, "CHUNK", 2)
    asked: list[int] = []

    def goes_on(report: retention.Report) -> bool:
        asked.append(report.outputs)
        return report.outputs < 4

    report = retention.run(opened, by=BY, goes_on=goes_on)
    assert (report.outputs, asked) == (4, [0, 2, 4]), "it can be stopped between two chunks"
    assert retention.run(opened, by=BY).outputs == 1
    assert gone(opened) == {output.key for output in outputs[:5]}


def test_retention_days_is_the_rule_of_what_is_not_approved(desk: Open, photo: bytes) -> None:
    opened = desk(retention_days=7)
    outputs = one_of_each(opened, photo)
    assert [rule.days for rule in retention.rules(opened)] == [7, 7, 7, None]
    retention.set_rules(opened, {"to_review": None, "failed": 365}, by=BY)
    assert [rule.days for rule in retention.rules(opened)] == [365, 7, None, None]
    assert retention.run(opened, by=BY).outputs == 1
    assert gone(opened) == {outputs["rejected"].key}


@pytest.mark.parametrize("days", [0, -1, 36_501, 1.5, True, "7", float("nan"), [], 10**30])
def test_a_rule_has_a_number_of_days(desk: Open, days: Any) -> None:
    opened = desk(work=False)
    before = everything(opened)
    for act in (
        lambda: retention.set_rules(opened, {"failed": 3, "rejected": days}, by=BY),
        lambda: retention.preview(opened, {"rejected": days}),
    ):
        with pytest.raises(DaysRefused):
            act()
    assert everything(opened) == before, "all rules or none"


def test_bad_names_roles_and_rows(desk: Open) -> None:
    opened = desk(work=False)
    before = everything(opened)
    for name in ("", "queued", "running", "FAILED", "\x00", "'; DROP TABLE outputs; --"):
        with pytest.raises(OrderRefused):
            retention.set_rules(opened, {name: 7}, by=BY)
    for act in (
        lambda: retention.set_rules(opened, {"failed": 7}, by=MEI),
        lambda: retention.run(opened, by=MEI),
    ):
        with pytest.raises(NotAllowed):
            act()
    row_of = {"set_at": clock.now(), "set_by": "x"}
    for values in ({"what": "failed", "days": 0}, {"what": "all", "days": 7}, {"what": "failed", "days": -1}):
        with pytest.raises(sa.exc.IntegrityError), opened.engine.begin() as connection:
            connection.execute(sa.insert(schema.retention_rules).values(**values, **row_of))
    assert everything(opened) == before


def test_from_a_rule_to_nothing_left(desk: Open, photo: bytes) -> None:
    """Two rows share an object: it is kept until the last of them goes."""
    opened = desk()
    local = order(provider="local", model="cutout", ratio="1:1")
    tasks = [generation.submit(opened, [upload(photo)], local, by=BY, again=True) for _ in range(2)]
    ((first,), (second,)) = (finished(opened, key).outputs for key in tasks)
    source = history.details(opened, first.key).photo
    with writing(opened.engine) as connection:
        photos = schema.photos
        old = connection.execute(sa.select(photos).where(photos.c.id == second.photo_id)).one()
        same = {"object_key": source.object_key, "thumb_key": source.thumb_key}
        connection.execute(sa.update(photos).where(photos.c.id == second.photo_id).values(same))
    opened.store.delete([old.object_key, old.thumb_key])
    for output in (first, second):
        review.decide(opened, output.key, review.Verdict.REJECTED, by=MEI)
    retention.set_rules(opened, {"rejected": 14}, by=BY)

    def let_go(output: Output) -> purge.Report:
        age(opened, output, days=15)
        age(opened, output, days=15, column="touched_at")
        assert retention.run(opened, by=BY).outputs == 1
        assert purge.due(opened).outputs == 0, "it can be restored"
        age(opened, output, days=31, column="deleted_at")
        report = purge.run(opened, by=BY)
        assert (report.outputs, report.error) == (1, None)
        assert found(reconcile.compare(opened, deep=True)) == {}
        return report

    assert let_go(first).shared == 2
    assert opened.store.get(source.object_key)
    assert let_go(second).shared == 0
    assert opened.store.list().objects == ()
    with reading(opened.engine) as connection:
        left = [connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
                for table in (schema.outputs, schema.photos, schema.tasks)]  # fmt: skip
    assert left == [0, 0, 0]


def test_the_day_s_work_is_done_once_by_whoever_comes_first(desk: Open, photo: bytes) -> None:
    opened = desk()
    outputs = one_of_each(opened, photo)
    bury = made(opened, photo)[0]
    trash.delete(opened, bury.key, by=BY)
    age(opened, bury, days=31, column="deleted_at")
    retention.set_rules(opened, {"rejected": 30}, by=BY)
    never = threading.Event()
    assert not upkeep.once(opened, stopping=never), "not before there was a day to look"
    assert gone(opened) == {bury.key}
    due(opened)
    start, did = threading.Barrier(3), []

    def take() -> None:
        start.wait()
        did.append(upkeep.once(opened, stopping=never))

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(did) == [False, False, True]
    assert gone(opened) == {outputs["rejected"].key}, "the other one is gone for good"
    assert verbs(opened, "outputs.purged") == [("outputs.purged", "desk")]
    assert verbs(opened, "retention.run") == [("retention.run", "desk")]
    assert not upkeep.once(opened, stopping=never), "once a day"
    assert found(reconcile.compare(opened, deep=True)) == {}


def due(desk: Studio) -> None:
    with writing(desk.engine) as connection:
        connection.execute(sa.update(schema.upkeep).values(next_at=clock.now() - timedelta(seconds=1)))


def test_a_day_without_rules_leaves_no_trace(desk: Open, photo: bytes) -> None:
    opened = desk()
    one_of_each(opened, photo)
    upkeep.once(opened, stopping=threading.Event())
    before = [*verbs(opened, "%")]
    due(opened)
    assert upkeep.once(opened, stopping=threading.Event())
    assert (verbs(opened, "%"), gone(opened), retention.last(opened)) == (before, set(), None)


def test_a_stop_and_a_store_that_is_away_leave_the_rest_for_later(
    desk: Open, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = desk()
    (output,) = made(opened, photo)
    trash.delete(opened, output.key, by=BY)
    age(opened, output, days=31, column="deleted_at")
    stopping = threading.Event()
    upkeep.once(opened, stopping=stopping)
    due(opened)
    stopping.set()
    assert not upkeep.once(opened, stopping=stopping)
    assert gone(opened) == {output.key}
    stopping.clear()
    with monkeypatch.context() as patched:
        patched.setattr(
            type(opened.store), "delete", lambda *_: (_ for _ in ()).throw(StorageUnavailable("503"))
        )
        with pytest.raises(StorageUnavailable):
            upkeep.once(opened, stopping=stopping)
    assert not upkeep.once(opened, stopping=stopping), "the turn is held for a while"
    due(opened)
    assert upkeep.once(opened, stopping=stopping)
    assert gone(opened) == set()


def test_the_server_s_step_starts_and_stops(desk: Open) -> None:
    opened = desk(work=False)
    step = upkeep.Upkeep(opened)
    step.start()
    step.stop()
    assert not step._thread.is_alive()


def test_the_command(desk: Open, photo: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from core.__main__ import app

    opened = desk()
    outputs = one_of_each(opened, photo)
    settings = opened.settings
    monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("UPLOAD_DIR", str(settings.upload_dir))
    monkeypatch.setenv("APP_SECRET", "a secret for tests")

    def run(*words: str, say: str = "") -> Any:
        return CliRunner().invoke(app, ["retention", *words], input=say)

    before = everything(opened)
    for wrong in (("set", "failed", "0"), ("set", "failed", "36501")):
        assert run(*wrong).exit_code == 1
    for wrong in (("set", "all", "7"), ("set", "failed", "soon"), ("set", "failed", "1.5"),
                  ("set", "failed", "-7"), ("set", "failed"), ("run", "--expect", "-1"), ()):  # fmt: skip
        assert run(*wrong).exit_code == 2, wrong
    assert "Rejected: kept" in run("preview").stderr
    assert everything(opened) == before
    assert run("set", "rejected", "30").exit_code == 0
    assert run("set", "failed", "keep").exit_code == 0
    before = everything(opened)
    asked = run("preview", "--json")
    assert (asked.exit_code, json.loads(asked.stdout)["outputs"]) == (0, 1)
    assert run("run", say="n\n").exit_code == 1
    assert run("run").exit_code == 1, "no answer is a no"
    assert run("run", "--yes", "--expect", "2").exit_code == 1
    assert everything(opened) == before
    done = run("run", "--yes", "--expect", "1", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (
        0,
        {"outputs": 1, "bytes": row(opened, outputs["rejected"]).bytes, "of": {"rejected": 1}},
    )
    assert gone(opened) == {outputs["rejected"].key}
