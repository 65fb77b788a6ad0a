"""From the source to the shop: what happened to one picture, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.database import lineage
from core.database.engine import reading
from core.history import Details
from core.studio import Studio

_TOLD_BETTER = ("output.succeeded", "output.checked", "output.reviewed", "output.approved", "output.rejected")
"""Events of what calls and reviews tell with more."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that happened: `kind` is uploaded, described, asked, answered, checked, reviewed, exported,
    or the verb of an event; `data` has what there is to say of it."""

    at: datetime
    kind: str
    who: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """The steps, oldest first, and what the last call used as the provider says it."""

    steps: tuple[Step, ...]
    usage: Mapping[str, Any]


def of(studio: Studio, found: Details) -> Lineage:
    """Raises DatabaseError kinds."""
    output, photo, task = found.output, found.photo, found.task
    steps = [
        Step(at=task.created_at, kind="uploaded", who=task.created_by, data={"name": photo.original_name})
    ]
    with reading(studio.engine) as connection:
        if photo.description:
            known = lineage.description_of(connection, (photo.sha256, photo.original_sha256))
            if known is not None and known.answered_at <= task.created_at:
                # It came before the press that this task is of.
                data = {"model": known.model, "cost_micros": known.cost_micros}
                steps.insert(0, Step(at=known.answered_at, kind="described", who=known.payer, data=data))
        usage: Mapping[str, Any] = {}
        for call in lineage.calls_of(connection, output.id):
            steps.append(Step(at=call.sent_at, kind="asked", data={"model": output.model}))
            if call.answered_at is not None:
                data = {"outcome": call.outcome, "cost_micros": call.cost_micros}
                steps.append(Step(at=call.answered_at, kind="answered", data=data))
            usage = call.usage or usage
        for check in lineage.checks_of(connection, output.id):
            data = {"name": check.name, "result": check.result}
            steps.append(Step(at=check.at, kind="checked", data=data))
        for review in lineage.reviews_of(connection, output.id):
            names = ("verdict", "reason", "note", "channel", "override")
            data = {name: getattr(review, name) for name in names}
            steps.append(Step(at=review.at, kind="reviewed", who=review.actor, data=data))
        for stop in lineage.stops_of(connection, task.id):
            steps.append(Step(at=stop.at, kind=stop.verb, who=stop.actor))
    for export in found.exports:
        data = {"name": export.name, "channel": export.channel}
        steps.append(Step(at=export.at, kind="exported", who=export.actor_name, data=data))
    steps += [
        Step(at=event.at, kind=event.verb, who=event.actor, data=event.data)
        for event in found.events
        if event.verb not in _TOLD_BETTER
    ]
    # What has one moment stays in the order of the way.
    return Lineage(steps=tuple(sorted(steps, key=lambda step: step.at)), usage=usage)
