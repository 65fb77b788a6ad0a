"""Which days a page is about, in its address: `last` days up to today, or `days` as History has them."""

from __future__ import annotations

from datetime import date, timedelta

import streamlit as st

from core import figures, studio
from core.figures import Span
from pages.ui import link
from pages.ui.words import t

_LAST = ("7", "30", "90", "365")
_OWN = "own"
_FIRST, _FINAL = date(2020, 1, 1), date(2099, 12, 31)
_MOST = timedelta(days=3660)


def span() -> Span:
    """Draw the choice; returns what is chosen. An address that can't be read is the last 30 days."""
    _read_address()
    st.segmented_control(
        t("insights.span"),
        (*_LAST, _OWN),
        format_func=lambda name: t(f"insights.last.{name}"),
        required=True,
        label_visibility="collapsed",
        key="span",
        default=st.session_state["span"],
        on_change=_changed,
        wrap=True,
    )
    if st.session_state["span"] != _OWN:
        return figures.last(studio.current(), int(st.session_state["span"]))
    st.date_input(
        t("history.days"),
        value=st.session_state["span-given"],
        min_value=_FIRST,
        max_value=_FINAL,
        key="span-days",
        format="YYYY-MM-DD",
        label_visibility="collapsed",
        on_change=_changed,
        width=250,
    )
    return _own()


def days_of(between: Span, *, week: date | None = None) -> list[str]:
    """The span, or the part of it in the week of this Monday, as History's address has days."""
    since, until = between.since, between.until
    if week:
        since, until = max(since, week), min(until, week + timedelta(days=6))
    return [since.isoformat(), until.isoformat()]


def _own() -> Span:
    given = st.session_state.get("span-days", st.session_state["span-given"]) or ()
    days = sorted([given] if isinstance(given, date) else given)
    if not days:
        return figures.last(studio.current(), 30)
    return Span(since=max(days[0], days[-1] - _MOST), until=days[-1])


def _changed() -> None:
    state = st.session_state
    if state["span"] == _OWN:
        between = _own()
        address = {"days": [between.since.isoformat(), between.until.isoformat()]}
    else:
        address = {"last": [state["span"]]}
    _write_address(address)


def _write_address(values: dict[str, list[str]]) -> None:
    address = {"last": values.get("last", []), "days": values.get("days", [])}
    link.write(address)
    st.session_state["span-address"] = address


def _read_address() -> None:
    """A link or the browser's way back sets the days; a visit to another page leaves them as they were."""
    state = st.session_state
    found = link.read("last", "days")
    values = {name: found.get(name, []) for name in ("last", "days")}
    kept = state.get("span-address")
    if kept and state.get("came") and not any(values.values()):
        _write_address({name: texts for name, texts in kept.items() if texts})
        values = kept
    elif values == kept and not state.get("came"):
        return
    state["span-address"] = values
    days = sorted(day for text in values["days"][:2] if (day := _day(text)))
    usual = figures.last(studio.current(), 30)
    state["span-given"] = (days[0], days[-1]) if days else (usual.since, usual.until)
    state.pop("span-days", None)
    last = next((text for text in values["last"] if text in _LAST), "30")
    state["span"] = _OWN if days else last


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _FIRST <= day <= _FINAL else None
