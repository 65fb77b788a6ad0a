"""Google's image models by their native `generateContent`.

Source: Gemini API documentation and google-genai's requests, read 2026-11. There is no idempotency key: a
call that was sent may be charged even when its answer is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from core.errors import (
    AccountLimited,
    BadRequest,
    Blocked,
    NoImage,
    OutcomeUnknown,
    ProviderError,
)
from core.images.shrink import within
from core.providers import ImageAnswer, ImageRequest, ModelInfo, encoded, models, prices
from core.providers.http import Reply, free, look, open_client, post, usable_key
from core.providers.refusals import refusal, request_id

_MOST_ENCODED = 18_000_000
"""Bytes of base64 in one request."""
_BLOCKED = re.compile(r"SAFETY|PROHIBITED|RECITATION|BLOCK|SPII")


class Gemini:
    """`base` may end in `/v1` or `/v1beta`; without either it is `/v1beta`."""

    name = "gemini"

    def __init__(self, *, key: str, base: str, model: str, concurrency: int) -> None:
        self._key = key
        self._base = base if re.search(r"/v1(beta)?$", base) else f"{base}/v1beta"
        self._model = model.removeprefix("models/")
        self._client = open_client(concurrency=concurrency)

    def close(self) -> None:
        self._client.close()

    def models(self) -> tuple[ModelInfo, ...]:
        return models.offered(self.name, self._model)

    def estimate(self, model: str, size: str) -> int | None:
        return prices.estimate(self.name, model, size)

    def probe(self) -> Mapping[str, Any]:
        """Is the key accepted and the configured model known? Asks for the model's description."""
        reply = look(self._client, self._url(self._model), self._headers())
        if reply.status != 200:
            raise free(refusal(reply, model=self._model, key=self._key))
        return {"model": self._model}

    def generate(self, request: ImageRequest) -> ImageAnswer:
        model = models.find(self.name, request.model)
        if len(request.photos) > model.photos:
            raise BadRequest(f"{request.model} takes at most {model.photos} photos")
        wait = 300.0 if request.size == "4K" else 180.0
        url = f"{self._url(request.model)}:generateContent"
        reply = post(
            self._client, url, self._headers(), read=wait, json=_body(request, sends_size=model.sends_size)
        )
        if reply.status != 200:
            raise refusal(reply, model=request.model, key=self._key)
        return _answer(reply, request.model)

    def _headers(self) -> dict[str, str]:
        return {"x-goog-api-key": usable_key(self._key)}

    def _url(self, model: str) -> str:
        return f"{self._base}/models/{quote(model, safe='')}"


def _body(request: ImageRequest, *, sends_size: bool) -> dict[str, Any]:
    photos = within(request.photos, _MOST_ENCODED * 3 // 4)
    images = [{"inlineData": {"mimeType": "image/jpeg", "data": encoded.encode(photo)}} for photo in photos]
    shape = {"aspectRatio": request.ratio, **({"imageSize": request.size} if sends_size else {})}
    return {
        "contents": [{"role": "user", "parts": [{"text": request.prompt}, *images]}],
        "generationConfig": {"responseModalities": ["IMAGE"], "imageConfig": shape},
    }


def _answer(reply: Reply, model: str) -> ImageAnswer:
    """The last picture that is no draft, whatever else came; else the error that says why there is none."""
    body = reply.json()
    if not isinstance(body, dict):
        raise OutcomeUnknown().told(request_id=request_id(reply))
    usage = body.get("usageMetadata")
    usage = usage if isinstance(usage, dict) else {}
    cost = prices.gemini_cost(model, usage)
    asked = _text(body.get("responseId")) or request_id(reply)
    candidates = [item for item in _items(body.get("candidates")) if isinstance(item, dict)]
    pictures = [picture for candidate in candidates for picture in _pictures(candidate)]
    if not pictures:
        raise _none(body, candidates).told(request_id=asked, cost_micros=cost, usage=usage)
    data, notes = encoded.kept(pictures[-1])
    finish = _text(candidates[0].get("finishReason")) or "STOP"
    return ImageAnswer(
        data=data,
        cost_micros=cost,
        model_version=_text(body.get("modelVersion")),
        request_id=asked,
        usage=usage,
        notes={**notes, **({} if finish == "STOP" else {"finish": finish})},
    )


def _none(body: Mapping[str, Any], candidates: list[dict[str, Any]]) -> ProviderError:
    feedback = body.get("promptFeedback")
    reason = _text(feedback.get("blockReason")) if isinstance(feedback, dict) else None
    if reason:
        return Blocked("prompt", reason)
    finish = next((found for item in candidates if (found := _text(item.get("finishReason")))), "")
    if finish == "PUP_LIMITED_DISABLED":
        return AccountLimited()
    if _BLOCKED.search(finish):
        return Blocked("picture", finish)
    texts = [_text(part.get("text")) for item in candidates for part in _parts(item)]
    messages = [_text(item.get("finishMessage")) for item in candidates]
    said = " ".join(text for text in texts if text) or " ".join(text for text in messages if text)
    return NoImage(said or None)


def _pictures(candidate: Mapping[str, Any]) -> Iterator[str]:
    for part in _parts(candidate):
        blob = part.get("inlineData") or part.get("inline_data")
        if isinstance(blob, dict) and (data := _text(blob.get("data"))):
            yield data


def _parts(candidate: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The parts that are the answer; drafts and thinking are marked as thought."""
    content = candidate.get("content")
    for part in _items(content.get("parts")) if isinstance(content, dict) else ():
        if isinstance(part, dict) and part.get("thought") is not True:
            yield part


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
