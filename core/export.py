"""Export: approved pictures with their lineage as one zip, which is made while it is sent."""

from __future__ import annotations

import tempfile
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, TypeVar

from core import clock
from core.choosing import MOST, Left, Plan, Wanted, channel_of, item_of, plan, title_of
from core.database import exporting, tasks
from core.database.engine import reading, writing
from core.errors import (
    DatabaseError,
    NotAllowed,
    NotFound,
    NothingToExport,
    ObjectMissing,
    PackshotError,
    restored,
)
from core.exported import Item, Made, line, make
from core.language import words
from core.manifest import Manifest
from core.model import Actor, PhotoRole, Role
from core.studio import Studio
from core.zipping import ZipStream

__all__ = [
    "MOST",
    "Left",
    "Outcome",
    "Plan",
    "Wanted",
    "absent",
    "begin",
    "file_name",
    "outcome",
    "plan",
    "resume",
    "stream",
]

LOOKED = 500
"""Pictures that are looked for before an export begins; what is missing beyond them is told at its end."""

T = TypeVar("T")
U = TypeVar("U")

AHEAD = 6
"""Pictures that are made before their turn: with the pool's threads they bound the memory of an export."""
_CHUNK = 100


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of an export; `error` is why it broke off."""

    finished_at: datetime | None
    error: PackshotError | None
    count: int
    left: tuple[Left, ...]


def begin(studio: Studio, plan: Plan, *, by: Actor, language: str = "en") -> Plan:
    """Record an export that is about to be sent; returns the plan with its key.

    Raises NotAllowed, and NothingToExport for a plan without pictures.
    """
    if not by.role.may(Role.OPERATOR):
        raise NotAllowed(Role.OPERATOR)
    if not plan.items:
        raise NothingToExport(len(plan.left))
    key, now = str(uuid.uuid4()), clock.now()
    values = {
        "key": key,
        "at": now,
        "actor": by.id,
        "actor_name": by.name,
        "language": language,
        "channel": plan.channel,
        "since": plan.since,
        "fresh": plan.fresh,
        "count": len(plan.items),
        "error_data": {},
    }
    items = [
        {"output_id": item.output_id, "position": i, "role": item.role, "name": item.name, "error_data": {}}
        for i, item in enumerate(plan.items)
    ]
    told = {"export": key, "channel": plan.channel, "count": len(plan.items)}
    with writing(studio.engine) as connection:
        exporting.insert(connection, values, items)
        tasks.add_event(connection, at=now, actor=by.id, verb="export.begun", data=told)
    return replace(plan, key=key, at=now, language=language)


def resume(studio: Studio, key: str) -> tuple[Plan, Actor]:
    """An export that was begun, and by whom. Raises NotFound."""
    with reading(studio.engine) as connection:
        row = exporting.by_key(connection, key)
        if row is None:
            raise NotFound("export", key)
        rows = exporting.items_of(connection, row.id)
    found = Plan(
        key=row.key,
        at=row.at,
        channel=row.channel,
        since=row.since,
        fresh=row.fresh,
        items=tuple(item_of(item, PhotoRole(item.role), item.name) for item in rows),
        language=row.language,
    )
    return found, Actor(id=row.actor, name=row.actor_name, role=Role.OPERATOR)


def outcome(studio: Studio, key: str) -> Outcome:
    """How far a begun export is. Raises NotFound."""
    with reading(studio.engine) as connection:
        row = exporting.by_key(connection, key)
        if row is None:
            raise NotFound("export", key)
        # While it goes on its items are not written yet.
        rows = exporting.items_of(connection, row.id) if row.finished_at else []
    left = tuple(
        Left(key=item.key, title=title_of(item), error=restored(item.error_kind, item.error_data))
        for item in rows
        if item.error_kind
    )
    error = restored(row.error_kind, row.error_data) if row.error_kind else None
    return Outcome(finished_at=row.finished_at, error=error, count=row.count - len(left), left=left)


def file_name(plan: Plan, zone: tzinfo) -> str:
    """What a browser saves an export as: channel, moment, count."""
    parts = ("packshot", plan.channel, f"{plan.at.astimezone(zone):%Y-%m-%d-%H%M}", str(len(plan.items)))
    return "_".join(part for part in parts if part) + ".zip"


def absent(studio: Studio, plan: Plan) -> tuple[Left, ...]:
    """Those of a plan's first LOOKED pictures that the store does not have. Raises StorageError kinds."""
    keys = {item.output_id: item for item in plan.items[:LOOKED]}
    with reading(studio.engine) as connection:
        objects = exporting.objects(connection, list(keys))
    gone = []
    for (output_id, key), future in _ahead(studio.pool, lambda one: studio.store.head(one[1]), objects):
        if future.result() is None:
            item = keys[output_id]
            gone.append(Left(key=item.key, title=item.title, error=ObjectMissing(key)))
    return tuple(gone)


def stream(studio: Studio, plan: Plan, *, by: Actor) -> Generator[bytes]:
    """The zip in pieces, and the record of it once all of it was taken.

    A picture that can't leave is named in the manifest with its reason, and the others go on. Where the
    store or the database is away the iterator raises, and what was sent so far is no zip that opens.
    """
    ready = plan if plan.key else begin(studio, plan, by=by)
    try:
        yield from _stream(studio, ready, by)
    except PackshotError as error:
        with suppress(DatabaseError):
            _finish(studio, ready, by, {"error_kind": error.kind, "error_data": dict(error.data)}, [])
        raise


def _stream(studio: Studio, plan: Plan, by: Actor) -> Iterator[bytes]:
    channel = channel_of(studio, plan.channel)
    at, say = clock.now().astimezone(studio.settings.zone), words(plan.language)
    shared = {
        "channel": plan.channel,
        "exported_by": by.name,
        "exported_at": at.isoformat(timespec="seconds"),
    }
    done: list[dict[str, Any]] = []

    def work(pair: tuple[Item, Any]) -> Made:
        return make(studio.store, *pair, channel)

    with (
        ZipStream() as archive,
        tempfile.TemporaryDirectory(prefix="packshot-") as folder,
        Manifest(Path(folder)) as manifest,
    ):
        for (item, row), future in _ahead(studio.pool, work, _lineage(studio, plan)):
            made = future.result()
            if made.error is None:
                yield archive.add(made.name, made.data, at)
            manifest.add(line(item, row, made, say, **shared))
            done.append(_done(item, made))
        for path in manifest.end():
            yield archive.add_file(path.name, path, at)
        yield archive.end()
    # Only now: what a browser did not take to its end is not exported.
    ended: dict[str, Any] = {"finished_at": clock.now(), "error_kind": None, "error_data": {}}
    _finish(studio, plan, by, ended, done)


def _lineage(studio: Studio, plan: Plan) -> Iterator[tuple[Item, Any]]:
    """Each picture with the row of its lineage, some at a time: prompts are long."""
    for start in range(0, len(plan.items), _CHUNK):
        few = plan.items[start : start + _CHUNK]
        with reading(studio.engine) as connection:
            rows = exporting.lineage(connection, [item.output_id for item in few], plan.channel)
        for item in few:
            yield item, rows.get(item.output_id)


def _ahead(pool: Executor, work: Callable[[T], U], things: Iterable[T]) -> Iterator[tuple[T, Future[U]]]:
    """Each thing with its done work, in order; no more than AHEAD are begun before their turn."""
    begun: deque[tuple[T, Future[U]]] = deque()
    try:
        for thing in things:
            begun.append((thing, pool.submit(work, thing)))
            if len(begun) >= AHEAD:
                yield begun.popleft()
        while begun:
            yield begun.popleft()
    finally:
        for _, future in begun:
            future.cancel()


def _done(item: Item, made: Made) -> dict[str, Any]:
    return {
        "output_id": item.output_id,
        "name": made.name,
        "sha256": made.sha256,
        "bytes": None if made.error else len(made.data),
        "error_kind": made.error.kind if made.error else None,
        "error_data": dict(made.error.data) if made.error else {},
    }


def _finish(
    studio: Studio, plan: Plan, by: Actor, values: Mapping[str, Any], items: Sequence[Mapping[str, Any]]
) -> None:
    left = sum(item["error_kind"] is not None for item in items)
    told = {"export": plan.key, "channel": plan.channel, "count": len(items) - left, "left": left}
    failed = values["error_kind"]
    with writing(studio.engine) as connection:
        exporting.finish(connection, str(plan.key), values, items)
        tasks.add_event(
            connection,
            at=clock.now(),
            actor=by.id,
            verb="export.failed" if failed else "export.finished",
            data={**told, "error": failed} if failed else told,
        )
