"""One picture as the file that leaves the desk, and its line in the manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.checks.fix import Step, prepare
from core.checks.judge import Finding, Result
from core.checks.rules import Channel
from core.checks.words import measured, step, wanted
from core.errors import (
    ChannelRefused,
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
    steps: Sequence[Step] = ()
    """What was done to it."""
    findings: Sequence[Finding] = ()
    """What the channel's rules measured in the file, or in the one that was refused."""
    error: PackshotError | None = None


def make(store: ObjectStore, item: Item, row: Any, channel: Channel | None) -> Made:
    """The file of a picture for `channel`, with the term of IPTC in it; `row` is its lineage, or None.

    What is wrong with this one picture stands in `error`; a store that is away raises its StorageError.
    """
    try:
        return _made(store, item, row, channel)
    except PackshotError as error:
        if isinstance(error, StorageError) and not isinstance(error, ObjectError):
            raise
        findings = error.findings if isinstance(error, ChannelRefused) else ()
        return Made(name=item.name, findings=findings, error=error)


def _made(store: ObjectStore, item: Item, row: Any, channel: Channel | None) -> Made:
    if row is None:
        raise NotFound("output", item.key)
    if row.review != ReviewState.APPROVED or row.state != OutputState.SUCCEEDED:
        raise NotApproved()
    data = store.get(row.object_key)
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise ObjectDiffers(row.object_key)
    term = metadata.source_type_of(row.provider)
    if channel is None:
        made = _plain(data, item, term)
    else:
        # A reason is given for the rules that were not met then, and for no others.
        allowed = {one["rule"] for one in row.approved_with or () if one["result"] == Result.FAILED}
        if row.approved_for != channel.name or not row.override:
            allowed = set()
        made = _fitted(data, item, term, channel, allowed=allowed)
    if (found := metadata.source_type(made.data)) != term:
        raise MetadataLost(term, found)
    return made


def _plain(data: bytes, item: Item, term: str) -> Made:
    ready = plain_jpeg(data, source_type=term)
    done = {"flattened": ready.flattened, "srgb": ready.converted}
    return Made(
        name=item.name,
        data=ready.data,
        sha256=hashlib.sha256(ready.data).hexdigest(),
        width=ready.width,
        height=ready.height,
        source_type=term,
        steps=[Step(kind=kind) for kind, true in done.items() if true],
    )


def _fitted(data: bytes, item: Item, term: str, channel: Channel, *, allowed: Set[str]) -> Made:
    """Raises ChannelRefused where a rule that blocks is not met, unless somebody `allowed` just that one."""
    ready = prepare(data, channel, source_type=term)
    blocking = [one for one in ready.findings if one.result is Result.FAILED and one.rule.id not in allowed]
    if blocking:
        raise ChannelRefused(channel.title, len(blocking), ready.findings)
    return Made(
        name=f"{item.name.rpartition('.')[0]}.{ready.extension}",
        data=ready.data,
        sha256=hashlib.sha256(ready.data).hexdigest(),
        width=ready.width,
        height=ready.height,
        source_type=term,
        steps=ready.steps,
        findings=ready.findings,
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
        "findings": "; ".join(_finding(words, one) for one in made.findings if one.result is not Result.MET),
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
            "steps": "; ".join(step(words, one) for one in made.steps),
        }
    if row is not None:
        values |= {name: getattr(row, column) for name, column in _LINEAGE.items()}
        values["parameters"] = json.dumps(row.parameters, ensure_ascii=False) if row.parameters else ""
        values["reviewer"] = row.reviewer_name or row.reviewer
        values["cost_usd"] = None if row.cost_micros is None else row.cost_micros / 1_000_000
        values |= {name: _moment(getattr(row, column)) for name, column in _TIMES.items()}
    return values


def _finding(words: Words, finding: Finding) -> str:
    rule = finding.rule
    return f"{rule.id} {finding.result}: {measured(words, finding)} ({wanted(words, rule)})"


def reason(error: PackshotError, words: Words) -> str:
    """Why a picture stays behind."""
    return words.sentence(error.kind, error.data, about="export").replace("`", "")


_LINEAGE = {
    name: name
    for name in (
        "product_name", "preset", "preset_version", "prompt", "style", "ratio", "size", "provider", "model",
        "model_version", "approved_for", "override",
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
