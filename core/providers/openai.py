"""OpenAI's image endpoints: `images/edits` with photos, `images/generations` without.

Source: OpenAI's API reference and its SDK's requests, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import BadRequest
from core.providers import ImageAnswer, ImageRequest, ModelInfo, models, prices
from core.providers.gateway import listed
from core.providers.http import free, look, open_client, post, usable_key
from core.providers.pictures_api import read_answer
from core.providers.refusals import refusal
from core.providers.sizes import pixels

_WAIT = 360.0


class OpenAI:
    """`base` usually ends in `/v1`."""

    name = "openai"

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
        reply = look(self._client, f"{self._base}/models/{self._model}", self._headers())
        if reply.status == 200:
            return {"model": self._model}
        found = refusal(reply, model=self._model, key=self._key)
        if isinstance(found, BadRequest):
            # Some compatible servers only list their models.
            return listed(
                look(self._client, f"{self._base}/models", self._headers()), model=self._model, key=self._key
            )
        raise free(found)

    def generate(self, request: ImageRequest) -> ImageAnswer:
        width, height = pixels(request.ratio, request.size)
        fields = {"model": request.model, "prompt": request.prompt, "size": f"{width}x{height}"}
        if request.photos:
            name = "image" if len(request.photos) == 1 else "image[]"
            files = [(name, (f"{n}.jpg", photo, "image/jpeg")) for n, photo in enumerate(request.photos, 1)]
            reply = post(
                self._client,
                f"{self._base}/images/edits",
                self._headers(),
                read=_WAIT,
                data=fields,
                files=files,
            )
        else:
            reply = post(
                self._client, f"{self._base}/images/generations", self._headers(), read=_WAIT, json=fields
            )
        if reply.status != 200:
            raise refusal(reply, model=request.model, key=self._key)

        def cost(usage: Mapping[str, Any]) -> int | None:
            return prices.openai_cost(request.model, usage)

        return read_answer(reply, key=self._key, home=self._base, cost=cost)

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {usable_key(self._key)}"}
