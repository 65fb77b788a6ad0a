"""Pictures as text: base64 in every form that is seen in answers."""

from __future__ import annotations

import base64
import binascii
import re


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def decode(text: str) -> bytes | None:
    """The bytes of base64 text: with a `data:` prefix, whitespace, either alphabet, or lost padding.

    A last character that can't be whole is dropped, so that a text which was cut off still gives the bytes
    before the cut. None when it is no base64 or nothing.
    """
    if text.startswith("data:"):
        text = text.partition(",")[2]
    text = re.sub(r"\s+", "", text).rstrip("=").translate(str.maketrans("-_", "+/"))
    if len(text) % 4 == 1:
        text = text[:-1]
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def kept(text: str) -> tuple[bytes, dict[str, str]]:
    """The picture's bytes; where the text can't be decoded, the text itself as it came, and a note of it.

    A paid answer is never thrown away: whoever reads these bytes finds that they are no picture.
    """
    data = decode(text)
    if data is not None:
        return data, {}
    return text.encode("utf-8", "replace"), {"undecoded": "base64"}
