"""The doctor's look at the store: can it be worked with, and do its links open?

Each look returns health, code and data, as `core.doctor.Finding` has them.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from core import clock
from core.errors import StorageDenied, StorageError, StorageListDenied, StorageUnavailable
from core.model import Health
from core.storage.unsigned import open_link
from core.studio import Studio

Look = tuple[Health, str, Mapping[str, Any]]

_SKEW = 60.0
"""Seconds. R2 refuses at 15 minutes."""

_FOLDER = "input/doctor/"


def storage(studio: Studio) -> Look:
    """The store answers, and its clock agrees. Raises StorageError kinds."""
    name = {"name": studio.store.name}
    try:
        at = studio.store.probe()
    except StorageListDenied as error:
        return Health.WARNING, "no_list", {**name, **error.data}
    off = 0.0 if at is None else abs((clock.now() - at).total_seconds())
    if off > _SKEW:
        return Health.WARNING, "skew", {**name, "seconds": round(off)}
    return Health.OK, "ok", name


def links(studio: Studio) -> Look:
    """Where browsers load pictures from."""
    settings = studio.settings
    if settings.public_url_is_s3:
        return Health.WARNING, "s3", {}
    return Health.OK, settings.delivery, {}


def write(studio: Studio) -> Look:
    """Store a picture, list, read back, compare, open its links, remove it; the first that fails is told.

    Raises StorageError kinds.
    """
    data = _picture()
    key = f"{_FOLDER}{uuid.uuid4()}.jpg"
    studio.store.put(key, data, "image/jpeg")
    try:
        found = _read(studio, key, data) or _opened(studio, key, data)
    except StorageError:
        with suppress(StorageError):  # The first error is the one to read.
            studio.store.delete([key])
        raise
    studio.store.delete([key])
    return found or (Health.OK, "ok", {"bytes": len(data)})


def _picture() -> bytes:
    from PIL import Image

    made = io.BytesIO()
    Image.linear_gradient("L").resize((800, 600)).convert("RGB").save(made, "JPEG")
    return made.getvalue()


def _read(studio: Studio, key: str, data: bytes) -> Look | None:
    """What is wrong with reading back; None when nothing is."""
    if studio.store.get(key) != data:
        return Health.FAILED, "differs", {}
    try:
        listed = studio.store.list(key, limit=1).objects
    except StorageDenied as error:
        return Health.WARNING, "no_list", error.data
    return None if [item.key for item in listed] == [key] else (Health.FAILED, "not_listed", {})


def _opened(studio: Studio, key: str, data: bytes) -> Look | None:
    """What is wrong with the links, opened as a browser does; None when nothing is."""
    settings = studio.settings
    link = studio.link(key)
    if link.startswith("/"):
        token = studio.signer.read(link.removeprefix("/pictures/"))
        if token is None or studio.store.get(token.key) != data:
            return Health.FAILED, "link", {"answer": "404"}
    elif wrong := _answer(link, data):
        return Health.FAILED, "public" if settings.delivery == "public" else "link", {"answer": wrong}
    if settings.use_r2_storage and settings.public_url and settings.delivery != "public":
        wrong = _answer(f"{settings.public_url}/{key}", data)
        return (Health.WARNING, "public", {"answer": wrong}) if wrong else None
    return None


def _answer(url: str, data: bytes) -> str | None:
    """What came instead of the picture, in a word or two; None when it is the picture."""
    try:
        opened = open_link(url)
    except StorageUnavailable as error:
        return str(error.data["detail"])
    if opened.status == 200 and opened.data == data:
        return None if opened.content_type == "image/jpeg" else opened.content_type or "-"
    return f"HTTP {opened.status}"
