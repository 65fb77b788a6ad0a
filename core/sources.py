"""Photos in memory: several pictures are made of one, and it is read from the store once, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from cachetools import LRUCache, cachedmethod

_MOST = 64 * 2**20
"""Bytes that are kept."""


class Sources:
    """The photos that were stored or asked for last. Threads may share it."""

    def __init__(self) -> None:
        self._photos: LRUCache[str, bytes] = LRUCache(_MOST, len)
        self._changed = threading.Condition()

    @cachedmethod(lambda self: self._photos, lambda _, key, read: key, condition=lambda self: self._changed)
    def get(self, key: str, read: Callable[[str], bytes]) -> bytes:
        """The photo, by `read` where it is not here. Raises what that raises."""
        return read(key)

    def keep(self, key: str, photo: bytes) -> None:
        """A photo that was stored just now: pictures are made of it without reading it."""
        with self._changed, suppress(ValueError):  # One that is larger than all that is kept.
            self._photos[key] = photo

    def forget(self) -> None:
        """From now on the store is asked: nothing is sent while it is away."""
        with self._changed:
            self._photos.clear()
