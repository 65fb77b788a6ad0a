"""Delete and restore one picture, in its drawer."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core import studio, trash
from core.errors import PackshotError
from core.model import Actor, Output
from pages.ui.hand import hand
from pages.ui.words import local, t


def deleting(output: Output) -> None:
    """The button that deletes, or how long it can be restored and the button that does."""
    desk = studio.current()
    if not output.deleted_at:
        if output.state.ended:
            st.button(
                t("trash.delete"),
                icon=":material/delete:",
                type="tertiary",
                key="delete",
                on_click=_do,
                args=(trash.delete, output.key),
            )
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        gone = f"{local(trash.gone_at(desk, output.deleted_at)):%Y-%m-%d}"
        st.info(t("trash.in", day=gone), icon=":material/delete:", width="stretch")
        st.button(
            t("trash.restore"),
            icon=":material/restore_from_trash:",
            key="restore",
            on_click=_do,
            args=(trash.restore, output.key),
        )


def _do(verb: Callable[..., None], key: str) -> None:
    try:
        verb(studio.current(), key, by=Actor.local())
    except PackshotError as error:
        hand().refused = error
