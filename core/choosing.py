"""Which pictures an export holds: each with its role in a listing and the name of its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core import clock, presets
from core.checks import channels
from core.checks.rules import Channel
from core.database import exporting
from core.database.engine import reading
from core.errors import NotApproved, NotFound, PackshotError
from core.exported import Item
from core.model import OutputState, PhotoRole, ReviewState
from core.naming import placed, stem
from core.studio import Studio

MOST = 10_000
"""Pictures of one export."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which pictures: those of `keys`, or everything approved that the rest narrows."""

    keys: Sequence[str] | None = None
    since: datetime | None = None
    """Approved then or later."""
    new_to: str | None = None
    """Not in an export of this actor for the same channel since it was approved."""
    sku: str | None = None
    """The beginning of a SKU, in any case."""
    only_for: bool = False
    """Only what was approved for the channel."""
    roles: Mapping[str, PhotoRole] = field(default_factory=dict)
    """What an operator chose, by output key."""


@dataclass(frozen=True, kw_only=True)
class Left:
    """A picture that was asked for, or planned, and stays behind."""

    key: str
    title: str
    error: PackshotError


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an export will hold, in its order. `key` is set once it is begun."""

    key: str | None = None
    at: datetime
    channel: str | None
    since: datetime | None
    fresh: bool
    items: tuple[Item, ...]
    left: tuple[Left, ...] = ()
    approved_for: int = 0
    """Pictures that were approved for the channel; the others were approved without one, or for another."""
    more: bool = False
    """More is approved than one export takes: the oldest are here."""
    language: str = "en"
    """Of the reasons in the manifest."""


def plan(studio: Studio, wanted: Wanted, *, channel: str | None = None) -> Plan:
    """What an export would hold; nothing is written. Raises OrderRefused for a channel that is not there."""
    found = channel_of(studio, channel)
    sku = wanted.sku.strip() if wanted.sku else None
    with reading(studio.engine) as connection:
        if wanted.keys is not None:
            rows = exporting.by_keys(connection, list(dict.fromkeys(wanted.keys)))
        else:
            rows = exporting.approved(
                connection,
                since=wanted.since,
                new_to=wanted.new_to,
                channel=channel,
                only_for=wanted.only_for and channel is not None,
                sku=sku,
                limit=MOST + 1,
            )
        numbers = [row.output_id for row in rows]
        judged = exporting.approved_for(connection, numbers, channel) if channel else set()
    left = _left(rows, wanted.keys or ())
    if found and wanted.only_for:
        left += tuple(
            Left(key=row.key, title=title_of(row), error=NotApproved(found.title))
            for row in rows
            if row.output_id not in judged and row.key not in {one.key for one in left}
        )
    behind = {one.key for one in left}
    ready = [row for row in rows if row.key not in behind]
    return Plan(
        at=clock.now(),
        channel=channel,
        since=wanted.since,
        fresh=wanted.new_to is not None,
        items=_items(studio, ready[:MOST], wanted.roles),
        left=left,
        approved_for=sum(row.output_id in judged for row in ready[:MOST]),
        more=len(ready) > MOST,
    )


def channel_of(studio: Studio, name: str | None) -> Channel | None:
    """The channel of a name; None is none. Raises OrderRefused."""
    return None if name is None else channels.find(studio, name)


def _left(rows: Sequence[Any], keys: Sequence[str]) -> tuple[Left, ...]:
    """What of the wanted is not there or not approved."""
    there = {row.key for row in rows}
    gone = [Left(key=key, title=key, error=NotFound("output", key)) for key in keys if key not in there]
    return (
        *gone,
        *(
            Left(key=row.key, title=title_of(row), error=NotApproved())
            for row in rows
            if row.review != ReviewState.APPROVED or row.state != OutputState.SUCCEEDED
        ),
    )


def _items(studio: Studio, rows: Sequence[Any], roles: Mapping[str, PhotoRole]) -> tuple[Item, ...]:
    """In the order of SKUs, and of their making within each; so a manifest can list them SKU by SKU."""
    usual = {one.preset.name: one.preset.role for one in presets.every(studio)}
    stems = {row.output_id: stem(row.sku, row.original_name) for row in rows}
    ordered = sorted(rows, key=lambda row: (stems[row.output_id].casefold(), row.sku, row.output_id))
    names = placed(
        [
            (stems[row.output_id], usual.get(row.preset, PhotoRole.OTHER), roles.get(row.key))
            for row in ordered
        ]
    )
    return tuple(
        item_of(row, place.role, f"{place.name}.jpg") for row, place in zip(ordered, names, strict=True)
    )


def item_of(row: Any, role: PhotoRole, name: str) -> Item:
    """A row of `core.database.exporting` as a picture of an export."""
    return Item(
        output_id=row.output_id,
        key=row.key,
        sku=row.sku,
        title=title_of(row),
        thumb_key=row.thumb_key,
        role=role,
        name=name,
    )


def title_of(row: Any) -> str:
    return str(row.product_name or row.original_name)
