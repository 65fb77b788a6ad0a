"""The pages: the sidebar's list of them, and the way to each."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from pages.ui.words import spoken, t

_PAGES = {
    "generate": ("nav.generate", ":material/auto_awesome:"),
    "review": ("nav.review", ":material/rule:"),
    "history": ("nav.history", ":material/photo_library:"),
    "trash": ("trash.title", ":material/delete:"),
    "presets": ("nav.presets", ":material/style:"),
    "insights": ("nav.insights", ":material/monitoring:"),
    "system": ("nav.system", ":material/health_and_safety:"),
}
_SECTIONS = {
    "nav.work": ("generate", "review", "history", "trash"),
    "nav.improve": ("presets", "insights"),
    "nav.desk": ("system",),
}


def sections() -> dict[str, list[StreamlitPage]]:
    """The pages under their headings."""
    return {t(title): [page(name) for name in names] for title, names in _SECTIONS.items()}


def page(name: str) -> StreamlitPage:
    """One page, with its title and icon. It is looked up on the disk when it is made: once for a session and
    a language."""
    key = spoken("pages")
    if key not in st.session_state:
        st.session_state[key] = {one: _page(one) for one in _PAGES}
    found: StreamlitPage = st.session_state[key][name]
    return found


def _page(name: str) -> StreamlitPage:
    title, icon = _PAGES[name]
    return st.Page(
        f"{name}.py",
        title=t(title),
        icon=icon,
        url_path=name,
        default=name == "generate",
        visibility="hidden" if name == "trash" else "visible",
    )
