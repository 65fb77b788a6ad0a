"""The chosen photos: files, folder, camera, paste, sample, or photos of an earlier task."""

from __future__ import annotations

from pathlib import PurePath

import streamlit as st

from core.errors import PhotoRefused
from core.images.decode import preview
from core.model import Upload
from core.studio import Studio
from pages.ui.trouble import sentence
from pages.ui.words import plain, t

_TYPES = ["jpg", "jpeg", "png", "webp", "avif", "heic", "heif"]


def tray(desk: Studio) -> list[Upload]:
    """Draw the ways in and what came; returns the photos that can be used, with SKU and name."""
    state = st.session_state
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(t("generate.photos"), anchor=False, width="content")
        way = st.segmented_control(
            t("generate.photos"),
            ["files", "folder", "camera"],
            format_func=lambda key: t(f"generate.{key}"),
            default="files",
            required=True,
            label_visibility="collapsed",
            key="way",
            persist_state="session",
        )
    number = state.get("uploader", 0)
    if way == "camera":
        shot = st.camera_input(t("generate.camera"), label_visibility="collapsed", key=f"camera-{number}")
        files = [shot] if shot else []
    else:
        files = st.file_uploader(
            t("generate.drop"),
            # A folder holds other files too; they are refused by name below.
            type=_TYPES if way == "files" else None,
            accept_multiple_files=True if way == "files" else "directory",
            label_visibility="collapsed",
            key=f"up-{way}-{number}",
            max_upload_size=max(1, round(desk.settings.max_upload_mb)),
        )
    found = [(file.file_id, PurePath(file.name).name, file.getvalue()) for file in files]
    given: dict[str, tuple[str, str]] = {}
    if state.get("sample"):
        from core.images.sample import sample_photo

        found.append(("sample", t("generate.sample_name"), sample_photo()))
        given["sample"] = ("SAMPLE-1", t("generate.sample_product"))
    if again := state.get("again"):
        found.append(("again", again.name, again.data))
        given["again"] = (again.sku, again.product_name)
    return _checked(desk, found, given)


def _checked(
    desk: Studio, found: list[tuple[str, str, bytes]], given: dict[str, tuple[str, str]]
) -> list[Upload]:
    known: dict[str, bytes | PhotoRefused] = st.session_state.setdefault("previews", {})
    for gone in set(known) - {key for key, _, _ in found}:
        del known[gone]
    for key, name, data in found:
        if key not in known:
            try:
                settings = desk.settings
                known[key] = preview(
                    data, name=name, max_bytes=settings.max_bytes, max_pixels=settings.max_pixels
                )
            except PhotoRefused as error:
                known[key] = error
    for refused in [value for value in known.values() if isinstance(value, PhotoRefused)]:
        st.warning(sentence(refused), icon=":material/image_not_supported:")
    good = [(key, name, data) for key, name, data in found if isinstance(known[key], bytes)]
    uploads = []
    for key, name, data in good:
        small = known[key]
        assert isinstance(small, bytes)
        sku, product = given.get(key, ("", ""))
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"tray-{key}"):
            st.image(small, width=56, alt=plain(name))
            sku = st.text_input(
                t("generate.sku"),
                sku,
                max_chars=128,
                placeholder=t("generate.sku"),
                key=f"sku-{key}",
                label_visibility="collapsed",
                width=150,
                persist_state="session",
            )
            product = st.text_input(
                t("generate.product"),
                product,
                max_chars=300,
                placeholder=t("generate.product_hint", name=name),
                key=f"name-{key}",
                label_visibility="collapsed",
                persist_state="session",
            )
        uploads.append(Upload(name=name, data=data, sku=sku or "", product_name=product or ""))
    if given and st.button(
        t("generate.remove"), icon=":material/close:", type="tertiary", key="remove-given"
    ):
        for name in ("sample", "again"):
            st.session_state.pop(name, None)
        st.rerun()
    return uploads
