"""The router: language, navigation, and who can reach the desk."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from core.language import LANGUAGES
from pages.ui.shell import logo, shell, status, style
from pages.ui.words import chosen, listen, spoken, t

asked = st.query_params.get("lang")
if asked in LANGUAGES and "language" not in st.session_state:
    st.session_state["language"] = asked
listen()

st.set_page_config(
    page_title="Packshot", page_icon="/looks/icon.png", layout="wide", initial_sidebar_state=232
)
st.logo(logo(), size="medium")
style()


def sections() -> dict[str, list[StreamlitPage]]:
    return {
        t("nav.work"): [
            st.Page("generate.py", title=t("nav.generate"), icon=":material/auto_awesome:", default=True),
            st.Page("review.py", title=t("nav.review"), icon=":material/rule:", url_path="review"),
            st.Page(
                "history.py", title=t("nav.history"), icon=":material/photo_library:", url_path="history"
            ),
            st.Page(
                "trash.py",
                title=t("trash.title"),
                icon=":material/delete:",
                url_path="trash",
                visibility="hidden",
            ),
        ],
        t("nav.improve"): [
            st.Page("presets.py", title=t("nav.presets"), icon=":material/style:", url_path="presets"),
            st.Page(
                "insights.py", title=t("nav.insights"), icon=":material/monitoring:", url_path="insights"
            ),
        ],
        t("nav.desk"): [
            st.Page(
                "system.py", title=t("nav.system"), icon=":material/health_and_safety:", url_path="system"
            )
        ],
    }


# Each page is looked up on the disk when it is made: once for a session and a language.
if spoken("pages") not in st.session_state:
    st.session_state[spoken("pages")] = sections()
page = st.navigation(st.session_state[spoken("pages")])

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
