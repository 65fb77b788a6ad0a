"""moto's S3 behind a gate that behaves like R2, in this process, on loopback.

moto by itself takes every key, secret and expired link. The gate checks what R2 checks and answers in R2's
words; it wraps the WSGI application, so that Host, path and query stay as they were signed.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.parts.signature import Seen, Signature

SKEW = timedelta(minutes=15)
BUCKET_SETTINGS = {
    "acl", "cors", "encryption", "lifecycle", "location", "logging", "notification", "object-lock",
    "policy", "replication", "tagging", "versioning", "website",
}  # fmt: skip

CUT, LOST = 0, -1

Answer = tuple[int, str, str]
"""Status, code and message of a refusal."""


@dataclass(frozen=True, kw_only=True)
class Token:
    """An access key as Cloudflare makes them: of the account (`admin`), or for objects of some buckets."""

    key: str
    secret: str
    buckets: tuple[str, ...] = ()
    write: bool = True
    list: bool = True
    admin: bool = False


@dataclass(kw_only=True)
class Gate:
    """Whose keys are good, how the store behaves, and what arrived. Tests change it while it runs."""

    tokens: list[Token] = field(default_factory=list)
    clock_off: float = 0.0
    """Seconds by which the store's clock differs from this machine's."""
    write_pause: float = 0.0
    """Seconds between two writes of one key; 1 on R2. An earlier one is answered by 429."""
    failures: list[int] = field(default_factory=list)
    """Statuses of the next answers; CUT closes the connection, LOST does so when the work is done."""
    latency: float = 0.0
    kept: set[str] = field(default_factory=set)
    """Keys that DeleteObjects leaves, naming them in its answer of 200."""
    seen: list[Seen] = field(default_factory=list)
    url: str = ""
    _written: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def calm(self) -> None:
        """Behave again; forget what arrived."""
        self.clock_off = self.write_pause = self.latency = 0.0
        self.failures.clear()
        self.kept.clear()
        self.seen.clear()

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.clock_off)

    def refusal(self, request: Seen, body: bytes) -> Answer | None:
        """What R2 would refuse about a request; None lets it through."""
        token, wrong = self._signed(request, body)
        if wrong or token is None:
            return wrong
        return self._allowed(token, request) or _unknown_to_r2(request) or self._too_fast(request)

    def _signed(self, request: Seen, body: bytes) -> tuple[Token | None, Answer | None]:
        signature = Signature.of(request)
        if signature is None:
            return None, (400, "InvalidArgument", "Authorization")
        token = next((token for token in self.tokens if token.key == signature.key), None)
        if token is None:
            return None, (401, "Unauthorized", "Unauthorized")
        age = self.now() - datetime.strptime(signature.date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        late = signature.expires is not None and age > timedelta(seconds=signature.expires)
        if late:
            return None, (403, "ExpiredRequest", "Request has expired")
        if age < -SKEW or (signature.expires is None and age > SKEW):
            message = "The difference between the request time and the server's time is too large."
            return None, (403, "RequestTimeTooSkewed", message)
        said = request.headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        true = said == "UNSIGNED-PAYLOAD" or said == hashlib.sha256(body).hexdigest()
        streamed = said.startswith("STREAMING-")
        if not hmac.compare_digest(signature.made_with(token.secret, request), signature.value):
            return None, (403, "SignatureDoesNotMatch", "Check your secret access key and signing method.")
        if not (true or streamed):
            return None, (400, "XAmzContentSHA256Mismatch", "The body is not what was signed.")
        return token, None

    def _allowed(self, token: Token, request: Seen) -> Answer | None:
        denied = (403, "AccessDenied", "Access Denied")
        bucket, _, key = request.path.lstrip("/").partition("/")
        if token.admin:
            return None
        if not bucket or bucket not in token.buckets:
            return denied
        deletes = request.method == "POST" and "delete" in request.query
        if not key and not deletes:
            listing = request.method == "GET" and not BUCKET_SETTINGS & request.query.keys()
            return None if listing and token.list else denied
        return None if token.write or request.method in ("GET", "HEAD") else denied

    def _too_fast(self, request: Seen) -> Answer | None:
        if request.method != "PUT" or not self.write_pause:
            return None
        with self._lock:
            last, now = self._written.get(request.path), time.monotonic()
            if last is not None and now - last < self.write_pause:
                return 429, "TooManyRequests", "Reduce your concurrent request rate for the same object."
            self._written[request.path] = now
        return None


def _unknown_to_r2(request: Seen) -> Answer | None:
    headers = request.headers
    if "tagging" in request.query or "x-amz-tagging" in headers:
        return 501, "NotImplemented", "Tagging not implemented"
    if any(name.startswith("x-amz-grant-") for name in headers):
        return 501, "NotImplemented", "Header 'x-amz-grant' not implemented"
    if "x-amz-trailer" in headers or "aws-chunked" in headers.get("content-encoding", ""):
        return 501, "NotImplemented", "STREAMING-UNSIGNED-PAYLOAD-TRAILER not implemented"
    return None


class Cut(ConnectionError):
    """The connection is to be cut without an answer."""


def gated(gate: Gate, application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """`application` behind `gate`."""

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        whole = -1 if environ.get("wsgi.input_terminated") else int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(whole)
        environ["wsgi.input"] = io.BytesIO(body)
        path, _, query = environ["REQUEST_URI"].partition("?")
        headers = {n[5:].replace("_", "-").lower(): v for n, v in environ.items() if n.startswith("HTTP_")}
        headers |= {n.replace("_", "-").lower(): environ[n] for n in ("CONTENT_TYPE",) if environ.get(n)}
        asked = dict(parse_qsl(query, keep_blank_values=True))
        request = Seen(method=environ["REQUEST_METHOD"], path=path, query=asked, headers=headers)
        gate.seen.append(request)
        time.sleep(gate.latency)
        with gate._lock:
            status = gate.failures.pop(0) if gate.failures else None
        if status == CUT:
            raise Cut
        if status == LOST:
            for _ in application(environ, lambda *rest: None):
                pass
            raise Cut
        names = {503: "ServiceUnavailable", 500: "InternalError"}
        refused = (status, names[status], "Injected") if status else gate.refusal(request, body)
        if refused is None and "delete" in asked and gate.kept:
            refused = (200, "", "")
        if refused is None:
            return application(environ, start)
        status, code, message = refused
        said = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        xml = f'<?xml version="1.0" encoding="UTF-8"?>{said}'
        if status == 200:
            errors = (f"<Error><Key>{key}</Key><Code>AccessDenied</Code></Error>" for key in gate.kept)
            xml = f"<DeleteResult>{''.join(errors)}</DeleteResult>"
        sent = b"" if request.method == "HEAD" else xml.encode()
        start(f"{status} {code}", [("Content-Type", "application/xml"), ("Content-Length", str(len(sent)))])
        return [sent]

    return answer


@contextmanager
def serving(*tokens: Token, buckets: Iterable[str], tls: tuple[str, str] | None = None) -> Iterator[Gate]:
    """Run the gate before moto; `tls` is a certificate's and a key's file."""
    from moto.server import create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *rest: Any) -> None:
            pass

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(gate.now(), usegmt=True)

        def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
            self.close_connection = True

    application = create_backend_app("s3")
    gate = Gate(tokens=list(tokens))
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
    server = make_server(
        "127.0.0.1", 0, gated(gate, application), threaded=True, request_handler=Handler, ssl_context=context
    )
    gate.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    for bucket in buckets:
        _make_bucket(application, bucket)
    thread = threading.Thread(target=server.serve_forever, name="gate", daemon=True)
    thread.start()
    try:
        yield gate
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _make_bucket(application: Callable[..., Iterable[bytes]], bucket: str) -> None:
    from werkzeug.test import Client

    Client(application).put(f"/{unquote(bucket)}", base_url="http://127.0.0.1")
