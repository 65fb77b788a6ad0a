"""What differs between two versions of a preset: part by part, texts by lines and then by words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

from core.language import LANGUAGES
from core.model import Preset

# A word with the space behind it; a Chinese or Japanese character is a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]\s*|[^\W\u3040-\u30ff\u3400-\u9fff]+\s*|\W\s*")

TEXTS = ("prompt", "default_style")
CHOICES = ("ratio", "size", "outputs", "role", "plain_background", "describe")


class Kind(StrEnum):
    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A stretch of a text."""

    kind: Kind
    text: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """One part that differs; `pieces` of a text, in order: without what was added they are `before`, without
    what was removed `after`."""

    part: str
    before: Any
    after: Any
    pieces: tuple[Piece, ...] = ()


def changes(before: Preset, after: Preset) -> tuple[Change, ...]:
    """The parts that differ, the prompt first; names and helps as "title.en" and "help.en"."""
    found = []
    for part in TEXTS + CHOICES:
        old, new = getattr(before, part), getattr(after, part)
        if old != new:
            found.append(
                Change(part=part, before=old, after=new, pieces=pieces(old, new) if part in TEXTS else ())
            )
    for part, were, are in (("title", before.titles, after.titles), ("help", before.helps, after.helps)):
        for code in LANGUAGES:
            old, new = were.get(code, ""), are.get(code, "")
            if old != new:
                found.append(Change(part=f"{part}.{code}", before=old, after=new, pieces=pieces(old, new)))
    return tuple(found)


def pieces(before: str, after: str) -> tuple[Piece, ...]:
    """One text as what stayed, went and came."""
    found: list[Piece] = []
    for piece in _lines(before.splitlines(keepends=True), after.splitlines(keepends=True)):
        if found and found[-1].kind is piece.kind:
            found[-1] = Piece(kind=piece.kind, text=found[-1].text + piece.text)
        elif piece.text:
            found.append(piece)
    return tuple(found)


def _lines(before: Sequence[str], after: Sequence[str]) -> Iterator[Piece]:
    for same, old, new in _stretches(before, after):
        if same:
            yield Piece(kind=Kind.SAME, text=old)
            continue
        for equal, gone, come in _stretches(_WORD.findall(old), _WORD.findall(new)):
            if equal:
                yield Piece(kind=Kind.SAME, text=gone)
            else:
                yield Piece(kind=Kind.REMOVED, text=gone)
                yield Piece(kind=Kind.ADDED, text=come)


def _stretches(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[bool, str, str]]:
    for tag, i, j, k, m in SequenceMatcher(None, before, after).get_opcodes():
        yield tag == "equal", "".join(before[i:j]), "".join(after[k:m])
