"""The charts of Insights. Every mark carries the `row` of the table that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pages.ui.charts import Rows, altair, color, look, tall
from pages.ui.words import t

_MOST = 12
"""Bars of one chart; its table has all rows."""
_REASONS = ("red", "orange", "blue", "green", "gray", "violet", "teal", "pink")


def costs(rows: Rows) -> Any:
    """US dollars for each approved picture."""
    shown = [row for row in _numbered(rows) if row["per_approved"] is not None][:_MOST]
    return _ranked(shown, "per_approved")


def weeks(rows: Rows) -> Any:
    """The same by week, oldest first."""
    alt = altair()
    shown = [row for row in _numbered(rows) if row["per_approved"] is not None]
    if not shown:
        return None
    chart = (
        _chart(shown)
        .mark_bar(color=color("blue"), cursor="pointer", size=26)
        .encode(
            x=alt.X("name:O", title=t("insights.axis.week"), axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("per_approved:Q", title=t("insights.axis.per_approved")),
            tooltip=_tooltip("name", "per_approved"),
            opacity=_opacity(),
        )
        .add_params(_point())
    )
    return look(chart, height=240)


def spending(rows: Rows, limit: float | None) -> Any:
    """US dollars a day, what is not certain on top, and the limit of the day as a line."""
    alt = altair()
    names = {"spent": t("insights.column.spent"), "possible": t("insights.column.possible")}
    data = [{"name": row["name"], "kind": names[kind], "usd": row[kind], "order": number}
            for row in rows for number, kind in enumerate(names)]  # fmt: skip
    bars = (
        _chart(data)
        .mark_bar()
        .encode(
            # A day is a day, wherever the browser is.
            x=alt.X(
                "utcyearmonthdate(name):T",
                title=None,
                scale=alt.Scale(type="utc"),
                axis=alt.Axis(format="%m-%d", labelOverlap=True, grid=False),
            ),
            y=alt.Y("usd:Q", title=t("insights.axis.usd")),
            color=_scale("kind", names.values(), ("blue", "orange")),
            order="order:Q",
            tooltip=[
                alt.Tooltip("name:N", title=t("insights.by.day")),
                alt.Tooltip("kind:N", title=t("insights.axis.kind")),
                alt.Tooltip("usd:Q", title=t("insights.axis.usd"), format=",.4f"),
            ],
        )
    )
    if limit is None:
        return look(bars, height=240)
    line = _chart([{"limit": limit}]).mark_rule(color=color("red"), strokeWidth=2, strokeDash=[6, 4])
    return look(alt.layer(bars, line.encode(y="limit:Q")), height=240)


def approvals(rows: Rows) -> Any:
    """Approved and rejected as shares of what was judged."""
    names = {"approved": t("history.approved"), "rejected": t("history.rejected")}
    shown = list(_numbered(rows))[:_MOST]
    data = [{"row": row["row"], "name": row["name"], "kind": names[kind], "n": row[kind], "order": number}
            for row in shown for number, kind in enumerate(names)]  # fmt: skip
    chart = _stacked(data, names.values(), ("green", "red"), share=True)
    return look(chart, height=tall(len(shown)) + 40)


def reasons(rows: Rows) -> Any:
    """How many pictures were rejected for each reason."""
    numbered = list(_numbered(rows))
    names = list(dict.fromkeys(row["name"] for row in numbered))[:_MOST]
    kinds = list(dict.fromkeys(row["reason"] for row in numbered))
    data = [{**row, "kind": row["reason"], "order": kinds.index(row["reason"])}
            for row in numbered if row["name"] in names]  # fmt: skip
    chart = _stacked(data, kinds, [_REASONS[i % len(_REASONS)] for i in range(len(kinds))])
    return look(chart, height=tall(len(names)) + 40 + 20 * ((len(kinds) - 1) // 2))


def latencies(rows: Rows) -> Any:
    """Seconds until half, and until 95 of 100 pictures had come."""
    alt = altair()
    names = {"p50": t("insights.axis.p50"), "p95": t("insights.axis.p95")}
    shown = list(_numbered(rows))[:_MOST]
    data = [{"row": row["row"], "name": row["name"], "kind": names[kind], "seconds": row[kind]}
            for row in shown for kind in names]  # fmt: skip
    chart = (
        _chart(data)
        .mark_bar(cursor="pointer")
        .encode(
            x=alt.X("seconds:Q", title=t("insights.axis.seconds")),
            y=_names(),
            yOffset=alt.YOffset("kind:N", sort=list(names.values())),
            color=_scale("kind", names.values(), ("blue", "orange")),
            tooltip=_tooltip("name", "kind", "seconds"),
            opacity=_opacity(),
        )
        .add_params(_point())
    )
    return look(chart, height=tall(2 * len(shown)) + 40)


def outcomes(rows: Rows) -> Any:
    """How outputs ended, the most frequent first."""
    alt = altair()
    shown = list(_numbered(rows))[:_MOST]
    chart = _bars(shown, "n", t("insights.axis.n")).encode(
        color=alt.condition(alt.datum.good, alt.value(color("blue")), alt.value(color("red")))
    )
    return look(chart, height=tall(len(shown)))


def reviewers(rows: Rows) -> Any:
    """How many pictures each person approved and rejected."""
    names = {"approved": t("history.approved"), "rejected": t("history.rejected")}
    shown = list(_numbered(rows))[:_MOST]
    data = [{"row": row["row"], "name": row["name"], "kind": names[kind], "n": row[kind], "order": number}
            for row in shown for number, kind in enumerate(names)]  # fmt: skip
    return look(_stacked(data, names.values(), ("green", "red"), press=False), height=tall(len(shown)) + 40)


def persons(rows: Rows, what: str) -> Any:
    """Pictures a minute ("pace"), or percent of agreement with others ("agreement")."""
    shown = [row for row in _numbered(rows) if row[what] is not None][:_MOST]
    return _ranked(shown, what, press=False)


def growth(rows: Rows) -> Any:
    """Bytes stored in each week."""
    alt = altair()
    bars = (
        _chart([{**row, "gb": row["bytes"] / 1e9} for row in rows])
        .mark_bar(color=color("blue"), size=20)
        .encode(
            x=alt.X("name:O", title=t("insights.axis.week"), axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("gb:Q", title="GB"),
            tooltip=[
                alt.Tooltip("name:N", title=t("insights.axis.week")),
                alt.Tooltip("gb:Q", title="GB", format=",.3~f"),
            ],
        )
    )
    return look(bars, height=200)


def _numbered(rows: Rows) -> list[dict[str, Any]]:
    return [{**{k: v for k, v in row.items() if k != "query"}, "row": n} for n, row in enumerate(rows)]


def _chart(data: Sequence[dict[str, Any]]) -> Any:
    alt = altair()
    return alt.Chart(alt.InlineData(values=list(data)))


def _point() -> Any:
    alt = altair()
    return alt.selection_point(name="point", fields=["row"])


def _opacity() -> Any:
    alt = altair()
    return alt.condition(_point(), alt.value(1), alt.value(0.45))


def _tooltip(*names: str) -> list[Any]:
    alt = altair()
    kinds = {"name": "N", "kind": "N"}
    return [
        alt.Tooltip(f"{name}:{kinds.get(name, 'Q')}", title=t(f"insights.axis.{name}"),
                    format="" if name in kinds or name == "n" else ",.4~f")
        for name in names
    ]  # fmt: skip


def _names() -> Any:
    alt = altair()
    return alt.Y("name:N", title=None, sort=None, axis=alt.Axis(labelOverlap=False, ticks=False))


def _scale(field: str, names: Any, colors: Sequence[str]) -> Any:
    alt = altair()
    scale = alt.Scale(domain=list(names), range=[color(name) for name in colors])
    return alt.Color(f"{field}:N", scale=scale)


def _ranked(data: Sequence[dict[str, Any]], field: str, *, press: bool = True) -> Any:
    """None where there is nothing to draw."""
    if not data:
        return None
    chart = _bars(data, field, t(f"insights.axis.{field}"), press=press)
    return look(chart, height=tall(len(data)))


def _bars(data: Sequence[dict[str, Any]], field: str, title: str, *, press: bool = True) -> Any:
    alt = altair()
    chart = (
        _chart(data)
        .mark_bar(color=color("blue"), cursor="pointer" if press else "default")
        .encode(
            x=alt.X(f"{field}:Q", title=title),
            y=_names(),
            tooltip=_tooltip("name", field),
        )
    )
    return chart.encode(opacity=_opacity()).add_params(_point()) if press else chart


def _stacked(
    data: Sequence[dict[str, Any]], names: Any, colors: Sequence[str], *, share: bool = False,
    press: bool = True,
) -> Any:  # fmt: skip
    alt = altair()
    axis = alt.Axis(format="%") if share else alt.Axis(tickMinStep=1, format=",d")
    chart = (
        _chart(data)
        .mark_bar(cursor="pointer" if press else "default")
        .encode(
            x=alt.X("n:Q", title=t("insights.axis.share" if share else "insights.axis.n"), axis=axis,
                    stack="normalize" if share else "zero"),
            y=_names(),
            color=_scale("kind", names, colors),
            order="order:Q",
            tooltip=_tooltip("name", "kind", "n"),
        )
    )  # fmt: skip
    return chart.encode(opacity=_opacity()).add_params(_point()) if press else chart
