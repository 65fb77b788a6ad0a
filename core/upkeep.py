"""The daily step of the server: carry out the rules of keeping, remove what was in the trash long enough."""

from __future__ import annotations

import logging
import os
import sys
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core import clock, keeping
from core.database import upkeep
from core.database.engine import reading, writing
from core.errors import PackshotError
from core.model import Actor, Role

if TYPE_CHECKING:
    from core.studio import Studio

log = logging.getLogger(__name__)

EVERY = timedelta(days=1)
"""Also from the first start on: who sets RETENTION_DAYS has a day to look at what it would take."""
LEASE = timedelta(hours=1)
"""Held longer while the work goes on; after this a process is taken for dead, or a store is tried again."""
_LOOK = 600.0
_PAUSE = 0.1
"""Seconds between two chunks: what people do comes first."""
_NICE = 10
_BY = Actor(id=keeping.DESK, name=keeping.DESK, role=Role.ADMIN)


def once(studio: Studio, *, stopping: threading.Event) -> bool:
    """Do what is due, if it is due and no other process does it; returns whether it was wholly done.

    Where the store fails or `stopping` is set, the rest is left for later. Raises PackshotError kinds.
    """
    store, now = studio.store.name, clock.now()
    with reading(studio.engine) as connection:
        due = upkeep.next_at(connection, store)
    if due is not None and due > now:
        return False
    with writing(studio.engine) as connection:
        upkeep.begin(connection, store, first=now + EVERY)
        if not upkeep.claim(connection, store, now=now, until=now + LEASE):
            return False
    from core import purge, retention

    turn = _Turn(studio, now, stopping)
    if any(rule.days is not None for rule in retention.rules(studio)):
        retention.run(studio, by=_BY, goes_on=turn.goes_on)
    report = purge.run(studio, by=_BY, goes_on=turn.goes_on)
    if report.error:
        raise report.error
    with writing(studio.engine) as connection:
        upkeep.put_off(connection, store, clock.now() if stopping.is_set() else now + EVERY)
    return not stopping.is_set()


class _Turn:
    """Holds the turn while the work goes on, and leaves room for others between two chunks."""

    def __init__(self, studio: Studio, since: datetime, stopping: threading.Event) -> None:
        self._studio = studio
        self._held_at = since
        self._stopping = stopping

    def goes_on(self, _report: object) -> bool:
        if self._stopping.wait(_PAUSE):
            return False
        now = clock.now()
        if now - self._held_at > LEASE / 4:
            with writing(self._studio.engine) as connection:
                upkeep.put_off(connection, self._studio.store.name, now + LEASE)
            self._held_at = now
        return True


class Upkeep:
    """One thread that looks every ten minutes whether the day's work is due."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Returns at once. A database that is away is waited for."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no further chunk; the next process goes on."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        if sys.platform == "linux":
            # There a thread has its own niceness: pages and answers come first.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        while True:
            try:
                if once(self._studio, stopping=self._stopping):
                    log.info("what is old was looked after")
            except PackshotError as error:
                log.warning("what is old is not looked after: %s", error.kind)
            except Exception:
                # A mistake of a day must not end the step.
                log.exception("pictures are not looked after by a mistake of the desk")
            if self._stopping.wait(_LOOK):
                return
