"""What differs between two versions of a preset: what went and what came, by colour and by mark."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.presets.compare import Change, Kind, Piece
from pages.ui.words import t

_TAGS = {Kind.REMOVED: "del", Kind.ADDED: "ins"}


def differences(found: Sequence[Change]) -> None:
    """Text of people stands in it as text."""
    st.html(
        "".join(f'<div class="packshot-diff"><b>{_part(one)}</b><p>{_body(one)}</p></div>' for one in found)
    )


def value_of(part: str, value: Any) -> str:
    """A choice in the reader's words."""
    if isinstance(value, bool):
        return t("presets.yes" if value else "presets.no")
    return t(f"role.{value}") if part == "role" else str(value)


def _part(change: Change) -> str:
    return html.escape(t(f"part.{change.part}"))


def _body(change: Change) -> str:
    if change.pieces:
        return "".join(map(_piece, change.pieces))
    before, after = (html.escape(value_of(change.part, value)) for value in (change.before, change.after))
    return f"<del>{before}</del> <ins>{after}</ins>"


def _piece(piece: Piece) -> str:
    text, tag = html.escape(piece.text), _TAGS.get(piece.kind)
    return f"<{tag}>{text}</{tag}>" if tag else text
