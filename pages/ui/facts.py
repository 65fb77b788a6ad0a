"""What a vision model says of the photos: asked for by a press, edited by the operator, left out at will."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import streamlit as st

from core import describing
from core.errors import DatabaseError, PackshotError, PriceUnknown
from core.model import Actor, Upload
from core.providers.description import LIMITS, MOST_FEATURES
from core.studio import Studio
from pages.ui.hand import Chosen, Hand, hand
from pages.ui.trouble import sentence
from pages.ui.words import estimate, plain, t, words

_LINES = ("product_type", "headline")
_TEXTS = {"key_features": 100, "description": 100}
"""Height in pixels."""


def offer(desk: Studio) -> None:
    """The press that describes the photos, its price, how far it is, and what did not work."""
    mine = hand()
    if desk.describer is None or not mine.photos:
        return
    _collect(mine)
    new = [key for key, photo in mine.photos.items() if photo.facts is None]
    wanted = new or list(mine.photos)
    each = desk.describer.estimate()
    price = plain(estimate(None if each is None else each * len(wanted)))
    with st.container(horizontal=True, vertical_alignment="center", key="describe"):
        st.button(
            t("describe.press") if new else t("describe.again"),
            icon=":material/image_search:",
            disabled=bool(mine.asked),
            key="describe-photos",
            on_click=ask,
            args=(desk, wanted),
            kwargs={"again": not new},
        )
        st.caption(t("describe.price", n=len(wanted), price=price))
        if len(new) < len(mine.photos):
            st.button(t("describe.leave_out"), type="tertiary", key="leave-out", on_click=_leave_out)
    if mine.asked:
        _progress(sum(future.done() for future in mine.asked.values()))
    elif used := len(mine.photos) - len(new):
        st.caption(t("describe.used", n=used))
    _failures(desk, mine)


def ask(desk: Studio, keys: Sequence[str], *, again: bool = False, unpriced: bool = False) -> None:
    """Describe photos of the tray; closed tabs lose nothing, since the answers go to the database."""
    mine = hand()
    if not mine.asked:
        mine.asked_of = 0
    one = partial(describing.describe, desk, by=Actor.local(), again=again, unpriced_ok=unpriced)
    for key in keys:
        if (photo := mine.photos.get(key)) and key not in mine.asked:
            mine.not_described.pop(key, None)
            mine.asked_of += 1
            mine.asked[key] = desk.asking.submit(one, Upload(name=photo.name, data=photo.data))


def remember(desk: Studio, mine: Hand, keys: Sequence[str]) -> None:
    """Give photos that have just come the facts that were paid for before."""
    if desk.describer is None:
        return
    names = {key: describing.photo_hash(mine.photos[key].data) for key in keys if key in mine.photos}
    try:
        found = describing.remembered(desk, list(names.values()))
    except DatabaseError:
        return  # The press asks again, and is answered from there as well.
    for key, name in names.items():
        if name in found and mine.photos[key].facts is None:
            _put(mine, key, asdict(found[name]))


def edit(key: str, photo: Chosen) -> None:
    """The facts of one photo as fields."""
    if photo.facts is None:
        return
    for name in (*_LINES, *_TEXTS):
        widget = _widget(name, key, photo)
        label = f"{t(f'describe.{name}')} · {plain(photo.name)}"
        if name in _LINES:
            text = st.session_state.setdefault(widget, photo.facts.get(name) or "")
            st.text_input(label, text, max_chars=LIMITS[name], key=widget, persist_state="session")
            continue
        value = photo.facts.get(name) or ""
        value = value if isinstance(value, str) else "\n".join(value)
        text = st.session_state.setdefault(widget, value)
        st.text_area(label, text, height=_TEXTS[name], key=widget, persist_state="session")


def standing(key: str, photo: Chosen) -> Mapping[str, Any] | None:
    """The facts of one photo as the fields stand, also before they are drawn again."""
    if photo.facts is None:
        return None
    state, found = st.session_state, dict(photo.facts)
    for name in (*_LINES, *_TEXTS):
        typed = state.get(_widget(name, key, photo))
        if typed is not None:
            found[name] = typed.splitlines()[:MOST_FEATURES] if name == "key_features" else typed
    return found


def table(facts: Mapping[str, Any]) -> dict[str, str]:
    """Facts of a stored photo, label and text, for the drawer."""
    found = {}
    for name in ("product_type", "category", "key_features", "description", "headline"):
        if value := facts.get(name):
            found[t(f"describe.{name}")] = value if isinstance(value, str) else " · ".join(value)
    return found


def _widget(name: str, key: str, photo: Chosen) -> str:
    return f"fact-{name}-{key}-{photo.edition}"


def _put(mine: Hand, key: str, facts: Mapping[str, Any] | None) -> None:
    photo = mine.photos[key]
    mine.photos[key] = replace(photo, facts=facts, edition=photo.edition + 1)


def _leave_out() -> None:
    mine = hand()
    for key in mine.photos:
        _put(mine, key, None)


def _collect(mine: Hand) -> None:
    """Take up the answers that have come."""
    for key in [key for key, future in mine.asked.items() if future.done()]:
        future = mine.asked.pop(key)
        if key not in mine.photos:
            continue
        try:
            _put(mine, key, asdict(future.result()))
        except PackshotError as error:
            mine.not_described[key] = error


@st.fragment(run_every="700ms")
def _progress(seen: int) -> None:
    mine = hand()
    done = sum(future.done() for future in mine.asked.values())
    if done > seen:
        st.rerun()  # The whole page, which takes them up.
    gone = mine.asked_of - len(mine.asked)
    st.progress(gone / mine.asked_of, text=t("describe.working", d=gone, n=mine.asked_of))


def _failures(desk: Studio, mine: Hand) -> None:
    for key, error in mine.not_described.items():
        if photo := mine.photos.get(key):
            title = words().title(error.kind)
            text = f"**{plain(photo.name)} · {title}**  \n{sentence(error, about='describe')}"
            st.warning(text, icon=":material/image_search:")
    unpriced = [key for key, error in mine.not_described.items() if isinstance(error, PriceUnknown)]
    if unpriced:
        st.button(
            t("generate.unpriced"),
            icon=":material/paid:",
            key="describe-unpriced",
            on_click=ask,
            args=(desk, unpriced),
            kwargs={"unpriced": True},
        )
