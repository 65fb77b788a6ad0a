"""The pictures of one task as they come."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from core import generation, studio
from core.errors import PackshotError
from core.generation import TaskView
from core.model import Actor, Output, OutputState, Photo, ReviewState
from pages.ui import navigation
from pages.ui.cards import output_card
from pages.ui.export import export_dialog
from pages.ui.gallery import gallery
from pages.ui.hand import hand
from pages.ui.reread import unchanged
from pages.ui.trouble import sentence
from pages.ui.words import chosen, t


def results(key: str, view: TaskView | None) -> None:
    """Show a task; while pictures are to come, look again by itself. `view` is None when it can't be read."""
    fresh = [view] if view else []
    if view is None or view.pending:
        st.fragment(_results, run_every="700ms")(key, fresh, looking=True)
    else:
        with st.container():  # As a fragment stands in one: nothing moves when the last picture comes.
            _results(key, fresh, looking=False)


def _results(key: str, fresh: list[TaskView], *, looking: bool) -> None:
    """`fresh` holds what the page has just read; the runs after that read for themselves. `looking`: they
    come by themselves."""
    try:
        view = fresh.pop() if fresh else generation.view(studio.current(), key)
    except PackshotError as error:
        st.warning(sentence(error), icon=":material/cloud_off:")
        return
    if looking != view.pending:
        st.rerun()  # The whole page, which then looks again, or no more.
    view = replace(view, outputs=tuple(output for output in view.outputs if not output.deleted_at))
    if not view.outputs:
        st.info(t("results.deleted"), icon=":material/delete:")
        return
    _summary(view)
    groups = unchanged("groups", (view, chosen()), lambda: [_group(photo, view) for photo in _left(view)])
    if again := gallery(groups, key=f"results-{key}", minimum=190):
        _act(generation.retry_output, again)
        st.rerun()


def _left(view: TaskView) -> list[Photo]:
    """The photos that have a picture still."""
    of = {output.photo_id for output in view.outputs}
    return [photo for photo in view.photos if photo.id in of]


def _summary(view: TaskView) -> None:
    total, ready = len(view.outputs), view.count(OutputState.SUCCEEDED)
    trouble = view.count(OutputState.FAILED, OutputState.BLOCKED, OutputState.UNKNOWN)
    failed, waiting = view.count(OutputState.FAILED), view.count(OutputState.QUEUED)
    with st.container(horizontal=True, vertical_alignment="center", key="results"):
        say = (
            t("results.trouble", d=ready, n=total, f=trouble)
            if trouble
            else t("results.ready", d=ready, n=total)
        )
        st.markdown(f"**{say}**", width="stretch")
        if failed:
            st.button(
                t("results.retry", n=failed),
                icon=":material/refresh:",
                key="retry-failed",
                on_click=_act,
                args=(generation.retry, view.task.key),
            )
        if waiting:
            st.button(
                t("results.stop"),
                icon=":material/stop:",
                type="tertiary",
                key="stop-waiting",
                on_click=_act,
                args=(generation.stop_waiting, view.task.key),
            )
        approved = [output.key for output in view.outputs if output.review is ReviewState.APPROVED]
        if (
            ready
            and len(approved) == ready
            and st.button(t("export.open"), icon=":material/archive:", key="export")
        ):
            export_dialog(approved)
        if not view.pending and ready:
            st.download_button(
                t("results.download"),
                data=lambda: archive(view),
                file_name=f"packshot-{view.task.key[:8]}.zip",
                mime="application/zip",
                icon=":material/download:",
                key="download-all",
                on_click="ignore",
            )
            st.page_link(
                navigation.page("review"),
                label=t("results.review"),
                icon=":material/rule:",
                query_params={"task": view.task.key},
            )
    if view.pending:
        st.progress((ready + trouble) / total)


def _act(verb: Callable[..., object], key: str) -> None:
    try:
        verb(studio.current(), key, by=Actor.local())
    except PackshotError as error:
        hand().refused = error


def _group(photo: Photo, view: TaskView) -> dict[str, Any]:
    desk = studio.current()
    name = photo.product_name or photo.original_name
    source = {
        "thumb": desk.link(photo.thumb_key),
        "image": desk.link(photo.object_key),
        "alt": t("generate.source"),
        "name": name,
        "small": photo.sku,
    }
    items = [
        output_card(output, name=name, sku=photo.sku)
        for output in view.outputs
        if output.photo_id == photo.id
    ]
    return {"id": photo.key, "source": source, "items": items}


def archive(view: TaskView) -> bytes:
    """The pictures of a task as one zip; made when it is asked for."""
    desk = studio.current()
    names = {photo.id: photo for photo in view.photos}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for output in view.outputs:
            if output.state is OutputState.SUCCEEDED and output.object_key:
                try:
                    archive.writestr(
                        file_name(names[output.photo_id], output), desk.store.get(output.object_key)
                    )
                except PackshotError as error:
                    archive.writestr(f"{output.key}.txt", sentence(error))
    return out.getvalue()


def file_name(photo: Photo, output: Output) -> str:
    """What a browser saves a picture as: the SKU or the source's name, the number, the type."""
    stem = photo.sku or photo.original_name.rsplit(".", 1)[0]
    safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in stem)[:80] or "picture"
    extension = (output.object_key or ".jpg").rsplit(".", 1)[-1]
    return f"{safe}_{photo.position}_{output.variant}.{extension}"
