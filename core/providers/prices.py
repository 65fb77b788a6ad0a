"""What a picture costs, in whole micro-dollars, from the dated table `prices.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

_TABLE = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True, kw_only=True)
class Price:
    """Micro-dollars for a million tokens; `image_tokens` of one picture by size, where that is known."""

    text_in: int
    image_in: int
    text_out: int
    image_out: int
    image_tokens: Mapping[str, int] = field(default_factory=dict)


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))


def price(provider: str, model: str) -> Price | None:
    """None for a model that the table does not know."""
    values = _table().get(provider, {}).get("models", {}).get(model)
    if values is None:
        return None
    tokens = values.get("image_tokens", {})
    return Price(
        **{k: int(Decimal(v) * 1_000_000) for k, v in values.items() if k != "image_tokens"},
        image_tokens=tokens,
    )


def dated(provider: str) -> date | None:
    """The day of a provider's prices."""
    found = _table().get(provider, {}).get("date")
    return found if isinstance(found, date) else None


def estimate(provider: str, model: str, size: str) -> int | None:
    """Micro-dollars of one picture's own tokens, before it is asked for; None when unknown."""
    found = price(provider, model)
    if found is None or size not in found.image_tokens:
        return None
    return _micros(found.image_tokens[size] * found.image_out)


def gemini_cost(model: str, usage: Mapping[str, Any]) -> int | None:
    """Micro-dollars by `usageMetadata`: prompt, picture, and text with thoughts, each at its price.

    Where the answer's tokens are not told apart all of them are counted as picture, the dearer kind.
    """
    found = price("gemini", model)
    prompt, answer = count(usage, "promptTokenCount"), count(usage, "candidatesTokenCount")
    if found is None or (prompt is None and answer is None):
        return None
    details = usage.get("candidatesTokensDetails")
    if isinstance(details, list) and details:
        image = sum(
            count(part, "tokenCount") or 0
            for part in details
            if isinstance(part, dict) and part.get("modality") == "IMAGE"
        )
        text = max(0, (answer or 0) - image)
    else:
        image, text = answer or 0, 0
    text += count(usage, "thoughtsTokenCount") or 0
    return _micros((prompt or 0) * found.text_in + image * found.image_out + text * found.text_out)


def openai_cost(model: str, usage: Mapping[str, Any]) -> int | None:
    """Micro-dollars by OpenAI's `usage`; input that is not told apart is counted as picture, the dearer."""
    found = price("openai", model)
    total, out = count(usage, "input_tokens"), count(usage, "output_tokens")
    if found is None or total is None or out is None:
        return None
    details = usage.get("input_tokens_details")
    text = min(total, count(details, "text_tokens") or 0) if isinstance(details, dict) else 0
    return _micros(text * found.text_in + (total - text) * found.image_in + out * found.image_out)


DESCRIPTION = (2_000, 1_500)
"""Tokens of one description, in and out: a photo of 1024 px with the question, an answer with thoughts."""


def text_estimate(provider: str, model: str) -> int | None:
    """Micro-dollars of one description, before it is asked for; None when the price is unknown."""
    return text_cost(provider, model, *DESCRIPTION)


def text_cost(provider: str, model: str, tokens_in: int | None, tokens_out: int | None) -> int | None:
    """Micro-dollars of an answer in words by its tokens; None when they or the price are unknown."""
    found = _table().get(provider, {}).get("texts", {}).get(model)
    if found is None or tokens_in is None or tokens_out is None:
        return None
    each = [int(Decimal(found[name]) * 1_000_000) for name in ("tokens_in", "tokens_out")]
    return _micros(tokens_in * each[0] + tokens_out * each[1])


def count(values: Mapping[str, Any], name: str) -> int | None:
    """A number of tokens that a usage reports; None when it does not."""
    found = values.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def _micros(product: int) -> int:
    """Tokens times price to whole micro-dollars, rounded up."""
    return -(-product // 1_000_000)
