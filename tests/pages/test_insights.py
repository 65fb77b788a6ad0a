"""Insights as a visitor reads it: nothing yet, a part, all; its addresses, tables and files."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta

import sqlalchemy as sa

from core import clock, figures, insights
from core.database import schema
from core.database.engine import reading, writing
from core.figures import Span
from core.settings import ROOT
from core.spreadsheet import csv_of
from core.studio import Studio
from tests.conftest import BY
from tests.database.rows import add_task
from tests.pages.conftest import Open, counted, said
from tests.parts.many import fill

Desk = Callable[..., Studio]


def filled(desk: Desk, *, outputs: int = 400, days: int = 20) -> Studio:
    opened = desk(work=False)
    fill(opened.engine, outputs=outputs, days=days, until=clock.now())
    insights.rebuild(opened, by=BY)
    return opened


def test_a_new_desk_says_what_will_appear(desk: Desk, page: Open) -> None:
    desk(work=False)
    for locale, wanted in (("en-US", "Nothing in these days"), ("zh-HK", "這段日子沒有紀錄")):
        app = page("insights", locale=locale)
        assert not app.exception
        assert wanted in said(app)
        assert app.get("vega_lite_chart") == []


def test_failures_alone_fill_their_chart_and_the_others_say_what_comes(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    add_task(opened.engine, outputs=2)
    with writing(opened.engine) as connection:
        values = {"state": "failed", "error_kind": "NoImage", "finished_at": clock.now()}
        connection.execute(sa.update(schema.outputs).values(values))
    insights.rebuild(opened, by=BY)
    app = page("insights")
    assert not app.exception
    assert len(app.get("vega_lite_chart")) == 1
    text = said(app)
    assert "appears here with the first approval" in text
    assert "Reasons appear here" in text and "after the first review" in text


def test_all_charts_are_drawn_in_both_languages(desk: Desk, page: Open) -> None:
    filled(desk)
    for locale in ("en-US", "zh-HK"):
        app = page("insights", locale=locale)
        assert not app.exception
        assert len(app.get("vega_lite_chart")) == 7
        assert next(metric.label for metric in app.metric) in ("Spent", "支出")


def test_the_page_asks_little_however_much_there_is(desk: Desk, page: Open) -> None:
    opened = filled(desk)
    page("insights")
    with counted(opened) as statements:
        page("insights")
    assert len([s for s in statements if "rollup" in s]) == 3
    assert not any("FROM outputs" in s for s in statements)


def test_the_days_of_an_address_hold(desk: Desk, page: Open) -> None:
    filled(desk, days=20)
    app = page("insights", last="7")
    few = int(app.metric[3].value.replace(",", ""))
    assert app.query_params["last"] == "7"
    today = clock.now().date()
    app = page("insights", days=[(today - timedelta(days=40)).isoformat(), today.isoformat()])
    assert not app.exception
    assert int(app.metric[3].value.replace(",", "")) > 2 * few
    for wrong in ({"last": "no"}, {"days": ["2026-99-99"]}, {"days": ["1000-01-01", "9999-01-01"]}):
        app = page("insights", **wrong)
        assert not app.exception and len(app.metric) > 3


def test_the_choice_of_days_stands_in_the_address(desk: Desk, page: Open) -> None:
    filled(desk)
    app = page("insights")
    app.segmented_control(key="span").select("90").run()
    assert app.query_params["last"] == "90"
    app.segmented_control(key="span").select("own").run()
    assert len(app.query_params["days"]) == 2 and "last" not in app.query_params
    assert not app.exception


def test_cards_show_what_was_chosen(desk: Desk, page: Open) -> None:
    opened = filled(desk, outputs=1200, days=10)
    app = page("insights")
    for way in ("model", "week", "look"):
        app.segmented_control(key="cost-way").select(way).run()
        assert not app.exception
    for what in ("pace", "agreement", "judged"):
        app.segmented_control(key="reviewers-what").select(what).run()
        assert not app.exception and len(app.get("vega_lite_chart")) == 7
    with writing(opened.engine) as connection:
        for table in (schema.rollups, schema.rollup_changes):
            connection.execute(sa.delete(table).where(table.c.measure == "pace"))
    app.segmented_control(key="reviewers-what").select("pace").run()
    assert "Nothing to draw in these days" in said(app) and len(app.get("vega_lite_chart")) == 6


LATE = """
import sys
from pages.ui.charts import warm
warm()
before = set(sys.modules)
from streamlit.testing.v1 import AppTest
rows = "alt.InlineData(values=[{'n': 1}])"
draw = f"st.altair_chart(alt.Chart({rows}).mark_bar().encode(x='n:Q'))"
app = AppTest.from_string("import altair as alt; import streamlit as st; " + draw).run()
assert not app.exception and app.get("vega_lite_chart")
print(*sorted(name for name in set(sys.modules) - before if "." not in name))
"""


def test_the_first_chart_finds_all_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", LATE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"altair", "narwhals", "pandas", "pyarrow", "numpy", "jsonschema"} & set(done.stdout.split())


HALF_LOADED = """
import sys, threading, time
halfway = threading.Event()
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "pandas.core":
            halfway.set()
            time.sleep(1)
sys.meta_path.insert(0, Slow())
from pages.ui.charts import altair, warm
threading.Thread(target=warm).start()
assert halfway.wait(30)
alt = altair()
alt.Chart(alt.InlineData(values=[{"n": 1}])).mark_bar().encode(x="n:Q").to_dict()
"""


def test_a_chart_waits_for_what_is_half_loaded() -> None:
    subprocess.run([sys.executable, "-c", HALF_LOADED], cwd=ROOT, capture_output=True, check=True)


def test_figures_are_what_the_rows_say(desk: Desk) -> None:
    opened = filled(desk, outputs=1200, days=10)
    found = figures.figures(opened, figures.last(opened, 30))
    with reading(opened.engine) as connection:
        o, c, t = schema.outputs.c, schema.calls.c, schema.tasks.c
        whole = sa.select(sa.func.sum(c.cost_micros))
        assert found.whole.spent == connection.execute(whole).scalar()
        for made in found.looks:
            mine = sa.select(sa.func.count()).select_from(schema.outputs.join(schema.tasks)).where(
                t.preset == made.key[0], t.preset_version == made.key[1], o.review == "approved"
            )  # fmt: skip
            assert made.approved == connection.execute(mine).scalar()
        for one in found.latency:
            times = sorted(
                connection.execute(
                    sa.select(o.latency_ms).where(o.provider == one.provider, o.state == "succeeded")
                ).scalars()
            )
            for share, said_ in ((0.5, one.p50), (0.95, one.p95)):
                true = times[min(len(times) - 1, int(share * len(times)))]
                assert abs(said_ - true) <= 0.1 * true
    assert sum(made.pictures for made in found.weeks) == found.whole.pictures
    assert sum(made.spent for made in found.models) == found.whole.spent
    assert {one.actor for one in found.reviewers} == {"amy@shop.hk", "bo@shop.hk", "chan@shop.hk"}
    assert all(one.pace and one.agreement and 0.5 < one.agreement < 1 for one in found.reviewers)


def test_the_versions_of_a_look_are_told_apart(desk: Desk) -> None:
    opened = filled(desk, outputs=800)
    found = figures.by_version(opened)
    first, second = (found["white_bg_front", version].approval for version in (1, 2))
    assert first and second and second > first


def test_an_unknown_price_is_never_shown_as_free(desk: Desk) -> None:
    opened = filled(desk)
    found = figures.figures(opened, figures.last(opened, 30))
    (gateway,) = [made for made in found.models if made.key[0] == "gateway"]
    assert (gateway.spent, gateway.per_approved) == (0, None)
    assert gateway.unpriced > 0 < gateway.approved


def test_days_without_spending_are_zero_and_end_with_today(desk: Desk) -> None:
    opened = desk(work=False)
    between = Span(since=date(2026, 1, 1), until=date(2026, 1, 31))
    assert [day.spent for day in figures.figures(opened, between).days] == [0] * 31


def test_a_file_for_spreadsheets_holds_no_formula() -> None:
    rows = [
        {"name": '=HYPERLINK("http://x")', "n": -1, "p": None},
        {"name": "白底正面", "n": 2, "p": 0.5},
        {"name": " +1", "n": 3, "p": 1},
    ]
    data = csv_of(rows, ["name", "n", "p"])
    assert data.startswith(b"\xef\xbb\xbf")
    assert list(csv.reader(io.StringIO(data.decode("utf-8-sig")))) == [
        ["name", "n", "p"],
        ['\'=HYPERLINK("http://x")', "-1", ""],
        ["白底正面", "2", "0.5"],
        ["' +1", "3", "1"],
    ]
