"""History: everything that was made, newest first; looking changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import streamlit as st

from core import history, studio
from core.errors import PackshotError
from core.history import Count, Entry, Page, Sort
from core.model import OutputState
from pages.ui import navigation
from pages.ui.address import Choice
from pages.ui.bulk import bar
from pages.ui.cards import review_chip, trouble
from pages.ui.details import drawer, look_at
from pages.ui.export import export_dialog
from pages.ui.filters import clear, cursor, filters, turn
from pages.ui.gallery import gallery
from pages.ui.reread import unchanged
from pages.ui.selection import Selection, keep, selection
from pages.ui.shell import heading, section
from pages.ui.trouble import show
from pages.ui.words import chosen, local, money, plain, preset_name, t, when

NO_PICTURE = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def cards(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    looks = {name: preset_name(name) for name in {entry.preset for entry in entries}}
    return [card(entry, looks[entry.preset]) for entry in entries]


def card(entry: Entry, look: str) -> dict[str, Any]:
    name = entry.product_name or entry.original_name
    small = " · ".join(part for part in (entry.sku, when(entry.created_at)) if part)
    made: dict[str, Any] = {"id": entry.key, "state": entry.state.value, "caption": name, "small": small}
    made["alt"] = f"{name} · {entry.variant}, {look}"
    if entry.state is OutputState.SUCCEEDED and entry.thumb_key:
        made |= {"thumb": desk.link(entry.thumb_key), "chip": review_chip(entry.review)}
    elif entry.state is OutputState.RUNNING:
        made["since"] = (entry.started_at or entry.created_at).timestamp()
    elif entry.error_kind and entry.state.ended:
        made |= trouble(entry.state, entry.error_kind, entry.error_data)
        made |= {"act": t("card.details"), "does": "open"}
    return made


def row(entry: Entry) -> dict[str, Any]:
    return {
        "picture": desk.link(entry.thumb_key) if entry.thumb_key else NO_PICTURE,
        "name": entry.product_name or entry.original_name,
        "sku": entry.sku,
        "state": t(f"review.{entry.review}") if entry.thumb_key else t(f"state.{entry.state}"),
        "look": preset_name(entry.preset),
        "cost": money(entry.cost_micros) if entry.state is OutputState.SUCCEEDED else "",
        "time": when(entry.created_at),
    }


def table(page: Page, mine: Selection) -> None:
    """A press on a row's box selects it, one on the row itself opens it."""
    rows = [row(entry) for entry in page.entries]
    columns = {name: st.column_config.TextColumn(t(f"column.{name}")) for name in rows[0]}
    columns["picture"] = st.column_config.ImageColumn(t("column.picture"), width=64)
    shown = [entry.key for entry in page.entries]
    # A fresh key takes the mark away from the row whose picture was closed, and marks what is selected.
    key = f"table-{st.session_state.get('table', 0)}-{mine.edition}-{shown[0]}"

    def chosen() -> None:
        marked = st.session_state[key]["selection"]
        opened = [shown[row] for row, _ in marked.get("cells", ()) if row < len(shown)]
        if opened:
            st.session_state["table"] = st.session_state.get("table", 0) + 1
            look_at(opened[0])
        elif not mine.every:
            here = [shown[row] for row in marked["rows"] if row < len(shown)]
            keep((*(one for one in mine.keys if one not in shown), *here))

    st.dataframe(
        rows,
        hide_index=True,
        on_select=chosen,
        selection_mode="single-cell" if mine.every else ["multi-row", "single-cell"],
        selection_default={"selection": {"rows": [n for n, one in enumerate(shown) if one in mine.keys]}},
        row_height=56,
        height=min(620, 40 + 56 * len(rows)),
        key=key,
        column_config=columns,
    )


def nothing(choice: Choice) -> None:
    with st.container(height=320, border=False, horizontal_alignment="center", vertical_alignment="center"):
        if choice == Choice(view=choice.view):
            section(t("history.none_title"), align="center")
            st.caption(t("history.none"), text_alignment="center")
            st.page_link(navigation.page("generate"))
        else:
            section(t("history.no_match"), align="center")
            st.button(t("history.clear"), icon=":material/filter_list_off:", key="clear-all", on_click=clear)


def ask_export() -> None:
    """Its dialog belongs to the page: what it looks at each second ends with it."""
    st.session_state["history-export"] = True
    st.rerun()


def pages(page: Page, count: Count, sort: Sort) -> None:
    """How many, and the way to the neighbours."""
    say = t("history.count" if count.exact else "history.many", n=count.number)
    older, newer = ("cheaper", "dearer") if sort is Sort.COST else ("older", "newer")
    ways = [("newer", newer, "after", page.newer), ("older", older, "before", page.older)]
    if sort is Sort.OLDEST:
        ways.reverse()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(say, width="stretch")
        st.button(
            t("export.open"), icon=":material/archive:", type="tertiary", key="export", on_click=ask_export
        )
        st.page_link(navigation.page("trash"))
        arrows: tuple[Literal["left", "right"], ...] = ("left", "right")
        for (key, label, way, at), arrow in zip(ways, arrows, strict=True):
            st.button(
                t(f"history.{label}"),
                icon=f":material/chevron_{arrow}:",
                icon_position=arrow,
                type="tertiary",
                key=key,
                disabled=at is None,
                on_click=turn,
                args=(way, at),
            )


def searched(page: Page, sort: Sort) -> None:
    """How far was looked, and the way on."""
    last = page.searched
    if last is None:
        return
    way, at = ("before", page.older) if page.older == last.id else ("after", page.newer)
    say = (
        t("history.searched_cost", cost=money(last.cost_micros))
        if sort is Sort.COST
        else (t("history.searched", day=f"{local(last.created_at):%Y-%m-%d}"))
    )
    with st.container(horizontal=True, vertical_alignment="center", key="searched"):
        st.markdown(plain(say), width="content")
        st.button(t("history.go_on"), icon=":material/search:", key="go-on", on_click=turn, args=(way, at))


@st.fragment
def found() -> tuple[Selection, Count] | None:
    """The filters and what they find: another filter draws these anew, and not the page around them."""
    choice = filters()
    wanted = choice.wanted()
    before, after = cursor()

    def read() -> tuple[Page, Count]:
        if before is after is None:
            return history.first(desk, wanted)
        page = history.page(desk, wanted, before=before, after=after)
        if page.entries or page.searched:
            return page, history.count(desk, wanted)
        first, count = history.first(desk, wanted)
        # What the link pointed at is not there any more; or it is the end of a search in steps.
        return page if first.searched else first, count

    try:
        page, count = unchanged("history", (wanted, before, after), read)
    except PackshotError as error:
        st.session_state["history-away"] = True
        show(error)
        return None
    if st.session_state.pop("history-away", False):
        st.rerun()  # The page, whose bar was not drawn.
    mine = selection(choice)
    st.session_state["history-keys"] = [entry.key for entry in page.entries]
    pages(page, count, choice.sort)
    if not page.entries and not page.searched:
        nothing(choice)
    elif page.entries and choice.view == "table":
        table(page, mine)
    elif page.entries:
        items = unchanged("cards", (page.entries, chosen()), lambda: cards(page.entries))
        gallery([{"items": items}], key="history", minimum=180, on_open=look_at, selection=mine)
    searched(page, choice.sort)
    return mine, count


desk = studio.current()
heading(t("history.title"))
if shown := found():
    bar(*shown)
if st.session_state.pop("history-export", False):
    export_dialog()
drawer()
