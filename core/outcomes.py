"""What follows from a call that brought no picture: wait and ask again, stop the provider, or end."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import (
    AccountLimited,
    Auth,
    NotSent,
    Overloaded,
    PackshotError,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    StorageUnavailable,
)
from core.model import OutputState

_LONGEST_WAIT = 60.0
"""Seconds. A provider that wants more is left to a person."""
_MOST_TRIES = {RateLimited: 6, Overloaded: 3, NotSent: 3, StorageUnavailable: 6}
"""Claims of an output since a person asked for it. An overload is sent again twice, since it may be charged;
a rate limit never is, and with many at once some need more turns. A store that does not give the photo was
asked before anything was sent: its pauses bridge about a minute, in the queue and not in a worker's hands."""
AGAIN = tuple(_MOST_TRIES)
"""What is asked again by itself."""
FIRST_PAUSE = 1.0
"""Seconds before the second try, where the provider names no wait; then it doubles, with jitter on top."""
_STOPS = (QuotaExhausted, AccountLimited, Auth)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`state` is the output's next one. QUEUED comes with `wait`."""

    state: OutputState
    wait: timedelta | None = None
    cool: bool = False
    """Nobody asks this provider within `wait`."""
    stop: bool = False
    """The provider is asked no more, by anybody, until `until` or until a person says so."""
    until: datetime | None = None


def decide(error: PackshotError, tries: int) -> Decision:
    """After `tries` claims since a person asked. Nothing that may have been charged is asked again, except an
    overload that the provider itself answered."""
    if isinstance(error, _STOPS):
        until = error.data.get("until")
        return Decision(
            state=OutputState.FAILED, stop=True, until=datetime.fromisoformat(until) if until else None
        )
    for kind, most in _MOST_TRIES.items():
        if isinstance(error, kind) and tries < most:
            seconds = _pause(error, tries)
            if seconds <= _LONGEST_WAIT:
                cool = isinstance(error, ProviderError)
                return Decision(state=OutputState.QUEUED, wait=timedelta(seconds=seconds), cool=cool)
    state = error.state if isinstance(error, ProviderError) else OutputState.FAILED
    return Decision(state=state)


def _pause(error: PackshotError, tries: int) -> float:
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return error.retry_after
    jitter = random.uniform(0, 1)  # noqa: S311 - spreads load, guards nothing
    return float(FIRST_PAUSE * 2 ** min(tries - 1, 4) * (1 + jitter))
