"""The prompt of one photo, from a preset and what is known of the product."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.model import Preset


def render(
    preset: Preset, *, style: str, product_name: str, description: Mapping[str, Any] | None = None
) -> str:
    """The prompt of one photo; `description` has facts of the product by the names of `Description`.

    They say what the product is, so that it is kept, and never what is to change: where they and the photo
    differ the photo is right. A headline belongs to a listing, not into a picture.
    """
    product = f"The product is: {product_name.strip()}." if product_name.strip() else ""
    if description:
        product = _facts(product_name.strip(), description) or product
    wanted = style.strip() or preset.default_style
    values = {"product": product, "style": wanted if preset.takes_style else ""}
    lines = (line.strip() for line in preset.prompt.format_map(values).splitlines())
    return "\n".join(line for line in lines if line)


def _facts(product_name: str, description: Mapping[str, Any]) -> str:
    said = [product_name or description.get("product_type") or "", description.get("description") or ""]
    if features := description.get("key_features"):
        said.append("Features: " + "; ".join(features))
    sentences = [" ".join(text.split()).rstrip(".") for text in said]
    told = ". ".join(text for text in sentences if text)
    return f"The product: {told}. Where these words and the photo differ, the photo is right." if told else ""
