"""One picture with all that is known of it, in a drawer at the right."""

from __future__ import annotations

import html

import streamlit as st

from core import again, history, lineage, studio
from core.errors import NotFound, PackshotError
from core.history import Details
from core.model import Actor, OutputState, Upload
from pages.ui import link, navigation
from pages.ui.approve import approve_section
from pages.ui.deleting import deleting
from pages.ui.evidence import evidence
from pages.ui.facts import table as facts_table
from pages.ui.hand import Hand, hand
from pages.ui.lineage import timeline
from pages.ui.results import file_name
from pages.ui.shell import section
from pages.ui.tray import add
from pages.ui.trouble import harmless, show
from pages.ui.words import local, money, plain, preset_name, provider_name, t, words

_COLORS = {"to_review": "gray", "approved": "green", "rejected": "red"}


def look_at(key: str) -> None:
    """Open the drawer, in a callback: its picture stands in the address, which can be sent to somebody."""
    link.write({"output": [key]})
    st.rerun()  # The drawer belongs to the page, whatever part of it was pressed.


def drawer() -> None:
    """The drawer of the address, if there is one; a key that is not there says so."""
    mine = hand()
    if _leaves(mine):
        mine.leave = False
        _close()
        query = {"task": mine.task} if mine.task else None
        st.switch_page(navigation.page("generate"), query_params=query)
    key = link.one("output")
    if not key:
        return
    try:
        found = history.details(studio.current(), key)
    except PackshotError as error:
        if isinstance(error, NotFound):
            _close()
        show(error)
        return
    title = plain(found.photo.product_name or found.photo.original_name)
    st.dialog(title, width=560, position="right", on_dismiss=_close)(lambda: _drawer(found))()


def _leaves(mine: Hand) -> bool:
    return not mine.shown or bool(mine.prefill) or mine.leave


def _close() -> None:
    link.write({"output": ()})


def _again(key: str) -> None:
    mine = hand()
    try:
        mine.task = again.make(studio.current(), key, by=Actor.local())
        mine.shown = False
    except PackshotError as error:
        mine.refused = error


def _change(found: Details) -> None:
    desk, mine = studio.current(), hand()
    try:
        add(desk, mine, f"again-{found.output.key}", again.upload_of(desk, found.photo))
        mine.prefill = again.order_of(found.task)
    except PackshotError as error:
        mine.refused = error


def _as_input(found: Details) -> None:
    desk, mine, output = studio.current(), hand(), found.output
    try:
        data = desk.store.get(output.object_key or "")
        name, photo = file_name(found.photo, output), found.photo
        made = Upload(name=name, data=data, sku=photo.sku, product_name=photo.product_name)
        add(desk, mine, f"result-{output.key}", made)
        mine.leave = True
    except PackshotError as error:
        mine.refused = error


def _neighbours(key: str) -> None:
    """To the pictures before and after it on the page behind."""
    keys: list[str] = st.session_state.get("history-keys", [])
    if key not in keys:
        return
    at = keys.index(key)
    with st.container(horizontal=True):
        for name, arrow, to in (("previous", "left", at - 1), ("next", "right", at + 1)):
            there = 0 <= to < len(keys)
            st.button(
                t(f"gallery.{name}"),
                icon=f":material/chevron_{arrow}:",
                type="tertiary",
                key=f"drawer-{name}",
                disabled=not there,
                on_click=look_at,
                args=(keys[to] if there else key,),
            )


def _drawer(found: Details) -> None:
    desk, output, photo, task = studio.current(), found.output, found.photo, found.task
    mine = hand()
    if _leaves(mine):
        st.rerun()  # The page goes to Generate.
    if output.object_key:
        alt = html.escape(photo.product_name or photo.original_name, quote=True)
        source = html.escape(desk.link(output.object_key), quote=True)
        st.html(f'<img class="packshot-large" src="{source}" alt="{alt}">')
    if output.error_kind:
        say = harmless(output.error_kind, output.error_data)
        st.error(f"**{words().title(output.error_kind)}**  \n{say}", icon=":material/error:")
    with st.container(horizontal=True, gap="small"):
        if output.state is OutputState.SUCCEEDED:
            st.badge(t(f"review.{output.review}"), color=_COLORS[output.review])  # type: ignore[arg-type]
        else:
            st.badge(t(f"state.{output.state}"), color="gray")
        st.badge(f"{plain(preset_name(task.preset))} v{task.preset_version}", color="gray")
        if output.state is OutputState.SUCCEEDED:
            st.badge(plain(money(output.cost_micros)), color="gray")
        for tag in found.tags:
            st.badge(plain(tag), icon=":material/sell:", color="blue")
    if error := mine.refused:
        show(error)
        mine.refused = None
    if output.deleted_at:
        deleting(output)
    with st.container(horizontal=True):
        st.button(
            t("details.again"),
            icon=":material/refresh:",
            type="primary",
            key="again-now",
            on_click=_again,
            args=(output.key,),
        )
        st.button(
            t("details.change"), icon=":material/edit:", key="again-changed", on_click=_change, args=(found,)
        )
        if output.object_key:
            st.link_button(
                t("gallery.download"),
                desk.link(output.object_key, download=file_name(photo, output)),
                icon=":material/download:",
            )
            st.button(
                t("details.as_input"),
                icon=":material/add_photo_alternate:",
                key="as-input",
                on_click=_as_input,
                args=(found,),
            )
        with st.popover(t("details.link"), icon=":material/link:"):
            st.code(f"{st.context.url or ''}?output={output.key}", language=None, wrap_lines=True)
        if not output.deleted_at:
            deleting(output)
    _neighbours(output.key)
    evidence(found)
    if output.state is OutputState.SUCCEEDED and not output.deleted_at:
        approve_section(output.key)
    with st.expander(t("details.prompt")):
        st.code(photo.prompt, language=None, wrap_lines=True)
        if photo.description:
            said = facts_table(photo.description)
            st.table({label: plain(value) for label, value in said.items()}, border="horizontal")
    section(t("details.steps"))
    story = lineage.of(desk, found)
    timeline(story)
    size = f"{output.width} × {output.height}" if output.width else "-"
    facts = {
        "details.sku": photo.sku or "-",
        "details.model": f"{provider_name(output.provider)} · {output.model_version or output.model}",
        "details.size": size,
        "details.took": "-" if output.latency_ms is None else f"{output.latency_ms / 1000:.1f} s",
        "details.made": f"{local(output.finished_at or output.created_at):%Y-%m-%d %H:%M:%S}",
        "details.file": f"{photo.original_name} · {photo.original_type} · "
        f"{photo.original_bytes / 1e6:.1f} MB",
        "details.request": output.provider_request_id or "-",
    }
    facts["details.asked"] = f"{task.ratio} · {task.size}"
    for name, values in (("parameters", task.parameters), ("usage", story.usage)):
        if values:
            facts[f"details.{name}"] = " · ".join(f"{key} {value}" for key, value in values.items())
    if "cutout_confidence" in output.notes:
        facts["details.confidence"] = f"{output.notes['cutout_confidence']:.0%}"
    notes = output.notes
    if notes.get("fitted"):
        width, height = notes["returned"]
        facts["details.fitted"] = t(f"details.fitted.{notes['fitted']}", width=width, height=height)
    if notes.get("smaller"):
        (width, height), (wide, high) = notes["returned"], notes["asked"]
        facts["details.smaller"] = t("details.smaller.say", width=width, height=height, wide=wide, high=high)
    if photo.flattened:
        facts["details.flattened"] = t("yes")
    st.table({t(key): plain(value) for key, value in facts.items()}, border="horizontal")
    st.page_link(
        navigation.page("generate"),
        label=t("details.task"),
        icon=":material/open_in_new:",
        query_params={"task": task.key},
    )
