"""One picture beside its source, judged by keys: one component, with what it says and hears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import streamlit as st

from core.verdicts import Act, Reason, Verdict
from pages.ui.component import component
from pages.ui.words import chosen, t

_component = component("compare", '<div class="root" tabindex="-1"></div>')
_KEYS = (
    ("A", "approve"), ("X", "reject"), ("1–8", "reason"), ("N", "note"), ("U", "undo"), ("B", "best"),
    ("← →", "step"), ("F", "flip"), ("V", "view"), ("Z", "zoom"), ("K O", "clash"), ("?", "help"),
)  # fmt: skip
_TEXTS = (
    "view", "side", "slider", "flip", "source", "result", "split", "approve", "reject", "undo", "best",
    "hint", "flagged", "uncompared", "evidence", "strip", "note", "noted", "undone", "unseen", "gone",
    "gone_source", "reload", "coming", "all", "held_too", "further", "export", "theirs", "close", "keys",
)  # fmt: skip
_FILLED = {
    "live": ("n", "total", "state"), "pace": ("n", "pace"), "judged": ("n",), "by": ("name",),
    "held": ("name",), "others": ("n",), "unsaved": ("n",), "saving": ("n",), "note_of": ("name",),
    "why": ("name",), "overwrite": ("verdict",), "clash": ("name", "verdict", "what"),
}  # fmt: skip
_LONGEST_NOTE = 2_000


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What the browser says: acts it holds until their `seq` is acknowledged, and what it looks at."""

    acts: tuple[Act, ...] = ()
    last: int = 0
    """The highest number among what it sent, also of what made no sense."""
    place: str | None = None
    sitting: str = ""
    beat: int = 0
    """The number of what it said last."""
    have: bool = False
    """It has pictures to show."""


def heard(key: str) -> Heard:
    """The standing of the component `key`. It comes from a browser: what has no meaning is left out."""
    said = st.session_state.get(key, {}).get("outbox") or {}
    if not isinstance(said, Mapping):
        return Heard()
    raw = [act for act in said.get("acts") or () if isinstance(act, Mapping)]
    sitting = str(said.get("sitting") or "")[:36]
    acts = sorted((act for one in raw if (act := _act(one, sitting))), key=lambda act: act.seq)
    numbers = [act["seq"] for act in raw if isinstance(act.get("seq"), int)]
    place = said.get("place")
    return Heard(
        acts=tuple(acts),
        last=max(numbers, default=0),
        place=place[:36] if isinstance(place, str) else None,
        sitting=sitting,
        beat=said["beat"] if isinstance(said.get("beat"), int) else 0,
        have=bool(said.get("have")),
    )


def _act(raw: Mapping[str, Any], sitting: str) -> Act | None:
    try:
        return Act(
            seq=int(raw["seq"]),
            key=str(raw["key"])[:36],
            output=str(raw["id"])[:36],
            verdict=Verdict(raw["verdict"]),
            reason=Reason(raw["reason"]) if raw.get("reason") else None,
            note=str(raw.get("note") or "")[:_LONGEST_NOTE],
            best=bool(raw.get("best")),
            seen=None if raw.get("seen") is None else int(raw["seen"]),
            sitting=sitting,
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def compare(data: Mapping[str, Any], *, key: str) -> str | None:
    """Draw it. Returns what was just asked for beside judging: "export", "held" or None.

    `data`: `who` judges, `view` (another one begins anew), `ack`, `results` of acts that were not saved,
    `trouble` (a sentence while nothing can be saved), and of the queue `items`, `place`,
    `total`, `most` and `further`, which may be left out where it has them already.
    """
    asked = _component(
        key=key,
        data={**data, "text": _text(chosen())},
        on_outbox_change=lambda: None,
        on_act_change=lambda: None,
    ).act
    return str(asked) if asked else None


@cache
def _text(_language: str) -> dict[str, Any]:
    words: dict[str, Any] = {name: t(f"compare.{name}") for name in _TEXTS}
    for name, values in _FILLED.items():
        words[name] = t(f"compare.{name}", **{value: f"{{{value}}}" for value in values})
    words |= {state: t(f"review.{state}") for state in ("to_review", "approved", "rejected")}
    words["reasons"] = [(reason.value, t(f"reason.{reason.value}")) for reason in Reason]
    words["help"] = [(keys, t(f"compare.key.{name}")) for keys, name in _KEYS]
    return words
