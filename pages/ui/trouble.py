"""Errors on a page: what happened, what it means, what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core import studio
from core.errors import AlreadyMade, BudgetExhausted, DatabaseError, PackshotError, PriceUnknown
from pages.ui.words import plain, t, words


def sentence(error: PackshotError, *, about: str = "error") -> str:
    """The sentence of an error with its values made harmless for Markdown."""
    return harmless(error.kind, error.data, about=about)


def harmless(kind: str, data: Mapping[str, Any], *, about: str = "error") -> str:
    """The same for a row's error; `about` as `Words.sentence` has it."""
    say = words()
    values = {}
    for name, value in data.items():
        # A moment, and what has words of its own, are no foreign text.
        known = name == "until" or f"{name}.{value}" in say
        values[name] = plain(value) if isinstance(value, str) and not known else value
    return say.sentence(kind, values, zone=studio.current().settings.zone, about=about)


def show(error: Exception) -> None:
    """A box with what happened, red for a failure; a mistake of the desk says so without details."""
    if isinstance(error, PackshotError):
        text = f"**{words().title(error.kind)}**  \n{sentence(error)}"
        if isinstance(error, (AlreadyMade, PriceUnknown)):
            st.info(text, icon=":material/info:")  # A question to her, no failure.
        elif isinstance(error, BudgetExhausted):
            st.warning(text, icon=":material/warning:")
        else:
            st.error(text, icon=":material/error:")
        if isinstance(error, DatabaseError):
            st.button(t("again"), icon=":material/refresh:", key="trouble-again")
    else:
        st.error(t("error.mistake"), icon=":material/error:")
