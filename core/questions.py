"""Questions to the model that describes photos: journalled before they are sent, settled when they end."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from core import budget, clock, keeping
from core.database import descriptions, provider_states, tasks
from core.database.engine import patiently, reading, writing
from core.database.queue import LOST, OPEN
from core.errors import PackshotError, ProviderError, RateLimited, restored
from core.model import Actor, Description
from core.providers import DescribeAnswer, Describer

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.studio import Studio

log = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=30)
"""A description that is not older answers for the same photo and model without a call."""
LOST_AFTER = timedelta(minutes=5)
"""One without an answer for longer has lost its process: every call ends well before."""
LONGEST_WAIT = 60.0
"""Seconds that a provider which asked for a pause is waited for before a question is sent."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A journalled question."""

    id: int
    describer: Describer
    sha256: str
    day: date
    payer: str
    reserved_micros: int


def journal(
    studio: Studio, describer: Describer, sha256: str, estimate: int, by: Actor, *, again: bool
) -> Call | Description | int:
    """Write the question down and set its price aside; or what it has brought meanwhile, or the id of the
    same question under way."""
    now, key = clock.now(), str(uuid.uuid4())
    day = budget.day_of(studio, now)
    values = {
        "key": key,
        "provider": describer.name,
        "model": describer.model,
        "sha256": sha256,
        "sent_at": now,
        "day": day,
        "payer": by.id,
        "reserved_micros": estimate,
        "body": {},
    }

    def act(connection: Connection) -> int | Description | tuple[int]:
        if (there := descriptions.by_key(connection, key)) is not None:
            return (int(there.id),)
        descriptions.take_turn(connection, describer.name)
        found = descriptions.done(connection, [sha256], describer.model, now - KEPT_FOR).get(sha256)
        if found is not None and not again:
            return description(found)
        if (other := descriptions.under_way(connection, sha256, describer.model)) is not None:
            return other
        made = descriptions.begin(connection, values)
        budget.reserve(studio, connection, day=day, payer=by.id, micros=estimate)
        return (made,)

    journalled = patiently(studio.engine, act, studio.closing)
    if not isinstance(journalled, tuple):
        return journalled
    return Call(
        id=journalled[0],
        describer=describer,
        sha256=sha256,
        day=day,
        payer=by.id,
        reserved_micros=estimate,
    )


def end(
    studio: Studio,
    call: Call,
    answer: DescribeAnswer | ProviderError,
    outcome: str,
    body: Mapping[str, Any],
) -> None:
    """Write what a question brought, its money and its event, however long the database is away."""
    now, asked = clock.now(), answer.request_id and answer.request_id[:200]
    ended: dict[str, Any] = {
        "answered_at": now,
        "outcome": outcome,
        "cost_micros": answer.cost_micros,
        "provider_request_id": asked,
        "body": body,
    }
    about = {"provider": call.describer.name, "model": call.describer.model, "photo": call.sha256}
    verb = "photo.described" if outcome == descriptions.DONE else "photo.not_described"

    def act(connection: Connection) -> None:
        was = descriptions.end(connection, call.id, ended)
        if was is None:
            return
        budget.settle(
            connection,
            day=call.day,
            payer=call.payer,
            reserved=call.reserved_micros,
            cost=answer.cost_micros,
            may_be_charged=isinstance(answer, DescribeAnswer) or answer.may_be_charged,
            lost=was == LOST,
        )
        data = about if outcome == descriptions.DONE else {**about, "kind": outcome}
        tasks.add_event(connection, at=now, actor=call.payer, verb=verb, data=data)
        if isinstance(answer, ProviderError) and (until := _pause(answer)):
            provider_states.cool(connection, call.describer.name, until)

    patiently(studio.engine, act, studio.closing)
    studio.meters.ended(call.describer.name, call.describer.model, outcome, answer.cost_micros)
    level = logging.INFO if outcome == descriptions.DONE else logging.WARNING
    log.log(level, "description ended", extra={**about, "outcome": outcome, "request_id": asked})


def give_up(studio: Studio) -> None:
    """Close questions whose process died: each may have been charged. Raises DatabaseError kinds."""
    before = clock.now() - LOST_AFTER
    with reading(studio.engine) as connection:
        left = descriptions.open_before(connection, before)
    for row in left:
        with writing(studio.engine) as connection:
            if descriptions.end(connection, row.id, {"outcome": LOST}) == OPEN:
                budget.settle(
                    connection,
                    day=row.day,
                    payer=row.payer,
                    reserved=row.reserved_micros,
                    cost=None,
                    may_be_charged=True,
                )


def wait_for(studio: Studio, provider: str) -> None:
    """Until the pause is over that the provider asked for. Raises RateLimited when that is too long."""
    with reading(studio.engine) as connection:
        pauses = {row.provider: row.cooldown_until for row in provider_states.all_of(connection)}
    if until := pauses.get(provider):
        seconds = (until - clock.now()).total_seconds()
        if seconds > LONGEST_WAIT or studio.closing.wait(max(0.0, seconds)):
            raise told(studio, RateLimited(seconds))


def told(studio: Studio, error: ProviderError) -> PackshotError:
    """The error as people read it: a description is never sent again by itself."""
    return restored(error.kind, keeping.told(studio, error, over=True))


def _pause(error: ProviderError) -> datetime | None:
    """Until when nobody asks the provider."""
    if isinstance(error, RateLimited) and error.retry_after and error.retry_after <= LONGEST_WAIT:
        return clock.now() + timedelta(seconds=error.retry_after)
    return None


def description(row: Any) -> Description:
    facts = row.body["facts"]
    return Description(**{**facts, "key_features": tuple(facts["key_features"])})
