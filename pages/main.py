"""The router: language, navigation, and who can reach the desk."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.language import LANGUAGES
from pages.ui.shell import shell, style
from pages.ui.words import chosen, t

HERE = Path(__file__).parent / "ui"

asked = st.query_params.get("lang")
if asked in LANGUAGES and "language" not in st.session_state:
    st.session_state["language"] = asked

st.set_page_config(
    page_title="Packshot", page_icon=str(HERE / "icon.png"), layout="wide", initial_sidebar_state=232
)
st.logo(str(HERE / "logo.svg"), size="medium")
style()

page = st.navigation(
    {
        t("nav.work"): [
            st.Page("generate.py", title=t("nav.generate"), icon=":material/auto_awesome:", default=True),
            st.Page(
                "history.py", title=t("nav.history"), icon=":material/photo_library:", url_path="history"
            ),
        ],
        t("nav.desk"): [
            st.Page(
                "system.py", title=t("nav.system"), icon=":material/health_and_safety:", url_path="system"
            )
        ],
    }
)

with st.sidebar:
    st.session_state.setdefault("language", chosen())
    st.segmented_control(
        t("nav.language"),
        list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        required=True,
        label_visibility="collapsed",
        key="language",
        width="stretch",
        persist_state="session",
    )
    address = st.get_option("server.address") or "0.0.0.0"  # noqa: S104 - shown, not bound
    local = address in ("127.0.0.1", "localhost", "::1")
    st.caption(t("nav.only_you", address=address) if local else t("nav.network", address=address))

page.run()

with st.sidebar:
    shell()
