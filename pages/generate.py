"""Generate: photos, a look, one press, and the pictures as they come."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core import generation, studio
from core.errors import AlreadyMade, NotFound, PackshotError, PriceUnknown
from core.generation import TaskView
from core.model import Actor, Upload
from pages.ui import link
from pages.ui.hand import hand
from pages.ui.looks import picture
from pages.ui.ordering import ordering, standing, take_over
from pages.ui.reread import unchanged
from pages.ui.shell import heading, section
from pages.ui.tray import add, tray, uploads
from pages.ui.trouble import show
from pages.ui.words import estimate, plain, t

desk = studio.current()
mine = hand()
with mine.sending:
    pass  # A press that is sent by another run is shown by this one.
if prefill := mine.prefill:
    take_over(prefill)
    mine.prefill = None


def press(*agreed: str) -> None:
    """Runs before the page is drawn again. Everything is read first: what was typed last may have come with
    the very click. After that nothing of `st` is used, so that no other click can stop it half-way.
    `agreed`: "again" pays for the same pictures once more, "unpriced" goes on without a price."""
    with mine.sending:
        photos, order = uploads(), standing(desk)
        if not mine.drawn or not photos:
            return  # A second click that was quicker than the page.
        mine.drawn = False
        mine.agreed = frozenset(agreed)
        order = replace(order, unpriced_ok="unpriced" in agreed)
        try:
            again = "again" in agreed
            mine.sent(generation.submit(desk, photos, order, by=Actor.local(), key=mine.draft, again=again))
        except PackshotError as error:
            mine.refused = error


def open_made(task: str) -> None:
    mine.task, mine.shown = task, False


def choices(refused: PackshotError) -> None:
    """What she can do all the same; what she agreed to before stays agreed."""
    if isinstance(refused, AlreadyMade):
        with st.container(horizontal=True):
            st.button(
                t("generate.open_made"),
                icon=":material/open_in_new:",
                key="open-made",
                on_click=open_made,
                args=(refused.task,),
            )
            st.button(
                t("generate.anyway"),
                icon=":material/refresh:",
                key="again",
                on_click=press,
                args=(*mine.agreed, "again"),
            )
    elif isinstance(refused, PriceUnknown):
        st.button(
            t("generate.unpriced"),
            icon=":material/paid:",
            key="unpriced",
            on_click=press,
            args=(*mine.agreed, "unpriced"),
        )


def sample(name: str, product: str) -> None:
    from core.images.sample import sample_photo

    photo = Upload(name=name, data=sample_photo(), sku="SAMPLE-1", product_name=product)
    add(desk, mine, "sample", photo)


def opened() -> tuple[str | None, TaskView | None]:
    """The task of the link, else this session's last; without its view while the database is away."""
    key = (link.one("task") if mine.shown else None) or mine.task
    if not key:
        return None, None
    try:
        view = unchanged("task", key, lambda: generation.view(desk, key), holds=lambda view: not view.pending)
    except NotFound as error:
        mine.task, mine.shown, mine.refused = None, True, error
        link.write({"task": ()})
        return None, None
    except PackshotError:
        return key, None
    link.write({"task": [key]})
    mine.task, mine.shown = key, True
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
        section(t("generate.empty_title"), align="center")
        st.caption(t("generate.empty"), text_alignment="center")
        if not mine.photos:
            st.button(
                t("generate.sample"),
                icon=":material/photo_camera:",
                key="try-sample",
                on_click=sample,
                args=(t("generate.sample_name"), t("generate.sample_product")),
            )


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
        from pages.ui.results import results  # The first page does without it.

        results(key, view)
    else:
        nothing_yet()

photos, order = len(mine.photos), standing(desk)
total = photos * order.outputs
with st.bottom:
    if refused := mine.refused:
        show(refused)
        choices(refused)
        mine.refused = None
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
mine.drawn = True
