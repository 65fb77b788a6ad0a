"""Review as a visitor finds it: filters, the page's address, and what a browser may send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core import review
from core.database.engine import writing
from core.database.schema import outputs, tasks
from core.review import Verdict
from core.studio import Studio
from tests.conftest import BY
from tests.pages.conftest import Open, counted, data, said
from tests.parts.judging import add_pictures

Desk = Callable[..., Studio]


def shown(app: Any) -> list[str]:
    return [item["id"] for item in data(app, "compare")["items"]]


def test_nothing_waits(desk: Desk, page: Open) -> None:
    desk(work=False)
    assert "Nothing waits for review" in said(page("review"))


def test_the_queue_begins_with_the_oldest_and_says_how_many_wait(desk: Desk, page: Open) -> None:
    keys = add_pictures(desk(work=False), 3)
    app = page("review")
    assert shown(app) == keys
    assert (data(app, "compare")["place"], data(app, "compare")["total"]) == (keys[0], 6)
    assert "All waiting 6" in app.button_group(key="review-show").options


def test_filters_stand_in_the_address(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    first = add_pictures(opened, 2, preset="flat_lay")
    second = add_pictures(opened, 3)
    with opened.engine.begin() as connection:
        (old, new) = [row.key for row in connection.execute(tasks.select().order_by(tasks.c.id))]
        connection.execute(outputs.update().where(outputs.c.key == second[0]).values(flagged=True))
    assert shown(page("review", preset="flat_lay")) == first
    assert shown(page("review", task=new)) == second
    assert shown(page("review", task=old, sku="JP-SOY-0500-002")) == first[2:]
    assert shown(page("review", show="flagged")) == second[:1]
    app = page("review")
    app.button_group(key="review-show").set_value("flagged").run()
    app.selectbox(key="review-pick-task-en").select(new).run()
    assert shown(app) == second[:1]
    assert (app.query_params["show"], app.query_params["task"]) == ("flagged", new)
    app.button(key="review-clear").click().run()
    assert shown(app) == first + second
    assert "show" not in app.query_params


@pytest.mark.parametrize(
    ("link", "names"),
    [
        ({"preset": "zzz"}, "Look"),
        ({"show": "nonsense", "task": "../../etc"}, "Pictures, Batch"),
        ({"task": "\x00'; DROP TABLE outputs; --"}, "Batch"),
        ({"sku": "\x00"}, "SKU"),
        ({"sku": "%" * 1000}, "SKU"),
    ],
)
def test_what_an_address_asks_in_vain_is_said(
    desk: Desk, page: Open, link: dict[str, str], names: str
) -> None:
    keys = add_pictures(desk(work=False), 1)
    app = page("review", **link)
    assert not app.exception
    assert "asks for something that is not here" in app.warning[0].value
    assert names in app.warning[0].value
    assert shown(app) == keys


def test_filters_that_nothing_meets_can_be_cleared(desk: Desk, page: Open) -> None:
    keys = add_pictures(desk(work=False), 1)
    app = page("review", sku="HK-1", locale="zh-HK")
    assert "沒有符合的圖片。請清除篩選。" in said(app)
    app.button(key="review-all").click().run()
    assert shown(app) == keys


def test_what_was_judged_elsewhere_is_gone_from_the_queue(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    keys = add_pictures(opened, 2)
    review.decide(opened, keys[0], Verdict.APPROVED, by=BY)
    assert shown(page("review")) == keys[1:]


def test_a_database_that_is_away_is_said(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    add_pictures(opened, 1)
    with writing(opened.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE claims RENAME TO elsewhere")
    app = page("review")
    assert not app.exception and app.error


def test_a_step_asks_little_of_the_database(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    add_pictures(opened, 20)
    app = page("review")
    with counted(opened) as statements:
        app.run()
    assert len(statements) <= 8, statements
