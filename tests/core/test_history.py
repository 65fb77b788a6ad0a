"""History's list: each filter, each order, both ways, the same on both databases and never without end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core import history
from core.database import schema, walk
from core.database.engine import writing
from core.history import Count, Filter, Page, Sort
from core.model import OutputState, ReviewState
from core.studio import Studio
from tests.conftest import on_both
from tests.database.rows import add_task

pytestmark = on_both

Desk = Callable[..., Studio]
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def set_values(desk: Studio, ids: list[int], **values: Any) -> None:
    with writing(desk.engine) as connection:
        connection.execute(sa.update(schema.outputs).where(schema.outputs.c.id.in_(ids)).values(**values))


def listed(desk: Studio, wanted: Filter, *, limit: int = 3) -> list[int]:
    """All pages of a filter to the end; from each of them all the way back: the same."""
    forward, back = ("older", "newer") if wanted.sort is not Sort.OLDEST else ("newer", "older")
    ids: list[int] = []
    for page in turned(desk, wanted, history.page(desk, wanted, limit=limit), forward, limit):
        returned = [entries.entries for entries in turned(desk, wanted, page, back, limit)][:0:-1]
        assert [entry.id for entries in returned for entry in entries] == ids
        ids += [entry.id for entry in page.entries]
    return ids


def turned(desk: Studio, wanted: Filter, page: Page, way: str, limit: int) -> Iterator[Page]:
    """This page, and those that follow it one way."""
    for _ in range(200):
        yield page
        if (cursor := getattr(page, way)) is None:
            return
        page = history.page(desk, wanted, limit=limit, **{{"older": "before", "newer": "after"}[way]: cursor})
    raise AssertionError("pages without end")


@pytest.fixture
def stocked(desk: Desk) -> tuple[Studio, list[int]]:
    """Twelve outputs that differ in everything that can be asked for."""
    opened = desk(work=False)
    ids = []
    for n in range(12):
        at, sku = NOON + timedelta(hours=n * 12), f"{('JP', 'HK')[n % 2]}-{n:03}"
        task = {"preset": ("white_bg_front", "flat_lay")[n % 2], "preset_version": 1 + n % 3}
        task |= {"key": f"task-{n}", "created_by": f"user-{n % 4}"}
        ids += add_task(opened.engine, outputs=1, sku=sku, created_at=at, **task)
    for n, number in enumerate(ids):
        values: dict[str, Any] = {"cost_micros": n * 10_000, "state": "succeeded"}
        values |= {"model": f"model-{n % 3}", "provider": ("gemini", "openai")[n % 2]}
        set_values(opened, [number], **values)
    set_values(opened, ids[:2], review="approved")
    set_values(opened, ids[2:4], review="rejected")
    set_values(opened, ids[4:5], state="failed", cost_micros=None)
    set_values(opened, ids[5:6], state="blocked")
    set_values(opened, ids[6:7], state="queued", cost_micros=None)
    set_values(opened, ids[1:9:3], flagged=True)
    with writing(opened.engine) as connection:
        tagged = [{"output_id": ids[n], "tag": tag} for n in (2, 3, 7) for tag in ("moon", "festival")]
        connection.execute(sa.insert(schema.output_tags), tagged)
    return opened, ids


def test_each_filter_narrows_alone_and_with_another(stocked: tuple[Studio, list[int]]) -> None:
    desk, ids = stocked
    every = set(range(12))
    succeeded = every - {4, 5, 6}
    cases: list[tuple[dict[str, Any], set[int]]] = [
        ({}, every),
        ({"states": (OutputState.FAILED, OutputState.BLOCKED)}, {4, 5}),
        ({"reviews": (ReviewState.APPROVED,)}, {0, 1}),
        ({"reviews": (ReviewState.TO_REVIEW,)}, succeeded - {0, 1, 2, 3}),
        ({"reviews": (ReviewState.REJECTED,), "states": (OutputState.QUEUED,)}, {2, 3, 6}),
        ({"preset": "flat_lay"}, {n for n in every if n % 2}),
        ({"preset": "flat_lay", "version": 2}, {n for n in every if n % 2 and n % 3 == 1}),
        ({"provider": "openai"}, {n for n in every if n % 2}),
        ({"model": "model-1"}, {n for n in every if n % 3 == 1}),
        ({"operator": "user-3"}, {3, 7, 11}),
        ({"task": "task-4"}, {4}),
        ({"flagged": True}, {1, 4, 7}),
        ({"tag": "moon"}, {2, 3, 7}),
        ({"text": "hk"}, {n for n in every if n % 2}),
        ({"since": date(2026, 11, 26)}, set(range(3, 12))),
        ({"until": date(2026, 11, 25)}, set(range(3))),
        ({"since": date(2026, 11, 26), "until": date(2026, 11, 26)}, {3, 4}),
        ({"cost_from": 90_000}, {9, 10, 11}),
        ({"cost_from": 20_000, "cost_to": 70_000}, {2, 3, 5, 7}),
    ]
    for one, first in cases:
        for other, second in cases:
            if set(one) & set(other) and one is not other:
                continue
            wanted, numbers = Filter(**{**one, **other}), first & second
            if {"states", "reviews"} <= {*one, *other} and not {"states", "reviews"} <= {*one}:
                continue  # They widen each other.
            matching = [ids[n] for n in sorted(numbers, reverse=True)]
            assert listed(desk, wanted) == matching, wanted
            assert history.count(desk, wanted) == Count(number=len(matching), exact=True)
            assert history.first(desk, wanted) == (history.page(desk, wanted), history.count(desk, wanted))


def test_each_order_goes_both_ways(stocked: tuple[Studio, list[int]]) -> None:
    desk, ids = stocked
    set_values(desk, ids[8:10], cost_micros=20_000)
    for narrowed in ({}, {"preset": "flat_lay"}, {"text": "hk"}):
        newest = listed(desk, Filter(**narrowed))
        assert listed(desk, Filter(**narrowed, sort=Sort.OLDEST)) == newest[::-1]
        with desk.engine.connect() as connection:
            costs = sa.select(schema.outputs.c.id, schema.outputs.c.cost_micros)
            known = {row.id: row.cost_micros for row in connection.execute(costs) if row.id in newest}
        dearest = sorted(
            (n for n in known if known[n] is not None), key=lambda n: (known[n], n), reverse=True
        )
        assert listed(desk, Filter(**narrowed, sort=Sort.COST)) == dearest
        assert history.count(desk, Filter(**narrowed, sort=Sort.COST)).number == len(dearest)
        for sort in Sort:
            wanted = Filter(**narrowed, sort=sort)
            assert history.first(desk, wanted) == (history.page(desk, wanted), history.count(desk, wanted))


def test_a_page_examines_no_more_than_its_bound(
    stocked: tuple[Studio, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, ids = stocked
    monkeypatch.setattr(walk, "CANDIDATES", 4)
    wanted = Filter(provider="openai", model="model-0", operator="user-3")
    page = history.page(desk, wanted)
    assert page.searched is None, "a filter with no more than the bound leads, so nothing is left out"
    wanted = Filter(preset="white_bg_front", provider="openai")
    page = history.page(desk, wanted)
    assert (page.entries, page.older, page.newer) == ((), ids[4], None)
    assert page.searched and page.searched.id == ids[4]
    assert history.count(desk, wanted) == Count(number=0, exact=False)
    assert history.first(desk, wanted) == (page, Count(number=0, exact=False))
    page = history.page(desk, wanted, before=page.older)
    assert (page.entries, page.older, page.searched) == ((), None, None)
    for sort in Sort:
        for narrowed in (
            {"text": "hk", "model": "model-1"},
            {"cost_to": 40_000, "text": "jp"},
            {"text": "hk"},
        ):
            with_bound = listed(desk, Filter(**narrowed, sort=sort))
            monkeypatch.setattr(walk, "CANDIDATES", 2_000)
            assert listed(desk, Filter(**narrowed, sort=sort)) == with_bound, (sort, narrowed)
            monkeypatch.setattr(walk, "CANDIDATES", 4)


def test_the_way_back_from_an_empty_page_misses_nothing(
    stocked: tuple[Studio, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, ids = stocked
    monkeypatch.setattr(walk, "CANDIDATES", 2)
    set_values(desk, ids, state="succeeded")
    for n, number in enumerate(ids):
        set_values(desk, [number], cost_micros=n * 7 % 12 * 10_000)  # Costs don't follow ids.
    cases: list[tuple[dict[str, Any], set[int]]] = [
        ({}, set(range(12))),
        ({"text": "hk", "model": "model-1"}, {1, 7}),
        ({"preset": "flat_lay", "operator": "user-3"}, {3, 7, 11}),
    ]
    for narrowed, numbers in cases:
        wanted = [ids[n] for n in numbers]
        for sort in Sort:
            shown = listed(desk, Filter(**narrowed, sort=sort), limit=1)
            assert sorted(shown) == sorted(wanted), (narrowed, sort)


def test_nothing_is_skipped_or_doubled_while_rows_come(stocked: tuple[Studio, list[int]]) -> None:
    desk, _ = stocked
    for narrowed in ({}, {"text": "cup"}, {"preset": "white_bg_front"}):
        wanted = Filter(**narrowed)
        there = listed(desk, wanted)
        met: list[int] = []
        page = history.page(desk, wanted, limit=2)
        while True:
            met += [entry.id for entry in page.entries]
            add_task(desk.engine, outputs=3)
            if page.older is None:
                break
            page = history.page(desk, wanted, limit=2, before=page.older)
        assert met == there


def test_what_is_in_the_trash_is_not_listed(stocked: tuple[Studio, list[int]]) -> None:
    desk, ids = stocked
    set_values(desk, ids[3:], deleted_at=NOON)
    assert listed(desk, Filter()) == ids[:3][::-1]
    assert history.count(desk, Filter(text="jp")) == Count(number=2, exact=True)


def test_a_filter_that_nothing_can_match_finds_nothing(stocked: tuple[Studio, list[int]]) -> None:
    desk, _ = stocked
    for wanted in (
        Filter(task="none"), Filter(task="a\0b"),
        Filter(operator="a\0b"), Filter(model="x" * 5_000),
        Filter(since=date(2030, 1, 1)),
        Filter(until=date(2020, 1, 1)), Filter(cost_from=2**62), Filter(text="。"),
    ):  # fmt: skip
        assert history.page(desk, wanted) == history.Page(entries=(), older=None, newer=None)
        assert history.count(desk, wanted) == Count(number=0, exact=True)
