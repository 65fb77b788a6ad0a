"""Each filter from a deep link on a fresh server, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from core.database.engine import make_engine, writing
from core.database.migrate import migrate
from core.database.schema import output_tags, outputs
from tests.browser import Server, accessible, open_page, serving, settled
from tests.database.rows import add_task

LINKS = {
    "": ["豚骨拉麵", "Soy sauce", "抹茶"],
    "?text=骨": ["豚骨拉麵"],
    "?text=JP-SOY": ["Soy sauce"],
    "?show=approved": ["抹茶"],
    "?show=failed&show=approved": ["Soy sauce", "抹茶"],
    "?preset=flat_lay&version=2": ["Soy sauce"],
    "?provider=openai": ["抹茶"],
    "?model=gpt-image-2": ["抹茶"],
    "?operator=amy": ["豚骨拉麵"],
    "?tag=moon": ["豚骨拉麵", "抹茶"],
    "?flagged=yes": ["抹茶"],
    "?task=task-soy": ["Soy sauce"],
    "?days=2020-01-01&days=2020-12-31": [],
    "?cost=0.05&cost=any": ["抹茶"],
    "?sort=oldest": ["抹茶", "Soy sauce", "豚骨拉麵"],
    "?sort=cost": ["抹茶", "豚骨拉麵"],
    "?text=jp&sort=oldest&days=soon": ["抹茶", "Soy sauce", "豚骨拉麵"],
}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that nobody has asked anything yet, over three outputs that differ in everything."""
    folder = tmp_path_factory.mktemp("history") / "var"
    folder.mkdir()
    engine = make_engine(f"sqlite:///{folder / 'packshot.db'}", pool_size=2)
    migrate(engine)
    rows: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (
            {"sku": "JP-MTC", "product_name": "抹茶", "provider": "openai", "model": "gpt-image-2"},
            {"state": "succeeded", "review": "approved", "cost_micros": 60_000, "flagged": True},
        ),
        (
            {"sku": "JP-SOY", "product_name": "Soy sauce", "preset": "flat_lay", "preset_version": 2,
             "key": "task-soy"},
            {"state": "failed", "error_kind": "NoImage", "error_data": {"text": "no"}},
        ),
        (
            {"sku": "JP-RMN", "product_name": "豚骨拉麵", "created_by": "amy"},
            {"state": "succeeded", "cost_micros": 30_000},
        ),
    ]  # fmt: skip
    for task, values in rows:
        (number,) = add_task(engine, outputs=1, **task)
        of_task = {name: task[name] for name in ("provider", "model") if name in task}
        pictures = {"object_key": "generated/t/p.png", "thumb_key": "thumb/t/p.webp", "width": 9, "height": 9}
        values = (
            values | of_task | {"key": f"output-{number}"} | (pictures if "cost_micros" in values else {})
        )
        with writing(engine) as connection:
            connection.execute(sa.update(outputs).where(outputs.c.id == number).values(**values))
            if "cost_micros" in values:
                connection.execute(sa.insert(output_tags).values(output_id=number, tag="moon"))
    engine.dispose()
    with serving(folder) as server:
        yield server


def names(page: Any) -> list[str]:
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('*')].flatMap(
            node => [...(node.shadowRoot?.querySelectorAll('.card') ?? [])]).map(card => card.innerText)"""
    )
    known = ("豚骨拉麵", "Soy sauce", "抹茶")
    return [next(name for name in known if name in text) for text in found]


def test_each_filter_opens_by_its_link(browser: Any, fresh: Server) -> None:
    page = open_page(browser, f"{fresh.url}/history?output=output-1")
    page.get_by_role("dialog").get_by_text("Picture came").or_(
        page.get_by_text("What happened")
    ).first.wait_for()
    for link, wanted in LINKS.items():
        page.goto(f"{fresh.url}/history{link}")
        settled(page)
        if wanted:
            page.locator(".card").nth(len(wanted) - 1).wait_for()
        else:
            page.get_by_text("No pictures match").wait_for()
        assert names(page) == wanted, link
    page.get_by_text("it was left out: Days").wait_for()
    assert page.outside == []


def test_filters_are_saved_as_a_view_and_taken_up_again(browser: Any, fresh: Server) -> None:
    page = open_page(browser, f"{fresh.url}/history?show=approved&sort=cost")
    page.get_by_role("button", name="Filters · 1").click()
    page.get_by_label("Name of the view").fill("Dearest")
    page.get_by_label("Name of the view").press("Enter")
    page.get_by_role("button", name="Save this view").click()
    page.get_by_role("button", name="Rename view").wait_for()
    assert accessible(page) == []
    other = open_page(browser, f"{fresh.url}/history", dark=True)
    other.get_by_role("button", name="Filters").click()
    other.get_by_label("Saved views").click()
    other.get_by_role("option", name="Dearest").click()
    other.wait_for_url("**show=approved**sort=cost**")
    settled(other)
    assert names(other) == ["抹茶"]
    assert accessible(other) == []
