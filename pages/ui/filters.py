"""The filters of History. What is chosen is one record; widgets and the page's address follow it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import streamlit as st

from core import history, presets, studio
from core.errors import PackshotError
from core.history import Sort
from core.search import MOST, question
from pages.ui import address, link, saved, selection
from pages.ui.address import Choice
from pages.ui.trouble import sentence
from pages.ui.words import plain, preset_name, provider_name, spoken, t

_KEPT, _ADDRESS = "history-choice", "history-address"
_NO_CURSOR: link.Values = {"before": (), "after": ()}


def chosen() -> Choice:
    """What is chosen, as the address has it when the page is opened by it."""
    state = st.session_state
    values = link.read(*address.NAMES)
    if state.get("came") and not values and _KEPT in state:
        _write(state[_KEPT])  # A visit to another page leaves the filters as they were.
    elif _KEPT not in state or values != state[_ADDRESS]:
        state[_KEPT], ignored = address.read(values)
        state[_ADDRESS], state["history-ignored"] = values, ignored
        _renew()
    found: Choice = state[_KEPT]
    return found


def filters() -> Choice:
    """Draw the filters; returns what is chosen."""
    state, choice = st.session_state, chosen()
    for name, value in (("text", choice.text), ("show", list(choice.show)), ("view", choice.view)):
        # A value that is set goes to the browser again, and its widget is drawn anew.
        if state.get(name) != value:
            state[name] = value
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text_input(
            t("history.text"),
            placeholder=t("history.text"),
            label_visibility="collapsed",
            icon=":material/search:",
            key="text",
            value=choice.text,
            max_chars=MOST,
            on_change=lambda: change(text=(state["text"] or "").strip()),
            width=300,
        )
        st.pills(
            t("history.state"),
            address.SHOW,
            format_func=lambda name: t(f"history.{name}"),
            selection_mode="multi",
            label_visibility="collapsed",
            key="show",
            default=list(choice.show),
            on_change=lambda: change(show=tuple(state["show"] or ())),
            width="content",
            wrap=True,
        )
        number = choice.hidden
        label = t("history.filters_set", n=number) if number else t("history.filters")
        more = st.popover(label, icon=":material/filter_list:", key="filters", on_change="rerun")
        if more.open:
            with more:
                _more(choice)
        st.space("stretch")
        st.segmented_control(
            t("history.view"),
            address.VIEWS,
            format_func=lambda name: t(f"history.{name}"),
            required=True,
            label_visibility="collapsed",
            key="view",
            default=choice.view,
            on_change=lambda: change(view=state["view"]),
        )
    if ignored := state.get("history-ignored"):
        names = " · ".join(t(f"filter.{name}") for name in ignored)
        st.caption(f":material/info: {t('history.ignored', names=names)}")
    if choice.text and question(choice.text) is None:
        st.caption(f":material/info: {t('history.no_words', text=plain(choice.text))}")
    return choice


def _more(choice: Choice) -> None:
    desk = studio.current()
    try:
        offered = history.offered(desk)
    except PackshotError as error:
        st.warning(sentence(error), icon=":material/cloud_off:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        looks = {one.preset.name: preset_name(one.preset) for one in presets.every(desk)}
        _select("preset", choice.preset, list(looks), lambda name: looks.get(name, name))
        if choice.preset:
            versions = [str(version) for version in offered.versions.get(choice.preset, ())]
            _select("version", str(choice.version or "") or None, versions, lambda name: f"v{name}")
        _select("provider", choice.provider, list(desk.providers), provider_name)
        _select("model", choice.model, offered.models, str)
        _select("operator", choice.operator, offered.operators, str)
        _select("tag", choice.tag, offered.tags, str)
        _flagged(choice)
        _days(choice)
        _cost("cost_from", choice.cost_from)
        _cost("cost_to", choice.cost_to)
        _task(choice)
        _select("sort", choice.sort.value, [sort.value for sort in Sort], lambda name: t(f"sort.{name}"))
    if choice != Choice(view=choice.view):
        st.button(t("history.clear"), icon=":material/filter_list_off:", key="clear", on_click=clear)
    saved.views(choice, take)


def _select(name: str, value: str | None, options: list[str], say: Callable[[str], str]) -> None:
    """What an address names stays to choose, also where it is not offered."""
    key = spoken(name)
    st.session_state[key] = value
    # A look's version means nothing for another look.
    also: Any = {"version": None} if name == "preset" else {}

    def changed() -> None:
        found = st.session_state[key]
        of_kind: dict[str, Callable[[str], Any]] = {"version": int, "sort": Sort}
        changed_to: Any = {**also, name: found and of_kind.get(name, str)(found)}
        change(**changed_to)

    labels = {one: say(one) for one in ([value] if value and value not in options else []) + options}
    st.selectbox(
        t(f"filter.{name}"),
        list(labels),
        index=None if name != "sort" else 0,
        format_func=labels.__getitem__,
        key=key,
        on_change=changed,
        placeholder=t("history.any"),
        width=190,
    )


def _days(choice: Choice) -> None:
    # Only a new widget takes another range without a warning in the log.
    key = f"days-{st.session_state['history-edition']}"

    def changed() -> None:
        between = st.session_state[key] or ()
        change(days=(between,) if isinstance(between, date) else tuple(between), renew=False)

    st.date_input(
        t("history.days"),
        value=list(choice.days),
        min_value=address.FIRST,
        max_value=address.LAST,
        key=key,
        format="YYYY-MM-DD",
        on_change=changed,
        width=280,
    )


def _cost(name: str, micros: int | None) -> None:
    state = st.session_state
    state[name] = None if micros is None else micros / 1_000_000

    def changed() -> None:
        value = state[name]
        changed_to: Any = {name: None if value is None else round(value * 1_000_000)}
        change(**changed_to)

    st.number_input(
        t(f"filter.{name}"), 0.0, float(address.DEAREST), step=0.01, format="%.4f", key=name, value=None,
        on_change=changed, placeholder=t("history.any"), width=190,
    )  # fmt: skip


def _task(choice: Choice) -> None:
    state = st.session_state
    state["task"] = choice.task or ""
    st.text_input(
        t("filter.task"),
        key="task",
        max_chars=36,
        placeholder=t("history.any"),
        on_change=lambda: change(task=(state["task"] or "").strip() or None),
        width=190,
    )


def _flagged(choice: Choice) -> None:
    state = st.session_state
    state["flagged"] = choice.flagged
    st.checkbox(
        t("filter.flagged"),
        key="flagged",
        on_change=lambda: change(flagged=bool(state["flagged"])),
        width=190,
    )


def change(*, renew: bool = True, **values: Any) -> None:
    """Other filters start at the list's beginning, and stand in the address."""
    take(replace(chosen(), **values), renew=renew)


def take(choice: Choice, *, renew: bool = True) -> None:
    """Choose all at once."""
    st.session_state["history-ignored"] = []
    _write(choice, cursors=_NO_CURSOR)
    if renew:
        _renew()
    if selection.ends(choice):
        st.rerun()  # The page, not the list alone: its bar goes.


def clear() -> None:
    """No filter, from the beginning."""
    take(Choice(view=chosen().view))


def cursor() -> tuple[int | None, int | None]:
    """(before, after) of the address; what is no number is not there."""
    values = link.read("before", "after")
    return _number(values.get("before")), _number(values.get("after"))


def turn(way: str, at: int) -> None:
    """Go on at a cursor: "before" is older, "after" is newer."""
    link.write({**_NO_CURSOR, way: [str(at)]})


def _number(texts: list[str] | None) -> int | None:
    text = texts[-1] if texts else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _write(choice: Choice, cursors: link.Values | None = None) -> None:
    values = address.written(choice)
    link.write({name: values.get(name, ()) for name in address.NAMES} | dict(cursors or {}))
    st.session_state[_KEPT], st.session_state[_ADDRESS] = choice, values


def _renew() -> None:
    st.session_state["history-edition"] = st.session_state.get("history-edition", 0) + 1
