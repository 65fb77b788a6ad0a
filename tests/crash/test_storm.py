"""A small storm; the large one is `dev.py bench chaos`."""

from __future__ import annotations

from pathlib import Path

from tests.parts.postgres import Postgres
from tests.parts.storm import Plan, weathered


def test_a_storm_loses_nothing_lies_nowhere_and_repeats_no_call(postgres: Postgres, tmp_path: Path) -> None:
    report = weathered(Plan(tasks=20, kills=1, seed=11), postgres, tmp_path)
    assert not report.audit.wrong, "\n" + "\n".join(report.lines())
    assert report.audit.outputs["succeeded"] > 5
    assert report.faults and report.kills and report.restarts
