"""A server that answers as image models do, on a real socket: Gemini, a gateway, OpenAI.

Google's and OpenAI's own SDKs accept it (tests/providers/test_contract.py). What a script does not say is
answered properly: a picture of the documented size made of the photo that was sent, or the vendor's error.
"""

from __future__ import annotations

import base64
import email.policy
import io
import json
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from PIL import Image

from tests.parts import model_rules
from tests.parts.model_rules import Refused

KEY = "the-key-of-the-model-server"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One scripted answer; `body` None is the picture that was asked for.

    `truncate_at`: bytes of the body that are sent before the connection breaks. `drop`: "unread" breaks
    before the request was read, "before" without an answer, "reset" the same with a TCP reset (with
    `truncate_at` in the middle of the body), "after" when all of it was sent.
    """

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    truncate_at: int | None = None
    drop: str | None = None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request as it came; `body` is its JSON, or form fields with files as (name, type, data)."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class ModelServer:
    """Serves on 127.0.0.1 while entered; POSTs take `script` first to last; `seen` keeps every request."""

    def __init__(self, *, key: str = KEY) -> None:
        self.key = key
        self.script: list[Reply] = []
        self.probes: list[Reply] = []
        """The same for GETs."""
        self.seen: list[Seen] = []
        self.files: dict[str, bytes] = {}
        """What `GET /files/{name}` gives: pictures that an answer only links to."""
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"desk": self}))
        self._server.daemon_threads = True

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer_to(self, body: Any) -> Reply | None:
        """What a POST gets that no script answers; None is the picture that was asked for."""
        return None

    @property
    def asked(self) -> list[Seen]:
        """The requests that a vendor would charge for."""
        with self.lock:
            return [seen for seen in self.seen if seen.method == "POST"]

    def __enter__(self) -> ModelServer:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def picture(size: tuple[int, int], photo: bytes | None = None, *, form: str = "JPEG") -> bytes:
    """The photo laid on white in `size`; without one, a plain red rectangle."""
    made = Image.new("RGB", size, "white")
    inner = Image.new("RGB", (size[0] // 2, size[1] // 2), (190, 40, 30))
    if photo:
        with Image.open(io.BytesIO(photo)) as given:
            inner = given.convert("RGB")
            inner.thumbnail((size[0] * 4 // 5, size[1] * 4 // 5))
    made.paste(inner, ((size[0] - inner.width) // 2, (size[1] - inner.height) // 2))
    out = io.BytesIO()
    made.save(out, form)
    return out.getvalue()


def gemini_answer(*parts: Any, finish: str | None = "STOP", **changes: Any) -> dict[str, Any]:
    """A `generateContent` answer: bytes become pictures, text becomes text, a dict stays the part it is."""
    made: list[Any] = []
    for part in parts:
        if isinstance(part, bytes):
            data = base64.b64encode(part).decode()
            part = {"inlineData": {"mimeType": "image/png", "data": data}, "thoughtSignature": "c2ln"}
        made.append({"text": part} if isinstance(part, str) else part)
    candidate: dict[str, Any] = {"index": 0, **({"finishReason": finish} if finish else {})}
    if made:
        candidate["content"] = {"role": "model", "parts": made}
    usage = {
        "promptTokenCount": 1303,
        "candidatesTokenCount": 1120,
        "thoughtsTokenCount": 177,
        "totalTokenCount": 2600,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 13},
            {"modality": "IMAGE", "tokenCount": 1290},
        ],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}],
    }
    whole = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "nb-2.1-2026-09"}
    return {**whole, "responseId": "resp-42", **changes}


def listed_answer(data: bytes | None = None, **entry: Any) -> dict[str, Any]:
    """An `images/...` answer with one picture."""
    if data is not None:
        entry = {"b64_json": base64.b64encode(data).decode(), **entry}
    return {"created": 1764000000, "data": [entry]}


def words_answer(text: str | None, *, finish: str = "STOP", **changes: Any) -> dict[str, Any]:
    """A `generateContent` answer of a model that answers in words."""
    usage = {"promptTokenCount": 1500, "candidatesTokenCount": 200, "thoughtsTokenCount": 100}
    parts = [{"text": "I look at it.", "thought": True}, *([text] if text is not None else [])]
    whole = gemini_answer(*parts, finish=finish, usageMetadata=usage, modelVersion="g-3-flash-001")
    return {**whole, "responseId": "resp-7", **changes}


def chat_answer(content: Any, *, finish: str = "stop", **message: Any) -> dict[str, Any]:
    """A `chat/completions` answer with one message."""
    said = {"role": "assistant", "content": content, "refusal": None, **message}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1764000000,
        "model": model_rules.TEXT,
        "choices": [{"index": 0, "message": said, "finish_reason": finish, "logprobs": None}],
        "usage": {"prompt_tokens": 1500, "completion_tokens": 300, "total_tokens": 1800},
    }


def google_error(code: int, status: str, message: str, *details: Mapping[str, Any]) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    return {"error": {**error, **({"details": list(details)} if details else {})}}


def openai_error(
    message: str, *, code: str | None = None, type: str = "invalid_request_error"
) -> dict[str, Any]:
    return {"error": {"message": message, "type": type, "param": None, "code": code}}


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked may go away, or be killed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    desk: ModelServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._note(None)
        with self.desk.lock:
            scripted = self.desk.probes.pop(0) if self.desk.probes else None
        self._answer(scripted, lambda: self._found())

    def do_POST(self) -> None:
        with self.desk.lock:
            scripted = self.desk.script.pop(0) if self.desk.script else None
        if scripted and scripted.drop == "unread":
            self._note(None)
            self._reset()
            return
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            body = self._read(raw)
        except ValueError:
            body = None
        self._note(body)
        self._answer(scripted or self.desk.answer_to(body), lambda: self._made(body))

    def _note(self, body: Any) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.desk.lock:
            self.desk.seen.append(Seen(method=self.command, path=self.path, headers=headers, body=body))

    def _read(self, raw: bytes) -> Any:
        kind = self.headers.get("content-type", "")
        if not kind.startswith("multipart/form-data"):
            return json.loads(raw)
        head = f"Content-Type: {kind}\r\n\r\n".encode()
        message = BytesParser(policy=email.policy.HTTP).parsebytes(head + raw)
        fields: list[tuple[str, Any]] = []
        for part in message.iter_parts():
            name = part.get_param("name", header="content-disposition")
            data = part.get_payload(decode=True)
            assert isinstance(data, bytes)
            file = part.get_filename()
            fields.append((str(name), (file, part.get_content_type(), data) if file else data.decode()))
        return fields

    def _answer(self, scripted: Reply | None, proper: Any) -> None:
        if scripted and scripted.delay:
            time.sleep(scripted.delay)
        if scripted and scripted.drop in ("before", "reset") and scripted.truncate_at is None:
            self._reset() if scripted.drop == "reset" else self._hang_up()
            return
        status, body, headers = 200, None, {}
        if scripted:
            status, body, headers = scripted.status, scripted.body, dict(scripted.headers)
        if body is None:
            try:
                body = proper()
            except Refused as refused:
                status, body = refused.status, refused.body
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        kind = "application/json; charset=UTF-8"
        headers = {"content-type": kind, "content-length": str(len(data)), "x-request-id": "req-7", **headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        cut = scripted.truncate_at if scripted else None
        self.wfile.write(data[:cut])
        if scripted and scripted.drop == "reset":
            self._reset()
        elif scripted and (cut is not None or scripted.drop == "after"):
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()

    def _google(self) -> None:
        if self.headers.get("x-goog-api-key") != self.desk.key:
            reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
            message = "API key not valid. Please pass a valid API key."
            raise Refused(400, google_error(400, "INVALID_ARGUMENT", message, reason))

    def _bearer(self) -> None:
        if self.headers.get("authorization") != f"Bearer {self.desk.key}":
            raise Refused(401, openai_error("Incorrect API key provided.", code="invalid_api_key"))

    def _found(self) -> Any:
        path = self.path.partition("?")[0]
        if path.startswith("/files/"):
            if path.removeprefix("/files/") not in self.desk.files:
                raise Refused(404, b"<html>gone</html>")
            return self.desk.files[path.removeprefix("/files/")]
        if found := re.fullmatch(r"/v1beta/models/([^/:]+)", path):
            self._google()
            return model_rules.gemini_model(found[1])
        self._bearer()
        if path == "/v1/models":
            return {"object": "list", "data": [model_rules.listed_model(n) for n in model_rules.LISTED]}
        if (found := re.fullmatch(r"/v1/models/([^/]+)", path)) and found[1] in model_rules.LISTED:
            return model_rules.listed_model(found[1])
        raise Refused(404, openai_error(f"Invalid URL (GET {path})"))

    def _made(self, body: Any) -> Any:
        if found := re.fullmatch(r"/v1(?:beta)?/models/([^/:]+):generateContent", self.path):
            self._google()
            if found[1] == model_rules.TEXT:
                return words_answer(json.dumps(model_rules.gemini_words(body)))
            size, photo = model_rules.gemini_request(found[1], body)
            return gemini_answer(picture(size, photo))
        self._bearer()
        if self.path == "/v1/chat/completions":
            return chat_answer(json.dumps(model_rules.chat_words(body)))
        if self.path == "/v1/images/generations" and isinstance(body, dict) and "aspect_ratio" in body:
            size, photo = model_rules.gateway_request(body)
            return listed_answer(picture(size, photo))
        if self.path in ("/v1/images/generations", "/v1/images/edits"):
            size, photo = model_rules.openai_request(self.path, body)
            tokens = {"text_tokens": 20, "image_tokens": 1000}
            usage = {"input_tokens": 1020, "output_tokens": 1056, "total_tokens": 2076}
            usage_whole = {**usage, "input_tokens_details": tokens}
            return {**listed_answer(picture(size, photo, form="PNG")), "usage": usage_whole}
        raise Refused(404, openai_error(f"Invalid URL (POST {self.path})"))
