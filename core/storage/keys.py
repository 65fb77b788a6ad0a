"""Object keys: where everything lies in a store, and which keys no store may take."""

from __future__ import annotations

import re
from functools import lru_cache

from core.errors import InvalidKey

_RESERVED = {"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(1, 10))}
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*\Z")


def input_key(task: str, photo: str) -> str:
    return f"input/{task}/{photo}.jpg"


def generated_key(task: str, call: str, extension: str) -> str:
    return f"generated/{task}/{call}.{extension}"


FITTED = "-fitted"
"""Ends the name of a copy in the asked shape, beside the answer that it was made of."""


def fitted_key(task: str, call: str, extension: str) -> str:
    return f"generated/{task}/{call}{FITTED}.{extension}"


def thumb_key(task: str, item: str) -> str:
    return f"thumb/{task}/{item}.webp"


def heat_key(task: str, check: str) -> str:
    return f"check/{task}/{check}.webp"


@lru_cache(8192)
def checked(key: str) -> str:
    """`key`, when it is safe on every store and operating system; raises InvalidKey.

    Segments of letters, digits, `_`, `-` and `.`, not starting or ending with a dot, none of Windows'
    reserved names, at most 1024 bytes (R2's limit).
    """
    segments = key.split("/")
    safe = len(key) <= 1024 and all(
        _SEGMENT.match(segment)
        and not segment.endswith(".")
        and segment.split(".")[0].lower() not in _RESERVED
        for segment in segments
    )
    if not safe:
        raise InvalidKey(key)
    return key
