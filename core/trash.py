"""The trash: a deleted picture waits there for TRASH_DAYS and can be restored until then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from core import clock, spool
from core.database import tasks, trash
from core.database.engine import reading, writing
from core.errors import NotAllowed, NotFound, PurgeBegan, StillGoing
from core.model import Actor, OutputState, Role
from core.studio import Studio

if TYPE_CHECKING:
    from sqlalchemy import Connection

Place = tuple[datetime, int]
"""A cursor: when a picture was deleted, and its id."""


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What is in the trash; `bytes` of the pictures themselves."""

    outputs: int
    bytes: int
    oldest: datetime | None


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """One output in the trash."""

    id: int
    key: str
    task_key: str
    deleted_at: datetime
    bytes: int | None
    state: OutputState
    thumb_key: str | None
    sku: str
    product_name: str
    original_name: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """`older` is the cursor of the next page; None where there is none."""

    entries: tuple[Deleted, ...]
    older: Place | None


@dataclass(frozen=True, kw_only=True)
class Change:
    """What became of several outputs: `changed` ids, and the refused ones with the error's kind."""

    changed: tuple[int, ...]
    refused: Mapping[int, str]


def grace(studio: Studio) -> timedelta:
    """How long a deleted picture can be restored."""
    return timedelta(days=studio.settings.trash_days)


def gone_at(studio: Studio, deleted_at: datetime) -> datetime:
    """From when on a deleted picture may be removed for good."""
    return deleted_at + grace(studio)


def delete(studio: Studio, output_key: str, *, by: Actor) -> None:
    """Put one ended output into the trash; one that is there already stays as it is.

    Raises NotFound; StillGoing while it waits or is made; NotAllowed; DatabaseError kinds.
    """
    allow(by)
    with writing(studio.engine) as connection:
        found = put_in(connection, [_id(connection, output_key)], by=by)
        if StillGoing.__name__ in found.refused.values():
            raise StillGoing()


def restore(studio: Studio, output_key: str, *, by: Actor) -> None:
    """Take one output out of the trash; one that is not there stays as it is.

    Raises NotFound; PurgeBegan when its files are being removed; NotAllowed; DatabaseError kinds.
    """
    allow(by)
    with writing(studio.engine) as connection:
        found = take_out(connection, [_id(connection, output_key)], by=by)
        if PurgeBegan.__name__ in found.refused.values():
            raise PurgeBegan()


def put_in(
    connection: Connection,
    output_ids: Sequence[int],
    *,
    by: Actor,
    why: Mapping[str, object] = MappingProxyType({}),
) -> Change:
    """Put outputs into the trash, with an event of each that says `why`, in the transaction of the caller."""
    rows = trash.look(connection, output_ids)
    changed = trash.put_in(connection, output_ids, clock.now())
    _record(connection, rows, changed, "output.deleted", by, why)
    going = [row.id for row in rows if not OutputState(row.state).ended and row.deleted_at is None]
    return _change(output_ids, rows, changed, dict.fromkeys(going, StillGoing.__name__))


def take_out(connection: Connection, output_ids: Sequence[int], *, by: Actor) -> Change:
    """Take outputs out of the trash, with an event of each, in the transaction of the caller."""
    rows = trash.look(connection, output_ids)
    changed = trash.take_out(connection, output_ids, clock.now())
    _record(connection, rows, changed, "output.restored", by, {})
    leaving = [row.id for row in rows if row.purge_started_at is not None]
    return _change(output_ids, rows, changed, dict.fromkeys(leaving, PurgeBegan.__name__))


def spooled(studio: Studio, connection: Connection) -> frozenset[int]:
    """Outputs with a paid answer in this machine's spool: nothing removes them. Raises StorageError kinds."""
    return frozenset(trash.outputs_of(connection, spool.left(studio)))


def totals(studio: Studio) -> Totals:
    """What is in the trash."""
    with reading(studio.engine) as connection:
        count, size, oldest = trash.totals(connection)
    return Totals(outputs=count, bytes=size, oldest=oldest)


def page(studio: Studio, *, before: Place | None = None, limit: int = 48) -> Page:
    """What is in the trash, last deleted first."""
    with reading(studio.engine) as connection:
        rows = trash.page(connection, before=before, limit=limit + 1)
    entries = tuple(Deleted(**{**row._mapping, "state": OutputState(row.state)}) for row in rows[:limit])
    last = entries[-1] if len(rows) > limit else None
    return Page(entries=entries, older=(last.deleted_at, last.id) if last else None)


def allow(by: Actor) -> None:
    """Operators delete and restore."""
    if not by.role.may(Role.OPERATOR):
        raise NotAllowed(Role.OPERATOR)


def _id(connection: Connection, output_key: str) -> int:
    output = tasks.output_by_key(connection, output_key)
    if output is None:
        raise NotFound("output", output_key)
    return output.id


def _record(
    connection: Connection,
    rows: Sequence[Any],
    changed: Sequence[int],
    verb: str,
    by: Actor,
    data: Mapping[str, object],
) -> None:
    of_task = {row.id: row.task_id for row in rows}
    of = [(of_task[output_id], output_id, data) for output_id in changed]
    tasks.add_events(connection, at=clock.now(), actor=by.id, verb=verb, of=of)


def _change(
    wanted: Sequence[int], rows: Sequence[Any], changed: Sequence[int], refused: Mapping[int, str]
) -> Change:
    there = {row.id for row in rows}
    gone = {output_id: NotFound.__name__ for output_id in wanted if output_id not in there}
    return Change(changed=tuple(changed), refused={**refused, **gone})
