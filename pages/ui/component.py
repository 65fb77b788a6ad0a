"""Components of this folder: their .css and .js files beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).parent


def component(name: str, html: str) -> Any:
    """Register `{name}.js` and `{name}.css` as a component; made once, when its module is imported."""
    css = _FOLDER / f"{name}.css"
    return st.components.v2.component(
        f"packshot_{name}",
        html=html,
        css=css.read_text(encoding="utf-8") if css.exists() else None,
        js=(_FOLDER / f"{name}.js").read_text(encoding="utf-8"),
    )
