"""Generate: photos, a look, one press, and the pictures as they come."""

from __future__ import annotations

import uuid

import streamlit as st

from core import generation, presets, studio
from core.errors import NotFound, PackshotError
from core.intake import MAX_PHOTOS
from core.model import Actor, Order
from pages.ui.looks import looks, picture
from pages.ui.results import results
from pages.ui.tray import tray
from pages.ui.trouble import show
from pages.ui.words import money, plain, t

desk = studio.current()
state = st.session_state
state.setdefault("draft", str(uuid.uuid4()))

view = None
if wanted := st.query_params.get("task"):
    try:
        view = generation.view(desk, wanted)
    except NotFound as error:
        del st.query_params["task"]
        show(error)


def press() -> None:
    """Runs before the page is drawn again, without any call that a second click could stop half-way."""
    uploads, order = state["ready"]
    try:
        key = generation.submit(desk, uploads, order, by=Actor.local(), key=state["draft"])
    except PackshotError as error:
        state["refused"] = error
        return
    state["draft"] = str(uuid.uuid4())
    state["uploader"] = state.get("uploader", 0) + 1
    for name in ("sample", "again"):
        state.pop(name, None)
    st.query_params["task"] = key


st.title(t("generate.title"), anchor=False)
if refused := state.pop("refused", None):
    show(refused)

body = st.container(key="generate")
left, right = body.columns([5, 8], gap="medium")

with left:
    if desk.settings.provider == "local":
        st.info(t("generate.no_key"), icon=":material/key_off:")
    uploads = tray(desk)

    st.header(t("generate.look"), anchor=False)
    all_presets = presets.all_presets()
    if prefill := state.pop("prefill", None):
        state["look-kept"] = prefill.preset
        state["style"], state["ratio"], state["size"] = prefill.style, prefill.ratio, prefill.size
    preset = presets.find(looks(all_presets, key="look", default=all_presets[0].name))
    provider = desk.providers[desk.settings.provider]
    if provider.name == "local" and not preset.plain_background:
        st.caption(t("generate.local_look"))

    if state.get("look-was") != preset.name:
        # A new look brings its own ratio, size and count, unless an order was taken over.
        if not prefill:
            state.update(ratio=preset.ratio, size=preset.size, outputs=preset.outputs)
        state["look-was"] = preset.name
    models = provider.models()
    with st.expander(t("generate.details"), icon=":material/tune:"):
        if preset.takes_style:
            st.text_area(
                t("generate.style"),
                placeholder=t("generate.style_hint"),
                height=68,
                max_chars=2000,
                key="style",
                persist_state="session",
            )
        else:
            state.setdefault("style", "")
        model_name = st.selectbox(
            t("generate.model"),
            [model.name for model in models],
            format_func=lambda name: f"{t('provider.' + provider.name)} · {name}",
            key="model",
            persist_state="session",
        )
        model = next((model for model in models if model.name == model_name), models[0])
        state["ratio"], state["size"] = model.nearest(state["ratio"], state["size"])
        st.segmented_control(
            t("generate.ratio"), model.ratios, required=True, key="ratio", persist_state="session"
        )
        st.segmented_control(
            t("generate.size"), model.sizes, required=True, key="size", persist_state="session"
        )
        parameters: dict[str, object] = {}
        if provider.name == "local":
            fill = st.slider(
                t("generate.fill"), 30, 100, 85, 5, format="%d%%", key="fill", persist_state="session"
            )
            shadow = st.toggle(t("generate.shadow"), key="shadow", persist_state="session")
            parameters = {"fill": fill / 100, "shadow": shadow}
    st.segmented_control(
        t("generate.outputs"), [1, 2, 3, 4, 5], required=True, key="outputs", persist_state="session"
    )

with right:
    if view:
        results(view.task.key)
    else:
        with st.container(
            height=520, border=False, horizontal_alignment="center", vertical_alignment="center"
        ):
            st.html(
                '<div style="display:flex;gap:16px;align-items:center;justify-content:center">'
                f'<img src="{picture("before")}" alt="{plain(t("generate.source"))}" width="150" '
                'style="border-radius:8px"><span aria-hidden="true">→</span>'
                f'<img src="{picture("after")}" alt="{plain(t("generate.result"))}" width="150" '
                'style="border-radius:8px"></div>'
            )
            st.header(t("generate.empty_title"), anchor=False, text_alignment="center")
            st.caption(t("generate.empty"), text_alignment="center")
            if not uploads:
                st.button(
                    t("generate.sample"),
                    icon=":material/photo_camera:",
                    key="try-sample",
                    on_click=lambda: state.update(sample=True),
                )

order = Order(
    preset=preset.name,
    outputs=state["outputs"] or 1,
    ratio=state["ratio"],
    size=state["size"],
    provider=provider.name,
    model=model.name,
    style=state.get("style") or "",
    parameters=parameters,
)
state["ready"] = (uploads, order)
total = len(uploads) * order.outputs
with (
    st.bottom,
    st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right", key="bar"),
):
    if not uploads:
        say = t("generate.add")
    elif len(uploads) > MAX_PHOTOS:
        say = t("generate.too_many", n=MAX_PHOTOS)
    else:
        price = money(generation.estimate(desk, order, len(uploads)))
        photos = t("generate.photos_count", n=len(uploads))
        say = t("generate.sum", photos=photos, each=order.outputs, n=total, price=plain(price))
    st.markdown(say, width="stretch")
    st.button(
        t("generate.press", n=total) if uploads else t("generate.title"),
        type="primary",
        icon=":material/auto_awesome:",
        disabled=not 1 <= len(uploads) <= MAX_PHOTOS,
        shortcut="Ctrl+Enter",
        key="press",
        on_click=press,
    )
