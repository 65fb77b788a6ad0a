"""Acts on a selection of History as a visitor reads and presses them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from core import bulk, bulk_worker, clock
from core.bulk import Act
from core.database import jobs, schema
from core.database.engine import reading, writing
from core.studio import Studio
from core.verdicts import Reason
from pages.ui import selection
from pages.ui.address import Choice
from pages.ui.selection import Selection
from tests.conftest import BY
from tests.database.rows import add_task
from tests.pages.conftest import Open, counted, data, said

Desk = Callable[..., Studio]


def stocked(desk: Studio, number: int, **values: Any) -> list[str]:
    """The keys of pictures without files, newest first."""
    ids = add_task(desk.engine, outputs=number, sku="JP-1", product_name="Cup")
    o = schema.outputs.c
    more = {"state": "succeeded", "thumb_key": "thumb/t/p.webp", "object_key": "generated/t/p.jpg", **values}
    with writing(desk.engine) as connection:
        connection.execute(sa.update(schema.outputs).where(o.id.in_(ids)).values(**more))
        return list(connection.execute(sa.select(o.key).where(o.id.in_(ids)).order_by(o.id.desc())).scalars())


def select(app: Any, keys: list[str] | None, **choice: Any) -> None:
    """Select as the gallery says it; None: all that match."""
    edition = app.session_state["selection"].edition
    kept = Selection(of=Choice(**choice), keys=tuple(keys or ()), every=keys is None, edition=edition)
    app.session_state["selection"] = kept
    app.run()


def reviews(desk: Studio) -> list[str]:
    o = schema.outputs.c
    with reading(desk.engine) as connection:
        return list(connection.execute(sa.select(o.review).order_by(o.id.desc())).scalars())


def work(desk: Studio) -> None:
    """Do what waits, as the worker does."""
    now = clock.now()
    while True:
        with reading(desk.engine) as connection:
            job_id = jobs.due(connection, now)
        if job_id is None:
            return
        with writing(desk.engine) as connection:
            jobs.claim(connection, job_id, "here", now, now + bulk_worker.LEASE)
        while bulk_worker.step(desk, job_id, "here"):
            pass


def keys_of(app: Any) -> set[str]:
    return {button.key for button in app.button}


def test_nothing_is_drawn_for_nothing(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    stocked(opened, 3)
    app = page("history")
    assert not {"pick-none", "bulk-approve", "bulk-undo"} & keys_of(app)
    assert data(app, "gallery")["pick"] == {"edition": 0, "keys": [], "every": False}
    with counted(opened) as statements:
        app.run()
    assert not any("jobs" in statement for statement in statements)


def test_two_are_approved_and_taken_back(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    keys = stocked(opened, 4)
    app = page("history")
    select(app, keys[:2])
    assert "2 selected" in said(app)
    assert app.button(key="pick-every").label == "Select all 4 that match"
    app.button(key="bulk-approve").click().run()
    assert "**2 pictures**" in said(app) and app.button(key="bulk-do").label == "Approve 2 pictures"
    app.button(key="bulk-do").click().run()
    assert not app.exception
    assert "selected" not in said(app), "the selection is done with"
    work(opened)
    app.run()
    assert reviews(opened) == ["approved"] * 2 + ["to_review"] * 2
    assert "Approved 2 pictures." in said(app)
    app.button(key="bulk-undo").click().run()
    work(opened)
    app.run()
    assert "Took 2 verdicts back." in said(app) and "bulk-undo" not in keys_of(app)
    assert reviews(opened) == ["to_review"] * 4
    app.button(key="bulk-close").click().run()
    assert "Took" not in said(app)


def test_all_that_match_are_rejected_with_a_reason(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    stocked(opened, 3, review="approved")
    stocked(opened, 1)
    app = page("history", show="approved")
    select(app, data(app, "gallery")["groups"][0]["items"][0]["id"].split(), show=("approved",))
    app.button(key="pick-every").click().run()
    assert "3 selected" in said(app) and data(app, "gallery")["pick"]["every"]
    app.button(key="bulk-reject").click().run()
    app.button_group(key="bulk-reason-en").set_value(Reason.CROP)
    app.text_area(key="bulk-note").set_value("too *near*")
    app.button(key="bulk-do").click().run()
    work(opened)
    app.run()
    assert "Rejected 3 pictures." in said(app)
    with reading(opened.engine) as connection:
        rows = connection.execute(sa.select(schema.reviews.c.reason, schema.reviews.c.note)).all()
    assert [tuple(row) for row in rows] == [("crop", "too *near*")] * 3
    assert reviews(opened) == ["to_review"] + ["rejected"] * 3


def test_what_would_stay_is_said_before(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    keys = stocked(opened, 2, review="approved") + stocked(opened, 1)
    app = page("history")
    select(app, keys)
    app.button(key="bulk-approve").click().run()
    assert "**3 pictures**" in said(app) and "2 of them stay as they are" in said(app)
    assert app.button(key="bulk-do").label == "Approve 1 picture"
    with writing(opened.engine) as connection:
        connection.execute(sa.update(schema.jobs).values(total=4))
    app.button(key="bulk-do").click().run()
    assert "3 pictures were confirmed, and there are 4" in app.error[0].value
    assert reviews(opened).count("approved") == 2


def test_another_filter_selects_nothing_and_a_page_turn_keeps(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    keys = stocked(opened, 60)
    app = page("history")
    select(app, keys[:2])
    app.button(key="older").click().run()
    assert "2 selected" in said(app)
    app.button_group(key="view").set_value("table").run()
    assert "2 selected" in said(app)
    app.text_input(key="text").set_value("cup").run()
    assert "selected" not in said(app)


def test_what_a_browser_says_is_read_with_care(
    desk: Desk, page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, Any] = {"selection": Selection(of=Choice(), edition=3)}
    monkeypatch.setattr(selection.st, "session_state", kept)
    for nonsense in (None, [], "x", {"edition": 2, "keys": ["a"]}, {"keys": ["a"]}):
        selection.heard(nonsense)
        assert kept["selection"].keys == ()
    selection.heard({"edition": 3, "keys": ["a", 1, None, "a", "x" * 37, "b"]})
    assert kept["selection"].keys == ("a", "b")
    selection.heard({"edition": 3, "keys": [str(n) for n in range(5_000)]})
    assert len(kept["selection"].keys) == selection.MOST


def test_an_act_that_goes_on_is_found_again(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    keys = stocked(opened, 3)
    frozen = bulk.freeze(opened, keys, by=BY)
    job = bulk.begin(opened, frozen.key, Act.DELETE, by=BY, number=3)
    app = page("history", locale="zh-HK")
    assert app.button(key="bulk-stop").label == "停止"
    app.button(key="bulk-stop").click().run()
    assert bulk.job(opened, job.key).state == "stopped"
    assert "已刪除 0 張圖片。其餘已停止。" in said(app)
