"""Remove what was in the trash long enough: objects first, then rows, so that no row points at nothing
that can be seen. A kill at any point leaves what the next run goes on with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core import clock, insights, trash
from core.database import purge, search, tasks
from core.database.engine import reading, writing
from core.errors import NotAllowed, StorageError
from core.model import Actor, Role
from core.storage import ObjectStore
from core.studio import Studio
from core.trash import Totals

if TYPE_CHECKING:
    from sqlalchemy import Connection

BATCH = 100
"""Outputs removed in one transaction."""


@dataclass(kw_only=True)
class Report:
    """What one run did; grows while it goes on."""

    outputs: int = 0
    photos: int = 0
    objects: int = 0
    shared: int = 0
    """Objects that something else needs as well: they stay."""
    bytes: int = 0
    """Of the pictures."""
    waiting: int = 0
    """Left because a paid answer of theirs still waits for the store."""
    error: StorageError | None = field(default=None, repr=False)
    """What ended the run early; the rest is left for the next."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        values = asdict(self)
        return {**values, "error": self.error.kind if self.error else None}


def due(studio: Studio, *, until: datetime | None = None) -> Totals:
    """What a run would remove: deleted at `until` or before, without it what is past its grace period.

    Raises StorageError kinds when this machine's spool can't be read, DatabaseError kinds.
    """
    with reading(studio.engine) as connection:
        count, size, oldest = purge.totals(connection, _due(studio, connection, until))
    return Totals(outputs=count, bytes=size, oldest=oldest)


def run(
    studio: Studio,
    *,
    by: Actor,
    until: datetime | None = None,
    report: Report | None = None,
    goes_on: Callable[[Report], bool] = lambda report: True,
) -> Report:
    """Remove them in batches, until there is none left or `goes_on` says no.

    A store that fails ends the run: `report.error` says why, and its rows are left for the next one.
    Raises NotAllowed below an admin; StorageError kinds when this machine's spool can't be read;
    DatabaseError kinds.
    """
    if not by.role.may(Role.ADMIN):
        raise NotAllowed(Role.ADMIN)
    report = report or Report()
    with reading(studio.engine) as connection:
        wanted = _due(studio, connection, until)
        report.waiting = purge.waiting(connection, wanted)
    after: tuple[datetime, int] | None = None
    while goes_on(report):
        with writing(studio.engine) as connection:
            batch, after = purge.begin(connection, wanted, after=after, limit=BATCH, now=clock.now())
        try:
            empty(studio.store, batch)
        except StorageError as error:
            report.error = error
            return report
        if batch.outputs:
            with writing(studio.engine) as connection:
                with insights.purging(studio, connection, batch.outputs, batch.photos):
                    search.forget(connection, batch.outputs)
                    purge.remove(connection, batch)
                _record(connection, batch, by)
            report.outputs += len(batch.outputs)
            report.photos += len(batch.photos)
            report.objects += len(batch.objects) - len(batch.shared)
            report.shared += len(batch.shared)
            report.bytes += batch.bytes
        if after is None:
            break
    return report


def empty(store: ObjectStore, batch: purge.Batch) -> None:
    """Delete the objects that nothing else names. Raises StorageError kinds."""
    store.delete(sorted(batch.objects - batch.shared))


def _due(studio: Studio, connection: Connection, until: datetime | None) -> purge.Due:
    return purge.Due(
        store=studio.store.name,
        until=until or clock.now() - trash.grace(studio),
        spooled=trash.spooled(studio, connection),
    )


def _record(connection: Connection, batch: purge.Batch, by: Actor) -> None:
    data = {"outputs": list(batch.keys), "objects": len(batch.objects - batch.shared), "bytes": batch.bytes}
    tasks.add_event(connection, at=clock.now(), actor=by.id, verb="outputs.purged", data=data)
