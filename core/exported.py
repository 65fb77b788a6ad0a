"""One picture as the file that leaves the desk, and its line in the manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.errors import (
    MetadataLost,
    NotApproved,
    NotFound,
    ObjectDiffers,
    ObjectError,
    PackshotError,
    StorageError,
)
from core.images import metadata
from core.images.plain import plain_jpeg
from core.language import Words
from core.manifest import Value
from core.model import OutputState, PhotoRole, ReviewState
from core.storage import ObjectStore


@dataclass(frozen=True, kw_only=True)
class Item:
    """One picture of an export."""

    output_id: int
    key: str
    sku: str
    title: str
    """The product's name, or that of its file."""
    thumb_key: str | None
    role: PhotoRole
    name: str
    """Of the file; its ending follows what a channel takes."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """A file that is ready to leave. `error` says why there is none; `data` is empty then."""

    name: str
    data: bytes = field(default=b"", repr=False)
    sha256: str | None = None
    width: int | None = None
    height: int | None = None
    source_type: str = ""
    steps: Sequence[str] = ()
    """What was done to it beside the encoding."""
    error: PackshotError | None = None


def make(store: ObjectStore, item: Item, row: Any) -> Made:
    """The file of a picture, with the term of IPTC in it; `row` is its lineage, or None.

    What is wrong with this one picture stands in `error`; a store that is away raises its StorageError.
    """
    try:
        return _made(store, item, row)
    except PackshotError as error:
        if isinstance(error, StorageError) and not isinstance(error, ObjectError):
            raise
        return Made(name=item.name, error=error)


def _made(store: ObjectStore, item: Item, row: Any) -> Made:
    if row is None:
        raise NotFound("output", item.key)
    if row.review != ReviewState.APPROVED or row.state != OutputState.SUCCEEDED:
        raise NotApproved()
    data = store.get(row.object_key)
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise ObjectDiffers(row.object_key)
    term = metadata.source_type_of(row.provider)
    ready = plain_jpeg(data, source_type=term)
    if (found := metadata.source_type(ready.data)) != term:
        raise MetadataLost(term, found)
    steps = {"flattened": ready.flattened, "srgb": ready.converted}
    return Made(
        name=item.name,
        data=ready.data,
        sha256=hashlib.sha256(ready.data).hexdigest(),
        width=ready.width,
        height=ready.height,
        source_type=term,
        steps=[step for step, done in steps.items() if done],
    )


def line(item: Item, row: Any, made: Made, words: Words, **export: Value) -> dict[str, Value]:
    """The line of a picture by the names of `core.manifest.COLUMNS`; `export` is what all lines share."""
    number = item.name.rpartition(".")[0].rpartition("_")[2]
    values: dict[str, Value] = {
        **export,
        "exported": "no" if made.error else "yes",
        "sku": item.sku,
        "role": item.role.value,
        "number": int(number),
        "output": item.key,
    }
    if made.error:
        values["reason"] = reason(made.error, words)
    else:
        values |= {
            "file": made.name,
            "width": made.width,
            "height": made.height,
            "bytes": len(made.data),
            "sha256": made.sha256,
            "digital_source_type": made.source_type,
            "steps": "; ".join(made.steps),
        }
    if row is not None:
        values |= {name: getattr(row, column) for name, column in _LINEAGE.items()}
        values["parameters"] = json.dumps(row.parameters, ensure_ascii=False) if row.parameters else ""
        values["cost_usd"] = None if row.cost_micros is None else row.cost_micros / 1_000_000
        values |= {name: _moment(getattr(row, column)) for name, column in _TIMES.items()}
    return values


def reason(error: PackshotError, words: Words) -> str:
    """Why a picture stays behind."""
    return words.sentence(error.kind, error.data, about="export").replace("`", "")


_LINEAGE = {
    name: name
    for name in (
        "product_name", "preset", "preset_version", "prompt", "style", "ratio", "size", "provider", "model",
        "model_version", "reviewer",
    )
} | {
    "review_note": "note",
    "request_id": "provider_request_id",
    "source_file": "original_name",
    "source_type": "original_type",
    "source_sha256": "original_sha256",
    "picture_sha256": "sha256",
    "task": "task_key",
    "made_by": "created_by",
}  # fmt: skip
"""Columns of the manifest that are columns of the database."""
_TIMES = {"made_at": "finished_at", "reviewed_at": "reviewed_at"}


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="seconds")
