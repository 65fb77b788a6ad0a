"""Answers on this machine's disk until their row says so: a paid picture outlives a store or a process.

A file is one answer: a line of JSON with what the provider said of it, then its bytes untouched.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from core.errors import StorageError
from core.providers import ImageAnswer

if TYPE_CHECKING:
    from core.studio import Studio

log = logging.getLogger(__name__)


def keep(studio: Studio, call_key: str, answer: ImageAnswer, latency_ms: int | None) -> bool:
    """Write an answer down; False when the disk can't take it. The store is tried next all the same."""
    head = {
        "cost_micros": answer.cost_micros,
        "model_version": answer.model_version,
        "request_id": answer.request_id,
        "usage": dict(answer.usage),
        "notes": dict(answer.notes),
        "latency_ms": latency_ms,
    }
    try:
        studio.spool.put(_name(call_key), json.dumps(head).encode() + b"\n" + answer.data, "")
    except StorageError as error:
        log.warning("an answer could not be written to the spool: %s", error.kind)
        return False
    return True


def read(studio: Studio, call_key: str) -> tuple[ImageAnswer, int | None]:
    """An answer and its latency in milliseconds. Raises ObjectMissing and other StorageError kinds."""
    head, _, data = studio.spool.get(_name(call_key)).partition(b"\n")
    values = json.loads(head)
    latency_ms = values.pop("latency_ms")
    return ImageAnswer(data=data, **values), latency_ms


def drop(studio: Studio, call_key: str) -> None:
    """Its row is written: the answer is safe elsewhere."""
    try:
        studio.spool.delete([_name(call_key)])
    except StorageError as error:
        log.warning("an answer stays in the spool: %s", error.kind)


def left(studio: Studio) -> list[str]:
    """Keys of the calls whose answers are here. Raises StorageError kinds."""
    keys: list[str] = []
    after = None
    while True:
        page = studio.spool.list(after=after)
        keys += [item.key.removesuffix(_END) for item in page.objects if item.key.endswith(_END)]
        if (after := page.after) is None:
            return keys


_END = ".answer"


def _name(call_key: str) -> str:
    return call_key + _END
