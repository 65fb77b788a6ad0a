"""History: everything that was made, newest first; looking changes nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from core import history, presets, studio
from core.errors import PackshotError
from core.history import Entry, Filter
from core.model import OutputState, ReviewState
from pages.ui.cards import review_chip, trouble
from pages.ui.details import open_details
from pages.ui.gallery import gallery
from pages.ui.trouble import show
from pages.ui.words import money, preset_name, t, when

PAGE = 48
desk = studio.current()
state = st.session_state
BAD = (OutputState.FAILED, OutputState.BLOCKED, OutputState.UNKNOWN)
CHOICES = ("to_review", "approved", "rejected", "failed", "working")


def first_page() -> None:
    """A changed filter starts at the newest."""
    state.pop("cursor", None)


def day(text: str | None) -> date | None:
    """A day of a link; anything else is no filter."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def wanted() -> Filter:
    picked = [name for name in state.get("show") or [] if name in CHOICES]
    states = (*(BAD if "failed" in picked else ()),)
    if "working" in picked:
        states += (OutputState.QUEUED, OutputState.RUNNING)
    reviews = tuple(ReviewState(name) for name in picked if name in set(ReviewState))
    between = state.get("days") or ()
    days = [between] if isinstance(between, date) else list(between)
    return Filter(
        states=states,
        reviews=reviews,
        preset=state.get("preset"),
        sku=(state.get("sku") or "").strip() or None,
        since=days[0] if days else None,
        until=days[-1] if days else None,
    )


def card(entry: Entry) -> dict[str, Any]:
    name = entry.product_name or entry.original_name
    small = " · ".join(part for part in (entry.sku, when(entry.created_at)) if part)
    made: dict[str, Any] = {"id": entry.key, "state": entry.state.value, "caption": name, "small": small}
    made["alt"] = f"{name} {entry.variant}, {preset_name(entry.preset)}"
    if entry.state is OutputState.SUCCEEDED and entry.thumb_key:
        made |= {"thumb": desk.link(entry.thumb_key), "chip": review_chip(entry.review)}
    elif entry.state is OutputState.RUNNING:
        made["since"] = (entry.started_at or entry.created_at).timestamp()
    elif entry.error_kind and entry.state.ended:
        made |= trouble(entry.state, entry.error_kind, entry.error_data)
        made["act"] = t("card.details")
    return made


def clear() -> None:
    for name in ("show", "preset", "sku", "days"):
        state[name] = {"show": [], "sku": "", "preset": None, "days": ()}[name]
    first_page()


st.title(t("history.title"), anchor=False)
with st.container(horizontal=True, vertical_alignment="center"):
    st.text_input(
        t("history.sku"),
        placeholder=t("history.sku"),
        label_visibility="collapsed",
        icon=":material/search:",
        key="sku",
        max_chars=128,
        on_change=first_page,
        bind="query-params",
        width=260,
    )
    st.pills(
        t("history.state"),
        CHOICES,
        format_func=lambda name: t(f"history.{name}"),
        selection_mode="multi",
        label_visibility="collapsed",
        key="show",
        on_change=first_page,
        bind="query-params",
        width="content",
    )
    with st.popover(t("history.filters"), icon=":material/filter_list:"):
        st.selectbox(
            t("generate.look"),
            [preset.name for preset in presets.all_presets()],
            index=None,
            format_func=preset_name,
            key="preset",
            on_change=first_page,
            bind="query-params",
            placeholder=t("history.any"),
        )
        st.date_input(t("history.days"), value=[], key="days", on_change=first_page, bind="query-params")
        st.button(t("history.clear"), icon=":material/filter_list_off:", key="clear", on_click=clear)
    st.space("stretch")
    view = st.segmented_control(
        t("history.view"),
        ["gallery", "table"],
        format_func=lambda name: t(f"history.{name}"),
        default="gallery",
        required=True,
        label_visibility="collapsed",
        key="view",
        bind="query-params",
    )

if opened := st.query_params.get("picture"):
    open_details(opened)

filters = wanted()
before, after = state.get("cursor", (None, None))
try:
    page = history.page(desk, filters, before=before, after=after, limit=PAGE)
    number = history.count(desk, filters)
except PackshotError as error:
    show(error)
    st.stop()

with st.container(horizontal=True, vertical_alignment="center"):
    many = number > history.COUNT_LIMIT
    say = t("history.many", n=history.COUNT_LIMIT) if many else t("history.count", n=number)
    st.caption(say, width="stretch")
    st.button(
        t("history.newer"),
        icon=":material/chevron_left:",
        type="tertiary",
        key="newer",
        disabled=page.newer is None,
        on_click=lambda: state.update(cursor=(None, page.newer)),
    )
    st.button(
        t("history.older"),
        icon=":material/chevron_right:",
        icon_position="right",
        type="tertiary",
        key="older",
        disabled=page.older is None,
        on_click=lambda: state.update(cursor=(page.older, None)),
    )

if not page.entries:
    with st.container(height=320, border=False, horizontal_alignment="center", vertical_alignment="center"):
        if filters == Filter():
            st.header(t("history.none_title"), anchor=False, text_alignment="center")
            st.caption(t("history.none"), text_alignment="center")
            st.page_link("generate.py", label=t("nav.generate"), icon=":material/auto_awesome:")
        else:
            st.header(t("history.no_match"), anchor=False, text_alignment="center")
            st.button(t("history.clear"), icon=":material/filter_list_off:", key="clear-all", on_click=clear)
elif view == "gallery":
    asked = gallery(
        [{"items": [card(entry) for entry in page.entries]}], key="history", minimum=180, opens="act"
    )
    if asked:
        open_details(str(asked["id"]))
else:
    rows = [
        {
            "picture": desk.link(entry.thumb_key) if entry.thumb_key else None,
            "name": entry.product_name or entry.original_name,
            "sku": entry.sku,
            "state": t(f"review.{entry.review}") if entry.thumb_key else t(f"state.{entry.state}"),
            "look": preset_name(entry.preset),
            "cost": money(entry.cost_micros) if entry.state is OutputState.SUCCEEDED else "",
            "time": when(entry.created_at),
        }
        for entry in page.entries
    ]
    columns = {name: st.column_config.TextColumn(t(f"column.{name}")) for name in rows[0]}
    columns["picture"] = st.column_config.ImageColumn("", width=64)
    chosen = st.dataframe(
        rows,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        row_height=56,
        height=620,
        key="table",
        column_config=columns,
    )
    if chosen["selection"]["rows"]:
        open_details(page.entries[chosen["selection"]["rows"][0]].key)
