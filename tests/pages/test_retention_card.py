"""System's card of the rules of keeping as an administrator uses it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core import clock, retention, review, trash
from core.database import schema
from core.database.engine import writing
from core.model import Output
from core.studio import Studio
from tests.conftest import BY
from tests.differing import made
from tests.pages.conftest import Open, counted, said

Desk = Callable[..., Studio]


def rejected(desk: Studio, photo: bytes, outputs: int = 3) -> list[Output]:
    """Pictures that were rejected a hundred days ago."""
    found = made(desk, photo, outputs)
    for output in found:
        review.decide(desk, output.key, review.Verdict.REJECTED, by=BY)
    then = clock.now() - timedelta(days=100)
    with writing(desk.engine) as connection:
        connection.execute(sa.update(schema.outputs).values(finished_at=then, touched_at=then))
    return found


def opened(page: Open, **options: Any) -> Any:
    app = page("system", **options)
    app.session_state["retention-open"] = True
    return app.run()


def press(app: Any, label: str) -> Any:
    app = next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def field(app: Any, label: str) -> Any:
    return next(box for box in app.number_input if box.label == label)


def cells(app: Any) -> str:
    return "\n".join(table.value.to_string() for table in app.table)


def in_trash(desk: Studio) -> int:
    return trash.totals(desk).outputs


def test_everything_is_kept_until_somebody_says_otherwise(desk: Desk, page: Open) -> None:
    studio = desk(work=False)
    with counted(studio) as statements:
        app = page("system")
    assert not app.exception
    assert "Every picture is kept." in said(app)
    assert not app.number_input, "shut it draws no field"
    assert sum("FROM retention_rules" in one for one in statements) == 1
    assert not any("finished_at <" in one for one in statements), "no picture is counted"


def test_rules_are_seen_before_they_are_saved_and_before_they_run(
    desk: Desk, page: Open, photo: bytes
) -> None:
    studio = desk()
    rejected(studio, photo)
    app = opened(page)
    field(app, "Rejected, days").set_value(30)
    app = press(app, "Preview and save")
    assert "3 pictures are old enough now" in said(app)
    assert "30 days" in cells(app) and "kept" in cells(app)
    assert [rule.days for rule in retention.rules(studio)] == [None] * 4, "looking changes nothing"
    app = press(app, "Save rules")
    assert [rule.days for rule in retention.rules(studio)] == [None, 30, None, None]
    assert in_trash(studio) == 0
    app = opened(page)
    assert "Rejected: 30 days" in said(app) and field(app, "Rejected, days").value == 30
    app = press(app, "Run now")
    assert in_trash(studio) == 0
    app = press(app, "Move 3 pictures to the trash")
    assert in_trash(studio) == 3
    text = said(page("system"))
    assert "by local: 3 pictures" in text and "Rejected: 30 days" in text
    app = press(opened(page), "Run now")
    assert "No picture is old enough now." in said(app)
    assert not [button for button in app.button if button.label.startswith("Move")]


def test_what_changed_since_the_preview_is_said_and_nothing_is_moved(
    desk: Desk, page: Open, photo: bytes
) -> None:
    studio = desk()
    outputs = rejected(studio, photo)
    retention.set_rules(studio, {"rejected": 30}, by=BY)
    app = press(opened(page, locale="zh-HK"), "立即執行")
    review.decide(studio, outputs[0].key, review.Verdict.APPROVED, by=BY)
    app = press(app, "把 3 張圖片移到垃圾桶")
    assert "之前顯示 3 張，現為 2 張" in said(app)
    assert in_trash(studio) == 0
    app = press(app, "把 2 張圖片移到垃圾桶")
    assert in_trash(studio) == 2


@pytest.mark.parametrize("wrong", [0, -3, 36_501])
def test_a_number_that_can_t_be_is_refused(desk: Desk, page: Open, wrong: int) -> None:
    """The field holds it back in a browser; what comes past it is refused."""
    studio = desk(work=False)
    app = opened(page)
    field(app, "Failed, days").set_value(wrong)
    app = next(button for button in app.button if button.label == "Preview and save").click().run()
    assert [rule.days for rule in retention.rules(studio)] == [None] * 4
    assert not [button for button in app.button if button.label == "Save rules"]


def test_the_setting_is_named_and_stands_in_the_fields(desk: Desk, page: Open) -> None:
    desk(work=False, retention_days=7)
    app = opened(page)
    assert "lets go what is not approved after 7 days" in said(app)
    assert [box.value for box in app.number_input] == [7, 7, 7, None]
    assert "Failed: 7 days · Rejected: 7 days · To review: 7 days" in said(app)
