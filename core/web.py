"""HTTP routes beside the pages: liveness, readiness, pictures and exports by signed link."""

from __future__ import annotations

import gc
import hashlib
import ipaddress
import re
import secrets
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from anyio import CancelScope
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from core import doctor, studio
from core.errors import DatabaseError, NotFound, ObjectMissing, StorageError
from core.images.kinds import image_type
from core.metrics import OPEN_METRICS
from core.model import Health
from core.storage.links import disposition

if TYPE_CHECKING:
    from collections.abc import Generator

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

_RANGE = re.compile(r"([0-9]{0,18})-([0-9]{0,18})")

_FORWARDED = {
    "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-server",
    "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip",
}  # fmt: skip


async def health(request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "healthy"})


async def ready(request: Request) -> Response:
    """200 when database, storage and provider can work, else 503; never a paid call."""
    found = await run_in_threadpool(doctor.readiness, studio.current())
    failed = any(state is Health.FAILED for state in found.values())
    return JSONResponse({"ready": not failed, **found}, status_code=503 if failed else 200)


async def metrics(request: Request) -> Response:
    """Counters in OpenMetrics. With METRICS_TOKEN everybody needs it; without, only this machine may read."""
    desk = studio.current()
    token = desk.settings.metrics_token
    if token is not None:
        given = request.headers.get("authorization", "").encode()
        if not secrets.compare_digest(given, f"Bearer {token.get_secret_value()}".encode()):
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
    elif not _from_this_machine(request):
        return Response(status_code=404)
    text = await run_in_threadpool(desk.meters.text, desk.engine)
    return Response(text, headers={"Content-Type": OPEN_METRICS, "Cache-Control": "no-store"})


def _from_this_machine(request: Request) -> bool:
    """The socket's other end is here, and nothing says that somebody stands behind it: a proxy on this
    machine names whom it asks for, and a page that points its own name here names itself."""
    if request.client is None or _FORWARDED & set(request.headers):
        return False
    try:
        peer = ipaddress.ip_address(request.client.host)
    except ValueError:
        return False
    mapped = getattr(peer, "ipv4_mapped", None) or peer
    return mapped.is_loopback and request.url.hostname in ("127.0.0.1", "localhost", "::1")


async def picture(request: Request) -> Response:
    """An object by its signed token; 404 for anything forged or expired."""
    desk = studio.current()
    link = desk.signer.read(request.path_params["token"])
    if link is None:
        return Response(status_code=404)
    tag = f'"{hashlib.sha256(link.key.encode()).hexdigest()[:32]}"'  # Keys are never written twice.
    headers = {
        "ETag": tag,
        "Cache-Control": f"private, max-age={max(0, int(link.expires - time.time()))}, immutable",
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if link.download:
        headers["Content-Disposition"] = disposition(link.download)
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    try:
        data = await run_in_threadpool(desk.store.get, link.key)
    except ObjectMissing:
        return Response(status_code=404)
    except StorageError:
        return Response(status_code=503, headers={"Retry-After": "5"})
    return _ranged(data, headers, request.headers)


def _ranged(data: bytes, headers: dict[str, str], asked: Any) -> Response:
    media_type = image_type(data) or "application/octet-stream"
    wanted = asked.get("range", "")
    if (
        not wanted.startswith("bytes=")
        or "," in wanted
        or asked.get("if-range", headers["ETag"]) != headers["ETag"]
    ):
        return Response(data, headers=headers, media_type=media_type)
    asked_for = _RANGE.fullmatch(wanted.removeprefix("bytes="))
    first, last = asked_for.groups() if asked_for else ("", "")
    if not first + last or (first and last and int(last) < int(first)):
        return Response(data, headers=headers, media_type=media_type)
    start = int(first) if first else max(0, len(data) - int(last))
    end = min(int(last), len(data) - 1) if first and last else len(data) - 1
    if start > end:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{len(data)}"})
    headers = {**headers, "Content-Range": f"bytes {start}-{end}/{len(data)}"}
    return Response(data[start : end + 1], status_code=206, headers=headers, media_type=media_type)


async def export(request: Request) -> Response:
    """The zip of an export by its signed token, made while it is sent; 404 for anything forged or expired."""
    from core import export as exporting

    desk = studio.current()
    key = desk.signer.read_export(request.path_params["token"])
    if key is None:
        return Response(status_code=404)
    try:
        plan, by = await run_in_threadpool(exporting.resume, desk, key)
    except NotFound:
        return Response(status_code=404)
    except DatabaseError:
        return Response(status_code=503, headers={"Retry-After": "5"})
    name = exporting.file_name(plan, desk.settings.zone)
    headers = {"Content-Disposition": disposition(name), "Cache-Control": "no-store"}
    if request.method == "HEAD":
        return Response(headers=headers, media_type="application/zip")
    return _Stopping(exporting.stream(desk, plan, by=by), headers=headers, media_type="application/zip")


class _Stopping(StreamingResponse):
    """Streams an iterator, and ends it as soon as nobody listens any more."""

    def __init__(self, pieces: Generator[bytes], **values: Any) -> None:
        super().__init__(pieces, **values)
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await run_in_threadpool(self._pieces.close)


def answer_at_once() -> None:
    """Send what is written without a wait, from here on, on each connection to this process.

    Streamlit binds its socket in a way by which asyncio leaves Nagle's algorithm on: a small answer (a
    thumbnail, a message of a page) then waits up to 40 ms for the one before it to be acknowledged. What is
    set at the listening socket holds for its connections.
    """
    for found in gc.get_objects():
        if type(found) is socket.socket and found.family in (socket.AF_INET, socket.AF_INET6):
            with suppress(OSError):
                if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


routes = [
    Route("/health", health),
    Route("/ready", ready),
    Route("/metrics", metrics),
    Route("/pictures/{token}", picture),
    Route("/exports/{token}", export),
]
