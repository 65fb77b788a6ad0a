"""Signed, expiring links: /pictures/{token} and /exports/{token}."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from itsdangerous import BadData, URLSafeSerializer

STEP = 3600
"""Seconds for which a link stays the same text."""
LIFE = 2 * STEP
"""Seconds from the start of its hour for which a link is good."""
KEPT = 8192
"""Links that are remembered; each is about 300 bytes."""


def disposition(name: str) -> str:
    """The Content-Disposition that saves a file as `name`, in whatever script."""
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


@dataclass(frozen=True, kw_only=True)
class PictureLink:
    key: str
    download: str | None
    expires: int
    """Seconds since 1970."""


class LinkSigner:
    """Makes and reads tokens. The expiry is rounded to the hour, so that replicas with the same
    secret give the same link and the browser's cache works."""

    def __init__(self, secret: str, *, clock: Callable[[], float] = time.time) -> None:
        self._serializer = URLSafeSerializer(secret, salt="pictures")
        self._exports = URLSafeSerializer(secret, salt="exports")
        self._clock = clock
        # A page of 48 pictures asks for some 200 links at every rerun, and they are the same for an hour.
        self._token = lru_cache(KEPT)(self._sign)

    def link(self, key: str, *, download: str | None = None) -> str:
        """A path on this server, good for one to two hours."""
        expires = int(self._clock()) // STEP * STEP + LIFE
        return f"/pictures/{self._token(key, expires, download)}"

    def _sign(self, key: str, expires: int, download: str | None) -> str:
        return str(self._serializer.dumps([key, expires, download]))

    def read(self, token: str) -> PictureLink | None:
        """What a token stands for; None for a forged, malformed or expired one."""
        try:
            key, expires, download = self._serializer.loads(token)
        except (BadData, ValueError, TypeError):
            return None
        if not isinstance(expires, int) or expires <= self._clock():
            return None
        return PictureLink(key=key, download=download, expires=expires)

    def export_link(self, key: str) -> str:
        """Where a browser loads an export, good for one to two hours."""
        expires = int(self._clock()) // STEP * STEP + LIFE
        return f"/exports/{self._exports.dumps([key, expires])!s}"

    def read_export(self, token: str) -> str | None:
        """The key of the export that a token stands for; None for a forged, malformed or expired one."""
        try:
            key, expires = self._exports.loads(token)
        except (BadData, ValueError, TypeError):
            return None
        return key if isinstance(expires, int) and expires > self._clock() and isinstance(key, str) else None
