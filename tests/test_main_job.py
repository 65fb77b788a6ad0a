"""The main job in a real browser, as a merchandiser does it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.browser import Server, open_page, serving, settled


def test_a_photo_becomes_pictures_that_history_finds(
    browser: Any, server: Server, tmp_path: Path, photo: bytes
) -> None:
    file = tmp_path / "ramen <b>cup.jpg"
    file.write_bytes(photo)
    page = open_page(browser, server.url)
    assert page.get_by_role("button", name="Generate").is_disabled()
    page.locator("input[type=file]").first.set_input_files(str(file))
    page.get_by_role("button", name="Generate 1 picture").wait_for()
    page.locator(".st-key-details summary").click()
    page.get_by_placeholder("SKU").wait_for()
    page.get_by_role("radio", name="2", exact=True).click()
    page.get_by_role("button", name="Generate 2 pictures").wait_for()
    # Typed and pressed at once: what stands in the field goes with it.
    page.get_by_placeholder("SKU").fill("JP-RMN-0092")
    page.get_by_role("button", name="Generate 2 pictures").click()
    page.get_by_text("2 of 2 ready").wait_for(timeout=30_000)
    assert "task=" in page.url
    images = page.locator(".card img")
    images.nth(1).wait_for()
    assert images.count() == 2
    page.wait_for_function(
        """() => [...document.querySelectorAll('*')]
            .flatMap(node => [...(node.shadowRoot?.querySelectorAll('.card img') ?? [])])
            .every(image => image.naturalWidth > 0)"""
    )
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all").click()
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"

    task = page.url
    page.locator(".card .open").first.click()
    page.locator("dialog[open] .pane img").first.wait_for()
    page.keyboard.press("Escape")
    page.goto("about:blank")
    page.goto(task)
    settled(page)
    page.get_by_text("2 of 2 ready").wait_for()

    page.get_by_role("link", name="History").click()
    page.get_by_role("heading", name="History").wait_for()
    settled(page)
    page.get_by_text("JP-RMN-0092").first.wait_for()
    page.locator(".card .open").first.click()
    page.get_by_text("Run again with changes").wait_for()
    assert "ramen <b>cup.jpg" in page.locator("[role=dialog]").inner_text()
    page.get_by_role("button", name="Run again", exact=True).click()
    page.get_by_text("1 of 1 ready").wait_for(timeout=30_000)
    assert page.outside == []


def test_refused_files_are_named_and_the_others_stay(
    browser: Any, server: Server, tmp_path: Path, photo: bytes
) -> None:
    good, bad = tmp_path / "cup.jpg", tmp_path / "broken.jpg"
    good.write_bytes(photo)
    bad.write_bytes(photo[:5000])
    page = open_page(browser, server.url)
    page.locator("input[type=file]").first.set_input_files([str(good), str(bad)])
    page.get_by_text("broken.jpg is damaged or was cut off").wait_for()
    page.get_by_text("1 photo × 1 = 1 picture").wait_for()


def test_a_pasted_picture_is_taken(browser: Any, server: Server, photo: bytes) -> None:
    page = open_page(browser, server.url)
    page.evaluate(
        """bytes => {
            const transfer = new DataTransfer()
            transfer.items.add(new File([new Uint8Array(bytes)], "pasted.jpg", { type: "image/jpeg" }))
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }))
        }""",
        list(photo),
    )
    page.get_by_text("1 photo × 1 = 1 picture").wait_for()


def test_a_first_visitor_can_try_a_sample(browser: Any, server: Server) -> None:
    page = open_page(browser, server.url, language="zh")
    page.get_by_role("button", name="試用範例相片").click()
    page.get_by_role("button", name="生成 1 張圖片").click()
    page.get_by_text("已完成 1/1").wait_for(timeout=30_000)
    assert page.evaluate("document.documentElement.lang") == "zh-Hant-HK"


def test_the_language_can_be_switched(browser: Any, server: Server) -> None:
    page = open_page(browser, server.url)
    page.get_by_text("繁體中文").click()
    page.get_by_role("heading", name="生成圖片", exact=True).wait_for()
    page.get_by_role("link", name="紀錄").click()
    page.get_by_role("heading", name="紀錄").wait_for()


def test_a_deep_link_as_the_first_request_shows_that_page(browser: Any, tmp_path: Path) -> None:
    with serving(tmp_path / "fresh") as fresh:
        page = open_page(browser, fresh.url + "/system")
        page.get_by_role("heading", name="System").wait_for()
        assert page.get_by_role("link", name="History").count() == 1, "the router drew its navigation"


@pytest.mark.parametrize("query", ["?task=nothing", "?task=%00%27--", "?lang=xx"])
def test_a_malformed_link_shows_the_page(browser: Any, server: Server, query: str) -> None:
    page = open_page(browser, server.url + "/" + query)
    page.get_by_role("heading", name="Generate", exact=True).wait_for()
    assert page.get_by_text("went wrong").count() == 0


READY = "SELECT count(*) FROM outputs WHERE state = 'succeeded'"


def test_killed_in_the_middle_nothing_finished_is_lost(browser: Any, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    with serving(folder, PROVIDER_CONCURRENCY="1") as first:
        page = open_page(browser, first.url)
        page.get_by_role("button", name="Try a sample photo").click()
        page.get_by_role("button", name="Generate 1 picture").wait_for()
        page.get_by_role("radio", name="5", exact=True).click()
        page.get_by_role("button", name="Generate 5 pictures").click()
        # The page looks now and then, and may miss the first one.
        with closing(sqlite3.connect(folder / "packshot.db", timeout=20)) as rows:
            until = time.monotonic() + 30
            while not (ready := rows.execute(READY).fetchone()[0]):
                assert time.monotonic() < until
                time.sleep(0.01)
            first.kill()
            (task,) = rows.execute("SELECT key FROM tasks").fetchone()
    assert ready < 5
    with serving(folder) as second:
        page = open_page(browser, f"{second.url}/?task={task}")
        page.get_by_text("5 of 5 ready").wait_for(timeout=60_000)


def test_routes(server: Server) -> None:
    assert httpx.get(server.url + "/health").json() == {"status": "healthy"}
    ready = httpx.get(server.url + "/ready")
    assert (ready.status_code, ready.json()["database"]) == (200, "ok")
    for token in ("x", "input", "WyJpbnB1dC9hIiwxXQ.forged"):
        assert httpx.get(f"{server.url}/pictures/{token}").status_code == 404
    assert httpx.get(f"{server.url}/pictures/..%2F..%2Fetc%2Fpasswd").status_code in (400, 404)


def test_pictures_are_served_by_signed_link(server: Server, tmp_path: Path, photo: bytes) -> None:
    from core.storage.folder import FolderStore
    from core.storage.links import LinkSigner

    signer = LinkSigner("a secret for tests")
    store = FolderStore(server.log.parent / "media", signer)
    store.put("input/t/p.jpg", photo, "image/jpeg")
    link = server.url + store.link("input/t/p.jpg", download="茶.jpg")
    whole = httpx.get(link)
    assert (whole.status_code, whole.headers["content-type"], whole.content) == (200, "image/jpeg", photo)
    assert "max-age" in whole.headers["cache-control"]
    assert "attachment" in whole.headers["content-disposition"]
    assert httpx.get(link, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    part = httpx.get(link, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, photo[10:20])
    assert httpx.get(link, headers={"Range": f"bytes={len(photo)}-"}).status_code == 416
    late = LinkSigner("a secret for tests", clock=lambda: 0.0)
    assert httpx.get(server.url + late.link("input/t/p.jpg")).status_code == 404
