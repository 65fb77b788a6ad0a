"""The process-wide pool that makes waiting pictures: claims, leases, heartbeat, recovery."""

from __future__ import annotations

import logging
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from core import clock, insights, making, questions, recovery, telemetry
from core.database import provider_states, queue
from core.database.engine import reading, writing
from core.errors import Auth, DatabaseBehind, DatabaseError, PackshotError

if TYPE_CHECKING:
    from core.studio import Studio

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=20)
HEARTBEAT = 5.0
_LOOK = 1.0
"""Seconds between looks for work that another process wrote."""


KEEPING = 2
"""Outputs in work for each that may be asked for: while one answer is stored, the next is awaited."""


class Runner:
    """Runs queued outputs, up to PROVIDER_CONCURRENCY calls at once, for as long as the process lives."""

    def __init__(self, studio: Studio, *, lease: timedelta = LEASE, heartbeat: float = HEARTBEAT) -> None:
        self._studio = studio
        self._lease = lease
        self._heartbeat = heartbeat
        self._slots = studio.settings.provider_concurrency
        self._most = self._slots * KEEPING
        self._asking = 0
        """Claims whose answer has not come yet."""
        self._held: Counter[int] = Counter()
        """Outputs in work here; one that had to wait may be claimed again before its first run has left."""
        self._claiming = threading.Lock()
        self._given_up = threading.Event()
        self._judges_from = 0.0
        self._summed = 0.0
        self._sought: SimpleQueue[int] = SimpleQueue()
        """Outputs of dead processes: an answer may have come to one of them."""
        self._changed = threading.Condition()
        self._woken = False
        self._stopping = False
        self._worker_id: int | None = None
        self._threads = [
            threading.Thread(target=self._dispatch, name="dispatch", daemon=True),
            threading.Thread(target=self._beat, name="heartbeat", daemon=True),
            threading.Thread(target=self._adopt, name="adoption", daemon=True),
        ]

    @property
    def _busy(self) -> int:
        return self._held.total()

    def start(self) -> None:
        """Begin to claim; returns at once. A database that is away is waited for."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """There is something to claim."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def stop(self, *, drain: float = 25.0) -> bool:
        """Claim nothing more and wait up to `drain` seconds for what was sent; give the lease back.

        Returns whether nothing is awaited any more.
        """
        deadline = time.monotonic() + drain
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._threads[0].join(timeout=5)  # What it is claiming at this moment is waited for as well.
        with self._changed:
            while self._busy and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
        self._given_up.set()
        if not self._busy:  # Else they go on for as long as the process does: the lease is still needed.
            for thread in self._threads:
                thread.join(timeout=5)
        if self._worker_id is not None and not self._busy:
            try:
                with writing(self._studio.engine) as connection:
                    queue.renew_lease(connection, self._worker_id, clock.now() - self._lease)
            except DatabaseError as error:
                log.warning("the lease was not given back: %s", error.kind)
        return not self._busy

    def _dispatch(self) -> None:
        while not self._stopping:
            try:
                worker_id = self._register()
                ids = self._claim(worker_id)
            except DatabaseError as error:
                log.warning("waiting for the database: %s", error.kind)
                if isinstance(error, DatabaseBehind):
                    self._worker_id = None  # Another database stands there now: its tables first.
                with self._changed:
                    self._changed.wait(_LOOK)
                continue
            for output_id in ids:
                # No pool: its threads would keep a process that was told to stop until the last answer.
                run = telemetry.bound(output_id=output_id)(self._run)
                threading.Thread(target=run, args=(output_id, worker_id), name="making", daemon=True).start()
            if not ids:
                self._wait(_LOOK)

    def _register(self) -> int:
        if self._worker_id is None:
            from core.studio import prepare

            prepare(self._studio)
            now = clock.now()
            values = {
                "key": str(uuid.uuid4()),
                "host": socket.gethostname()[:200],
                "started_at": now,
                "lease_until": now + self._lease,
            }
            with writing(self._studio.engine) as connection:
                # A key is read at the start only, so one that was refused may be another now.
                provider_states.resume(connection, list(self._studio.providers), kind=Auth.__name__)
                self._worker_id = queue.register_worker(connection, values)
            questions.give_up(self._studio)
            self._seek(recovery.recover(self._studio))
        return self._worker_id

    def _claim(self, worker_id: int) -> list[int]:
        with self._changed:
            free = min(self._slots - self._asking, self._most - self._busy)
            woken, self._woken = self._woken, False
        if free <= 0 or self._stopping:
            return []
        studio, now = self._studio, clock.now()
        wanted: Any = {"providers": list(studio.providers), "store": studio.store.name, "now": now}
        if not woken:  # Nobody said that there is something; another process may have put it there.
            with reading(studio.engine) as connection:
                if not queue.waits(connection, **wanted):
                    return []
        with self._claiming:
            with writing(studio.engine) as connection:
                ids = queue.claim(connection, worker_id=worker_id, limit=free, **wanted)
            with self._changed:
                self._held.update(ids)
                self._asking += len(ids)
        return ids

    def _wait(self, seconds: float) -> None:
        with self._changed:
            if not self._woken and not self._stopping:
                self._changed.wait(seconds)

    def _run(self, output_id: int, worker_id: int) -> None:
        asks = [output_id]

        def answered() -> None:
            with self._changed:
                if asks:
                    asks.clear()
                    self._asking -= 1
                    self._woken = True
                    self._changed.notify_all()

        try:
            making.run_output(
                self._studio, output_id, worker_id=worker_id, stopping=self._given_up, answered=answered
            )
        except PackshotError as error:
            log.error("output %s was left to recovery: %s", output_id, error.kind)
            recovery.release(self._studio, output_id, worker_id)
        except Exception:
            log.exception("output %s ended by a mistake of the desk", output_id)
            recovery.release(self._studio, output_id, worker_id)
        finally:
            answered()
            with self._changed:
                self._held[output_id] -= 1
                self._held += Counter()  # Drops what stands at 0.
                self._woken = True
                self._changed.notify_all()

    def _beat(self) -> None:
        beaten = time.monotonic()
        while not (self._stopping and not self._busy):
            time.sleep(min(0.2, self._heartbeat))
            if self._worker_id is None or time.monotonic() - beaten < self._heartbeat:
                continue
            beaten = time.monotonic()
            try:
                self._renew(self._worker_id)
            except DatabaseError as error:
                # The others could not renew their leases either: they get their time before they are judged.
                self._judges_from = time.monotonic() + self._lease.total_seconds()
                log.warning("no heartbeat: %s", error.kind)

    def _renew(self, worker_id: int) -> None:
        with writing(self._studio.engine) as connection:
            if not queue.renew_lease(connection, worker_id, clock.now() + self._lease):
                self._worker_id = None  # An older copy of the database was put back.
                return
        self._studio.meters.beat()
        with self._claiming:
            with self._changed:
                held = set(self._held)
            with reading(self._studio.engine) as connection:
                stray = set(queue.held_by(connection, worker_id)) - held
        self._seek(recovery.let_go(self._studio, worker_id, stray))
        if time.monotonic() >= self._judges_from:
            self._seek(recovery.recover(self._studio))

    def _seek(self, output_ids: Iterable[int]) -> None:
        for output_id in output_ids:
            self._sought.put(output_id)

    def _adopt(self) -> None:
        """Take up answers whose process died, and fold sums. Not in the heartbeat: a slow store or a busy
        database must not cost the lease."""
        pause = _LOOK
        while not (self._stopping and not self._busy):
            try:
                sought = self._sought.get(timeout=_LOOK)
            except Empty:
                sought = None
            self._sum()
            try:
                if sought is not None:
                    recovery.adopt_stored(self._studio, sought)
                if self._worker_id is not None:
                    recovery.adopt_spooled(self._studio)
                pause = _LOOK
            except PackshotError as error:
                log.warning("no answer can be taken up: %s", error.kind)
                if sought is not None:
                    self._sought.put(sought)
                self._given_up.wait(pause)
                pause = min(60.0, pause * 2)

    def _sum(self) -> None:
        """Fold the sums by day, as often as the heart beats."""
        if self._worker_id is None or time.monotonic() - self._summed < self._heartbeat:
            return
        self._summed = time.monotonic()
        try:
            insights.beat(self._studio)
        except DatabaseError as error:
            log.warning("sums wait to be folded: %s", error.kind)
