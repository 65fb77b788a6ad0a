"""Presets as picture cards: a radio group."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import streamlit as st

from core.model import Preset
from pages.ui.component import component
from pages.ui.words import preset_name, t

_component = component("looks", '<div class="grid"></div>')
_PICTURES = Path(__file__).parent / "looks"


def looks(presets: Sequence[Preset], *, key: str, default: str) -> str:
    """Draw the cards; returns the name of the chosen preset, which lasts for the session."""
    kept = st.session_state.get(f"{key}-kept", default)
    names = [preset.name for preset in presets]
    value = kept if kept in names else default
    options = [
        {"id": p.name, "name": preset_name(p), "help": t(f"preset.{p.name}.help"), "thumb": picture(p.name)}
        for p in presets
    ]
    chosen = _component(
        key=key,
        data={"label": t("generate.look"), "value": value, "options": options},
        default={"value": value},
        on_value_change=lambda: _keep(key),
    ).value
    return chosen if chosen in names else value


def _keep(key: str) -> None:
    st.session_state[f"{key}-kept"] = st.session_state[key]["value"]


@cache
def picture(name: str) -> str:
    """A small picture of a look as a data URL: 4 kB that never have to be fetched."""
    data = (_PICTURES / f"{name}.webp").read_bytes()
    return "data:image/webp;base64," + base64.b64encode(data).decode()
