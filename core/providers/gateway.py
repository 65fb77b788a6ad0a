"""An OpenAI-like gateway: `POST {base}/images/generations` in JSON with the photos in `image`.

Source: the requests of the system before this one, and public gateways' answers. It takes neither a size nor
a count: the size lies in the model's name, and a call makes one picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.providers import ImageAnswer, ImageRequest, ModelInfo, encoded, models, prices
from core.providers.http import Reply, free, look, open_client, post, usable_key
from core.providers.pictures_api import read_answer
from core.providers.refusals import refusal


class Gateway:
    """`base` usually ends in `/v1`; the key is sent there alone."""

    name = "gateway"

    def __init__(self, *, key: str, base: str, model: str, concurrency: int) -> None:
        self._key = key
        self._base = base
        self._model = model
        self._client = open_client(concurrency=concurrency)

    def close(self) -> None:
        self._client.close()

    def models(self) -> tuple[ModelInfo, ...]:
        return models.offered(self.name, self._model)

    def estimate(self, model: str, size: str) -> int | None:
        return prices.estimate(self.name, model, size)

    def probe(self) -> Mapping[str, Any]:
        return listed(
            look(self._client, f"{self._base}/models", self._headers()), model=self._model, key=self._key
        )

    def generate(self, request: ImageRequest) -> ImageAnswer:
        body = {
            "model": request.model,
            "prompt": request.prompt,
            "image": [encoded.encode(photo) for photo in request.photos],
            "aspect_ratio": request.ratio,
            "response_format": "b64_json",
        }
        wait = 300.0 if request.size == "4K" else 180.0
        reply = post(self._client, f"{self._base}/images/generations", self._headers(), read=wait, json=body)
        if reply.status != 200:
            raise refusal(reply, model=request.model, key=self._key)
        return read_answer(reply, key=self._key, home=self._base, cost=lambda usage: None)

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {usable_key(self._key)}"}


def listed(reply: Reply, *, model: str, key: str) -> Mapping[str, Any]:
    """Facts from `GET {base}/models`: `listed` is whether the model stands there, None when nobody can tell.

    Raises ProviderError kinds when the key is refused or nobody answers.
    """
    if reply.status in (404, 405, 501):
        return {"model": model, "listed": None}
    if reply.status != 200:
        raise free(refusal(reply, model=model, key=key))
    body = reply.json()
    entries = body.get("data") if isinstance(body, dict) else None
    names = (
        [entry.get("id") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    )
    return {"model": model, "listed": model in names if names else None}
