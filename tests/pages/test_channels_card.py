"""System's card of marketplaces' rules as an administrator uses it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from core.checks import channels
from core.database import channel_rules as decisions
from core.database.channel_rules import Decision
from core.database.engine import writing
from core.studio import Studio
from tests.pages.conftest import Open, counted, said

Desk = Callable[..., Studio]


def opened(page: Open, **options: Any) -> Any:
    app = page("system", **options)
    app.session_state["channels-open"] = True
    return app.run()


def cells(app: Any) -> str:
    return "\n".join(table.value.to_string() for table in app.table)


def test_shut_it_costs_nothing(desk: Desk, page: Open) -> None:
    studio = desk(work=False)
    with counted(studio) as statements:
        app = page("system")
    assert not app.exception
    assert not [statement for statement in statements if "channel_rules" in statement]
    assert not app.get("selectbox")


def test_rules_show_source_month_and_how_sure(desk: Desk, page: Open) -> None:
    desk(work=False)
    app = opened(page, locale="zh-HK")
    assert not app.exception
    assert "最少 1200 × 1200 px" in cells(app) and "推測" in cells(app)
    app.selectbox(key="channel-shown").set_value("google").run()
    assert not app.exception
    found = cells(app)
    assert "2027" in found and "官方" in found and "查閱於" in said(app)


def test_an_administrator_changes_a_rule_and_takes_it_back(desk: Desk, page: Open) -> None:
    studio = desk(work=False)
    app = opened(page)
    app.selectbox(key="channel-rule-hktvmall-en").set_value("size").run()
    app.number_input(key="channel-hktvmall-size-0-min_width").set_value(900)
    assert not app.exception
    next(b for b in app.button if b.label == "Save").click().run()
    assert not app.exception
    found = channels.rule_of(channels.find(studio, "hktvmall"), "size")
    assert (found.values["min_width"], found.level) == (900, "warn")
    assert "Changed by local" in said(app)
    app.button(key="channel-revert").click().run()
    assert not app.exception
    assert channels.rule_of(channels.find(studio, "hktvmall"), "size").edit is None


def test_a_kept_rule_that_does_not_fit_is_named_with_the_way_back(desk: Desk, page: Open) -> None:
    studio = desk(work=False)
    row = Decision(channel="amazon", rule="fill", at=datetime.now(UTC), actor="x", body={"values": {}})
    with writing(studio.engine) as connection:
        decisions.add(connection, row)
    app = opened(page)
    assert not app.exception
    assert "fill" in said(app)
    app.button(key="channel-revert").click().run()
    assert not app.exception
    assert "1200" in cells(app)
