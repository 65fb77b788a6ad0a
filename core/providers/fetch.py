"""Load a picture that a paid answer only links to."""

from __future__ import annotations

import ipaddress
import socket
import time
from urllib.parse import urlsplit

import httpx

from core.errors import NotFetched

_LIMIT = 64_000_000
_TRIES = 3
_SECONDS = 120.0


def fetch(link: str, *, home: str) -> bytes:
    """GET up to three times: reading again is free. No credentials are sent, no redirect is followed.

    Only http and https, and never a private address unless `home`, the gateway that gave the link, is on
    one too; the address that was looked up is the one that is connected to. Raises NotFetched, which names
    the host and never the link: a signed link is a key.
    """
    host = ""
    for attempt in range(_TRIES):
        try:
            host = urlsplit(link).hostname or ""
            return _get(link, home)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as exc:
            if attempt == _TRIES - 1 or isinstance(exc, (_Refused, httpx.InvalidURL)):
                raise NotFetched(host) from exc
            time.sleep(attempt + 1)
    raise NotFetched(host)


class _Refused(ValueError):
    """The link leads where it must not."""


def _get(link: str, home: str) -> bytes:
    parts = urlsplit(link)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _Refused("no http address")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _address(parts.hostname, port, inside=_is_inside(home))
    url = httpx.URL(link).copy_with(host=address, username=None, password=None)
    named = parts.netloc.rpartition("@")[2]
    deadline = time.monotonic() + _SECONDS
    body = bytearray()
    with (
        httpx.Client(timeout=httpx.Timeout(60.0, connect=5.0), headers={"host": named}) as client,
        client.stream("GET", url, extensions={"sni_hostname": parts.hostname}) as response,
    ):
        if response.status_code != 200:
            raise ValueError(f"HTTP {response.status_code}")
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > _LIMIT or time.monotonic() > deadline:
                raise ValueError("too large or too slow")
    if not body:
        raise ValueError("nothing came")
    return bytes(body)


def _address(host: str, port: int, *, inside: bool) -> str:
    """The address to connect to. Raises _Refused for one that outsiders have no business at."""
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        if not address.is_global and not (inside and not address.is_link_local):
            raise _Refused("a private address")
    return found[0]


def _is_inside(home: str) -> bool:
    host = urlsplit(home).hostname or ""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return any(not ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_global for entry in found)
