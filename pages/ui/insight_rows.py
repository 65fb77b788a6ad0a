"""The rows of Insights' tables, their headings, and where each leads in History."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.figures import Figures, Made, Span
from pages.ui.charts import Link
from pages.ui.span import days_of
from pages.ui.words import preset_name, provider_name, t, words


def usd(micros: float | None) -> float | None:
    return None if micros is None else round(micros / 1_000_000, 4)


def share(part: float | None) -> float | None:
    """Percent."""
    return None if part is None else round(100 * part, 1)


def look_name(key: tuple[str, int]) -> str:
    return t("insights.version", name=preset_name(key[0]), version=key[1])


def model_name(key: tuple[str, str]) -> str:
    return f"{provider_name(key[0])} · {key[1]}" if key[1] else provider_name(key[0])


def head(made: Made[Any], name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "pictures": made.pictures,
        "approved": made.approved,
        "rejected": sum(made.rejected.values()),
        "approval": share(made.approval),
        "spent": usd(made.spent),
        "possible": usd(made.possible),
        "unpriced": made.unpriced,
        "per_approved": usd(made.per_approved),
        **more,
    }


def ways(found: Figures) -> dict[str, list[dict[str, Any]]]:
    """The same sums by look, by model and by week; what a row's link needs goes with it."""
    return {
        "look": [
            head(made, look_name(made.key), query={"preset": made.key[0], "version": str(made.key[1])})
            for made in found.looks
        ],
        "model": [
            head(made, model_name(made.key), query={"provider": made.key[0], "model": made.key[1]})
            for made in found.models
        ],
        "week": [
            head(made, f"{made.key:%Y-%m-%d}", query={"days": days_of(found.span, week=made.key)})
            for made in found.weeks
        ],
    }


def columns(*names: str, **kinds: Any) -> dict[str, Any]:
    """Headings of a table, money and shares with their unit."""
    found: dict[str, Any] = {}
    for name in names:
        label = kinds.get(name) or t(f"insights.column.{name}")
        if name in ("spent", "possible", "per_approved"):
            found[name] = st.column_config.NumberColumn(label, format="US$%.4f")
        elif name in ("approval", "agreement"):
            found[name] = st.column_config.NumberColumn(label, format="%.1f%%")
        else:
            found[name] = label
    return found


def linked(between: Span, **more: str) -> Link:
    """The way to History for a row: its own part, this span, and `more`."""

    def link(row: Mapping[str, Any]) -> dict[str, Any]:
        return {"days": days_of(between), **row.get("query", {}), **more}

    return link


def reason_name(reason: str) -> str:
    key = f"insights.reason.{reason}"
    return t(key) if key in words() else reason


def outcome_name(kind: str) -> str:
    if kind == "picture":
        return t("insights.picture")
    return words().title(kind) if f"error.{kind}.title" in words() else kind
