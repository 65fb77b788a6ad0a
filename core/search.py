"""Text search takes text apart in one way: for the index of either database, and for what is asked.

A word stays whole; a run of Chinese, Japanese or Korean, which has no spaces, becomes its characters and its
pairs of characters, so that one and two of them are found as well. Standard library only.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MOST = 200
"""Characters of a question that are looked for; the rest is left out."""
LONGEST = 64
"""Characters of a word that are kept."""

# Radicals, kana, bopomofo, Hangul and every plane of ideographs (Unicode's block names, version 16).
_CJK = (
    "\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u303c\u3041-\u30ff\u3105-\u318e\u31a0-\u31bf"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
)
_WORD = re.compile(r"[^\W_]+")
_PART = re.compile(f"[{_CJK}]+|[^{_CJK}]+")
_IS_CJK = re.compile(f"[{_CJK}]")


def folded(text: str) -> str:
    """Text as it is compared: full and half width, capital and small letters are the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def search_tokens(text: str) -> tuple[str, ...]:
    """What the index keeps of a text: words, and of CJK runs each character and each pair. Each once."""
    found: dict[str, None] = {}
    for part in _parts(text):
        if _IS_CJK.match(part):
            found.update(dict.fromkeys(part))
            found.update(dict.fromkeys(_pairs(part)))
        else:
            found[part[:LONGEST]] = None
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Question:
    """A text that is looked for: an output has to hold all of it, in any order."""

    words: tuple[str, ...] = ()
    """Tokens that have to be there."""
    beginnings: tuple[str, ...] = ()
    """Some token has to begin so."""
    runs: tuple[str, ...] = ()
    """Three and more CJK characters: their pairs may stand apart, so these stand in the folded text too."""


def question(text: str) -> Question | None:
    """What a text asks for; None when it holds no letter and no digit.

    Words of three and more letters also find longer ones that begin so.
    """
    words: dict[str, None] = {}
    beginnings: dict[str, None] = {}
    runs: dict[str, None] = {}
    for part in _parts(text[:MOST]):
        if not _IS_CJK.match(part):
            (beginnings if len(part) > 2 else words)[part[:LONGEST]] = None
            continue
        words.update(dict.fromkeys(_pairs(part) or [part]))
        if len(part) > 2:
            runs[part] = None
    if not words and not beginnings:
        return None
    return Question(words=tuple(words), beginnings=tuple(beginnings), runs=tuple(runs))


def _parts(text: str) -> list[str]:
    return [part for word in _WORD.findall(folded(text)) for part in _PART.findall(word)]


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]
