"""System as a visitor reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core import budget, clock, intake
from core.database import provider_states
from core.database.engine import writing
from core.studio import Studio
from tests.pages.conftest import Open, said

Desk = Callable[..., Studio]


def test_all_is_well(desk: Desk, page: Open) -> None:
    desk(work=False)
    app = page("system")
    assert not app.exception
    assert "**All is well.** Checked" in said(app)
    assert "The folder can be read" in said(app)


def test_a_problem_comes_first_with_its_remedy(desk: Desk, page: Open, tmp_path: Path) -> None:
    desk(work=False).engine.dispose()
    (tmp_path / "packshot.db").write_bytes(b"no database at all" * 100)
    for path in tmp_path.glob("packshot.db-*"):
        path.unlink()
    app = page("system", locale="zh-HK")
    assert not app.exception
    text = said(app)
    assert "個問題" in text
    heads = [m.value for m in app.markdown if "material/" in m.value and "**" in m.value]
    assert ":red[" in heads[0] and ":green[" in heads[-1]
    assert "資料庫檔案損壞或不是資料庫，未有更改。請還原備份" in text


def test_the_write_test_is_a_press(desk: Desk, page: Open, tmp_path: Path) -> None:
    desk(work=False)
    app = page("system")
    assert "Write test" not in [m.value for m in app.markdown]
    app.button(key="write").click().run()
    assert not app.exception
    assert any("**Write test**" in m.value for m in app.markdown)
    assert [path for path in (tmp_path / "media").rglob("*") if path.is_file()] == []


def test_a_stopped_provider_goes_on_by_a_press(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    with writing(opened.engine) as connection:
        provider_states.stop(connection, "gemini", "QuotaExhausted", {"until": None}, None)
    app = page("system")
    assert "Quota or credit is used up." in said(app)
    app.button(key="resume-gemini").click().run()
    assert not app.exception
    assert "Quota or credit is used up." not in said(app)
    assert intake.stopped(opened) == {}


def test_the_limit_of_the_day_stands_in_the_sidebar(desk: Desk, page: Open) -> None:
    opened = desk(work=False, daily_budget_usd=10)
    with writing(opened.engine) as connection:
        day = budget.day_of(opened, clock.now())
        budget.reserve(opened, connection, day=day, payer="local", micros=3_180_000)
        budget.settle(connection, day=day, payer="local", reserved=3_180_000, cost=None, may_be_charged=True)
    text = said(page("system"))
    assert "Today US\\$3\\.18 of 10.00" in text and "not certain" in text
