"""Work through acts on many: some pictures in one transaction, with the place where it goes on."""

from __future__ import annotations

import logging
import threading
import uuid
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from core import clock
from core.bulk_job import Act, Job, job_of
from core.database import jobs, tasks
from core.database.engine import reading, writing
from core.errors import DatabaseError, NotFound

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.studio import Studio

log = logging.getLogger(__name__)

CHUNK = 200
"""Pictures of one transaction."""
LEASE = timedelta(seconds=30)
"""A transaction takes a fraction of a second; after this its process is taken for dead."""
_LOOK = 10.0
"""Seconds between looks for what another process left. What this one begins is begun at once."""
_BREATH = 0.02
"""Seconds between transactions in which others may write."""
_LONGEST = 60.0


class BulkWorker:
    """One thread that does what was confirmed, one job after another."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._holder = str(uuid.uuid4())
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bulk", daemon=True)

    def start(self) -> None:
        """Returns at once. A database that is away is waited for."""
        self._thread.start()

    def stop(self) -> None:
        """End after the transaction that is going on; another process or the next start goes on."""
        self._stopping.set()
        self._studio.stirred.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        pause = _LOOK
        while not self._stopping.is_set():
            self._studio.stirred.clear()
            try:
                while not self._stopping.is_set() and self._next():
                    pass
                pause = _LOOK
            except DatabaseError as error:
                log.warning("an act on many waits for the database: %s", error.kind)
                pause = min(_LONGEST, pause * 2)
            self._studio.stirred.wait(pause)

    def _next(self) -> bool:
        """Work on the oldest job that nobody works on; returns whether there was one."""
        now = clock.now()
        with reading(self._studio.engine) as connection:
            job_id = jobs.due(connection, now)
        if job_id is None:
            return False
        with writing(self._studio.engine) as connection:
            mine = jobs.claim(connection, job_id, self._holder, now, now + LEASE)
        if mine:
            self._work(job_id)
        return True

    def _work(self, job_id: int) -> None:
        try:
            while step(self._studio, job_id, self._holder):
                if self._stopping.wait(_BREATH):
                    with writing(self._studio.engine) as connection:
                        jobs.hold(connection, job_id, self._holder, None)
                    return
        except DatabaseError:
            raise
        except Exception:
            # A mistake must not be made again and again; what is done can be undone.
            log.exception("an act on many ended by a mistake of the desk")
            with writing(self._studio.engine) as connection:
                if row := jobs.hold(connection, job_id, self._holder, None):
                    _end(connection, job_of(row), jobs.BROKEN)


def step(studio: Studio, job_id: int, holder: str) -> bool:
    """Do the next pictures of a job that `holder` holds; False when there is nothing more to do for it.

    The pictures, what became of them and the place stand in one transaction: each is done once, whoever dies.
    """
    from core import bulk_acts  # With the first job: the start of a server does without it.

    with writing(studio.engine) as connection:
        row = jobs.hold(connection, job_id, holder, clock.now() + LEASE)
        if row is None:
            return False  # It was stopped, or taken for dead and taken over.
        job = job_of(row)
        items = jobs.next_items(connection, job_id, job.place, CHUNK)
        if not items:
            _end(connection, job, jobs.FINISHED)
            return False
        outcomes = bulk_acts.do(studio, connection, job, items)
        jobs.note(
            connection,
            job_id,
            [
                {"output_id": i, "outcome": kind, "review_id": review_id}
                for i, (kind, review_id) in outcomes.items()
            ],
        )
        skipped = Counter(job.skipped) + Counter(kind for kind, _ in outcomes.values() if kind != jobs.DONE)
        values = {
            "place": items[-1].output_id,
            "done": job.done + len(outcomes.changed),
            "skipped": dict(skipped),
        }
        jobs.change(connection, job.key, [jobs.RUNNING], values)
    if job.act is Act.RETRY and outcomes.changed:
        studio.enqueue(outcomes.changed)
    return True


def _end(connection: Connection, job: Job, state: str) -> None:
    now, skipped = clock.now(), dict(job.skipped)
    if state == jobs.FINISHED and (gone := job.total - job.done - job.left) > 0:
        # Removed for good before their turn, and with them their lines of the list.
        skipped[NotFound.__name__] = skipped.get(NotFound.__name__, 0) + gone
    values = {"state": state, "finished_at": now, "skipped": skipped, "holder": None, "held_until": None}
    jobs.change(connection, job.key, [jobs.RUNNING], values)
    data = {"job": job.key, "act": job.act, "done": job.done, "skipped": skipped}
    tasks.add_event(connection, at=now, actor=job.by.id, verb=f"bulk.{state}", data=data)
