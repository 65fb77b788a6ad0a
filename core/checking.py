"""The step after a picture is shown: compare it with its photo, one at a time, while nothing else waits."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import uuid
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from core import clock, keeping, telemetry
from core.checks.fidelity import Fidelity, Place, Verdict, compare
from core.database import checking, tasks
from core.database.engine import reading, writing
from core.errors import DatabaseError, ObjectMissing, PackshotError, StorageError
from core.model import FIDELITY, Output
from core.storage.keys import heat_key

if TYPE_CHECKING:
    from core.studio import Studio

log = logging.getLogger(__name__)

QUIET = 2.0
"""Seconds in which nothing was made before the first comparison begins."""
LEASE = timedelta(minutes=2)
"""A comparison takes a second; after this its process is taken for dead."""
MOST_TRIES = 3
"""A picture that ends the process each time is left alone."""
_PAUSE = timedelta(minutes=1)
_LOOK = 2.0
_LONGEST = 60.0
_NICE = 10


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the check found of one picture, as a page shows it."""

    result: Verdict
    why: str | None
    axes: dict[str, dict[str, float]]
    """By name: `value` in its own unit and `score`, where 1.0 is the limit."""
    places: tuple[dict[str, Any], ...]
    """Each with `axis`, `score`, and `result` and `source` as boxes of fractions (x, y, width, height)."""
    reading: dict[str, Any] | None
    """What the label says at the worst spot: `source`, `result` and their `errors`."""
    heat: str | None
    """The object key of the heat map."""


def check(studio: Studio, output_id: int, *, stopping: threading.Event) -> Fidelity | None:
    """Compare one claimed output with its photo and write what was found: the heat map first, then one
    transaction with the result, the flag and the event.

    Returns None when it is no longer wanted, or `stopping` was set. Raises StorageError and DatabaseError
    kinds.
    """
    with reading(studio.engine) as connection:
        output = tasks.output_by_id(connection, output_id)
        if output is None or not output.object_key:
            return None
        photo = tasks.photo_by_id(connection, output.photo_id)
        task = tasks.task_by_id(connection, output.task_id)
    source, result = studio.store.get(photo.object_key), studio.store.get(output.object_key)
    if stopping.is_set():
        return None
    found = compare(source, result)
    heat = heat_key(task.key, str(uuid.uuid4())) if found.heat else None
    if stopping.is_set():
        return None
    if heat and found.heat:
        studio.store.put(heat, found.heat, "image/webp")
    kept = _finish(studio, output, found, heat)
    if heat and not kept:
        studio.store.delete([heat])
    return found if kept else None


def _finish(studio: Studio, output: Output, found: Fidelity, heat: str | None) -> bool:
    evidence = {
        "why": found.why,
        "axes": {axis.name: {"value": axis.value, "score": axis.score} for axis in found.axes},
        "places": [_place(place) for place in found.places],
        "reading": asdict(found.reading) if found.reading else None,
        "heat": heat,
        "align": found.align,
    }
    with writing(studio.engine) as connection:
        kept = checking.finish(
            connection,
            output.id,
            name=FIDELITY,
            object_key=output.object_key,
            result=found.verdict,
            evidence=evidence,
            # "Could not compare" is not "preserved", and a cut-out that doubts itself may have lost what the
            # check overlooks for the same reason: a person looks.
            flagged=found.verdict is not Verdict.PRESERVED or output.notes.get("sure") is False,
            at=clock.now(),
        )
        if kept:
            keeping.record(connection, output, "output.checked", name=FIDELITY, result=found.verdict)
    return kept


def _place(place: Place) -> dict[str, Any]:
    return {
        "axis": place.axis,
        "score": place.score,
        "result": asdict(place.result),
        "source": asdict(place.source),
    }


def evidence_of(studio: Studio, output_id: int) -> Evidence | None:
    """What the check found; None while it has not. Raises DatabaseError kinds."""
    with reading(studio.engine) as connection:
        row = checking.result_of(connection, output_id, FIDELITY)
    if row is None:
        return None
    kept = row.evidence
    return Evidence(
        result=Verdict(row.result),
        why=kept.get("why"),
        axes=kept.get("axes") or {},
        places=tuple(kept.get("places") or ()),
        reading=kept.get("reading"),
        heat=kept.get("heat"),
    )


class Checker:
    """One thread that compares what nobody has compared, while no picture is being made."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checking", daemon=True)

    def start(self) -> None:
        """Returns at once. A database that is away is waited for."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more. What is being compared is let go: it is claimed again by whoever comes next."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        if sys.platform == "linux":
            # There a thread has its own niceness: pages and answers come first.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        pause, quiet_since = _LOOK, time.monotonic()
        while not self._stopping.wait(pause):
            try:
                if self._busy():
                    quiet_since, pause = time.monotonic(), _LOOK
                elif time.monotonic() - quiet_since < QUIET:
                    pause = _LOOK
                else:
                    pause = 0.0 if self._next() else _LOOK
            except DatabaseError as error:
                log.warning("no picture can be checked: %s", error.kind)
                pause = min(_LONGEST, max(_LOOK, pause * 2))
            except StorageError as error:
                log.warning("the store gives no picture to check: %s", error.kind)
                pause = min(_LONGEST, max(_LOOK, pause * 2))

    def _busy(self) -> bool:
        studio = self._studio
        with reading(studio.engine) as connection:
            return checking.busy(
                connection, providers=list(studio.providers), store=studio.store.name, now=clock.now()
            )

    def _next(self) -> bool:
        """Compare the newest picture that waits; returns whether there was one."""
        studio, now = self._studio, clock.now()
        with reading(studio.engine) as connection:
            output_id = checking.waiting(connection, store=studio.store.name, now=now)
        if output_id is None:
            return False
        with writing(studio.engine) as connection:
            tries = checking.claim(connection, output_id, now=now, until=now + LEASE)
        if tries is None:
            return True
        if tries > MOST_TRIES:
            self._give_up(output_id)
            return True
        with telemetry.bound(output_id=output_id):
            self._check(output_id)
        return True

    def _check(self, output_id: int) -> None:
        try:
            found = check(self._studio, output_id, stopping=self._stopping)
        except ObjectMissing as error:
            log.warning("a picture to check is not there: %s", error.kind)
            self._give_up(output_id)
        except StorageError:
            self._give_back(output_id, uncounted=True)
            raise
        except PackshotError:
            raise
        except Exception:
            # A comparison that fails must not end the step; the picture gets its other tries.
            log.exception("a picture could not be checked by a mistake of the desk")
            self._give_back(output_id, uncounted=False)
        else:
            if found is None:
                self._give_back(output_id, uncounted=True)

    def _give_back(self, output_id: int, *, uncounted: bool) -> None:
        after = clock.now() + (timedelta() if self._stopping.is_set() else _PAUSE)
        with writing(self._studio.engine) as connection:
            checking.give_back(connection, output_id, after=after, uncounted=uncounted)

    def _give_up(self, output_id: int) -> None:
        with writing(self._studio.engine) as connection:
            output = tasks.output_by_id(connection, output_id)
            if output and checking.give_up(connection, output_id):
                keeping.record(connection, output, "output.checked", name=FIDELITY, result="failed")
