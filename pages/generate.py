"""Generate: photos, a look, one press, and the pictures as they come."""

from __future__ import annotations

import uuid

import streamlit as st

from core import generation, studio
from core.errors import NotFound, PackshotError
from core.generation import TaskView
from core.model import Actor, Upload
from pages.ui.looks import picture
from pages.ui.ordering import ordering, standing, take_over
from pages.ui.results import results
from pages.ui.shell import heading
from pages.ui.tray import add, chosen, empty, tray, uploads
from pages.ui.trouble import show
from pages.ui.words import estimate, plain, t

desk = studio.current()
state = st.session_state
state.setdefault("draft", str(uuid.uuid4()))
if prefill := state.pop("prefill", None):
    take_over(prefill)


def press() -> None:
    """Runs before the page is drawn again, without any call that a second click could stop half-way."""
    # Everything is read here: what was typed last may have come with the very click.
    if not state.pop("drawn", False) or not chosen():
        return  # A second click that was quicker than the page.
    try:
        key = generation.submit(desk, uploads(), standing(desk), by=Actor.local(), key=state["draft"])
    except PackshotError as error:
        state["refused"] = error
        return
    state["draft"] = str(uuid.uuid4())
    empty()
    state["task"] = st.query_params["task"] = key


def sample() -> None:
    from core.images.sample import sample_photo

    name, product = t("generate.sample_name"), t("generate.sample_product")
    add(desk, "sample", Upload(name=name, data=sample_photo(), sku="SAMPLE-1", product_name=product))


def opened() -> tuple[str | None, TaskView | None]:
    """The task of the link, else this session's last; without its view while the database is away."""
    key = st.query_params.get("task") or state.get("task")
    if not key:
        return None, None
    try:
        view = generation.view(desk, key)
    except NotFound as error:
        st.query_params.pop("task", None)
        state.pop("task", None)
        state["refused"] = error
        return None, None
    except PackshotError:
        return key, None
    state["task"] = key
    if st.query_params.get("task") != key:
        st.query_params["task"] = key
    return key, view


def nothing_yet() -> None:
    with st.container(
        height=520, border=False, horizontal_alignment="center", vertical_alignment="center", key="nothing"
    ):
        st.html(
            f'<div class="packshot-pair"><img src="{picture("before")}" alt="{plain(t("generate.source"))}">'
            f'<span aria-hidden="true">→</span>'
            f'<img src="{picture("after")}" alt="{plain(t("generate.result"))}"></div>'
        )
        st.header(t("generate.empty_title"), anchor=False, text_alignment="center")
        st.caption(t("generate.empty"), text_alignment="center")
        if not chosen():
            st.button(t("generate.sample"), icon=":material/photo_camera:", key="try-sample", on_click=sample)


key, view = opened()
heading(t("generate.title"))
body = st.container(key="generate")
left, right = body.columns([5, 8], gap="medium")

with left:
    if set(desk.providers) == {"local"}:
        st.info(t("generate.no_key"), icon=":material/key_off:")
    tray(desk)
    ordering(desk)

with right:
    if key:
        results(key, view)
    else:
        nothing_yet()

photos, order = len(chosen()), standing(desk)
total = photos * order.outputs
with st.bottom:
    if refused := state.pop("refused", None):
        show(refused)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right", key="bar"):
        say = t("generate.add")
        if photos:
            price = plain(estimate(generation.estimate(desk, order, photos)))
            count = t("generate.photos_count", n=photos)
            say = t("generate.sum", photos=count, each=order.outputs, n=total, price=price)
        st.markdown(say, width="stretch")
        st.button(
            t("generate.press", n=total) if photos else t("generate.title"),
            type="primary",
            icon=":material/auto_awesome:",
            disabled=not photos,
            shortcut="Ctrl+Enter",
            key="press",
            on_click=press,
        )
state["drawn"] = True
