"""Presets as picture cards: a radio group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from core.model import Preset
from pages.ui.component import component
from pages.ui.words import preset_help, preset_name, t

_component = component("looks", '<h2 hidden></h2><div class="grid"></div>')
PICTURES = Path(__file__).parent / "looks"
"""Served as /looks."""


def looks(presets: Sequence[Preset], *, key: str, default: str) -> str:
    """Draw the cards and their heading; returns the name of the preset that is chosen for the session."""
    kept = st.session_state.get(f"{key}-kept", default)
    names = [preset.name for preset in presets]
    value = kept if kept in names else default
    options = [card(preset) for preset in presets]
    label = t("generate.look")
    chosen = choose(options, value, key=key, label=label, heading=label, on_change=lambda: _keep(key))
    return chosen if chosen in names else value


def choose(
    options: Sequence[dict[str, Any]],
    value: str,
    *,
    key: str,
    label: str,
    heading: str = "",
    on_change: Callable[[], None],
) -> str:
    """Draw `options` with `value` marked; returns the id of the one that was chosen last, also in
    `st.session_state[key]["value"]`. `label` is heard, `heading` is seen above the cards."""
    data = {"label": label, "heading": heading, "value": value, "options": list(options)}
    return str(_component(key=key, data=data, default={"value": value}, on_value_change=on_change).value)


def card(preset: Preset, *, small: str = "", thumb: str | None = None) -> dict[str, Any]:
    """One preset; `small` is a line under its name, `thumb` another picture than the one it was given."""
    made = {"id": preset.name, "name": preset_name(preset), "help": preset_help(preset)}
    return {**made, "small": small, "thumb": thumb or picture(preset.picture)}


def _keep(key: str) -> None:
    st.session_state[f"{key}-kept"] = st.session_state[key]["value"]


def picture(name: str) -> str:
    """Where the small picture of a look is: a file that a browser keeps, where inlined it would come again
    with every rerun. For one that is not there it is the cup's."""
    return f"/looks/{name if name in _pictures() else 'after'}.webp"


@cache
def _pictures() -> frozenset[str]:
    return frozenset(file.stem for file in PICTURES.glob("*.webp"))
