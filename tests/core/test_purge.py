"""Removing for good: objects before rows, shared ones stay, a kill at any point leaves nothing wrong."""

from __future__ import annotations

import json
import signal
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import budget, bulk, clock, export, generation, history, purge, reconcile, review, spool, trash
from core.database import schema
from core.database.engine import reading, writing
from core.errors import NotAllowed, NotFound, PurgeBegan, StorageUnavailable
from core.model import Actor, Output, Role
from core.providers import ImageAnswer
from core.studio import Studio, open_studio
from tests.conftest import BY, Scripted, finished, on_both, order, upload
from tests.crash.points import Point, arm
from tests.database.rows import add_task
from tests.differing import everything, file_of, found, made, verbs
from tests.parts.desks import Place, start

pytestmark = on_both
Open = Callable[..., Studio]


def bury(desk: Studio, *outputs: Output, days: float = 31) -> None:
    """Delete, as long ago as that."""
    for output in outputs:
        trash.delete(desk, output.key, by=BY)
    ids = [output.id for output in outputs]
    with writing(desk.engine) as connection:
        statement = sa.update(schema.outputs).where(schema.outputs.c.id.in_(ids))
        connection.execute(statement.values(deleted_at=clock.now() - timedelta(days=days)))


def count(desk: Studio, *tables: str) -> list[int]:
    with reading(desk.engine) as connection:
        found = (sa.select(sa.func.count()).select_from(schema.metadata.tables[name]) for name in tables)
        return [connection.execute(statement).scalar_one() for statement in found]


def clean(desk: Studio) -> None:
    report = reconcile.compare(desk, deep=True)
    assert (found(report), report.leaving, report.known) == ({}, 0, 0)
    if desk.engine.dialect.name == "sqlite":
        with reading(desk.engine) as connection:
            assert connection.execute(sa.text("PRAGMA foreign_key_check")).all() == []


def test_after_the_grace_period_nothing_is_left_but_the_money(desk: Open, photo: bytes) -> None:
    opened = desk(daily_budget_usd=10)
    first, second = made(opened, photo, 2)
    task = history.details(opened, first.key).task.key
    spent = budget.today(opened)
    bury(opened, first, second)
    due = purge.due(opened)
    assert (due.outputs, due.bytes) == (2, (first.bytes or 0) + (second.bytes or 0))
    report = purge.run(opened, by=BY)
    assert (report.outputs, report.photos, report.shared, report.error) == (2, 1, 0, None)
    assert report.objects == 6, "two pictures, the photo, and their thumbnails"
    assert [item.key for item in opened.store.list().objects] == []
    assert count(opened, "outputs", "photos", "tasks", "reviews", "checks") == [0, 0, 0, 0, 0]
    assert not list(Path(opened.settings.upload_dir).rglob("*.jpg"))
    with reading(opened.engine) as connection:
        calls = connection.execute(sa.select(schema.calls)).all()
    assert [(c.cost_micros, c.output_id, c.object_key, c.payer) for c in calls] == [
        (33_600, None, None, "local")
    ] * 2
    assert budget.today(opened) == spent
    for key in (task,):
        with pytest.raises(NotFound):
            generation.view(opened, key)
    with pytest.raises(NotFound):
        trash.restore(opened, first.key, by=BY)
    assert verbs(opened, "%purged") == [("outputs.purged", "local")]
    clean(opened)
    assert purge.run(opened, by=BY).outputs == 0


def test_within_the_grace_period_everything_stays(desk: Open, photo: bytes) -> None:
    opened = desk(trash_days=7)
    first, second = made(opened, photo, 2)
    bury(opened, first, days=6.9)
    before = everything(opened)
    assert purge.due(opened).outputs == 0
    assert purge.run(opened, by=BY).outputs == 0
    assert everything(opened) == before
    bury(opened, first, days=7.1)
    report = purge.run(opened, by=BY)
    assert (report.outputs, report.photos, report.objects) == (1, 0, 2), "the photo is the other's source"
    view = generation.view(opened, history.details(opened, second.key).task.key)
    assert [output.key for output in view.outputs] == [second.key]
    assert opened.store.get(view.photos[0].object_key)
    clean(opened)


def test_a_restored_picture_is_not_removed(desk: Open, photo: bytes) -> None:
    opened = desk()
    first, second = made(opened, photo, 2)
    bury(opened, first, second)
    trash.restore(opened, second.key, by=BY)
    assert purge.run(opened, by=BY).outputs == 1
    assert opened.store.get(second.object_key or "")
    clean(opened)


def test_objects_that_others_need_stay(desk: Open, photo: bytes) -> None:
    """A source and a thumbnail of another task, and a picture that another call answered with."""
    opened = desk()
    (mine,) = made(opened, photo)
    other = finished(opened, generation.submit(opened, [upload(photo)], order(), by=BY, again=True))
    (theirs,) = other.outputs
    source = history.details(opened, mine.key).photo
    with writing(opened.engine) as connection:
        old = connection.execute(sa.select(schema.photos).where(schema.photos.c.id == theirs.photo_id)).one()
        connection.execute(
            sa.update(schema.photos)
            .where(schema.photos.c.id == theirs.photo_id)
            .values(object_key=source.object_key, thumb_key=source.thumb_key)
        )
        connection.execute(
            sa.update(schema.calls)
            .where(schema.calls.c.output_id == theirs.id)
            .values(object_key=mine.object_key)
        )
    opened.store.delete([old.object_key, old.thumb_key])
    bury(opened, mine)
    report = purge.run(opened, by=BY)
    assert (report.outputs, report.photos, report.objects, report.shared) == (1, 1, 1, 3)
    for key in (source.object_key, source.thumb_key, mine.object_key, theirs.object_key):
        assert opened.store.get(key or ""), key
    clean(opened)
    bury(opened, theirs)
    report = purge.run(opened, by=BY)
    assert (report.outputs, report.shared) == (1, 0)
    assert [item.key for item in opened.store.list().objects] == [], "now nobody needs them"
    clean(opened)


def test_all_that_belongs_to_a_picture_goes(desk: Open, photo: bytes) -> None:
    opened = desk()
    (output, other) = made(opened, photo, 2)
    heats = {of.id: f"thumb/{uuid.uuid4()}/heat.webp" for of in (output, other)}
    at = clock.now()
    with writing(opened.engine) as connection:
        for of, heat in heats.items():
            opened.store.put(heat, b"heat", "image/webp")
            values = {"output_id": of, "at": at, "name": "fidelity", "result": "altered"}
            connection.execute(sa.insert(schema.checks).values(**values, evidence={"heat": heat}))
        review = {"key": "r", "output_id": output.id, "at": at, "actor": "a", "verdict": "rejected"}
        connection.execute(sa.insert(schema.reviews).values(**review, note=""))
        connection.execute(sa.insert(schema.output_tags).values(output_id=output.id, tag="x"))
    frozen = bulk.freeze(opened, [output.key, other.key], by=BY)
    bury(opened, output)
    assert purge.run(opened, by=BY).objects == 3
    assert bulk.changed_by(opened, frozen.key, by=BY)[bulk.Act.DELETE] == 1
    assert [bool(opened.store.head(heat)) for heat in heats.values()] == [False, True]
    assert count(opened, "checks", "reviews", "output_tags", "job_items") == [1, 0, 0, 1]


def test_what_was_exported_stays_known(desk: Open, photo: bytes) -> None:
    opened = desk()
    (output,) = made(opened, photo)
    review.decide(opened, output.key, review.Verdict.APPROVED, by=BY)
    plan = export.begin(opened, export.plan(opened, export.Wanted(keys=[output.key])), by=BY)
    assert b"".join(export.stream(opened, plan, by=BY))
    bury(opened, output)
    assert purge.run(opened, by=BY).outputs == 1
    with reading(opened.engine) as connection:
        (kept,) = connection.execute(sa.select(schema.export_items)).all()
    assert kept.output_id is None and kept.name.endswith(".jpg") and len(kept.sha256) == 64
    assert export.outcome(opened, plan.key or "").count == 1


def test_a_paid_answer_that_waits_for_the_store_is_left(desk: Open, photo: bytes) -> None:
    opened = desk()
    (output,) = made(opened, photo)
    with writing(opened.engine) as connection:
        connection.execute(
            sa.update(schema.outputs).values(
                state="failed", error_kind="StorageFull", error_data={"kept": True}
            )
        )
    bury(opened, output)
    before = everything(opened)
    report = purge.run(opened, by=BY)
    assert (report.outputs, report.waiting) == (0, 1)
    assert everything(opened) == before


def test_the_preview_counts_what_a_run_takes(desk: Open, photo: bytes) -> None:
    """Not what lies in another store or waits with a paid answer; but what a killed run had begun with."""
    opened = desk(work=False)
    at = clock.now()
    gone = {"state": "failed", "deleted_at": at - timedelta(days=31)}
    rows: dict[str, dict[str, Any]] = {
        "goes": {**gone, "bytes": 7},
        "goes on": {**gone, "bytes": 8, "deleted_at": at, "purge_started_at": at},
        "young": {**gone, "deleted_at": at},
        "elsewhere": {**gone, "store": "elsewhere"},
        "kept": {**gone, "error_data": {"kept": True}},
        "spooled": gone,
    }
    ids = add_task(opened.engine, outputs=len(rows))
    with writing(opened.engine) as connection:
        for output_id, (name, values) in zip(ids, rows.items(), strict=True):
            statement = sa.update(schema.outputs).where(schema.outputs.c.id == output_id)
            connection.execute(statement.values(key=name, **values))
        call = {"key": "a-call", "output_id": ids[-1], "request_key": "", "sent_at": at, "usage": {}}
        connection.execute(sa.insert(schema.calls).values(call))
    assert spool.keep(opened, "a-call", ImageAnswer(data=photo, cost_micros=1), 1)
    due = purge.due(opened)
    assert (due.outputs, due.bytes) == (2, 15)
    report = purge.run(opened, by=BY)
    assert (report.outputs, report.bytes, report.waiting, purge.due(opened).outputs) == (2, 15, 2, 0)
    with reading(opened.engine) as connection:
        left = connection.execute(sa.select(schema.outputs.c.key)).scalars()
        assert {*left} == {*rows} - {"goes", "goes on"}


def test_a_store_that_fails_leaves_the_rows_for_next_time(
    desk: Open, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = desk()
    outputs = made(opened, photo, 3)
    bury(opened, *outputs)
    with monkeypatch.context() as patched:
        patched.setattr(
            type(opened.store), "delete", lambda *_: (_ for _ in ()).throw(StorageUnavailable("503"))
        )
        report = purge.run(opened, by=BY)
        assert (report.outputs, report.error and report.error.kind) == (0, "StorageUnavailable")
    assert count(opened, "outputs", "photos") == [3, 1]
    with pytest.raises(PurgeBegan):
        trash.restore(opened, outputs[0].key, by=BY)
    file_of(opened, outputs[0].object_key).unlink()  # As if the store had done a part of it.
    report = reconcile.compare(opened)
    assert (found(report), report.leaving) == ({}, 1)
    assert purge.run(opened, by=BY).outputs == 3
    clean(opened)


def test_many_are_removed_in_bounded_transactions(
    desk: Open, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = desk()
    outputs = made(opened, photo, 5)
    bury(opened, *outputs)
    monkeypatch.setattr(purge, "BATCH", 2)
    transactions: list[int] = []
    sa.event.listen(opened.engine, "commit", lambda _: transactions.append(1))
    asked: list[int] = []

    def goes_on(report: purge.Report) -> bool:
        asked.append(report.outputs)
        return report.outputs < 4

    report = purge.run(opened, by=BY, goes_on=goes_on)
    assert (report.outputs, asked) == (4, [0, 2, 4]), "it can be stopped between two batches"
    assert purge.run(opened, by=BY).outputs == 1
    assert count(opened, "outputs", "photos", "tasks") == [0, 0, 0]
    clean(opened)


def test_only_an_admin_removes(desk: Open, photo: bytes) -> None:
    opened = desk()
    bury(opened, *made(opened, photo))
    before = everything(opened)
    with pytest.raises(NotAllowed):
        purge.run(opened, by=Actor(id="r", name="r", role=Role.REVIEWER))
    assert everything(opened) == before


POINTS = [
    Point(name="marking, not committed", at="core.database.purge:_named"),
    Point(name="marked, objects there", at="core.purge:empty", when="before"),
    Point(name="the first object gone", at="pathlib:Path.unlink"),
    Point(name="objects gone, rows there", at="core.database.purge:remove", when="before"),
    Point(name="calls cut loose, not committed", at="core.database.purge:_delete", when="before"),
    Point(name="rows deleted, not committed", at="core.database.purge:remove"),
    Point(name="the first batch done", at="core.purge:empty", when="before", nth=2),
    Point(name="done", at="core.purge:run"),
]


def purging(place: Place, point: Point) -> None:
    with open_studio(place.settings(), work=False) as opened:
        vars(purge)["BATCH"] = 2
        arm(point)
        purge.run(opened, by=BY)


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_a_kill_at_any_step_is_gone_on_with(
    desk: Open, photo: bytes, point: Point, database_url: str, tmp_path: Path
) -> None:
    opened = desk()
    first, second, third, stays = made(opened, photo, 4)
    bury(opened, first, second, third)
    place = Place(database_url=database_url, folder=tmp_path, model="http://127.0.0.1:9")
    process = start(purging, place, point)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    report = reconcile.compare(opened)
    assert found(report) == {}, "in between, no row says that it has a picture which is gone"
    purge.run(opened, by=BY)
    assert count(opened, "outputs", "photos", "tasks", "calls") == [1, 1, 1, 4]
    assert opened.store.get(stays.object_key or "")
    assert len(opened.store.list().objects) == 4
    clean(opened)


def test_the_command(desk: Open, photo: bytes, monkeypatch: pytest.MonkeyPatch, scripted: Scripted) -> None:
    from typer.testing import CliRunner

    from core.__main__ import app

    opened = desk()
    bury(opened, *made(opened, photo, 2))
    settings = opened.settings
    monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("UPLOAD_DIR", str(settings.upload_dir))
    monkeypatch.setenv("APP_SECRET", "a secret for tests")

    def run(*words: str, say: str = "") -> Any:
        return CliRunner().invoke(app, ["purge", *words], input=say)

    before = everything(opened)
    dry = run("--dry-run", "--json")
    assert (dry.exit_code, json.loads(dry.stdout)["outputs"]) == (0, 2)
    assert run(say="n\n").exit_code == 1
    assert run().exit_code == 1, "no answer is a no"
    assert everything(opened) == before
    done = run("--yes", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["outputs"] == 2
    assert count(opened, "outputs") == [0]
    clean(opened)
