"""What every page has around it: language, Streamlit's own words, pasted pictures, the stylesheet."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st

from pages.ui.component import component
from pages.ui.words import chosen, t

_component = component("shell", "<i></i>")

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
    "Browse files": "streamlit.upload",
}  # fmt: skip


@cache
def _stylesheet() -> str:
    return (Path(__file__).parent / "shell.css").read_text(encoding="utf-8")


def style() -> None:
    """The one stylesheet, with the uploader's words in the reader's language."""
    words = f":root{{--up-choose:{_css(t('generate.drop'))};--up-types:{_css(t('generate.types'))}}}"
    st.html(f"<style>{words}{_stylesheet()}</style>")


def _css(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("<", "\\3c ") + '"'


def shell() -> None:
    """Mounted after the page, in the sidebar: earlier it would shift the page."""
    words = {english: t(key) for english, key in _STREAMLIT.items()}
    _component(
        key="shell",
        data={"lang": {"en": "en", "zh": "zh-Hant-HK"}[chosen()], "words": words},
        height=1,
    )
