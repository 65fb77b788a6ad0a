"""The page's address, as this session last wrote it; pages read and write it through here.

Every press brings along the address that the browser showed when it was sent. What the server wrote in the
meantime is not in it: two quick presses would take back what the first of them wrote. So an address that
this session has replaced itself is not believed when it comes again, unless the browser says that somebody
went back to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

Values = Mapping[str, Sequence[str]]

_PAGE, _NOW, _REPLACED = "link-page", "link-now", "link-replaced"
_MOST = 20
"""Replaced addresses that are remembered: more presses than can be on their way."""


def read(*names: str) -> dict[str, list[str]]:
    """The parameters of these names that the address has."""
    now = _now()
    return {name: now[name] for name in names if name in now}


def one(name: str) -> str | None:
    """The last of this name, as Streamlit itself reads it."""
    texts = _now().get(name)
    return texts[-1] if texts else None


def write(values: Values) -> None:
    """Set these parameters, without those that are empty; the others stay. One step of the way back."""
    state, now = st.session_state, _now()
    wanted = {name: list(texts) for name, texts in {**now, **values}.items() if texts}
    if wanted == now:
        return
    state[_REPLACED] = [past for past in [*state[_REPLACED], now] if past != wanted][-_MOST:]
    state[_NOW] = wanted
    st.query_params.from_dict(wanted)


def _now() -> dict[str, list[str]]:
    state, run = st.session_state, get_script_run_ctx()
    shown = {name: st.query_params.get_all(name) for name in st.query_params}
    page, back = (run.page_script_hash, run.is_history_navigation) if run else (None, False)
    if state.get(_PAGE) != page or (shown != state[_NOW] and (back or shown not in state[_REPLACED])):
        state[_PAGE], state[_NOW], state[_REPLACED] = page, shown, []
    elif shown != state[_NOW]:
        st.query_params.from_dict(state[_NOW])
    now: dict[str, list[str]] = state[_NOW]
    return now
