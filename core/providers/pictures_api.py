"""Answers of `images/generations` and `images/edits`: OpenAI's shape, which gateways follow loosely."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.errors import Blocked, NoImage, OutcomeUnknown, ProviderError
from core.providers import ImageAnswer, encoded
from core.providers.fetch import fetch
from core.providers.http import Reply
from core.providers.refusals import block_reason, clean, read_error, request_id


def read_answer(
    reply: Reply, *, key: str, home: str, cost: Callable[[Mapping[str, Any]], int | None]
) -> ImageAnswer:
    """The picture of a 200, as base64 or behind a link; else the error that says why there is none.

    `home` is the provider's own address (`fetch` says what that allows); `cost` reads the reported usage.
    """
    body = reply.json()
    if not isinstance(body, dict):
        raise OutcomeUnknown().told(request_id=request_id(reply))
    usage = body.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    facts: dict[str, Any] = {"request_id": request_id(reply), "usage": usage, "cost_micros": cost(usage)}
    listed = body.get("data")
    entries = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    for entry in entries:
        if text := _picture(entry, "b64_json"):
            return _answer(*encoded.kept(text), body, facts)
        if link := _picture(entry, "url"):
            if link.startswith("data:"):
                return _answer(*encoded.kept(link), body, facts)
            try:
                return _answer(fetch(link, home=home), {"by_link": True}, body, facts)
            except ProviderError as error:
                raise error.told(**facts) from error.__cause__
    raise _none(body, entries, key).told(**facts)


def _answer(
    data: bytes, notes: Mapping[str, Any], body: Mapping[str, Any], facts: Mapping[str, Any]
) -> ImageAnswer:
    version = body.get("model")
    return ImageAnswer(
        data=data, notes=notes, model_version=version if isinstance(version, str) else None, **facts
    )


def _picture(entry: Mapping[str, Any], name: str) -> str | None:
    value = entry.get(name)
    return value.strip() or None if isinstance(value, str) else None


def _none(body: Mapping[str, Any], entries: list[dict[str, Any]], key: str) -> ProviderError:
    """A 200 without a picture: gateways put refusals of the model behind them here as well."""
    said = read_error(body, key=key)
    if reason := block_reason(said):
        return Blocked("picture", reason)
    texts = [entry.get("revised_prompt") or entry.get("text") for entry in entries]
    text = said.message or " ".join(clean(text, key) for text in texts if isinstance(text, str))
    return NoImage(text or None)
