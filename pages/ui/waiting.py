"""What Review shows: filters, all of them in the page's address."""

from __future__ import annotations

import streamlit as st

from core import generation, presets, studio
from core.errors import NotFound
from core.model import Task
from core.queueing import COUNT_LIMIT
from core.text import clean as storable
from core.verdicts import Queue, Wanted
from pages.ui import link
from pages.ui.words import plain, preset_name, spoken, t, when

_SHOWN = ("all", "flagged", "mine")
_NAMES = ("show", "preset", "sku", "task")


def wanted() -> Wanted:
    """What the address asks for; a value that means nothing here is left out of it, and said."""
    _read_address()
    state = st.session_state
    shown = state.get("review-show") or "all"
    return Wanted(
        preset=state.get("review-preset"),
        sku=(state.get("review-sku") or "").strip() or None,
        task=state.get("review-task"),
        flagged=shown == "flagged",
        mine=shown == "mine",
        held=state.get("review-held", False),
    )


def pills(queue: Queue | None) -> None:
    """Which pictures, and how many there are of each kind."""
    numbers = {"all": queue.waiting, "flagged": queue.flagged, "mine": queue.mine} if queue else {}
    shown = st.session_state.get("review-show")
    offered = [name for name in _SHOWN if name != "flagged" or name == shown or numbers.get(name)]
    st.pills(
        t("review.show"),
        offered,
        format_func=lambda name: f"{t(f'review.show_{name}')} {number(numbers.get(name))}".strip(),
        required=True,
        label_visibility="collapsed",
        key="review-show",
        default=shown,
        on_change=_changed,
        width="content",
    )


def number(n: int | None) -> str:
    if n is None:
        return ""
    return f"{COUNT_LIMIT:,}+" if n > COUNT_LIMIT else f"{n:,}"


def more() -> None:
    """The filters that are shut at first."""
    with st.container(horizontal=True, horizontal_alignment="right", width="stretch"):
        drawer = st.popover(
            t("history.filters"), icon=":material/filter_list:", key="review-filters", on_change="rerun"
        )
    if not drawer.open:
        return
    state = st.session_state
    every = presets.every(studio.current())
    names = {one.preset.name: preset_name(one.preset) for one in every}
    batches = {task.key: _batch(task) for task in _batches(state.get("review-task"))}
    with drawer:
        for name, options in (("preset", names), ("task", batches)):
            key = spoken(f"review-pick-{name}")
            state[key] = state.get(f"review-{name}")
            st.selectbox(
                t(f"review.{name}"),
                list(options),
                index=None,
                format_func=options.__getitem__,
                key=key,
                on_change=_picked,
                args=(name, key),
                placeholder=t("history.any"),
            )
        st.text_input(
            t("review.sku"), state["review-sku"], key="review-sku", max_chars=128, on_change=_changed
        )
        st.button(t("history.clear"), icon=":material/filter_list_off:", key="review-clear", on_click=clear)


def _batch(task: Task) -> str:
    return f"{when(task.created_at)} · {preset_name(task.preset)}"


def _batches(chosen: str | None) -> list[Task]:
    desk = studio.current()
    found = list(generation.recent(desk))
    if chosen and chosen not in [task.key for task in found]:
        found.insert(0, generation.view(desk, chosen).task)
    return found


def with_held() -> None:
    """From now on also what somebody else looks at."""
    st.session_state["review-held"] = True


def clear() -> None:
    """Everything that waits."""
    st.session_state.update(
        {"review-show": "all", "review-preset": None, "review-sku": "", "review-task": None}
    )
    _changed()


def ignored() -> str:
    """What the address asked for and is not here, as one sentence; empty when all of it is."""
    names: list[str] = st.session_state.get("review-ignored", [])
    return t("review.ignored", names=plain(", ".join(t(f"review.{name}") for name in names))) if names else ""


def _picked(name: str, key: str) -> None:
    st.session_state[f"review-{name}"] = st.session_state[key]
    _changed()


def _changed() -> None:
    state = st.session_state
    shown = state.get("review-show")
    values = {
        "show": [shown] if shown and shown != "all" else [],
        **{name: [state[f"review-{name}"]] if state.get(f"review-{name}") else [] for name in _NAMES[1:]},
    }
    state["review-ignored"] = []
    _write_address(values)


def _write_address(values: dict[str, list[str]]) -> None:
    link.write(values)
    st.session_state["review-address"] = values


def _read_address() -> None:
    """A link or the browser's way back sets the filters; a visit to another page leaves them as they were."""
    state = st.session_state
    found = link.read(*_NAMES)
    values = {name: found.get(name, []) for name in _NAMES}
    kept = state.get("review-address")
    came = state.pop("came", False)
    if kept and came and not any(values.values()):
        _write_address(kept)
        values = kept
    elif values == kept and not came:
        return
    asked = {name: texts[0] if texts else "" for name, texts in values.items()}
    offered = [one.preset.name for one in presets.every(studio.current())]
    good = {
        "show": asked["show"] in (*_SHOWN, ""),
        "preset": asked["preset"] in (*offered, ""),
        "sku": storable(asked["sku"]).strip() == asked["sku"].strip() and len(asked["sku"]) <= 128,
        "task": not asked["task"] or _is_task(asked["task"]),
    }
    state["review-ignored"] = [name for name, fine in good.items() if not fine]
    state["review-show"] = asked["show"] if good["show"] and asked["show"] else "all"
    for name in _NAMES[1:]:
        state[f"review-{name}"] = (asked[name] if good[name] else "") or (None if name != "sku" else "")
    state["review-address"] = values


def _is_task(key: str) -> bool:
    try:
        generation.view(studio.current(), key)
    except NotFound:
        return False
    return True
