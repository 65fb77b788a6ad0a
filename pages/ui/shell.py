"""What every page has around it: language, Streamlit's own words, pasted pictures, the stylesheet."""

from __future__ import annotations

import base64
import html
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import streamlit as st

from core import budget, studio
from core.errors import PackshotError
from core.language import words as words_of
from pages.ui.component import component
from pages.ui.words import chosen, dollars, plain, t

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

_component = component("shell", "<i></i>")
_FRESH = 5.0
"""Seconds for which a session takes today's sum as it is."""

# Streamlit's own English, by exact text, and our key for it.
_STREAMLIT = {
    "Press Enter to apply": "streamlit.apply",
    "Press Ctrl+Enter to apply": "streamlit.apply_area",
    "Connection error": "streamlit.connection",
    "Streamlit server is not responding. Are you connected to the internet?": "streamlit.offline",
    "Is Streamlit still running? If you accidentally stopped Streamlit, just restart it in your terminal:":
        "streamlit.offline",
    "Take Photo": "streamlit.take",
    "Clear photo": "streamlit.clear",
    "Page not found": "streamlit.not_found",
    "No results": "streamlit.no_results",
    "Choose an option": "streamlit.choose",
    "Choose options": "streamlit.choose",
    "Select all": "streamlit.all",
    "Upload": "streamlit.upload",
    "Upload directories": "streamlit.upload",
    "Add files": "streamlit.upload",
    "Drag and drop files here": "generate.drop",
    "Drag and drop directories here": "generate.drop",
    "Error:": "streamlit.error",
    "File must be {size} or smaller.": "streamlit.too_large",
    "Download as CSV": "streamlit.csv",
    "Search": "streamlit.search",
    "Fullscreen": "streamlit.fullscreen",
    "Close fullscreen": "streamlit.close_fullscreen",
    "Show/hide columns": "streamlit.columns",
    "Copy to clipboard": "streamlit.copy",
    "Close": "gallery.close",
    "Browse files": "streamlit.upload",
}  # fmt: skip


@cache
def _stylesheet(language: str) -> str:
    """The one stylesheet, with the uploader's words in the reader's language."""
    own = (Path(__file__).parent / "shell.css").read_text(encoding="utf-8")
    say = words_of(language)
    words = f":root{{--up-choose:{_css(say('generate.drop'))};--up-types:{_css(say('generate.types'))}}}"
    return f"<style>{words}{own}</style>"


@cache
def _words(language: str) -> dict[str, str]:
    """Streamlit's own English and what stands there instead."""
    say = words_of(language)
    said = {english: say(key, size="{size}") for english, key in _STREAMLIT.items()}
    return {english: own for english, own in said.items() if own != english}


@cache
def logo() -> str:
    """The logo inside its address: read once, and nothing to fetch."""
    data = base64.b64encode((Path(__file__).parent / "logo.svg").read_bytes()).decode()
    return f"data:image/svg+xml;base64,{data}"


def style() -> None:
    """The looks of everything that is not Streamlit's."""
    st.html(_stylesheet(chosen()))


def _css(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("<", "\\3c ") + '"'


def heading(text: str, *, width: Literal["stretch", "content"] = "stretch") -> None:
    """A page's title, at the same place on every page."""
    st.title(plain(text), anchor=False, width=width)  # A browser has nothing more to load for it.


def title_row(text: str, *, width: Literal["stretch", "content"] = "stretch") -> DeltaGenerator:
    """The title in a row: what is drawn into it stands at the title's right, or beside it with the width of
    its content."""
    row = st.container(horizontal=True, vertical_alignment="center", key="head")
    with row:
        heading(text, width=width)
    return row


def section(
    text: str, *, width: Literal["stretch", "content"] = "stretch", align: Literal["", "center"] = ""
) -> None:
    """The heading of a part of a page. Streamlit's own reads its Markdown anew with every state of a run: a
    millisecond each."""
    st.html(f'<h2 class="packshot-heading {align}">{html.escape(text)}</h2>', width=width)


def status() -> None:
    """What today cost so far, and who can reach the desk."""
    address = st.get_option("server.address") or "0.0.0.0"  # noqa: S104 - shown, not bound
    local = address in ("127.0.0.1", "localhost", "::1")
    reach = t("nav.only_you" if local else "nav.network", address=plain(address))
    st.caption(" · ".join([*_today(), reach]))


def _today() -> list[str]:
    """What today cost and may have cost, against its limit; nothing when the database does not say."""
    now = time.monotonic()
    at, spend = st.session_state.get("spend", (0.0, None))
    if spend is None or now - at > _FRESH:
        try:
            spend = budget.today(studio.current())
        except PackshotError:
            return []
        st.session_state["spend"] = (now, spend)
    used = plain(dollars(spend.used))
    if spend.limit is None:
        said = [t("nav.today", spent=used)]
    else:
        said = [t("nav.today_of", spent=used, limit=f"{spend.limit / 1_000_000:.2f}")]
    return [*said, t("nav.uncertain", amount=plain(dollars(spend.possible)))] if spend.possible else said


def shell() -> None:
    """Mounted after the page, in the sidebar: earlier it would shift the page."""
    language = chosen()
    _component(
        key="shell",
        data={"lang": {"en": "en", "zh": "zh-Hant-HK"}[language], "words": _words(language)},
        height=1,
    )
