"""200 tasks while model, store, database and processes fail; ends with 1 unless all three counts are 0."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.parts.postgres import running
from tests.parts.storm import Plan, weathered


def run() -> Iterator[str]:
    with running() as postgres, tempfile.TemporaryDirectory() as folder:
        report = weathered(Plan(tasks=200), postgres, Path(folder))
    yield from report.lines()
    if report.audit.wrong:
        raise SystemExit(1)
