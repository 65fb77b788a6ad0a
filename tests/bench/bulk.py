"""An act on 100,000 pictures at once, on SQLite and on Postgres, beside the same act on one after another.

Printed: how long it takes to freeze the list, pictures a second of each act over those of `review.decide`,
and the longest transaction, for which other writers of SQLite wait.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from core import bulk, bulk_worker, clock, history, insights, review
from core.bulk import Act, Job
from core.database import jobs
from core.database.engine import writing
from core.history import Filter
from core.settings import load_settings
from core.studio import Studio, open_studio
from tests.bench.measure import least, seconds
from tests.conftest import BY
from tests.parts import postgres
from tests.parts.many import fill

OUTPUTS = 100_000
ALONE = 100
BUDGET = 5.0


def run() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name, filled(f"sqlite:///{name}/packshot.db", Path(name)) as desk:
        yield from measured("SQLite", desk)
    with (
        tempfile.TemporaryDirectory() as name,
        postgres.running() as cluster,
        filled(cluster.fresh(), Path(name)) as desk,
    ):
        yield from measured("Postgres", desk)


@contextmanager
def filled(url: str, folder: Path) -> Iterator[Studio]:
    settings = load_settings(
        database_url=url, upload_dir=folder / "media", app_secret="a secret for measuring"
    )
    with open_studio(settings, work=False) as studio:
        fill(studio.engine, outputs=OUTPUTS, days=365, until=clock.now())
        with studio.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(sa.text("ANALYZE"))
        insights.rebuild(studio, by=BY)
        yield studio


def measured(name: str, desk: Studio) -> Iterator[str]:
    first = history.page(desk, Filter(), limit=2 * ALONE).entries
    alone = [entry.key for entry in first if entry.state == "succeeded" and entry.review != "approved"][
        :ALONE
    ]
    before = review.history_of(desk, alone[0])
    seen = max((one.id for one in before), default=0) + OUTPUTS
    took = seconds(
        lambda: [review.decide(desk, key, review.Verdict.APPROVED, by=BY, seen=seen) for key in alone]
    )
    one = len(alone) / took
    started = time.perf_counter()
    frozen = bulk.freeze(desk, Filter(), by=BY)
    took = time.perf_counter() - started
    yield f"{name}: a list of {frozen.total:,} frozen in {took:.1f} s"
    for act in (Act.APPROVE, Act.TAG, Act.DELETE):
        if act is not Act.APPROVE:
            frozen = bulk.freeze(desk, Filter(), by=BY)
        job = bulk.begin(desk, frozen.key, act, by=BY, number=frozen.total, tag="moon festival")
        for one_act in (job, None):
            todo = one_act or bulk.undo(desk, job.key, by=BY)
            took, longest = done(desk, todo)
            what = f"{name}: {todo.act}, {todo.total:,} pictures, longest transaction {longest * 1000:.0f} ms"
            yield least(what, todo.total / took, one, BUDGET)


def done(desk: Studio, job: Job) -> tuple[float, float]:
    now, times = clock.now(), []
    with writing(desk.engine) as connection:
        jobs.claim(connection, job.id, "here", now, now + bulk_worker.LEASE)
    more = True
    while more:
        started = time.perf_counter()
        more = bulk_worker.step(desk, job.id, "here")
        times.append(time.perf_counter() - started)
    return sum(times), max(times)
