"""Descriptions by Google's text models: a photo in, JSON by a response schema out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import ProviderError
from core.providers import DescribeAnswer, DescribeRequest, encoded, prices
from core.providers.description import INSTRUCTION, SCHEMA, WAIT, read
from core.providers.gemini_api import GeminiApi


class GeminiDescriber:
    """`base` as `Gemini` has it."""

    name = "gemini"

    def __init__(self, *, key: str, base: str, model: str, concurrency: int) -> None:
        self.model = model.removeprefix("models/")
        self._api = GeminiApi(key=key, base=base, concurrency=concurrency)

    def close(self) -> None:
        self._api.close()

    def estimate(self) -> int | None:
        return prices.text_estimate(self.name, self.model)

    def probe(self) -> Mapping[str, Any]:
        return self._api.probe(self.model)

    def describe(self, request: DescribeRequest) -> DescribeAnswer:
        photo = {"inlineData": {"mimeType": "image/jpeg", "data": encoded.encode(request.photo)}}
        body = {
            "contents": [{"role": "user", "parts": [{"text": INSTRUCTION}, photo]}],
            "generationConfig": {"responseMimeType": "application/json", "responseSchema": SCHEMA},
        }
        answer = self._api.ask(request.model, body, read=WAIT)
        counts = [prices.count(answer.usage, name) for name in ("candidatesTokenCount", "thoughtsTokenCount")]
        written = None if counts[0] is None else counts[0] + (counts[1] or 0)
        told: dict[str, Any] = {
            "request_id": answer.request_id,
            "usage": answer.usage,
            "cost_micros": prices.text_cost(
                self.name, request.model, prices.count(answer.usage, "promptTokenCount"), written
            ),
        }
        try:
            if refused := answer.refused():
                raise refused
            found = read("".join(answer.texts), cut_off=answer.finish == "MAX_TOKENS")
        except ProviderError as error:
            raise error.told(**told) from error.__cause__
        return DescribeAnswer(description=found, model_version=answer.model_version, **told)
