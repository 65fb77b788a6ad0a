"""Acts on many pictures in a real browser: select, confirm the number, see it done, take it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core.settings import load_settings
from core.studio import open_studio
from tests.browser import Server, accessible, open_page, serving, settled
from tests.parts.judging import add_pictures


@pytest.fixture
def shop(tmp_path: Any) -> Iterator[Server]:
    """A server over ten pictures that wait for review."""
    folder = tmp_path / "var"
    folder.mkdir()
    settings = load_settings(
        database_url=f"sqlite:///{folder / 'packshot.db'}",
        upload_dir=folder / "media",
        app_secret="a secret for tests",
    )
    with open_studio(settings, work=False) as desk:
        add_pictures(desk, 5, size=200)
    with serving(folder) as server:
        yield server


def box(page: Any, number: int) -> Any:
    return page.locator(".card").nth(number).get_by_role("checkbox")


def confirm(page: Any, name: str) -> None:
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=name, exact=True).click()
    dialog.wait_for(state="detached")


def test_two_are_approved_and_taken_back(browser: Any, shop: Server) -> None:
    page = open_page(browser, f"{shop.url}/history")
    page.locator(".card img").first.wait_for()
    loaded = []
    page.on("request", lambda request: loaded.append(request.url) if "/pictures/" in request.url else None)
    box(page, 1).check()
    box(page, 3).check()
    page.get_by_text("2 selected").wait_for()
    assert [box(page, n).is_checked() for n in range(4)] == [False, True, False, True]
    assert accessible(page) == []
    page.get_by_role("button", name="Approve", exact=True).click()
    page.get_by_role("dialog").get_by_text("2 pictures", exact=True).wait_for()
    assert accessible(page) == []
    confirm(page, "Approve 2 pictures")
    page.get_by_text("Approved 2 pictures.").wait_for()
    page.locator(".card .chip.green").nth(1).wait_for()
    assert page.locator(".card .chip.green").count() == 2
    assert not box(page, 1).is_checked()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Took 2 verdicts back.").wait_for()
    page.locator(".card .chip.green").first.wait_for(state="detached")
    assert loaded == [], "no picture was loaded for a neighbour's change"
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_text("Took 2 verdicts back.").wait_for(state="detached")
    assert page.outside == []


def test_a_press_right_after_a_tick_counts(browser: Any, shop: Server) -> None:
    page = open_page(browser, f"{shop.url}/history")
    box(page, 0).check()
    page.get_by_text("1 selected").wait_for()
    page.evaluate(
        """() => {
            const all = [...document.querySelectorAll('*')]
            const root = all.find(node => node.shadowRoot?.querySelector('.card')).shadowRoot
            const boxes = [...root.querySelectorAll('.card input')]
            boxes[1].click()
            boxes[2].click()
            document.querySelector('.st-key-bulk-approve button').click()
        }"""
    )
    page.get_by_role("dialog").get_by_text("3 pictures", exact=True).wait_for()
    page.close()


def test_all_that_match_are_deleted_and_restored(browser: Any, shop: Server) -> None:
    page = open_page(browser, f"{shop.url}/history", language="zh", dark=True)
    page.locator(".card").nth(9).wait_for()
    box(page, 0).focus()
    page.keyboard.press("Control+a")
    page.get_by_text("已選 10 張").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("已選 10 張").wait_for(state="detached")
    box(page, 0).check()
    page.get_by_role("button", name="選取全部 10 張").click()
    page.get_by_text("已選 10 張").wait_for()
    assert all(box(page, n).is_checked() and box(page, n).is_disabled() for n in range(10))
    page.get_by_role("button", name="更多").click()
    page.get_by_role("menuitem", name="刪除").click()
    page.get_by_role("dialog").get_by_text("10 張圖片", exact=True).wait_for()
    assert accessible(page) == []
    confirm(page, "刪除 10 張圖片")
    page.get_by_text("已刪除 10 張圖片。").wait_for()
    page.get_by_text("0 張圖片", exact=True).wait_for()
    page.get_by_role("button", name="復原").click()
    page.get_by_text("已還原 10 張圖片。").wait_for()
    page.locator(".card").nth(9).wait_for()
    assert accessible(page) == []


def test_a_tag_is_put_on_from_the_table_and_filtered_by(browser: Any, shop: Server) -> None:
    page = open_page(browser, f"{shop.url}/history?view=table")
    grid = page.locator("[data-testid=stDataFrame]")
    grid.locator("canvas").first.wait_for()
    # The boxes are at the left; the first row lies below the head.
    for row in (0, 2):
        grid.click(position={"x": 16, "y": 40 + 56 * row + 20})
        page.get_by_text(f"{1 + row // 2} selected").wait_for()
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Add a tag").click()
    field = page.get_by_role("dialog").get_by_role("combobox")
    field.fill("Moon Festival")
    field.press("Enter")
    confirm(page, "Tag 2 pictures")
    page.get_by_text("Tagged 2 pictures.").wait_for()
    page.goto(f"{shop.url}/history?tag=moon%20festival")
    settled(page)
    page.locator(".card").nth(1).wait_for()
    assert page.locator(".card").count() == 2
    page.locator(".card .open").first.click()
    page.get_by_role("dialog").get_by_text("moon festival").first.wait_for()


def test_what_is_approved_of_all_that_match_is_exported(browser: Any, shop: Server) -> None:
    page = open_page(browser, f"{shop.url}/history")
    for number in (0, 1, 2):
        box(page, number).check()
    page.get_by_text("3 selected").wait_for()
    page.get_by_role("button", name="Approve", exact=True).click()
    confirm(page, "Approve 3 pictures")
    page.get_by_text("Approved 3 pictures.").wait_for()
    box(page, 5).check()
    page.get_by_role("button", name="Select all 10 that match").click()
    page.get_by_text("10 selected").wait_for()
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Export").click()
    page.get_by_text("3 of 10 are approved.").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Export 3 pictures").wait_for()
