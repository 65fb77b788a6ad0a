"""The reviewers' queue reads about what it shows, on both databases, when a hundred thousand wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from core import review
from core.database import review_queue, schema
from core.database.engine import writing
from core.model import Actor, Role
from core.review import Verdict, Wanted
from core.studio import Studio
from tests.conftest import on_both
from tests.database.rows import output_values, photo_values, task_values

pytestmark = on_both

PHOTOS = 50_000
MEI = Actor(id="mei", name="Mei", role=Role.REVIEWER)
KEN = Actor(id="ken", name="Ken", role=Role.REVIEWER)
LAST = f"o{2 * PHOTOS}"


@pytest.fixture
def full(desk: Callable[..., Studio]) -> Studio:
    """Two waiting outputs of each photo; of the newest ten, those of another look, flagged and of Mei."""
    studio = desk(work=False)
    few = {"preset": "flat_lay", "created_by": "mei", "flagged": True}
    with writing(studio.engine) as connection:
        connection.execute(sa.insert(schema.tasks), [task_values(key="many"), task_values(key="few")])
        connection.execute(
            sa.insert(schema.photos),
            [
                photo_values(2 if n > PHOTOS - 10 else 1, key=f"p{n}", sku=f"S-{n}")
                for n in range(1, PHOTOS + 1)
            ],
        )
        made = {
            "state": "succeeded", "object_key": "generated/o.jpg", "thumb_key": "thumb/o.webp", "width": 9,
            "height": 8, "preset": "white_bg_front", "created_by": "local", "flagged": False,
        }  # fmt: skip
        rows = []
        for n in range(1, 2 * PHOTOS + 1):
            photo, late = (n + 1) // 2, n > 2 * (PHOTOS - 10)
            values = {**made, **(few if late else {}), "key": f"o{n}", "variant": 2 - n % 2}
            rows.append(output_values(2 if late else 1, photo, **values))
        connection.execute(sa.insert(schema.outputs), rows)
    with studio.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))
    return studio


@contextmanager
def listening(engine: sa.Engine) -> Iterator[list[tuple[str, Any]]]:
    """The statements (with their values) that are executed in the block."""
    said: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            said.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", listen)
    try:
        yield said
    finally:
        sa.event.remove(engine, "before_cursor_execute", listen)


def rows_read(engine: sa.Engine, statement: str, parameters: Any) -> int:
    """How many rows a statement reads of one table, at most; on SQLite at most about as many."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            return _sqlite_steps(connection, statement, parameters) // _STEPS_A_ROW
        (plan,) = connection.exec_driver_sql("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, parameters).one()
    found = [0]

    def walk(node: dict[str, Any]) -> None:
        if "Scan" in node["Node Type"]:
            lost = node.get("Rows Removed by Filter", 0)
            found.append(round((node["Actual Rows"] + lost) * node["Actual Loops"]))
        for child in node.get("Plans", []):
            walk(child)

    walk(plan[0]["Plan"])
    return max(found)


_STEPS_A_ROW = 10
"""SQLite's machine takes about so many instructions for a row that it reads and leaves out."""


def _sqlite_steps(connection: sa.Connection, statement: str, parameters: Any) -> int:
    """Instructions of SQLite's machine, in hundreds rounded down."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 100
        return 0

    raw: Any = connection.connection.driver_connection
    raw.set_progress_handler(count, 100)
    try:
        connection.exec_driver_sql(statement, parameters).all()
    finally:
        raw.set_progress_handler(None, 0)
    return steps


ALONE = (
    Wanted(),
    Wanted(preset="flat_lay"),
    Wanted(flagged=True),
    Wanted(mine=True),
    Wanted(sku="S-49995"),
    Wanted(task="few"),
)


def test_the_queue_reads_about_what_it_shows(full: Studio) -> None:
    each_filter_alone(full)
    filters_together(full)
    judging(full)


def each_filter_alone(full: Studio) -> None:
    review.decide(full, "o3", Verdict.APPROVED, by=MEI, sitting="a")
    review.claim(full, "o1", by=KEN)
    for wanted in ALONE:
        for place in (None, "o9", LAST):
            with listening(full.engine) as said:
                found = review.queue(full, wanted, by=MEI, sitting="a", place=place)
            assert len(said) <= 9, [statement for statement, _ in said]
            assert not found.further
            assert found.items or (place == LAST and wanted.task is None), (wanted, place)
            for statement, parameters in said:
                # Three counts of up to 1,001 are the most that one look reads.
                rows = rows_read(full.engine, statement, parameters)
                assert rows <= 5 * review.COUNT_LIMIT, (wanted, place, rows, statement)
    counted = review.queue(full, Wanted(preset="flat_lay"), by=MEI)
    assert (counted.waiting, counted.flagged, counted.mine) == (20, 20, 20)
    every = review.queue(full, Wanted(), by=MEI)
    assert (every.waiting, every.flagged, every.mine) == (1001, 20, 20)


def filters_together(full: Studio) -> None:
    """They look through a bounded part and say so."""
    for wanted, keys, further in (
        (Wanted(preset="white_bg_front", flagged=True), 0, False),
        (Wanted(preset="flat_lay", mine=True), 10, False),  # The last photo has two.
        (Wanted(preset="white_bg_front", mine=True), 0, False),
    ):
        with listening(full.engine) as said:
            found = review.queue(full, wanted, by=MEI)
        assert (len(found.items), found.further) == (keys, further), wanted
        assert len(said) <= 9
    # By somebody who ordered nearly everything, for a look that she hardly ever asked for.
    local = Actor.local()
    with listening(full.engine) as said:
        found = review.queue(full, Wanted(preset="flat_lay", mine=True), by=local)
    assert (found.items, found.further) == ((), True)
    assert len(said) <= 9 + 2 * review_queue.STRETCHES
    for statement, parameters in said:
        rows = rows_read(full.engine, statement, parameters)
        assert rows <= 5 * review_queue.CANDIDATES * review_queue.STRETCHES, (rows, statement)


def judging(full: Studio) -> None:
    """It takes few statements that read few rows, however many there are."""
    review.decide(full, "o1", Verdict.APPROVED, by=MEI)
    with listening(full.engine) as said:
        review.decide(full, "o5", Verdict.APPROVED, by=MEI)
        one = len(said)
        review.best_of(full, "o7", by=MEI)
        both = len(said) - one
    assert (one <= 16, both <= 20) == (True, True), (one, both)
    for statement, parameters in said:
        if statement.startswith("SELECT"):
            rows = rows_read(full.engine, statement, parameters)
            assert rows <= 50, (rows, statement)
