"""Answers that are no picture to typed errors, in the shapes of Google and of OpenAI.

Source: Gemini API and OpenAI API error documentation, and gateways' answers, read 2026-11.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

from core import clock
from core.errors import (
    AccountLimited,
    Auth,
    BadRequest,
    Blocked,
    ModelNotFound,
    OutcomeUnknown,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    RateLimited,
)
from core.providers.http import Reply

_BLOCK = re.compile(r"\b[A-Z_]*(?:SAFETY|PROHIBITED|RECITATION|BLOCKLIST|SPII)[A-Z_]*\b")
_BLOCK_CODES = {"moderation_blocked", "content_policy_violation", "content_filter"}
_NO_CREDIT = {"insufficient_quota", "insufficient_user_quota", "billing_hard_limit_reached"}
_NO_MODEL = {"model_not_found"}
_WAIT = re.compile(r"retry (?:in|after) (?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)(ms|s)\b)?", re.I)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)s")


@dataclass(frozen=True, kw_only=True)
class Said:
    """What an error body says, its shape aside."""

    message: str = ""
    words: frozenset[str] = frozenset()
    """Codes, types, statuses and reasons."""
    details: tuple[Mapping[str, Any], ...] = field(default=())
    own: bool = False
    """It is the provider's own error object, not a proxy's page."""


def refusal(reply: Reply, *, model: str, key: str) -> ProviderError:
    """The typed error of an answer that is not 2xx. `key` never stays in what is said."""
    said = read_error(reply.json(), key=key)
    error = _kind(reply, said, model)
    return error.told(request_id=request_id(reply))


def request_id(reply: Reply) -> str | None:
    for name in ("x-request-id", "x-goog-request-id", "x-oneapi-request-id"):
        if found := reply.headers.get(name):
            return found[:200]
    return None


def read_error(body: Any, *, key: str) -> Said:
    """Google's `{"error": {...}}` (sometimes in a list), OpenAI's, and a gateway's plain text."""
    if isinstance(body, list) and body:
        body = body[0]
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, str):
        return Said(message=clean(error, key))
    if not isinstance(error, dict):
        message = body.get("message") if isinstance(body, dict) else None
        return Said(message=clean(message, key) if isinstance(message, str) else "")
    raw = error.get("message")
    details = error.get("details")
    parts = tuple(part for part in details if isinstance(part, dict)) if isinstance(details, list) else ()
    named = [error.get(name) for name in ("code", "type", "status")] + [part.get("reason") for part in parts]
    return Said(
        message=clean(raw, key) if isinstance(raw, str) else "",
        words=frozenset(word for word in named if isinstance(word, str)),
        details=parts,
        own=isinstance(raw, str) or bool(named[0]),
    )


def clean(text: str, key: str) -> str:
    """A sentence without JSON around it, without the key, on one line, without its last stop."""
    for _ in range(3):
        start = text.find("{")
        if start < 0:
            break
        try:
            inner = json.JSONDecoder().raw_decode(text[start:])[0]
        except (ValueError, RecursionError):
            inner = {}
        found = inner.get("error", inner)
        nested = found.get("message") if isinstance(found, dict) else found
        text = nested if isinstance(nested, str) else text[:start].rstrip(" :")
    if len(key) >= 6:
        text = text.replace(key, "***")
    return " ".join(text.split()).rstrip(".。")[:400]


def block_reason(said: Said) -> str | None:
    """Why a request was refused by a policy, in the provider's word; None when it was not."""
    if codes := said.words & _BLOCK_CODES:
        return sorted(codes)[-1]
    found = _BLOCK.search(" ".join((*sorted(said.words), said.message)))
    return found[0] if found else None


def _kind(reply: Reply, said: Said, model: str) -> ProviderError:
    status = reply.status
    if status == 402 or said.words & _NO_CREDIT:
        return QuotaExhausted(None)
    if status == 429:
        return _too_many(reply, said)
    if "PUP_LIMITED_DISABLED" in said.words:
        return AccountLimited()
    if status in (401, 403) or said.words & {"API_KEY_INVALID", "invalid_api_key"}:
        return Auth()
    if (status == 404 and said.own) or said.words & _NO_MODEL:
        return ModelNotFound(model)
    if status == 503 or (status == 500 and said.own):
        return Overloaded()
    if status >= 500 or status in (408, 499):
        return OutcomeUnknown()
    if reason := block_reason(said):
        return Blocked("prompt", reason)
    if status == 404 or 300 <= status < 400:
        return BadRequest(f"there is no model at this address (HTTP {status})")
    return BadRequest(said.message or f"HTTP {status}")


def _too_many(reply: Reply, said: Said) -> ProviderError:
    quotas = " ".join(_quota_ids(said)) + " " + said.message
    if "PerDay" in quotas or "per day" in quotas.lower():
        return QuotaExhausted(next_pacific_midnight(clock.now()).isoformat())
    if re.search(r"\blimit: 0(?![\d.,]*\d)", said.message):
        return QuotaExhausted(None)
    return RateLimited(_wait(reply, said))


def _quota_ids(said: Said) -> Iterator[str]:
    for part in said.details:
        violations = part.get("violations")
        for violation in violations if isinstance(violations, list) else ():
            if isinstance(violation, dict):
                yield str(violation.get("quotaId", ""))


def next_pacific_midnight(now: datetime) -> datetime:
    """When Google's quotas of the day begin anew, in UTC."""
    pacific = ZoneInfo("America/Los_Angeles")
    day = now.astimezone(pacific).date() + timedelta(days=1)
    return datetime.combine(day, time(), pacific).astimezone(UTC)


def _wait(reply: Reply, said: Said) -> float | None:
    """Seconds that the provider names, most exact first."""
    for part in said.details:
        if found := _DURATION.fullmatch(str(part.get("retryDelay", ""))):
            return float(found[1])
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = reply.headers.get(name, "")
        if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
            return float(value) / scale
    if when := reply.headers.get("retry-after"):
        try:
            named = parsedate_to_datetime(when)
        except ValueError:
            named = None
        if named is not None:
            named = named if named.tzinfo else named.replace(tzinfo=UTC)
            return max(0.0, (named - clock.now()).total_seconds())
    found = _WAIT.search(said.message)
    if found is None or not any(found.groups()):
        return None
    hours, minutes, amount, unit = found.groups()
    seconds = float(amount or 0) / (1000 if unit == "ms" else 1)
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + seconds
