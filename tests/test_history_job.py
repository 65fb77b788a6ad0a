"""Each filter from a deep link on a fresh server, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import TimeoutError

from core.database.engine import make_engine, writing
from core.database.migrate import migrate
from core.database.schema import output_tags, outputs
from tests.browser import Server, accessible, context, far, open_page, ran, serving, settled
from tests.database.rows import add_task

EVERY = ["豚骨拉麵", "Soy sauce", "抹茶", "梅干し", "味噌ラーメン"]
"""Newest first; the last two are of June 2021."""
LINKS: list[tuple[str, list[str], dict[str, str]]] = [
    ("", EVERY, {}),
    ("?text=骨", ["豚骨拉麵"], {"Text": "骨"}),
    ("?text=拉麵", ["豚骨拉麵"], {"Text": "拉麵"}),
    ("?text=ラーメン", ["味噌ラーメン"], {"Text": "ラーメン"}),
    ("?text=JP-SOY", ["Soy sauce"], {"Text": "JP-SOY"}),
    ("?show=approved", ["抹茶"], {"State": "Approved"}),
    ("?show=rejected", ["味噌ラーメン"], {"State": "Rejected"}),
    ("?show=to_review", ["豚骨拉麵"], {"State": "To review"}),
    ("?show=working", ["梅干し"], {"State": "Working"}),
    ("?show=failed", ["Soy sauce"], {"State": "Failed"}),
    ("?show=failed&show=approved", ["Soy sauce", "抹茶"], {"State": "Approved, Failed"}),
    ("?preset=flat_lay", ["Soy sauce", "梅干し"], {"Look": "Flat lay"}),
    ("?preset=flat_lay&version=2", ["Soy sauce"], {"Look": "Flat lay", "Version": "v2"}),
    ("?provider=openai", ["抹茶", "味噌ラーメン"], {"Provider": "OpenAI"}),
    ("?model=gpt-image-2", ["抹茶"], {"Model": "gpt-image-2"}),
    ("?operator=amy", ["豚骨拉麵"], {"Operator": "amy"}),
    ("?tag=moon", ["豚骨拉麵", "抹茶", "味噌ラーメン"], {"Tag": "moon"}),
    ("?flagged=yes", ["抹茶"], {"Flagged by the check": "on"}),
    ("?task=task-soy", ["Soy sauce"], {"Batch": "task-soy"}),
    ("?days=2021-06-01&days=2021-06-30", ["梅干し", "味噌ラーメン"], {"Days": "2021-06-01 2021-06-30"}),
    ("?days=2021-06-02", ["梅干し"], {"Days": "2021-06-02"}),
    ("?days=2021-07-01&days=2099-12-31", EVERY[:3], {"Days": "2021-07-01 2099-12-31"}),
    ("?days=2020-01-01&days=2020-12-31", [], {"Days": "2020-01-01 2020-12-31"}),
    ("?cost=0.05&cost=any", ["抹茶"], {"Cost from (US$)": "0.0500"}),
    ("?cost=any&cost=0.04", ["豚骨拉麵"], {"Cost to (US$)": "0.0400"}),
    ("?cost=0.04&cost=0.05", ["味噌ラーメン"], {"Cost from (US$)": "0.0400", "Cost to (US$)": "0.0500"}),
    ("?sort=oldest", EVERY[::-1], {"Order": "Oldest first"}),
    ("?sort=cost", ["抹茶", "味噌ラーメン", "豚骨拉麵"], {"Order": "Highest cost first"}),
    ("?view=table&show=approved", ["抹茶"], {"View": "Table", "State": "Approved"}),
    ("?text=jp&sort=oldest&days=soon", ["味噌ラーメン", "抹茶", "Soy sauce", "豚骨拉麵"],
     {"Text": "jp", "Order": "Oldest first"}),
]  # fmt: skip
"""An address, what it shows, and what stands in the filters."""

HELD = """() => {
    const held = {}, add = (name, text) => held[name] = held[name] ? `${held[name]}, ${text}` : text
    const hold = (name, text) => text && add(name, text)
    const all = (query, act) => document.querySelectorAll(query).forEach(act)
    hold('Text', document.querySelector('.st-key-text input').value)
    all('.st-key-show [aria-pressed=true]', pill => hold('State', pill.innerText))
    all('.st-key-view [aria-checked=true]', one => hold('View', one.innerText))
    const field = '[data-testid=stPopoverBody] input'
    const days = [...document.querySelectorAll(`${field}[type=date]`)].map(day => day.value)
    hold('Days', days.filter(Boolean).join(' '))
    all(`${field}[aria-label]:not([type=checkbox])`, one => hold(one.ariaLabel, one.value))
    all(`${field}:checked`, one => hold(one.ariaLabel, 'on'))
    return held
}"""

SAME = """wanted => Object.entries(({held})()).sort().join() === Object.entries(wanted).sort().join()"""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that nobody has asked anything yet, over outputs that differ in everything."""
    folder = tmp_path_factory.mktemp("history") / "var"
    folder.mkdir()
    engine = make_engine(f"sqlite:///{folder / 'packshot.db'}", pool_size=2)
    migrate(engine)
    june = datetime(2021, 6, 1, 4, tzinfo=UTC)
    rows: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (
            {"sku": "JP-MIS", "product_name": "味噌ラーメン", "created_at": june, "provider": "openai"},
            {"state": "succeeded", "review": "rejected", "cost_micros": 45_000},
        ),
        (
            {"sku": "HK-PLM", "product_name": "梅干し", "created_at": june + timedelta(days=1),
             "preset": "flat_lay", "preset_version": 1},
            {"state": "queued"},
        ),
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
        values |= {name: task[name] for name in ("provider", "model") if name in task}
        # There are no files that this server could compare.
        values |= {"key": f"output-{number}", "checks": "done"}
        if "cost_micros" in values:
            values |= {"object_key": "generated/t/p.png", "thumb_key": "thumb/t/p.webp"}
            values |= {"width": 9, "height": 9}
        with writing(engine) as connection:
            connection.execute(sa.update(outputs).where(outputs.c.id == number).values(**values))
            if "cost_micros" in values:
                connection.execute(sa.insert(output_tags).values(output_id=number, tag="moon"))
    engine.dispose()
    with serving(folder) as server:
        yield server


def names(page: Any, *, table: bool = False) -> list[str]:
    read = """() => [...document.querySelectorAll('*')].flatMap(
        node => [...(node.shadowRoot?.querySelectorAll('.card') ?? [])]).map(card => card.innerText)"""
    found = page.locator("tbody tr").all_text_contents() if table else page.evaluate(read)
    return [next(name for name in EVERY if name in text) for text in found]


def test_each_filter_opens_by_its_link(browser: Any, fresh: Server) -> None:
    page = open_page(browser, f"{fresh.url}/history?output=output-3")
    page.get_by_role("dialog").get_by_text("Picture came").or_(
        page.get_by_text("What happened")
    ).first.wait_for()
    usual = {"View": "Gallery", "Order": "Newest first"}
    for link, wanted, held in LINKS:
        page.goto(f"{fresh.url}/history{link}")
        settled(page)
        table = "view=table" in link
        if wanted:
            page.locator("tbody tr" if table else ".card").nth(len(wanted) - 1).wait_for(state="attached")
        else:
            page.get_by_text("No pictures match").wait_for()
        assert names(page, table=table) == wanted, link
        number = len({name.split()[0] for name in held} - {"Text", "State", "View"})
        page.get_by_role("button", name=f"Filters · {number}" if number else "Filters").click()
        page.get_by_label("Name of the view").wait_for()
        settled(page)
        with suppress(TimeoutError):
            page.wait_for_function(SAME.format(held=HELD), arg=usual | held, timeout=10_000)
        assert page.evaluate(HELD) == usual | held, link
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


def test_quick_presses_far_from_the_desk_keep_what_was_chosen(browser: Any, fresh: Server) -> None:
    """Each press is sent with the address as it was before the answer to the last one came."""
    with far(fresh, seconds=0.15) as url:
        page = open_page(browser, f"{url}/history?text=JP")
        page.locator(".card .open").nth(1).click()
        page.get_by_role("dialog").get_by_role("table").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Approved", exact=True).click()
        page.get_by_role("button", name="Rejected", exact=True).click()
        page.wait_for_url(f"{url}/history?text=JP&show=approved&show=rejected")
        page.wait_for_timeout(1000)
        settled(page)
        assert page.get_by_role("dialog").count() == 0 and names(page) == ["抹茶", "味噌ラーメン"]
        field = page.get_by_role("textbox", name="Search")
        field.fill("抹")
        page.get_by_role("button", name="Rejected", exact=True).click()
        page.wait_for_url(lambda address: "rejected" not in address and "JP" not in address)
        page.wait_for_timeout(1000)
        settled(page)
        assert field.input_value() == "抹" and names(page) == ["抹茶"]
        page.close()


def test_a_field_that_is_drawn_late_has_its_text(browser: Any, fresh: Server) -> None:
    """On a slow line the code of a field may come after the first press."""
    page = context(browser).new_page()
    late: list[Any] = []
    page.route("**/TextInput*.js", lambda route: late.append(route))
    page.goto(f"{fresh.url}/history?text=JP")
    ran(page)
    page.get_by_role("button", name="Approved", exact=True).click()
    page.wait_for_url("**show=approved**")
    ran(page)
    assert late, "the field's code is a file of its own"
    for route in late:
        route.continue_()
    field = page.get_by_role("textbox", name="Search")
    field.wait_for()
    page.get_by_role("button", name="Rejected", exact=True).click()
    page.wait_for_url("**show=rejected**")
    settled(page)
    assert field.input_value() == "JP" and names(page) == ["抹茶", "味噌ラーメン"]
    page.close()


def test_another_filter_draws_the_list_and_not_the_page_around_it(browser: Any, fresh: Server) -> None:
    page = context(browser).new_page()
    frames: list[Any] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(frame)))
    page.goto(f"{fresh.url}/history")
    settled(page)

    def after(act: Callable[[], None]) -> int:
        page.wait_for_timeout(1000)
        frames.clear()
        act()
        page.wait_for_timeout(1000)
        settled(page)
        return len(frames)

    whole = after(lambda: page.keyboard.press("r"))
    filtered = after(page.get_by_role("button", name="Approved", exact=True).click)
    assert names(page) == ["抹茶"]
    assert filtered < 0.85 * whole, (filtered, whole)
    page.get_by_label("Select: 抹茶").check()
    page.get_by_text("1 selected").wait_for()
    page.get_by_role("button", name="Rejected", exact=True).click()
    page.get_by_text("1 selected").wait_for(state="detached")
    settled(page)
    assert names(page) == ["抹茶", "味噌ラーメン"]
    assert not page.get_by_label("Select: 抹茶").is_checked(), "another filter selects nothing"
    page.go_back()
    page.wait_for_url(lambda address: "rejected" not in address)
    settled(page)
    page.locator(".card").nth(1).wait_for(state="detached")
    assert names(page) == ["抹茶"]
    page.close()
