"""Outputs as cards of the gallery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import studio
from core.model import Output, OutputState, ReviewState
from pages.ui.words import t, words

_REVIEW = {
    ReviewState.TO_REVIEW: ("gray", "clock"),
    ReviewState.APPROVED: ("green", "ok"),
    ReviewState.REJECTED: ("red", "x"),
}


def output_card(output: Output, *, name: str, sku: str) -> dict[str, Any]:
    """A card while a task runs and after."""
    desk = studio.current()
    card: dict[str, Any] = {
        "id": output.key,
        "state": output.state.value,
        "alt": f"{name} · {output.variant}",
    }
    if output.state is OutputState.SUCCEEDED and output.object_key and output.thumb_key:
        stem = "".join(c if c.isalnum() or c in "-_" else "_" for c in sku or name)[:80]
        file = f"{stem}_{output.variant}.{output.object_key.rsplit('.', 1)[-1]}"
        card |= {
            "thumb": desk.link(output.thumb_key),
            "image": desk.link(output.object_key),
            "download": desk.link(output.object_key, download=file),
        }
        if output.notes.get("sure") is False:
            card["chip"] = {"color": "orange", "icon": "warn", "text": t("card.unsure")}
    elif output.state is OutputState.RUNNING:
        card["since"] = (output.started_at or output.created_at).timestamp()
    elif output.state is OutputState.QUEUED and output.error_kind:
        card["say"] = _say(output.error_kind, output.error_data)
    elif output.error_kind:
        card |= trouble(output.state, output.error_kind, output.error_data)
    return card


def trouble(state: OutputState, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Title, sentence and act of an output that ended without a picture."""
    say = words()
    again = t("card.ask_again") if state is OutputState.UNKNOWN else t("card.retry")
    act = None if state is OutputState.BLOCKED else again
    return {"title": say.title(kind), "say": _say(kind, data), "act": act}


def _say(kind: str, data: Mapping[str, Any]) -> str:
    """A card shows text as it is: the marks of code are Markdown's."""
    return words().sentence(kind, data, zone=studio.current().settings.zone).replace("`", "")


def review_chip(review: ReviewState) -> dict[str, str]:
    color, icon = _REVIEW[review]
    return {"color": color, "icon": icon, "text": t(f"review.{review}")}
