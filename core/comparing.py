"""One comparison of storage and records in the background, for a page that looks in on it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from core import clock
from core.differences import Report
from core.errors import PackshotError
from core.reconcile import compare
from core.studio import Studio


@dataclass(kw_only=True)
class Comparison:
    """Going on until `done` is set; then `error`, or `report.finished_at`, or a mistake that the log has."""

    studio: Studio = field(repr=False)
    report: Report
    error: PackshotError | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def _run(self) -> None:
        try:
            compare(self.studio, report=self.report)
        except PackshotError as error:
            self.error = error
        finally:
            self.done.set()


_latest: list[Comparison] = []
_lock = threading.Lock()


def begin(studio: Studio) -> Comparison:
    """Start to compare, nothing is changed; one that goes on already is returned instead."""
    with _lock:
        found = latest(studio)
        if found is None or found.done.is_set():
            found = Comparison(studio=studio, report=Report(deep=False, started_at=clock.now()))
            _latest[:] = [found]
            # A daemon of its own: on a big store it takes minutes, and neither photos nor a stop wait for it.
            threading.Thread(target=found._run, name="compare", daemon=True).start()
        return found


def latest(studio: Studio) -> Comparison | None:
    """The last one of this Studio, whoever started it."""
    return next((item for item in _latest if item.studio is studio), None)
