"""What only a browser shows of the pages: polling, ways in, keyboard, reconnect, access, narrow screens."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from core import generation
from core.errors import Blocked, NoImage, OutcomeUnknown
from core.model import OutputState
from core.settings import load_settings
from core.studio import Studio, open_studio
from tests.browser import Server, accessible, context, free_port, open_page, serving, settled
from tests.conftest import BY, Scripted, finished, order, upload


class Model(Scripted):
    """A model of another process: the server shows its rows and can't take them."""

    name = "gateway"


@contextmanager
def beside(server: Server, photo: bytes) -> Iterator[tuple[Studio, Model, threading.Event]]:
    """A second process's desk on the server's data; the event lets held pictures go on."""
    folder, model, go = server.log.parent, Model(photo), threading.Event()
    settings = load_settings(
        database_url=f"sqlite:///{folder / 'packshot.db'}",
        upload_dir=folder / "media",
        app_secret="a secret for tests",
        provider_concurrency=1,
    )
    with open_studio(settings, providers={"gateway": model}) as studio:
        try:
            yield studio, model, go
        finally:
            go.set()


def held(go: threading.Event, photo: bytes) -> Any:
    def answer() -> bytes:
        go.wait(60)
        return photo

    return answer


def until(desk: Studio, key: str, state: OutputState) -> None:
    end = time.monotonic() + 20
    while not generation.view(desk, key).count(state):
        assert time.monotonic() < end
        time.sleep(0.05)


def choose(page: Any, photo: bytes, *names: str) -> None:
    files = [{"name": name, "mimeType": "image/jpeg", "buffer": photo} for name in names]
    page.locator("input[type=file]").first.set_input_files(files)
    page.locator(".tray .item").nth(len(names) - 1).wait_for()


def test_between_two_looks_only_clocks_move(browser: Any, server: Server, photo: bytes) -> None:
    with beside(server, photo) as (desk, model, go):
        model.script = [photo, held(go, photo)]
        key = generation.submit(
            desk, [upload(photo)], order(outputs=2, provider="gateway"), by=BY, again=True
        )
        until(desk, key, OutputState.SUCCEEDED)
        until(desk, key, OutputState.RUNNING)
        page = open_page(browser, f"{server.url}/?task={key}")
        page.locator(".card img").wait_for()
        page.locator(".card img").evaluate("image => { image.same = true }")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if "/pictures/" in request.url else None)
        clock = page.locator(".clock")
        before = clock.inner_text()
        time.sleep(5 * 0.7 + 0.3)
        assert asked == [], "no picture is loaded again"
        assert page.locator(".card img").evaluate("image => image.same === true"), "nor drawn again"
        assert clock.inner_text() != before
        go.set()
        page.get_by_text("2 of 2 ready").wait_for(timeout=20_000)
        assert page.outside == []


def test_what_is_drawn_again_does_not_fade(browser: Any, server: Server) -> None:
    """Streamlit's own fading paints each picture of the page anew at each click."""
    for path in ("", "history", "presets", "system"):
        page = open_page(browser, f"{server.url}/{path}")
        page.wait_for_timeout(1000)
        page.evaluate(
            """() => {
                window.faded = []
                window.stale = 0
                const note = event => window.faded.push(`${event.target.tagName} ${event.propertyName}`)
                addEventListener("transitionrun", note, true)
                new MutationObserver(seen => { window.stale += seen.length })
                    .observe(document.body, { subtree: true, attributeFilter: ["data-stale"] })
            }"""
        )
        page.keyboard.press("r")
        page.wait_for_function("window.stale > 0")
        page.wait_for_timeout(700)
        settled(page)
        assert page.evaluate("window.faded") == [], path
        page.close()


def test_failed_ones_are_retried_together_and_an_unknown_one_by_its_card(
    browser: Any, server: Server, photo: bytes
) -> None:
    with beside(server, photo) as (desk, model, _):
        model.script = [
            NoImage("no"),
            OutcomeUnknown(),
            Blocked("picture", "IMAGE_SAFETY"),
            NoImage("<b>x</b>"),
        ]
        key = generation.submit(
            desk, [upload(photo)], order(outputs=4, provider="gateway"), by=BY, again=True
        )
        finished(desk, key)
        for dark in (False, True):
            page = open_page(browser, f"{server.url}/?task={key}", dark=dark)
            page.get_by_text("0 of 4 ready · 4 need attention").wait_for()
            page.get_by_text("“<b>x</b>”").wait_for()
            assert accessible(page) == []
        page.get_by_role("button", name="Retry 2 failed").click()
        page.get_by_text("2 of 4 ready · 2 need attention").wait_for(timeout=20_000)
        page.get_by_role("button", name="Ask again (may charge twice)").click()
        page.get_by_text("3 of 4 ready · 1 need attention").wait_for(timeout=20_000)
        page.get_by_text("The model refused: its safety rules for pictures.").wait_for()
        assert len(model.asked) == 7


def test_what_waits_can_be_stopped(browser: Any, server: Server, photo: bytes) -> None:
    with beside(server, photo) as (desk, model, go):
        model.script = [held(go, photo)]
        key = generation.submit(
            desk, [upload(photo)], order(outputs=3, provider="gateway"), by=BY, again=True
        )
        until(desk, key, OutputState.RUNNING)
        page = open_page(browser, f"{server.url}/?task={key}")
        page.get_by_role("button", name="Stop waiting ones").click()
        page.get_by_text("0 of 3 ready · 2 need attention").wait_for()
        go.set()
        page.get_by_text("1 of 3 ready · 2 need attention").wait_for(timeout=20_000)


def test_folder_camera_and_tray(browser: Any, server: Server, photo: bytes, tmp_path: Path) -> None:
    visit = context(browser)
    visit.grant_permissions(["camera"], origin=server.url)
    page = visit.new_page()
    page.goto(server.url)
    settled(page)
    shoot = tmp_path / "shoot"
    shoot.mkdir()
    (shoot / "a.jpg").write_bytes(photo)
    (shoot / "notes.txt").write_text("no picture")
    (shoot / ".DS_Store").write_bytes(b"x")
    page.get_by_role("radio", name="Folder").click()
    page.get_by_role("radio", name="Folder", checked=True).wait_for()
    page.locator("input[type=file][webkitdirectory]").set_input_files(str(shoot))
    page.get_by_text("notes.txt is not an image. The others are kept.").wait_for()
    page.get_by_text("1 photo × 1 = 1 picture").wait_for()
    page.get_by_role("radio", name="Camera").click()
    page.locator("[data-testid=stCameraInput] video").wait_for()
    page.wait_for_timeout(1500)
    page.locator("[data-testid=stCameraInputButton]:enabled").click()
    page.get_by_text("2 photos × 1 = 2 pictures").wait_for()
    page.locator(".tray .item").first.hover()
    page.locator(".tray button").first.click()
    page.get_by_text("1 photo × 1 = 1 picture").wait_for()
    page.get_by_role("link", name="History").click()
    page.get_by_role("heading", name="History").wait_for()
    page.get_by_role("link", name="Generate").click()
    page.get_by_text("1 photo × 1 = 1 picture").wait_for()


def test_two_quick_presses_make_one_task(browser: Any, server: Server, photo: bytes) -> None:
    database = sqlite3.connect(server.log.parent / "packshot.db")
    count = "SELECT count(*) FROM tasks"
    page = open_page(browser, server.url)
    choose(page, photo, "cup.jpg")
    page.get_by_role("button", name="Generate 1 picture").wait_for()
    (before,) = database.execute(count).fetchone()
    off = page.evaluate(
        """() => {
            const button = document.querySelector('.st-key-press button')
            for (const wait of [0, 0, 40, 150, 400]) setTimeout(() => button.click(), wait)
            button.click()
            return getComputedStyle(button).pointerEvents
        }"""
    )
    assert off == "none"
    page.get_by_text("1 of 1 ready").wait_for(timeout=20_000)
    time.sleep(0.5)
    assert database.execute(count).fetchone() == (before + 1,)
    assert page.locator("[data-pressed]").count() == 0


def test_the_keyboard_is_enough(browser: Any, server: Server) -> None:
    page = open_page(browser, server.url)
    page.get_by_role("button", name="Try a sample photo").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Generate 1 picture").wait_for()
    page.get_by_role("radio", name="White, from above").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("radio", name="White, front", checked=True).wait_for()
    page.wait_for_timeout(500)
    page.locator("h1").click()
    page.keyboard.press("Control+Enter")
    page.get_by_text("1 of 1 ready").wait_for(timeout=20_000)
    page.locator(".card .open").focus()
    page.keyboard.press("Enter")
    page.locator("dialog[open] .pane img").first.wait_for()
    assert accessible(page) == []
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")
    assert page.locator(".card .open").evaluate("node => node.getRootNode().activeElement === node")


def test_the_drawer_has_a_link_and_closes_for_good(browser: Any, server: Server, photo: bytes) -> None:
    with beside(server, photo) as (desk, _, _go):
        made = [upload(photo, sku="DRAWER", product_name="*Cup* :material/home: $x$")]
        finished(desk, generation.submit(desk, made, order(provider="gateway"), by=BY, again=True))
    page = open_page(browser, f"{server.url}/history?text=DRAWER")
    page.locator(".card .open").click()
    page.get_by_role("dialog").get_by_role("table").wait_for()
    title = page.get_by_role("dialog").inner_text().split("\n")[0]
    assert title.replace("\u2060", "") == "*Cup* :material/home: $x$"
    assert accessible(page) == []
    link = page.url
    assert "output=" in link and "text=DRAWER" in link
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.get_by_role("button", name="To review").click()
    page.wait_for_url("**?text=DRAWER&show=to_review")
    settled(page)
    assert page.get_by_role("dialog").count() == 0
    page.go_back()
    page.wait_for_url("**?text=DRAWER")
    expect(page.locator(".card .open")).to_have_count(1, timeout=20_000)
    other = open_page(browser, link, dark=True, language="zh")
    other.get_by_role("dialog").get_by_text("修改後再生成").wait_for()
    assert accessible(other) == []


def test_a_server_that_comes_back_is_found_again(browser: Any, tmp_path: Path, photo: bytes) -> None:
    port = free_port()
    with serving(tmp_path / "desk", port=port) as first:
        page = open_page(browser, first.url)
        choose(page, photo, "cup.jpg")
        page.get_by_role("button", name="Generate 1 picture").click()
        page.get_by_text("1 of 1 ready").wait_for(timeout=30_000)
        first.kill()
        page.locator("[data-testid=stApp][data-test-connection-state=PINGING_SERVER]").wait_for()
    with serving(tmp_path / "desk", port=port):
        page.locator("[data-testid=stApp][data-test-connection-state=CONNECTED]").wait_for(timeout=30_000)
        page.wait_for_timeout(2000)
        page.get_by_text("1 of 1 ready").wait_for()
        page.locator(".card img").wait_for()


@pytest.mark.parametrize("dark", [False, True])
def test_pages_are_accessible(browser: Any, server: Server, photo: bytes, dark: bool) -> None:
    page = open_page(browser, server.url, dark=dark)
    assert accessible(page) == []
    choose(page, photo, "a.jpg", "b.jpg")
    page.locator(".st-key-details summary").click()
    page.get_by_placeholder("SKU").first.wait_for()
    assert accessible(page) == []
    for path, ready in (
        ("/history", ".card, .st-key-show"),
        ("/history?view=table", "h1"),
        ("/system", "h1"),
    ):
        page.goto(server.url + path)
        settled(page)
        page.locator(ready).first.wait_for()
        assert accessible(page) == [], path
    assert page.outside == []


def test_a_phone_scrolls_one_way_and_has_room_for_a_thumb(browser: Any, server: Server, photo: bytes) -> None:
    with beside(server, photo) as (desk, model, _):
        model.script = [photo, OutcomeUnknown()]
        wanted = order(outputs=2, provider="gateway")
        view = finished(
            desk, generation.submit(desk, [upload(photo, sku="X" * 60)], wanted, by=BY, again=True)
        )
    page = open_page(browser, f"{server.url}/?task={view.task.key}", width=390)
    page.locator(".card .button").wait_for()
    choose(page, photo, "a.jpg")
    for selector in (".card .button", ".tray button"):
        box = page.locator(selector).first.bounding_box()
        assert box["height"] >= 40 and box["width"] >= 44, selector
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    results, looks = (page.locator(s).bounding_box()["y"] for s in (".st-key-results", ".look >> nth=0"))
    assert results < looks, "results come first when a task is open"
    for path in ("/history", f"/history?output={view.outputs[0].key}", "/system", "/"):
        page.goto(server.url + path)
        settled(page)
        page.wait_for_timeout(300)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 390, path
    assert not page.locator(".st-key-view").is_visible()
