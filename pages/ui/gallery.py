"""The grid of pictures: one component for all cards."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import streamlit as st

from core.language import words as words_of
from pages.ui.component import component
from pages.ui.selection import Selection, heard
from pages.ui.words import chosen

_component = component("gallery", '<div class="root"></div>')
_WORDS = (
    "open", "download", "running", "queued", "close", "source", "result", "previous", "next", "select",
)  # fmt: skip


@cache
def _text(language: str) -> dict[str, str]:
    return {name: words_of(language)(f"gallery.{name}") for name in _WORDS}


def gallery(
    groups: Sequence[dict[str, Any]],
    *,
    key: str,
    minimum: int = 168,
    on_open: Callable[[str], None] | None = None,
    selection: Selection | None = None,
) -> str | None:
    """Draw cards; returns the id of the one that is to be tried again, or None.

    A group has `items` and, where wanted, a `source`. A click on a card is told to `on_open`; without it the
    picture is shown large beside its source, and the server is not asked. With a `selection` each card has a
    checkbox, and `selection.heard` is told of every change.
    """
    # The server's clock only where one ticks: what did not change is not sent again.
    ticks = any("since" in item for group in groups for item in group["items"])
    now = time.time() if ticks else 0
    data = {"groups": list(groups), "text": _text(chosen()), "min": minimum, "now": now}
    data["opens"] = "act" if on_open else "large"

    def act() -> None:
        asked = st.session_state[key].get("act")
        if on_open and asked["act"] == "open":
            on_open(str(asked["id"]))

    if selection is None:
        asked = _component(key=key, data=data, on_act_change=act).act
    else:
        asked = _component(
            key=key,
            data={**data, "pick": selection.data},
            on_act_change=act,
            on_selected_change=lambda: heard(st.session_state[key].get("selected")),
        ).act
    return str(asked["id"]) if asked and asked["act"] == "retry" else None
