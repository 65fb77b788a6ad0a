"""Text that people, files and models wrote, as it may be kept and shown."""

from __future__ import annotations

import unicodedata

_TURNING = {*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}
"""Marks that show text in another order than it is written."""


def clean(text: str, *, lines: bool = False) -> str:
    """`text` without what no database takes and no screen should get: control characters, halves of
    characters, turning marks. They become spaces; with `lines`, line breaks and tabs stay."""
    kept = {"\n", "\t"} if lines else set()
    text = text.replace("\r\n", "\n")
    bad = {c for c in text if c not in kept and (unicodedata.category(c) in ("Cc", "Cs") or c in _TURNING)}
    return "".join(" " if c in bad else c for c in text)
