"""A store whose acts and refusals are counted; in all else it is the store itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from core.errors import ObjectMissing, StorageError
from core.storage import Listing, ObjectInfo, ObjectStore

_CLASS = {"put": "a", "list": "a", "probe": "a", "get": "b", "head": "b"}
"""How R2 charges what an act sends; a deletion is free."""


class WatchedStore:
    """`asked(store, class)` is told of each act that R2 would charge, `failed(store, act, kind)` of each
    StorageError; a missing object is an answer, no refusal."""

    def __init__(
        self,
        store: ObjectStore,
        *,
        asked: Callable[[str, str], None],
        failed: Callable[[str, str, str], None],
    ) -> None:
        self.name = store.name
        self._store = store
        self._asked = asked
        self._failed = failed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def _watched(self, act: str) -> Iterator[None]:
        if act in _CLASS:
            self._asked(self.name, _CLASS[act])
        try:
            yield
        except ObjectMissing:
            raise
        except StorageError as error:
            self._failed(self.name, act, error.kind)
            raise

    def put(self, key: str, data: bytes, content_type: str) -> None:
        with self._watched("put"):
            self._store.put(key, data, content_type)

    def get(self, key: str) -> bytes:
        with self._watched("get"):
            return self._store.get(key)

    def head(self, key: str) -> ObjectInfo | None:
        with self._watched("head"):
            return self._store.head(key)

    def list(self, prefix: str = "", *, after: str | None = None, limit: int = 1000) -> Listing:
        with self._watched("list"):
            return self._store.list(prefix, after=after, limit=limit)

    def delete(self, keys: Sequence[str]) -> None:
        with self._watched("delete"):
            self._store.delete(keys)

    def probe(self) -> datetime | None:
        with self._watched("probe"):
            return self._store.probe()

    def link(self, key: str, *, download: str | None = None) -> str:
        return self._store.link(key, download=download)
