"""The trash: what was deleted, how long it can be restored, and the way back."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import studio, trash
from core.errors import PackshotError
from core.trash import Deleted, Place
from pages.ui import navigation
from pages.ui.details import drawer, look_at
from pages.ui.gallery import gallery
from pages.ui.shell import heading, section
from pages.ui.trouble import show
from pages.ui.words import local, t


def card(entry: Deleted) -> dict[str, Any]:
    name = entry.product_name or entry.original_name
    gone = f"{local(trash.gone_at(desk, entry.deleted_at)):%Y-%m-%d}"
    made: dict[str, Any] = {"id": entry.key, "state": entry.state.value, "caption": name, "alt": name}
    made["small"] = t("trash.gone", day=gone)
    if entry.thumb_key:
        made["thumb"] = desk.link(entry.thumb_key)
    else:
        made |= {"title": t(f"state.{entry.state}"), "act": t("card.details"), "does": "open"}
    return made


def turn(place: Place | None) -> None:
    st.session_state["trash-before"] = place


def main() -> None:
    before: Place | None = st.session_state.get("trash-before")
    try:
        page = trash.page(desk, before=before)
        if before and not page.entries:
            page, before = trash.page(desk), None
    except PackshotError as error:
        show(error)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(navigation.page("history"), icon=":material/arrow_back:")
        st.caption(t("trash.say", n=desk.settings.trash_days), width="stretch")
        if before:
            st.button(t("trash.newest"), type="tertiary", key="trash-newest", on_click=turn, args=(None,))
        if page.older:
            st.button(
                t("history.older"), type="tertiary", key="trash-older", on_click=turn, args=(page.older,)
            )
    if not page.entries:
        section(t("trash.none"))
        return
    st.session_state["history-keys"] = [entry.key for entry in page.entries]
    cards = [card(entry) for entry in page.entries]
    gallery([{"items": cards}], key="trash", minimum=180, on_open=look_at)


desk = studio.current()
heading(t("trash.title"))
main()
drawer()
