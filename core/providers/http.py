"""One HTTP call to a provider: sent once, bounded, and every failure named by whether it was sent."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from core.errors import Auth, NotSent, OutcomeUnknown, ProviderError

_CONNECT = 5.0
_WRITE = 60.0
_LOOK = 5.0
_BODY_TIME = 60.0
"""Seconds that a body may take beyond the wait for its first byte."""
MAX_BODY = 128_000_000
"""Bytes of an answer that are read: several 4K pictures in base64."""
_BEFORE_SENDING = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A whole answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


def open_client(*, concurrency: int) -> httpx.Client:
    """A pool for one provider: follows no redirect and repeats nothing. Whoever opened it closes it."""
    # Their lines at INFO and DEBUG hold addresses and headers: links that are signed, and keys.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Two more than there are pictures at once: the doctor looks while all places are taken.
    limits = httpx.Limits(max_connections=concurrency + 2, max_keepalive_connections=concurrency)
    return httpx.Client(headers={"accept": "application/json"}, limits=limits)


def usable_key(key: str) -> str:
    """A key as a header can carry it. Raises Auth: httpx would name a bad one in its message."""
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise Auth()
    return key


def post(client: httpx.Client, url: str, headers: Mapping[str, str], *, read: float, **body: Any) -> Reply:
    """Send once (`json`, or `data` and `files`) and wait up to `read` seconds for the first byte.

    Raises NotSent when nothing left this machine, OutcomeUnknown when it may have arrived and no whole
    answer came back.
    """
    timeout = httpx.Timeout(connect=_CONNECT, read=read, write=_WRITE, pool=_CONNECT)
    try:
        request = client.build_request("POST", url, headers=headers, timeout=timeout, **body)
    except httpx.InvalidURL as exc:
        raise NotSent() from exc
    return _whole(client, request, seconds=read + _BODY_TIME)


def look(client: httpx.Client, url: str, headers: Mapping[str, str]) -> Reply:
    """A free GET of at most a few seconds. Raises NotSent: there is nothing that could be charged."""
    try:
        request = client.build_request("GET", url, headers=headers, timeout=_LOOK)
        return _whole(client, request, seconds=2 * _LOOK)
    except (httpx.InvalidURL, OutcomeUnknown) as exc:
        raise NotSent() from exc


def _whole(client: httpx.Client, request: httpx.Request, *, seconds: float) -> Reply:
    deadline = time.monotonic() + seconds
    try:
        response = client.send(request, stream=True)
        try:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_BODY or time.monotonic() > deadline:
                    raise OutcomeUnknown()
        finally:
            response.close()
    except _BEFORE_SENDING as exc:
        raise NotSent() from exc
    except httpx.RequestError as exc:
        raise OutcomeUnknown() from exc
    return Reply(status=response.status_code, headers=response.headers, body=bytes(body))


def free(error: ProviderError) -> ProviderError:
    """What an answer to a free question says: nothing can have been charged for it."""
    return NotSent() if error.may_be_charged else error
