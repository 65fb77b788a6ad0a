"""A page is drawn anew at each click: what it has just read is not read again for that."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from core import studio

T = TypeVar("T")

FRESH = 2.0
"""Seconds after which it is read again all the same: another process may have written."""


def unchanged(name: str, of: object, read: Callable[[], T], *, holds: Callable[[T], bool] = bool) -> T:
    """What `read` gave this session last, if it was for the same `of`, less than FRESH ago, and this process
    has written nothing since; else what it gives now. `holds` says what may be kept. Raises what `read`
    raises."""
    written, now = studio.current().written, time.monotonic()
    key = f"read-{name}"
    kept = st.session_state.get(key)
    if kept and kept[0] == written and now - kept[1] < FRESH and kept[2] == of:
        found: T = kept[3]
        return found
    found = read()
    if holds(found):
        st.session_state[key] = (written, now, of, found)
    return found
