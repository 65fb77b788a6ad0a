"""What History shows: filters and the place in the list, all of them in the page's address.

Streamlit's own `bind` writes the labels that people read: its links would hold for one language only.
"""

from __future__ import annotations

from datetime import date

import streamlit as st

from core import presets
from core.history import Filter
from core.intake import clean as storable
from core.model import OutputState, ReviewState
from core.search import MOST
from pages.ui.words import preset_name, spoken, t

_BAD = (OutputState.FAILED, OutputState.BLOCKED, OutputState.UNKNOWN)
_CHOICES = ("to_review", "approved", "rejected", "failed", "working")
_VIEWS = ("gallery", "table")
_NAMES = ("text", "show", "preset", "days", "view")
_FIRST, _LAST = date(2020, 1, 1), date(2099, 12, 31)


def filters() -> tuple[Filter, str]:
    """Draw the filters; returns what is wanted, and "gallery" or "table"."""
    _read_address()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text_input(
            t("history.text"),
            placeholder=t("history.text"),
            label_visibility="collapsed",
            icon=":material/search:",
            key="text",
            max_chars=MOST,
            on_change=_changed,
            width=320,
        )
        st.pills(
            t("history.state"),
            _CHOICES,
            format_func=lambda name: t(f"history.{name}"),
            selection_mode="multi",
            label_visibility="collapsed",
            key="show",
            on_change=_changed,
            width="content",
            wrap=True,
        )
        more = st.popover(
            t("history.filters"), icon=":material/filter_list:", key="filters", on_change="rerun"
        )
        if more.open:
            with more:
                _more()
        st.space("stretch")
        view = st.segmented_control(
            t("history.view"),
            _VIEWS,
            format_func=lambda name: t(f"history.{name}"),
            required=True,
            label_visibility="collapsed",
            key="view",
            on_change=_changed,
        )
    return _wanted(), str(view)


def _more() -> None:
    state = st.session_state
    names = {preset.name: preset_name(preset) for preset in presets.all_presets()}
    key = spoken("preset")
    state[key] = state["preset"]
    st.selectbox(
        t("generate.look"),
        list(names),
        index=None,
        format_func=names.__getitem__,
        key=key,
        on_change=lambda: _changed(preset=state[key]),
        placeholder=t("history.any"),
    )
    st.date_input(
        t("history.days"),
        value=state["days-given"],
        min_value=_FIRST,
        max_value=_LAST,
        key=_days_key(),
        persist_state="session",
        format="YYYY-MM-DD",
        on_change=_changed,
    )
    st.button(t("history.clear"), icon=":material/filter_list_off:", key="clear", on_click=clear)


def clear() -> None:
    """No filter, from the newest."""
    st.session_state.update({"text": "", "show": [], "preset": None})
    _give_days([])
    _changed()


def cursor() -> tuple[int | None, int | None]:
    """(before, after) of the address; what is no number is not there."""
    return _number("before"), _number("after")


def turn(way: str, at: int) -> None:
    """Go on at a cursor: "before" is older, "after" is newer."""
    _newest()
    st.query_params[way] = str(at)


def _newest() -> None:
    for name in ("before", "after"):
        st.query_params.pop(name, None)


def _number(name: str) -> int | None:
    text = st.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _changed(**values: str | None) -> None:
    """Other filters start at the newest, and stand in the address."""
    _newest()
    state = st.session_state
    state.update(values)
    address = {
        "text": [state["text"]] if state.get("text") else [],
        "show": list(state.get("show") or []),
        "preset": [state["preset"]] if state.get("preset") else [],
        "days": [day.isoformat() for day in _days()],
        "view": ["table"] if state.get("view") == "table" else [],
    }
    _write_address(address)


def _write_address(values: dict[str, list[str]]) -> None:
    others = {name: st.query_params.get_all(name) for name in st.query_params if name not in _NAMES}
    # At once: each change is a step of the browser's way back.
    st.query_params.from_dict(others | {name: texts for name, texts in values.items() if texts})
    st.session_state["history-address"] = values


def _read_address() -> None:
    """A link or the browser's way back sets the filters; a visit to another page leaves them as they were."""
    state = st.session_state
    values = {name: st.query_params.get_all(name) for name in _NAMES}
    kept = state.get("history-address")
    if kept and state.get("came") and not any(values.values()):
        _write_address(kept)
        values = kept
    elif values == kept and not state.get("came"):
        return
    state["history-address"] = values
    offered = [preset.name for preset in presets.all_presets()]
    state["text"] = storable("".join(values["text"][:1])).strip()[:MOST]
    state["show"] = [name for name in _CHOICES if name in values["show"]]
    state["preset"] = next((name for name in values["preset"] if name in offered), None)
    _give_days(sorted(day for text in values["days"][:2] if (day := _day(text))))
    state["view"] = next((name for name in values["view"] if name in _VIEWS), "gallery")


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _FIRST <= day <= _LAST else None


def _give_days(days: list[date]) -> None:
    """Another range for the widget; only a new widget takes one without a warning in the log."""
    st.session_state["days-given"] = days
    st.session_state["days-number"] = st.session_state.get("days-number", 0) + 1


def _days_key() -> str:
    return f"days-{st.session_state['days-number']}"


def _days() -> list[date]:
    between = st.session_state.get(_days_key(), st.session_state["days-given"]) or ()
    return [between] if isinstance(between, date) else list(between)


def _wanted() -> Filter:
    state = st.session_state
    picked = state.get("show") or []
    states = (*(_BAD if "failed" in picked else ()),)
    if "working" in picked:
        states += (OutputState.QUEUED, OutputState.RUNNING)
    days = _days()
    return Filter(
        states=states,
        reviews=tuple(ReviewState(name) for name in picked if name in set(ReviewState)),
        preset=state.get("preset"),
        text=state.get("text") or "",
        since=days[0] if days else None,
        until=days[-1] if days else None,
    )
