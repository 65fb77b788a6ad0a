"""Saved views in the filters' popover: choose, save, rename, delete."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core import studio
from core import views as saved
from core.errors import PackshotError
from core.model import Actor
from pages.ui import address
from pages.ui.address import Choice
from pages.ui.trouble import sentence
from pages.ui.words import spoken, t


def views(choice: Choice, take: Callable[[Choice], None]) -> None:
    """Draw this person's views; `take` applies one."""
    desk, state, by = studio.current(), st.session_state, Actor.local()
    try:
        known = {view.name: view for view in saved.every(desk, by=by)}
    except PackshotError as error:
        st.warning(sentence(error), icon=":material/cloud_off:")
        return
    current = next((name for name, view in known.items() if address.read(view.query)[0] == choice), None)
    key = spoken("saved")
    state[key] = current

    def apply() -> None:
        if state[key] in known:
            take(address.read(known[state[key]].query)[0])

    def act(verb: Callable[[], object]) -> None:
        try:
            verb()
            state["view-name"] = ""
        except PackshotError as error:
            state["view-refused"] = error

    def save() -> None:
        act(lambda: saved.save(desk, state["view-name"], address.written(choice), by=by))

    def rename() -> None:
        act(lambda: saved.rename(desk, current or "", state["view-name"], by=by))

    def delete() -> None:
        act(lambda: saved.delete(desk, current or "", by=by))

    st.divider()
    if known:
        st.selectbox(
            t("saved.title"), list(known), index=None, key=key, on_change=apply, placeholder=t("saved.choose")
        )
    st.text_input(t("saved.name"), key="view-name", max_chars=saved.LONGEST)
    with st.container(horizontal=True):
        if current is None:
            st.button(t("saved.save"), icon=":material/bookmark_add:", key="view-save", on_click=save)
        else:
            st.button(t("saved.rename"), icon=":material/edit:", key="view-rename", on_click=rename)
            st.button(t("saved.delete"), icon=":material/delete:", key="view-delete", on_click=delete)
    if refused := state.pop("view-refused", None):
        st.warning(sentence(refused), icon=":material/error:")
