"""Charts of Insights: one theme in light and dark, each with its table, its CSV and its way to History."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import streamlit as st

from core.spreadsheet import csv_of
from pages.ui import navigation
from pages.ui.shell import section
from pages.ui.words import plain, t

Rows = Sequence[Mapping[str, Any]]
Link = Callable[[Mapping[str, Any]], dict[str, Any] | None]
"""The parameters of History for one row; None where it has no such filter."""

_COLORS = {
    "blue": ("#1F5FA8", "#8CC2FF"),
    "green": ("#17693A", "#6FD08C"),
    "red": ("#B3261E", "#FF9A8F"),
    "orange": ("#8A5300", "#F2B55C"),
    "gray": ("#5A626C", "#A6AEB8"),
    "violet": ("#7A3E9D", "#C9A7F2"),
    "teal": ("#0B7285", "#6FD3E3"),
    "pink": ("#A3346F", "#F5A3C7"),
    "text": ("#15181C", "#E9EBEE"),
    "line": ("#CDD3DB", "#3A4048"),
}
"""In the light and in the dark theme: its own colours and three more, at 4.5 or more on its background."""
_BAR = 28
"""Pixels of one bar with its gap."""


def altair() -> Any:
    """The module. It asks whether pandas is loaded, and must not meet it while another thread loads it."""
    import_module("pandas")
    return import_module("altair")


def warm() -> None:
    """Load what the first chart of a process needs: a second that nobody has to wait for."""
    alt = altair()
    bars = alt.Chart(alt.InlineData(values=[{"n": 1}])).mark_bar().encode(x="n:Q")
    bars.add_params(alt.selection_point(fields=["n"])).to_dict()


def color(name: str) -> str:
    return _COLORS[name][st.context.theme.type == "dark"]


def look(chart: Any, *, height: int) -> Any:
    """The chart in the page's colours."""
    axis: dict[str, Any] = {
        **dict.fromkeys(("labelColor", "titleColor"), color("text")),
        **dict.fromkeys(("gridColor", "domainColor", "tickColor"), color("line")),
        **dict.fromkeys(("labelFontSize", "titleFontSize"), 13),
        "titleFontWeight": "normal",
        "labelLimit": 190,
    }
    legend: dict[str, Any] = {"labelColor": color("text"), "titleColor": color("text"), "labelFontSize": 13}
    return (
        chart.properties(height=height)
        .configure_axis(**axis)
        .configure_legend(**legend, orient="bottom", title=None, labelLimit=220, columns=2)
        .configure_view(stroke=None)
    )


def tall(rows: int) -> int:
    """The height of a chart of so many bars."""
    return 64 + _BAR * rows


def card(
    key: str,
    *,
    rows: Rows,
    draw: Callable[[Rows], Any],
    columns: Mapping[str, Any],
    link: Link = lambda row: None,
    say: str | None = None,
    above: Callable[[], None] | None = None,
    press: bool = True,
) -> None:
    """One chart; its words are those of `insights.{key}`, and it may have others to `say`. `columns` are the
    table's, by name: a heading, or a Streamlit column of it; `rows` have a value for each. With `press`, a
    click on a mark shows the way to what is behind it; `above` is drawn over the chart, which is None where
    no row has a value for it.
    """
    with st.container(border=True, height="stretch", key=f"card-{key}"):
        title = t(f"insights.{key}")
        section(title)
        if not rows:
            st.caption(t(f"insights.{key}_none"))
            return
        say = say or t(f"insights.{key}_say")
        st.caption(say)
        if above:
            above()
        if (chart := draw(rows)) is None:
            st.caption(t("insights.no_value"))
        else:
            _chart(key, chart, f"{title}. {say}", rows, columns, link, press=press)
        more = st.expander(t("insights.table"), key=f"table-{key}", on_change="rerun")
        if more.open:
            with more:
                _table(key, rows, columns, link)


def _chart(
    key: str, chart: Any, say: str, rows: Rows, columns: Mapping[str, Any], link: Link, *, press: bool
) -> None:
    if not press:
        st.altair_chart(chart, key=f"chart-{key}", alt=say)
        return
    event = st.altair_chart(chart, key=f"chart-{key}", on_select="rerun", selection_mode="point", alt=say)
    number = _pressed(event)
    if number is not None and 0 <= number < len(rows) and (query := link(rows[number])):
        st.page_link(
            navigation.page("history"),
            label=t("insights.behind", name=plain(rows[number]["name"])),
            icon=":material/photo_library:",
            query_params=query,
        )


def _pressed(event: Any) -> int | None:
    """The row whose mark was pressed."""
    points = (event or {}).get("selection", {}).get("point") or []
    number = points[0].get("row") if points and isinstance(points[0], dict) else None
    return number if isinstance(number, int) else None


def _table(key: str, rows: Rows, columns: Mapping[str, Any], link: Link) -> None:
    from urllib.parse import urlencode

    shown = [{name: row[name] for name in columns} for row in rows]
    config, order = dict(columns), list(columns)
    links = [link(row) for row in rows]
    if any(links):
        for row, query in zip(shown, links, strict=True):
            row["link"] = f"history?{urlencode(query, doseq=True)}" if query else None
        config["link"] = st.column_config.LinkColumn(
            t("nav.history"), display_text=t("insights.open"), width=72
        )
        order.insert(1, "link")  # Beside the name: the rest may lie beyond the edge.
    st.dataframe(shown, hide_index=True, column_config=config, column_order=order, height="content")
    st.download_button(
        t("insights.csv"),
        csv_of(rows, list(columns)),
        file_name=f"packshot-{key}.csv",
        mime="text/csv",
        icon=":material/download:",
        type="tertiary",
        key=f"csv-{key}",
        on_click="ignore",
    )
