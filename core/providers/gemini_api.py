"""Google's `generateContent`: one question to one model, its answer taken apart.

Source: Gemini API documentation and google-genai's requests, read 2026-11. There is no idempotency key: a
call that was sent may be charged even when its answer is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from core.errors import AccountLimited, Blocked, OutcomeUnknown, ProviderError
from core.providers.http import free, look, open_client, post, usable_key
from core.providers.refusals import refusal, request_id

_BLOCKED = re.compile(r"SAFETY|PROHIBITED|RECITATION|BLOCK|SPII")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A 200, whatever stands in it."""

    body: Mapping[str, Any]
    candidates: tuple[Mapping[str, Any], ...]
    usage: Mapping[str, Any]
    request_id: str | None

    @property
    def model_version(self) -> str | None:
        return text(self.body.get("modelVersion"))

    @property
    def finish(self) -> str:
        """Why the model stopped, in its word; empty when it does not say."""
        return next((found for item in self.candidates if (found := text(item.get("finishReason")))), "")

    @property
    def texts(self) -> list[str]:
        """What the model wrote, without its thoughts."""
        return [
            found for item in self.candidates for part in parts(item) if (found := text(part.get("text")))
        ]

    def refused(self) -> ProviderError | None:
        """Why the model would not answer, where it says so."""
        feedback = self.body.get("promptFeedback")
        if isinstance(feedback, dict) and (reason := text(feedback.get("blockReason"))):
            return Blocked("prompt", reason)
        if self.finish == "PUP_LIMITED_DISABLED":
            return AccountLimited()
        return Blocked("picture", self.finish) if _BLOCKED.search(self.finish) else None


class GeminiApi:
    """`base` may end in `/v1` or `/v1beta`; without either it is `/v1beta`."""

    def __init__(self, *, key: str, base: str, concurrency: int) -> None:
        self._key = key
        self._base = base if re.search(r"/v1(beta)?$", base) else f"{base}/v1beta"
        self._client = open_client(concurrency=concurrency)

    def close(self) -> None:
        self._client.close()

    def probe(self, model: str) -> Mapping[str, Any]:
        """Is the key accepted and the model known? Asks for what it says of itself, free of charge."""
        reply = look(self._client, self._url(model), self._headers())
        if reply.status != 200:
            raise free(refusal(reply, model=model, key=self._key))
        return {"model": model}

    def ask(self, model: str, body: Mapping[str, Any], *, read: float) -> Answer:
        """Ask once; wait up to `read` seconds for the first byte. Raises ProviderError kinds."""
        url = f"{self._url(model)}:generateContent"
        reply = post(self._client, url, self._headers(), read=read, json=body)
        if reply.status != 200:
            raise refusal(reply, model=model, key=self._key)
        found = reply.json()
        if not isinstance(found, dict):
            raise OutcomeUnknown().told(request_id=request_id(reply))
        usage = found.get("usageMetadata")
        return Answer(
            body=found,
            candidates=tuple(item for item in _items(found.get("candidates")) if isinstance(item, dict)),
            usage=usage if isinstance(usage, dict) else {},
            request_id=text(found.get("responseId")) or request_id(reply),
        )

    def _headers(self) -> dict[str, str]:
        return {"x-goog-api-key": usable_key(self._key)}

    def _url(self, model: str) -> str:
        return f"{self._base}/models/{quote(model, safe='')}"


def parts(candidate: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The parts that are the answer; drafts and thinking are marked as thought."""
    content = candidate.get("content")
    for part in _items(content.get("parts")) if isinstance(content, dict) else ():
        if isinstance(part, dict) and part.get("thought") is not True:
            yield part


def text(value: Any) -> str | None:
    """A text that says something, else None."""
    return value.strip() or None if isinstance(value, str) else None


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
