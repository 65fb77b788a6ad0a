"""The router: language, navigation, and who can reach the desk."""

from __future__ import annotations

import streamlit as st

from core.language import LANGUAGES
from pages.ui.navigation import sections
from pages.ui.shell import logo, shell, status, style
from pages.ui.words import chosen, listen, t

asked = st.query_params.get("lang")
if asked in LANGUAGES and "language" not in st.session_state:
    st.session_state["language"] = asked
listen()

st.set_page_config(
    page_title="Packshot", page_icon="/looks/icon.png", layout="wide", initial_sidebar_state=232
)
st.logo(logo(), size="medium")
style()

page = st.navigation(sections())

# A page may need to know that somebody comes to it, and does not only draw it again.
st.session_state["came"] = st.session_state.get("at") != page.url_path
st.session_state["at"] = page.url_path

with st.sidebar:
    st.session_state.setdefault("language", chosen())
    st.segmented_control(
        t("nav.language"),
        list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        required=True,
        label_visibility="collapsed",
        key="language",
        default=st.session_state["language"],
        width="stretch",
        persist_state="session",
    )
    status()

try:
    page.run()
finally:
    # Also under a page that ended early: the words of Streamlit itself are translated by it.
    with st.sidebar:
        shell()
