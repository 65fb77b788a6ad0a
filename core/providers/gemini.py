"""Google's image models by their native `generateContent` (`core.providers.gemini_api`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.errors import BadRequest, NoImage
from core.images.shrink import within
from core.providers import ImageAnswer, ImageRequest, ModelInfo, encoded, models, prices
from core.providers.gemini_api import Answer, GeminiApi, parts, text

_MOST_ENCODED = 18_000_000
"""Bytes of base64 in one request."""


class Gemini:
    """`base` may end in `/v1` or `/v1beta`; without either it is `/v1beta`."""

    name = "gemini"

    def __init__(self, *, key: str, base: str, model: str, concurrency: int) -> None:
        self._model = model.removeprefix("models/")
        self._api = GeminiApi(key=key, base=base, concurrency=concurrency)

    def close(self) -> None:
        self._api.close()

    def models(self) -> tuple[ModelInfo, ...]:
        return models.offered(self.name, self._model)

    def estimate(self, model: str, size: str) -> int | None:
        return prices.estimate(self.name, model, size)

    def probe(self) -> Mapping[str, Any]:
        return self._api.probe(self._model)

    def generate(self, request: ImageRequest) -> ImageAnswer:
        model = models.find(self.name, request.model)
        if len(request.photos) > model.photos:
            raise BadRequest(f"{request.model} takes at most {model.photos} photos")
        wait = 300.0 if request.size == "4K" else 180.0
        answer = self._api.ask(request.model, _body(request, sends_size=model.sends_size), read=wait)
        return _picture(answer, request.model)


def _body(request: ImageRequest, *, sends_size: bool) -> dict[str, Any]:
    photos = within(request.photos, _MOST_ENCODED * 3 // 4)
    images = [{"inlineData": {"mimeType": "image/jpeg", "data": encoded.encode(photo)}} for photo in photos]
    shape = {"aspectRatio": request.ratio, **({"imageSize": request.size} if sends_size else {})}
    return {
        "contents": [{"role": "user", "parts": [{"text": request.prompt}, *images]}],
        "generationConfig": {"responseModalities": ["IMAGE"], "imageConfig": shape},
    }


def _picture(answer: Answer, model: str) -> ImageAnswer:
    """The last picture that is no draft, whatever else came; else the error that says why there is none."""
    cost = prices.gemini_cost(model, answer.usage)
    pictures = [picture for candidate in answer.candidates for picture in _pictures(candidate)]
    if not pictures:
        error = answer.refused() or NoImage(_said(answer))
        raise error.told(request_id=answer.request_id, cost_micros=cost, usage=answer.usage)
    data, notes = encoded.kept(pictures[-1])
    finish = text(answer.candidates[0].get("finishReason")) or "STOP"
    return ImageAnswer(
        data=data,
        cost_micros=cost,
        model_version=answer.model_version,
        request_id=answer.request_id,
        usage=answer.usage,
        notes={**notes, **({} if finish == "STOP" else {"finish": finish})},
    )


def _said(answer: Answer) -> str | None:
    messages = [text(item.get("finishMessage")) for item in answer.candidates]
    return " ".join(answer.texts) or " ".join(found for found in messages if found) or None


def _pictures(candidate: Mapping[str, Any]) -> Iterator[str]:
    for part in parts(candidate):
        blob = part.get("inlineData") or part.get("inline_data")
        if isinstance(blob, dict) and (data := text(blob.get("data"))):
            yield data
