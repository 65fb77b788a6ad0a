"""Components of our own: their code and looks are files of the folder `components`, served as /components."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

FILES = Path(__file__).parent / "components"

# What stands in a component itself goes out again with each of its changes, 48 kB at a key in Review. By
# its address a browser reads it once. The looks are there before anything is drawn, and nothing jumps.
_LOADER = """const file = name => new URL(name, document.baseURI).href
const {{ default: draw }} = await import(file("{script}"))
const styles = "{styles}"
const sheet = new CSSStyleSheet()
if (styles) sheet.replaceSync(await (await fetch(file(styles))).text())
export default component => {{
  const root = component.parentElement.getRootNode()
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet)
  return draw({{ ...component, data: component.data[0] }})
}}
"""


def component(name: str, html: str) -> Any:
    """Register `{name}.js`, with `{name}.css` where there is one; made once, when its module is imported."""
    styles = _address(f"{name}.css") if (FILES / f"{name}.css").exists() else ""
    js = _LOADER.format(script=_address(f"{name}.js"), styles=styles)
    mount = st.components.v2.component(f"packshot_{name}", html=html, js=js)

    def mounted(*, data: Mapping[str, Any], **options: Any) -> Any:
        # In a dictionary Streamlit would look for tables, and load pandas for that before the first page.
        return mount(data=(data,), **options)

    return mounted


def _address(file: str) -> str:
    """Where a browser finds it: another one when its content is another."""
    version = hashlib.sha256((FILES / file).read_bytes()).hexdigest()[:12]
    return f"/components/{file}?v={version}"
