"""The photos of the next task: from files, a folder, the camera, paste, the sample, or an earlier task."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Literal

import streamlit as st

from core.errors import PhotoRefused
from core.images.decode import preview
from core.intake import MAX_PHOTOS
from core.model import Upload
from core.studio import Studio
from pages.ui import facts
from pages.ui.component import component
from pages.ui.hand import Chosen, Hand, hand
from pages.ui.trouble import sentence
from pages.ui.words import plain, t

_component = component("tray", '<div class="tray"></div>')
_SHOWN = 8
"""More refusals than this are counted, not listed."""


def tray(desk: Studio) -> None:
    """Draw the ways in and what was taken."""
    mine = hand()
    way = st.segmented_control(
        t("generate.photos"),
        ["files", "folder", "camera"],
        format_func=lambda key: t(f"generate.{key}"),
        default="files",
        required=True,
        key="way",
        width="stretch",
        persist_state="session",
    )
    if way == "camera":
        shot = st.camera_input(
            t("generate.camera"), label_visibility="collapsed", key=f"camera-{mine.uploader}"
        )
        files = [shot] if shot else []
    else:
        files = st.file_uploader(
            t("generate.drop"),
            accept_multiple_files=True if way == "files" else "directory",
            label_visibility="collapsed",
            key=f"up-{way}-{mine.uploader}",
            # Files a little over the limit come here to be refused by name, in the reader's language.
            max_upload_size=max(1, round(desk.settings.max_upload_mb * 4)),
        )
    new = [file for file in files if file.file_id not in mine.taken]
    if new:
        named = [(file.file_id, PurePath(file.name).name, file.getvalue()) for file in new]
        take(desk, [one for one in named if not one[1].startswith(".") and one[1] != "Thumbs.db"])
        mine.taken |= {file.file_id for file in new}
    if refused := mine.not_taken:
        lines = [said if isinstance(said, str) else sentence(said) for said in refused]
        more = [t("generate.more_refused", n=len(lines) - _SHOWN)] if len(lines) > _SHOWN else []
        st.warning("  \n".join(lines[:_SHOWN] + more), icon=":material/image_not_supported:")
    if photos := mine.photos:
        _component(
            key="tray",
            data={
                "photos": [{"id": key, "name": p.name, "small": p.small} for key, p in photos.items()],
                "remove": t("generate.remove"),
            },
            on_remove_change=_remove,
        )


def take(desk: Studio, found: Sequence[tuple[str, str, bytes]]) -> None:
    """Put (id, name, bytes) into the tray; what can't be used is told by name, the others stay."""
    mine = hand()
    room = max(0, MAX_PHOTOS - len(mine.photos))
    left_out = len(found) - room
    told = [t("generate.left_out", n=left_out, most=MAX_PHOTOS)] if left_out > 0 else []
    looks = list(desk.pool.map(lambda one: _look(desk, one), found[:room]))
    mine.not_taken = [*told, *(look for look in looks if isinstance(look, PhotoRefused))]
    for (key, _, _), look in zip(found, looks, strict=False):
        if isinstance(look, Chosen):
            mine.photos[key] = look
    facts.remember(desk, mine, [key for key, _, _ in found])


def add(desk: Studio, mine: Hand, key: str, upload: Upload) -> None:
    """One photo with its SKU and name, as the sample and earlier tasks bring it."""
    look = _look(desk, (key, upload.name, upload.data))
    if isinstance(look, PhotoRefused):
        mine.not_taken = [look]
    else:
        mine.photos[key] = replace(
            look, sku=upload.sku, product_name=upload.product_name, facts=upload.description
        )


def naming() -> None:
    """SKU, product name and facts of each photo."""
    for key, photo in hand().photos.items():
        with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
            small = f'<img src="{photo.small}" alt="{html.escape(photo.name, quote=True)}">'
            st.html(f'<div class="packshot-small">{small}</div>', width=40)
            _text("sku", key, photo.name, photo.sku, most=128, width=130)
            _text("product", key, photo.name, photo.product_name, most=300, width="stretch")
        facts.edit(key, photo)


def _text(what: str, key: str, name: str, given: str, *, most: int, width: int | Literal["stretch"]) -> None:
    label = t(f"generate.{what}")
    st.session_state.setdefault(f"{what}-{key}", given)
    st.text_input(
        f"{label} · {plain(name)}",
        st.session_state[f"{what}-{key}"],
        max_chars=most,
        placeholder=label,
        key=f"{what}-{key}",
        label_visibility="collapsed",
        width=width,
        persist_state="session",
    )


def uploads() -> list[Upload]:
    """What a press would send."""
    state = st.session_state
    return [
        Upload(
            name=photo.name,
            data=photo.data,
            sku=state.get(f"sku-{key}", photo.sku) or "",
            product_name=state.get(f"product-{key}", photo.product_name) or "",
            description=facts.standing(key, photo),
        )
        for key, photo in hand().photos.items()
    ]


def _remove() -> None:
    key = str(st.session_state["tray"]["remove"])
    hand().photos.pop(key, None)


def _look(desk: Studio, one: tuple[str, str, bytes]) -> Chosen | PhotoRefused:
    _, name, data = one
    settings = desk.settings
    try:
        small = preview(data, name=name, max_bytes=settings.max_bytes, max_pixels=settings.max_pixels)
    except PhotoRefused as error:
        return error
    url = "data:image/jpeg;base64," + base64.b64encode(small).decode()
    return Chosen(name=name, data=data, small=url)
