"""The seam to object storage: bytes under keys, never written twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class ObjectInfo:
    key: str
    bytes: int
    modified: datetime
    """When it was stored, in UTC, by the store's own clock."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One page of a listing, in key order; `after` starts the next page, None is the end."""

    objects: tuple[ObjectInfo, ...]
    after: str | None


class ObjectStore(Protocol):
    """Every method raises `core.errors.StorageError` kinds and nothing else on a foreseen failure."""

    name: str
    """Written on rows: which store holds their objects."""

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store durably. The same bytes again are fine; other bytes raise ObjectExists."""
        ...

    def get(self, key: str) -> bytes:
        """The bytes; raises ObjectMissing."""
        ...

    def head(self, key: str) -> ObjectInfo | None: ...

    def list(self, prefix: str = "", *, after: str | None = None, limit: int = 1000) -> Listing:
        """Up to `limit` objects, at most 1000, whose keys come after `after`."""
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Delete all that are there; one that is missing is no error."""
        ...

    def link(self, key: str, *, download: str | None = None) -> str:
        """Where a browser loads it: the same text for at least an hour's steps, good for an hour or more.

        With `download` the browser saves it under that file name.
        """
        ...

    def probe(self) -> datetime | None:
        """Can the store be worked with? It leaves nothing there, and asks only a little.

        Returns the store's own time, None where it has no clock beside this machine's.
        """
        ...
