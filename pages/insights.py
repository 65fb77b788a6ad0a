"""Insights: what a picture that was approved costs, what is refused and why, how quick models are."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core import figures, studio
from core.errors import PackshotError
from core.figures import Figures, Made, Span
from pages.ui import marks, navigation
from pages.ui.charts import card
from pages.ui.insight_rows import (
    columns,
    linked,
    look_name,
    model_name,
    outcome_name,
    reason_name,
    share,
    usd,
    ways,
)
from pages.ui.shell import section, title_row
from pages.ui.span import span
from pages.ui.trouble import show
from pages.ui.words import dollars, t, together

_WAYS = ("look", "model", "week")
_WHAT = ("judged", "pace", "agreement")


def totals(made: Made[None]) -> None:
    """What it came to."""
    per, least = made.per_approved, "≥ " if made.unpriced else ""
    said = {
        "spent": dollars(made.spent),
        **({"possible": dollars(made.possible)} if made.possible else {}),
        **({"unpriced": f"{made.unpriced:,}"} if made.unpriced else {}),
        "pictures": f"{made.pictures:,}",
        "approved": f"{made.approved:,}",
        "approval": "–" if made.approval is None else f"{made.approval:.0%}",
        "per_approved": "–" if per is None else f"{least}US${per / 1_000_000:.3f}",
    }
    with st.container(horizontal=True, key="totals"):
        for name, value in said.items():
            st.metric(t(f"insights.column.{name}"), value, width="content")


def cost(found: Figures) -> None:
    way = st.session_state.get("cost-way", "look")
    rows = ways(found)[way]
    bare = sum(row["per_approved"] is None for row in rows)
    approved = found.whole.approved
    say = [t("insights.cost_say")]
    say += [t("insights.cost_unpriced", n=found.whole.unpriced)] if found.whole.unpriced else []
    say += [t("insights.cost_bare", n=bare)] if bare else []
    card(
        "cost",
        rows=rows if approved else [],
        say=together(say),
        draw=marks.weeks if way == "week" else marks.costs,
        columns=columns("name", "pictures", "approved", "spent", "possible", "unpriced", "per_approved",
                        name=t(f"insights.by.{way}")),
        link=linked(found.span, show="approved"),
        above=lambda: choose("cost-way", _WAYS, "insights.by"),
    )  # fmt: skip


def choose(key: str, ways: Sequence[str], words: str) -> None:
    """What a card shows; the first of `ways` unless somebody chose."""
    st.session_state.setdefault(key, ways[0])
    st.segmented_control(
        t("insights.by"),
        ways,
        format_func=lambda name: t(f"{words}.{name}"),
        required=True,
        label_visibility="collapsed",
        key=key,
        default=st.session_state[key],
    )


def spend(found: Figures) -> None:
    rows = [
        {"name": f"{day.day:%Y-%m-%d}", "spent": usd(day.spent), "possible": usd(day.possible),
         "query": {"days": [day.day.isoformat()] * 2}}
        for day in found.days
    ]  # fmt: skip
    limit = usd(found.limit)
    card(
        "spend",
        rows=rows if any(row["spent"] or row["possible"] for row in rows) else [],
        say=t("insights.spend_limit", limit=f"{limit:.2f}") if limit else None,
        draw=lambda rows: marks.spending(rows, limit),
        columns=columns("name", "spent", "possible", name=t("insights.by.day")),
        link=linked(found.span),
        press=False,
    )


def approval(found: Figures) -> None:
    rows = [row for row in ways(found)["look"] if row["approval"] is not None]
    card(
        "approval",
        rows=rows,
        draw=marks.approvals,
        columns=columns("name", "approved", "rejected", "approval", name=t("insights.by.look")),
        link=linked(found.span),
    )


def reasons(found: Figures) -> None:
    rows = [
        {"name": look_name(made.key), "reason": reason_name(reason), "n": n,
         "query": {"preset": made.key[0], "version": str(made.key[1])}}
        for made in found.looks
        for reason, n in sorted(made.rejected.items(), key=lambda item: -item[1])
    ]  # fmt: skip
    card(
        "reasons",
        rows=rows,
        draw=marks.reasons,
        columns=columns("name", "reason", "n", name=t("insights.by.look")),
        link=linked(found.span, show="rejected"),
    )


def latency(found: Figures) -> None:
    rows = [
        {"name": model_name((one.provider, one.model)), "n": one.n, "p50": round(one.p50 / 1000, 2),
         "p95": round(one.p95 / 1000, 2), "query": {"provider": one.provider, "model": one.model}}
        for one in found.latency
    ]  # fmt: skip
    card(
        "latency",
        rows=rows,
        draw=marks.latencies,
        columns=columns("name", "n", "p50", "p95", name=t("insights.by.model")),
        link=linked(found.span),
    )


def outcomes(found: Figures) -> None:
    every = sorted(found.whole.outcomes.items(), key=lambda item: -item[1])
    rows = [
        {
            "name": outcome_name(kind),
            "n": n,
            "good": kind == "picture",
            "query": {} if kind == "picture" else {"show": "failed"},
        }
        for kind, n in every
    ]
    card(
        "outcomes",
        rows=rows,
        draw=marks.outcomes,
        columns=columns("name", "n", name=t("insights.by.outcome")),
        link=linked(found.span),
    )


def reviewers(found: Figures) -> None:
    what = st.session_state.get("reviewers-what", _WHAT[0])
    rows = [
        {"name": one.actor, "approved": one.approved, "rejected": one.rejected,
         "pace": None if one.pace is None else round(one.pace, 1), "second": one.agreed + one.differed,
         "agreement": share(one.agreement)}
        for one in found.reviewers
    ]  # fmt: skip
    card(
        "reviewers",
        rows=rows,
        draw=marks.reviewers if what == "judged" else lambda rows: marks.persons(rows, what),
        columns=columns("name", "approved", "rejected", "pace", "second", "agreement",
                        name=t("insights.by.reviewer")),
        above=lambda: choose("reviewers-what", _WHAT, "insights.what"),
        press=False,
    )  # fmt: skip


def nothing() -> None:
    with st.container(height=320, border=False, horizontal_alignment="center", vertical_alignment="center"):
        section(t("insights.none_title"), align="center")
        st.caption(t("insights.none"), text_alignment="center")
        st.page_link(navigation.page("generate"))


def main(between: Span) -> None:
    try:
        found = figures.figures(studio.current(), between)
    except PackshotError as error:
        show(error)
        return
    if not found.whole.outcomes and not found.whole.spent and not found.reviewers:
        nothing()
        return
    totals(found.whole)
    with st.grid(2, min_column_width=430, key="charts"):
        for draw in (cost, spend, approval, reasons, latency, outcomes, reviewers):
            draw(found)


with title_row(t("insights.title")):
    between = span()
main(between)
