"""What never stands in a log line: secrets of the settings, what looks like a secret, and bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

from pydantic import SecretStr

if TYPE_CHECKING:
    from core.settings import Settings

MASKED = "***"
_SHORT = 6
"""Secrets below this length are masked where they stand alone: within words they would hit everything."""

_LOOKS = [
    (re.compile(r"AIza[\w\-]{10,}"), MASKED),
    (re.compile(r"(?<![A-Za-z0-9])sk-[\w\-]{8,}"), MASKED),
    (re.compile(r"(?i)\b(bearer)(?:\s|%20|\+)+[\w\-.~+/=]{6,}"), rf"\1 {MASKED}"),
    (re.compile(r"(?i)\b(basic)(?:\s|%20|\+)+[A-Za-z0-9+/]{16,}={0,2}"), rf"\1 {MASKED}"),
    (re.compile(r"(?i)(X-Amz-(?:Signature|Credential|Security-Token)(?:=|%3D))[^&\s\"'<>]+"), rf"\1{MASKED}"),
    (
        re.compile(r"(?i)((?:\b|%3F|%26)(?:key|api_?key|access_?token|signature)(?:=|%3D))[^&\s\"'<>]+"),
        rf"\1{MASKED}",
    ),
    (re.compile(r"(?i)((?::|%3A)(?:/|%2F){2}[^/\s:@%]*(?::|%3A))[^/\s@]+?(@|%40)"), rf"\1{MASKED}\2"),
    (re.compile(r"(/pictures/)[\w\-.=]{20,}"), rf"\1{MASKED}"),
    (re.compile(r"\bb'(?:[^'\\]|\\.){32,}'|\bb\"(?:[^\"\\]|\\.){32,}\""), "<bytes>"),
    (re.compile(r"[A-Za-z0-9+/_\-]{256,}={0,2}"), "<long text>"),
]
_NAMES = re.compile(r"(?i)(password|passwd|secret|token|authorization|api_?key|cookie)")


class Mask:
    """Knows the secrets of one process; everything that is logged goes through `fields`."""

    def __init__(self, settings: Settings) -> None:
        found: set[str] = set()
        for name in type(settings).model_fields:
            value = getattr(settings, name)
            if isinstance(value, SecretStr) and value.get_secret_value():
                found |= _written(value.get_secret_value())
        self._short = {secret for secret in found if len(secret) < _SHORT}
        # The longest first: a secret may be a part of another.
        long = sorted(found - self._short, key=len, reverse=True)
        self._long = re.compile("|".join(map(re.escape, long))) if long else None

    def fields(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """An event's fields, safe to write down."""
        return {
            self.text(str(name)).replace(" ", "_"): MASKED if _hides(str(name), value) else self._value(value)
            for name, value in event.items()
        }

    def text(self, text: str) -> str:
        """A text without secrets, wherever they stand in it."""
        if text in self._short:
            return MASKED
        if self._long:
            text = self._long.sub(MASKED, text)
        for looks, instead in _LOOKS:
            text = looks.sub(instead, text)
        return text

    def _value(self, value: Any) -> Any:
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, (bytes, bytearray, memoryview)):
            return f"<{len(value)} bytes>"
        if isinstance(value, Mapping):
            return self.fields(value)
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._value(item) for item in value]
        return self.text(str(value))


def _hides(name: str, value: Any) -> bool:
    return bool(_NAMES.search(name)) and value is not None and not isinstance(value, (bool, int, float))


def _written(secret: str) -> set[str]:
    """The ways in which a secret may be written; of an address, its password."""
    found = {secret}
    if "://" in secret:
        try:
            password = urlsplit(secret).password or ""
        except ValueError:
            password = ""
        # An address without a password is no secret: a path of SQLite helps whoever reads the log.
        found = {secret, password, unquote(password)} if password else set()
    ways = (quote, lambda s: quote(s, safe=""), quote_plus, lambda s: repr(s)[1:-1], _as_json)
    return {secret for secret in found if secret} | {
        way(secret) for way in ways for secret in found if secret
    }


def _as_json(text: str) -> str:
    return json.dumps(text)[1:-1]
