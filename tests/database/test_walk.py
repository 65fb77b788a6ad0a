"""What a page of History reads does not grow with the rows there are: counted, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core import history
from core.database import schema, search, walk
from core.database.engine import reading, writing
from core.history import Filter, Sort
from core.model import OutputState, ReviewState
from core.studio import Studio
from tests.conftest import on_both
from tests.database.rows import add_task

pytestmark = on_both

ROWS, BOUND = 16_384, 100
START = datetime(2026, 1, 1, tzinfo=UTC)
PAIRS: list[dict[str, Any]] = [
    {}, {"text": "ramen"}, {"text": "豚"}, {"text": "soy"}, {"text": "ramen soy"}, {"provider": "gemini"},
    {"states": (OutputState.FAILED,)}, {"reviews": (ReviewState.APPROVED, ReviewState.REJECTED)},
    {"preset": "flat_lay"}, {"preset": "flat_lay", "version": 1}, {"model": "model-1"},
    {"operator": "user-1"},
    {"cost_from": 40_000}, {"since": date(2026, 1, 5), "until": date(2026, 1, 6)},
    {"since": date(2026, 1, 2), "until": date(2026, 1, 2)},
    {"text": "ramen", "states": (OutputState.FAILED,)}, {"operator": "user-1", "preset": "white_bg_front"},
    {"flagged": True}, {"tag": "moon"}, {"tag": "few"}, {"tag": "moon", "flagged": True},
    {"flagged": True, "operator": "user-1"}, {"text": "豚", "tag": "moon"}, {"tag": "few", "text": "soy"},
    {"text": "豚", "model": "model-1"}, {"cost_from": 30_000, "operator": "user-1"},
    {"text": "ramen", "cost_from": 40_000},
    {"text": "豚骨 jp", "until": date(2026, 1, 3), "cost_from": 40_000},
]  # fmt: skip


@pytest.fixture
def full(desk: Callable[..., Studio], monkeypatch: pytest.MonkeyPatch) -> Studio:
    """16,384 outputs of four kinds: the rare ones are the oldest."""
    opened = desk(work=False)
    engine = opened.engine
    ids = add_task(engine, outputs=1, sku="JP-SOY", product_name="soy", created_by="user-1", created_at=START)
    values = {"product_name": "豚骨 ramen", "created_at": START}
    ids += add_task(engine, outputs=1023, sku="JP-RMN", preset="flat_lay", **values)
    o = schema.outputs.c
    with writing(engine) as connection:
        rare = {"state": "failed", "model": "model-1", "cost_micros": 50_000}
        connection.execute(
            sa.update(schema.outputs).values(
                state="succeeded", cost_micros=33_000, key=sa.func.substr(o.key, 1, 30)
            )
        )
        connection.execute(sa.update(schema.outputs).where(o.id.in_(ids[:3])).values(**rare))
        for n in range(4):
            copied = [c for c in schema.outputs.c if c.name not in ("id", "key", "variant", "created_at")]
            size = 1024 * 2**n
            rows = sa.select(*copied, (o.key.op("||")(str(n))), o.variant + size, o.created_at).order_by(o.id)
            names = [*(c.name for c in copied), "key", "variant", "created_at"]
            # What is copied is common: it succeeded and is of the ordinary model.
            connection.execute(sa.insert(schema.outputs).from_select(names, rows.where(o.id > ids[2])))
        count = connection.execute(sa.select(sa.func.count()).select_from(schema.outputs)).scalar_one()
        assert count > 16_000
        clock = sa.cast(o.id, sa.Integer)
        for day in range(12):
            at = START + timedelta(days=day)
            part = sa.update(schema.outputs).where(clock > day * 1500, clock <= (day + 1) * 1500)
            connection.execute(part.values(created_at=at))
        connection.execute(sa.update(schema.outputs).where(o.id % 9 == 0).values(flagged=True))
        every = sa.select(o.id, sa.literal("moon")).where(o.id % 2 == 0)
        few = sa.select(o.id, sa.literal("few")).where(o.id.in_(ids[4:8]))
        for some in (every, few):
            connection.execute(sa.insert(schema.output_tags).from_select(["output_id", "tag"], some))
        search.reindex(connection, list(connection.execute(sa.select(o.id)).scalars()))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))
    monkeypatch.setattr(walk, "CANDIDATES", BOUND)
    monkeypatch.setattr(history, "COUNT_LIMIT", BOUND // 2)
    return opened


def read(desk: Studio, act: Callable[[], Any]) -> list[tuple[int, str]]:
    """For each statement of `act` how many rows it read (SQLite: steps of its machine), and its text."""
    found: list[tuple[int, str]] = []
    said: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        said.append((statement, parameters))

    sa.event.listen(desk.engine, "before_cursor_execute", listen)
    try:
        act()
    finally:
        sa.event.remove(desk.engine, "before_cursor_execute", listen)
    with reading(desk.engine) as connection:
        for statement, parameters in said:
            if statement.startswith("BEGIN"):
                continue
            if statement.startswith(("SET", "EXPLAIN")):
                connection.exec_driver_sql(statement, parameters)
            elif connection.dialect.name == "postgresql":
                plan = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
                found.append((_rows(plan.scalar_one()[0]["Plan"]), statement))
            else:
                found.append((_steps(connection, statement, parameters), statement))
    return found


def _rows(node: dict[str, Any]) -> int:
    own = 0
    if "Relation Name" in node:
        kinds = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
        own = int(sum(node.get(kind, 0) for kind in kinds) * node["Actual Loops"])
    return own + sum(_rows(child) for child in node.get("Plans", ()))


def _steps(connection: sa.Connection, statement: str, parameters: Any) -> int:
    driver = connection.connection.dbapi_connection
    assert driver
    steps = [0]

    def count() -> None:
        steps[0] += 100

    driver.set_progress_handler(count, 100)
    try:
        driver.execute(statement, parameters).fetchall()
    finally:
        driver.set_progress_handler(None, 0)
    return steps[0]


def held_to_its_bound(desk: Studio, act: Callable[[], Any]) -> None:
    """For each candidate an entry of an index, its row, its text; of SQLite some steps for each of them. What
    Postgres' index of words gives in no order is ten times as much at most."""
    for rows, statement in read(desk, act):
        times = 200 if desk.engine.dialect.name == "sqlite" else 4
        assert rows <= BOUND * times or ("array_agg" in statement and rows <= BOUND * 10 + 1), (
            rows,
            statement,
        )


@pytest.mark.parametrize("sort", list(Sort))
def test_a_page_reads_no_more_than_its_bound(full: Studio, sort: Sort) -> None:
    for narrowed in PAIRS:
        wanted = Filter(**narrowed, sort=sort)
        for cursor in ({}, {"before": ROWS // 2}, {"after": ROWS // 2}):
            held_to_its_bound(full, lambda w=wanted, c=cursor: history.page(full, w, limit=20, **c))
        held_to_its_bound(full, lambda w=wanted: history.count(full, w))
        held_to_its_bound(full, lambda w=wanted: history.first(full, w))


def noted(desk: Studio, numbers: range, note: str) -> None:
    """Reviews of these outputs that say something."""
    review = {"actor": "amy", "verdict": "rejected", "at": START, "note": note}
    with writing(desk.engine) as connection:
        rows = [review | {"key": f"{note}-{number}", "output_id": number} for number in numbers]
        connection.execute(sa.insert(schema.reviews), rows)
        search.reindex(connection, numbers)
    with desk.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))


def test_a_word_of_one_season_is_found_without_a_search_in_steps(full: Studio) -> None:
    noted(full, range(2_000, 2_600), "月餅")
    wanted = Filter(text="月餅", model="scripted")
    page = history.page(full, wanted, limit=20)
    assert [entry.id for entry in page.entries] == list(range(2_599, 2_579, -1))
    for cursor in ({}, {"before": 2_300}, {"after": 100}):
        held_to_its_bound(full, lambda c=cursor: history.page(full, wanted, limit=20, **c))


def test_what_is_too_much_to_be_sorted_is_searched_in_steps(full: Studio) -> None:
    if full.engine.dialect.name == "sqlite":
        return  # Its index gives what matches in order.
    noted(full, range(2_000, 4_000), "月餅")
    wanted = Filter(text="月餅")
    page = history.page(full, wanted, limit=20)
    assert page.searched and page.entries == ()
    held_to_its_bound(full, lambda: history.page(full, wanted, limit=20))
    page = history.page(full, wanted, limit=20, before=4_010)
    assert [entry.id for entry in page.entries] == list(range(3_999, 3_979, -1))


def test_what_filters_offer_is_read_in_steps_of_an_index(full: Studio) -> None:
    from core.database import gallery

    with reading(full.engine) as connection:
        assert gallery.models(connection) == ["model-1", "scripted"]
        assert gallery.operators(connection) == ["local", "user-1"]
        assert gallery.tags(connection) == ["few", "moon"]

    def offered() -> None:
        with reading(full.engine) as connection:
            gallery.models(connection)
            gallery.tags(connection)

    assert all(rows <= 3_000 for rows, _ in read(full, offered))


def test_there_are_few_statements(full: Studio) -> None:
    for narrowed in PAIRS:
        assert len(read(full, lambda n=narrowed: history.page(full, Filter(**n)))) <= 8
