"""Insights over 1,000,000 outputs of two years, beside the same sums made from the rows themselves.

On SQLite and on Postgres: the figures of a year by the sums of each day, over the statements that sum
outputs, calls and reviews. Then the page in Chromium, on SQLite: from a press on its link to all seven
charts, over one second; the first visit of a process and of its browser, and later ones. How long it takes to
make all sums anew is printed as well.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core import clock, figures, insights
from core.database.engine import reading
from core.settings import load_settings
from core.studio import Studio, open_studio
from tests.bench.measure import alternated, line, seconds
from tests.browser import chromium, open_page, serving, settled
from tests.conftest import BY
from tests.parts import postgres
from tests.parts.many import fill

OUTPUTS, DAYS, SPAN = 1_000_000, 730, 365
RUNS = 5
CHARTS = 7

RAW = (
    "SELECT t.preset, t.preset_version, o.provider, o.model, o.state, o.error_kind, o.review, count(*)"
    " FROM outputs o JOIN tasks t ON t.id = o.task_id WHERE o.finished_at >= :since"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7",
    "SELECT t.preset, t.preset_version, o.provider, o.model, sum(c.cost_micros), sum(c.reserved_micros)"
    " FROM calls c JOIN outputs o ON o.id = c.output_id JOIN tasks t ON t.id = o.task_id"
    " WHERE c.sent_at >= :since GROUP BY 1, 2, 3, 4",
    "SELECT actor, verdict, reason, count(*) FROM reviews WHERE at >= :since GROUP BY 1, 2, 3",
)
"""Fewer sums than the page shows: no weeks, no percentiles, no agreement."""


def run() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with filled(f"sqlite:///{folder / 'packshot.db'}", folder) as (studio, took):
            yield took
            yield compared("SQLite", studio)
        with serving(folder) as server, chromium() as browser:
            yield from painted(browser, server.url)
    with (
        tempfile.TemporaryDirectory() as name,
        postgres.running() as cluster,
        filled(cluster.fresh(), Path(name)) as (studio, took),
    ):
        yield took
        yield compared("Postgres", studio)


@contextmanager
def filled(url: str, folder: Path) -> Iterator[tuple[Studio, str]]:
    settings = load_settings(
        database_url=url, upload_dir=folder / "media", app_secret="a secret for measuring"
    )
    with open_studio(settings, work=False) as studio:
        fill(studio.engine, outputs=OUTPUTS, days=DAYS, until=clock.now())
        with studio.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(sa.text("ANALYZE"))
        took = seconds(lambda: insights.rebuild(studio, by=BY))
        folded = seconds(lambda: [insights.beat(studio) for _ in range(200)])
        name = studio.engine.dialect.name
        yield studio, f"{name}: {OUTPUTS:,} outputs summed in {took:.0f} s, folded in {folded:.0f} s"


def compared(name: str, studio: Studio) -> str:
    between = figures.last(studio, SPAN)
    since = {"since": f"{between.since:%Y-%m-%d}"}

    def raw() -> list[Any]:
        with reading(studio.engine) as connection:
            return [connection.execute(sa.text(statement), since).all() for statement in RAW]

    ours, reference = alternated(
        lambda: seconds(lambda: figures.figures(studio, between)), lambda: seconds(raw), RUNS
    )
    return line(f"{name}: figures of {SPAN} days, over the same sums raw", ours, reference, 0.2)


def painted(browser: Any, url: str) -> Iterator[str]:
    """From a press on the link to the last chart: the first visit, and the median of the others."""
    took = []
    with closing(open_page(browser, url)) as page:
        page.wait_for_timeout(4_000)  # A desk has run for a while when somebody comes.
        for _ in range(RUNS + 1):
            started = time.perf_counter()
            page.get_by_role("link", name="Insights").click()
            page.locator("svg.marks").nth(CHARTS - 1).wait_for()
            took.append(time.perf_counter() - started)
            page.get_by_role("link", name="Generate").click()
            page.locator("svg.marks").first.wait_for(state="detached")
            settled(page)
    yield line("SQLite: press to seven charts on the first visit, over 1 s", took[0], 1.0, 1.0)
    yield line("SQLite: press to seven charts later, over 1 s", sorted(took[1:])[RUNS // 2], 1.0, 1.0)
