"""Descriptions by `POST {base}/chat/completions` with the photo as a data URL: OpenAI's shape, and gateways'.

Source: OpenAI's API reference and its SDK's requests, and gateways' answers, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import Blocked, OutcomeUnknown, ProviderError
from core.model import Description
from core.providers import DescribeAnswer, DescribeRequest, encoded, prices
from core.providers.description import INSTRUCTION, WAIT, read
from core.providers.gateway import listed
from core.providers.http import look, open_client, post, usable_key
from core.providers.refusals import block_reason, clean, read_error, refusal, request_id


class ChatDescriber:
    """`name` is the provider whose key and address these are; `base` usually ends in `/v1`."""

    def __init__(self, *, name: str, key: str, base: str, model: str, concurrency: int) -> None:
        self.name = name
        self.model = model
        self._key = key
        self._base = base
        self._client = open_client(concurrency=concurrency)

    def close(self) -> None:
        self._client.close()

    def estimate(self) -> int | None:
        return prices.text_estimate(self.name, self.model)

    def probe(self) -> Mapping[str, Any]:
        reply = look(self._client, f"{self._base}/models", self._headers())
        return listed(reply, model=self.model, key=self._key)

    def describe(self, request: DescribeRequest) -> DescribeAnswer:
        photo = {"url": f"data:image/jpeg;base64,{encoded.encode(request.photo)}"}
        content = [{"type": "text", "text": INSTRUCTION}, {"type": "image_url", "image_url": photo}]
        body = {
            "model": request.model,
            "messages": [{"role": "user", "content": content}],
            "response_format": {"type": "json_object"},
        }
        reply = post(self._client, f"{self._base}/chat/completions", self._headers(), read=WAIT, json=body)
        if reply.status != 200:
            raise refusal(reply, model=request.model, key=self._key)
        found = reply.json()
        if not isinstance(found, dict):
            raise OutcomeUnknown().told(request_id=request_id(reply))
        usage = found.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        counts = [prices.count(usage, name) for name in ("prompt_tokens", "completion_tokens")]
        told: dict[str, Any] = {
            "request_id": request_id(reply),
            "usage": usage,
            "cost_micros": prices.text_cost(self.name, request.model, *counts),
        }
        try:
            description = self._read(found)
        except ProviderError as error:
            raise error.told(**told) from error.__cause__
        version = found.get("model")
        return DescribeAnswer(
            description=description, model_version=version if isinstance(version, str) else None, **told
        )

    def _read(self, body: Mapping[str, Any]) -> Description:
        """A 200: gateways put refusals of the model behind them here as well."""
        if reason := block_reason(read_error(body, key=self._key)):
            raise Blocked("picture", reason)
        choices = body.get("choices")
        choice = next((c for c in choices if isinstance(c, dict)), {}) if isinstance(choices, list) else {}
        message, finish = choice.get("message"), choice.get("finish_reason")
        message = message if isinstance(message, dict) else {}
        if isinstance(refused := message.get("refusal"), str) and refused.strip():
            raise Blocked("picture", clean(refused, self._key))
        if finish == "content_filter":
            raise Blocked("picture", "content_filter")
        return read(_text(message.get("content")), cut_off=finish == "length")

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {usable_key(self._key)}"}


def _text(content: Any) -> str | None:
    """A message's text, which some gateways give in parts."""
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else None
