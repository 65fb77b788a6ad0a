"""Describe a photo by a vision model: journalled and paid for as a picture is, kept, and never asked twice
without a click."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from core import budget, clock, intake, questions
from core.database import descriptions, migrate
from core.database.engine import reading
from core.database.queue import LOST
from core.errors import (
    BadDescription,
    DescriberMissing,
    NotAllowed,
    OutcomeUnknown,
    ProviderError,
    restored,
)
from core.images.decode import preview
from core.model import Actor, Description, Role, Upload
from core.providers import DescribeRequest
from core.questions import KEPT_FOR, LOST_AFTER, Call

if TYPE_CHECKING:
    from core.studio import Studio

_SIDE = 1024
_MOST_TEXT = 8000
"""Characters that are kept of an answer which is no description."""


def describe(
    studio: Studio, upload: Upload, *, by: Actor, again: bool = False, unpriced_ok: bool = False
) -> Description:
    """What the photo shows, from the table where the model has said it within KEPT_FOR, unless `again`.

    Blocks for up to minutes: run it in `studio.asking`. Nothing is repeated by itself; the same question
    under way elsewhere is waited for. What was paid is in the table before this returns.

    Raises NotAllowed; DescriberMissing; PhotoRefused kinds; BudgetExhausted, PriceUnknown (unless
    `unpriced_ok`); what stopped the provider; ProviderError kinds; DatabaseError kinds.
    """
    if not by.role.may(Role.OPERATOR):
        raise NotAllowed(Role.OPERATOR)
    describer = studio.describer
    if describer is None:
        raise DescriberMissing()
    settings = studio.settings
    photo = preview(
        upload.data,
        name=upload.name,
        max_bytes=settings.max_bytes,
        max_pixels=settings.max_pixels,
        side=_SIDE,
    )
    sha256 = photo_hash(upload.data)
    with reading(studio.engine) as connection:
        migrate.require(connection)
    if not again and (found := remembered(studio, [sha256]).get(sha256)):
        return found
    intake.refuse_stopped(studio, describer.name)
    estimate = describer.estimate()
    budget.check_price(studio, describer.model, estimate, 1, unpriced_ok=unpriced_ok, by=by)
    questions.give_up(studio)
    questions.wait_for(studio, describer.name)
    call = questions.journal(studio, describer, sha256, estimate or 0, by, again=again)
    if isinstance(call, Description):
        return call
    if isinstance(call, int):
        return _awaited(studio, call)
    return _ask(studio, call, photo)


def remembered(studio: Studio, sha256s: Sequence[str]) -> dict[str, Description]:
    """Descriptions within KEPT_FOR by the hashes of their photos' bytes. Raises DatabaseError kinds."""
    if studio.describer is None or not sha256s:
        return {}
    since = clock.now() - KEPT_FOR
    with reading(studio.engine) as connection:
        rows = descriptions.done(connection, sha256s, studio.describer.model, since)
    return {sha256: questions.description(row) for sha256, row in rows.items()}


def photo_hash(data: bytes) -> str:
    """The name under which a photo's description is kept: SHA-256 of its bytes as they were uploaded."""
    return hashlib.sha256(data).hexdigest()


def _awaited(studio: Studio, id: int) -> Description:
    """What another one's question brings. Raises what it ended with."""
    until = clock.now() + LOST_AFTER
    while not studio.closing.wait(0.3) and clock.now() < until:
        with reading(studio.engine) as connection:
            row = descriptions.by_id(connection, id)
        if row.outcome == descriptions.DONE:
            return questions.description(row)
        if row.outcome == LOST:
            break
        if row.outcome is not None:
            raise restored(row.outcome, row.body["error"])
    raise OutcomeUnknown()


def _ask(studio: Studio, call: Call, photo: bytes) -> Description:
    describer, started = call.describer, time.monotonic()
    try:
        answer = describer.describe(DescribeRequest(model=describer.model, photo=photo))
    except ProviderError as error:
        told = questions.told(studio, error)
        body: dict[str, Any] = {"error": dict(told.data), "usage": dict(error.usage)}
        if isinstance(error, BadDescription):
            body["text"] = error.text[:_MOST_TEXT]
        questions.end(studio, call, error, error.kind, body)
        raise told from error
    finally:
        studio.meters.answered(describer.name, describer.model, time.monotonic() - started)
    found = _cleaned(answer.description)
    body = {"facts": asdict(found), "usage": dict(answer.usage), "model_version": answer.model_version}
    questions.end(studio, call, answer, descriptions.DONE, body)
    return found


def _cleaned(found: Description) -> Description:
    facts = intake.facts(asdict(found)) or {"description": "", "key_features": ()}
    return Description(**{**facts, "key_features": tuple(facts["key_features"])})
