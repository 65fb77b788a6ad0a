"""What a list is asked for, and as conditions on a row of `outputs`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.database.schema import outputs
from core.model import OutputState, ReviewState
from core.search import Question

o = outputs.c
Condition = sa.ColumnElement[bool]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What to find; `states` and `reviews` widen each other, all else narrows."""

    states: Sequence[OutputState] = ()
    reviews: Sequence[ReviewState] = ()
    question: Question | None = None
    preset: str | None = None
    version: int | None = None
    """Of `preset`."""
    provider: str | None = None
    model: str | None = None
    operator: str | None = None
    task_id: int | None = None
    tag: str | None = None
    flagged: bool = False
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    cost_from: int | None = None
    cost_to: int | None = None
    by_cost: bool = False
    """Dearest first, of those whose cost is known; else in the order of ids."""


def by_index(asked: Asked) -> list[tuple[str, list[Condition]]]:
    """The filters that have an index in the order of ids: a name, and what may hold of a row."""
    found: list[tuple[str, list[Condition]]] = []
    standing: list[Condition] = [o.state == state for state in asked.states]
    standing += [sa.and_(o.state == OutputState.SUCCEEDED, o.review == review) for review in asked.reviews]
    if standing:
        found.append(("standing", standing))
    if asked.preset and asked.version is not None:
        found.append(("preset", [sa.and_(o.preset == asked.preset, o.preset_version == asked.version)]))
    elif asked.preset:
        found.append(("preset", [o.preset == asked.preset]))
    for column, value in (
        (o.provider, asked.provider),
        (o.model, asked.model),
        (o.created_by, asked.operator),
    ):
        if value:
            found.append((column.name, [column == value]))
    if asked.task_id is not None:
        found.append(("task", [o.task_id == asked.task_id]))
    if asked.flagged:
        found.append(("flagged", [o.flagged == sa.true()]))  # As the few are indexed.
    return found


def of_days(asked: Asked) -> list[Condition]:
    """When it was made."""
    found: list[Condition] = [] if asked.since is None else [o.created_at >= asked.since]
    return found if asked.until is None else [*found, o.created_at < asked.until]


def of_cost(asked: Asked) -> list[Condition]:
    """What it cost; in the order of costs, that it is known."""
    found = between(o.cost_micros, asked.cost_from, asked.cost_to)
    return [o.cost_micros.is_not(None), *found] if found or asked.by_cost else []


def between(value: sa.ColumnElement[int], least: int | None, most: int | None) -> list[Condition]:
    """Both ends inclusive; None is open."""
    found: list[Condition] = [] if least is None else [value >= least]
    return found if most is None else [*found, value <= most]
