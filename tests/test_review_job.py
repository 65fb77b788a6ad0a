"""A reviewer's work in a real browser: a hundred pictures by keys alone, and two people at one queue."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from core import review
from core.model import Actor, Role
from core.settings import Settings, load_settings
from core.studio import open_studio
from tests.browser import Server, accessible, context, free_port, open_page, serving, settled
from tests.parts.judging import add_pictures

SHOWN = ".stage .b img.result[src]"
SECOND_PERSON = '''"""A desk whose people say who they are: sign-in as a link."""
import streamlit as st
from core import model

def who(cls):
    name = st.session_state.setdefault("who", st.query_params.get("who", "local"))
    return cls(id=name, name=name.title(), role=model.Role.ADMIN)

model.Actor.local = classmethod(who)
'''


class Desk:
    """A folder with pictures that wait, and what its database says of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys: list[str] = []

    def settings(self) -> Settings:
        return load_settings(
            database_url=f"sqlite:///{self.folder / 'packshot.db'}",
            upload_dir=self.folder / "media",
            app_secret="a secret for tests",
        )

    def add(self, photos: int, each: int = 2, **values: Any) -> list[str]:
        with open_studio(self.settings(), work=False) as desk:
            added = add_pictures(desk, photos, each=each, **values)
        self.keys += added
        return added

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / "packshot.db", timeout=20)) as connection:
            return list(connection.execute(statement, values))

    def states(self) -> list[str]:
        """In the order of the queue."""
        return [state for (state,) in self.ask("SELECT review FROM outputs ORDER BY photo_id, variant")]

    def last(self, key: str) -> tuple[str, str | None, str]:
        """Verdict, reason and note that hold for a picture."""
        found = self.ask(
            "SELECT verdict, reason, note FROM reviews JOIN outputs ON outputs.id = output_id"
            " WHERE outputs.key = ? ORDER BY reviews.id DESC LIMIT 1", key,
        )  # fmt: skip
        return found[0]  # type: ignore[return-value]

    def becomes(self, wanted: Callable[[], bool], seconds: float = 15) -> None:
        until = time.monotonic() + seconds
        while not wanted():
            assert time.monotonic() < until, self.states()
            time.sleep(0.05)


@pytest.fixture
def waiting(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "desk")


@contextmanager
def reviewing(browser: Any, server: Server, link: str = "", **options: Any) -> Iterator[Any]:
    page = open_page(browser, f"{server.url}/review{link}", **options)
    page.wait_for_selector(SHOWN)
    yield page
    page.context.close()


def count(page: Any) -> str:
    """Number and total as they stand above the picture, such as "3 / 24"."""
    return str(page.locator(".facts > span").first.inner_text()).split(" · ")[0]


def press(page: Any, key: str) -> None:
    """A verdict, and the wait for the next picture, or for the end, as a person waits for it: while more is
    still coming there is nothing to judge."""
    before = page.locator("[aria-current=true], .end:not([hidden])").first.evaluate("n => n.dataset.id ?? ''")
    page.keyboard.press(key)
    page.wait_for_function(
        """before => [...document.querySelectorAll('*')].some(host => {
            const root = host.shadowRoot?.querySelector('.root')
            if (!root) return false
            const now = root.__compare
            return now.at !== before && now.item || root.querySelector('.end:not([hidden]) b')
        })""",
        arg=before,
    )


def saved(page: Any) -> None:
    page.wait_for_function(
        """() => [...document.querySelectorAll('*')].some(host => {
            const compare = host.shadowRoot?.querySelector('.root')?.__compare
            return compare && !compare.acts.length
        })"""
    )


def test_a_hundred_pictures_by_keys_alone(
    browser: Any, waiting: Desk, record_property: Callable[[str, object], None]
) -> None:
    waiting.add(25, each=4)
    with serving(waiting.folder) as server, reviewing(browser, server) as page:
        assert count(page) == "1 / 100"
        began, keys = time.monotonic(), 0
        expected: list[str] = []
        notes: dict[str, tuple[str | None, str]] = {}
        while len(expected) < 100:
            at = len(expected)
            if at % 12 == 4:  # The first of a photo's four: one key for all of them.
                press(page, "b")
                expected += ["approved", *["rejected"] * 3]
                keys += 1
            elif at % 7 == 3:
                press(page, "x")
                page.keyboard.press("2")
                expected.append("rejected")
                notes[waiting.keys[at]] = ("label_text", "")
                keys += 2
                if at % 2:
                    page.keyboard.press("n")
                    page.keyboard.type("the label says a, x and u")
                    page.keyboard.press("Enter")
                    notes[waiting.keys[at]] = ("label_text", "the label says a, x and u")
                    keys += 27
            else:
                press(page, "a")
                expected.append("approved")
                keys += 1
            if at == 30:
                press(page, "u")
                expected.pop()
                keys += 1
                assert count(page) == "31 / 100"
                page.keyboard.press("a")
                expected.append("approved")
            if at == 49:
                page.reload()
                settled(page)
                page.wait_for_selector(SHOWN)
                saved(page)  # Until then nobody knows which of them the server had.
                assert count(page) == f"{len(expected) + 1} / 100", "the sitting goes on"
        page.locator(".end b", has_text="All reviewed. Export what is approved.").wait_for()
        took = time.monotonic() - began
        saved(page)
        assert waiting.states() == expected
        for key, (reason, note) in notes.items():
            assert waiting.last(key) == ("rejected", reason, note)
        record_property("seconds", round(took, 1))
        record_property("keys", keys)
        page.keyboard.press("u")
        page.wait_for_selector(SHOWN)
        waiting.becomes(lambda: waiting.states()[-1] == "to_review")
        assert page.outside == []


def test_ten_keys_in_half_a_second_on_a_slow_server(browser: Any, waiting: Desk) -> None:
    waiting.add(8)
    with serving(waiting.folder) as server, reviewing(browser, server) as page:
        server.process.send_signal(signal.SIGSTOP)
        for key in "axaxaaaxaa":
            page.keyboard.press(key)
            page.wait_for_timeout(30)
        assert count(page) == "11 / 16"
        server.process.send_signal(signal.SIGCONT)
        short = {"a": "approved", "x": "rejected"}
        waiting.becomes(lambda: waiting.states()[:10] == [short[key] for key in "axaxaaaxaa"])
        assert waiting.ask("SELECT count(*) FROM reviews") == [(10,)], "each once"


def test_nothing_is_lost_when_the_server_dies_and_the_page_is_loaded_again(
    browser: Any, waiting: Desk
) -> None:
    waiting.add(5)
    port = free_port()
    with serving(waiting.folder, port=port) as server, reviewing(browser, server) as page:
        press(page, "a")
        saved(page)
        server.kill()
        for key in ("a", "x", "3"):
            page.keyboard.press(key)
        page.keyboard.press("n")
        page.keyboard.type("half a note")
        page.get_by_text("3 not saved yet, kept here").wait_for(timeout=15_000)
        with serving(waiting.folder, port=port):
            page.reload()
            settled(page)
            waiting.becomes(lambda: waiting.states()[:3] == ["approved", "approved", "rejected"])
            waiting.becomes(lambda: waiting.last(waiting.keys[2]) == ("rejected", "shape", "half a note"))
            page.wait_for_selector(SHOWN)
            assert count(page) == "4 / 10"


def test_undo_and_the_best_of_a_photo(browser: Any, waiting: Desk) -> None:
    waiting.add(3, each=3)
    with serving(waiting.folder) as server, reviewing(browser, server) as page:
        page.keyboard.press("ArrowRight")
        press(page, "b")
        saved(page)
        assert waiting.states()[:3] == ["rejected", "approved", "rejected"]
        assert count(page) == "4 / 9"
        page.keyboard.press("u")
        waiting.becomes(lambda: waiting.states()[:3] == ["to_review"] * 3)
        assert count(page) == "2 / 9"
        page.keyboard.press("u")
        assert count(page) == "2 / 9", "nothing is left to undo"


def test_keys_are_left_to_who_types(browser: Any, waiting: Desk) -> None:
    waiting.add(3)
    with serving(waiting.folder) as server, reviewing(browser, server) as page:
        page.keyboard.press("?")
        page.locator("dialog[open]").wait_for()
        page.keyboard.press("a")
        page.keyboard.press("Escape")
        for combination in ("Control+a", "Alt+x", "Shift+A", "Meta+u"):
            page.keyboard.press(combination)
        page.keyboard.press("n")
        page.keyboard.type("axub 12 fzv?")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Filters").click()
        page.get_by_label("Whole SKU").fill("")
        page.get_by_label("Whole SKU").type("axub")
        assert count(page) == "1 / 6"
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        press(page, "x")
        waiting.becomes(lambda: waiting.states()[0] == "rejected")
        assert waiting.last(waiting.keys[0]) == ("rejected", None, "axub 12 fzv?"), (
            "the note waited for the verdict"
        )


def test_a_chinese_input_method_judges_by_the_place_of_the_key(browser: Any, waiting: Desk) -> None:
    waiting.add(3)
    send = """([code, composing]) => document.body.dispatchEvent(new KeyboardEvent('keydown',
        { key: 'Process', code, keyCode: 229, isComposing: composing, bubbles: true }))"""
    with serving(waiting.folder) as server, reviewing(browser, server, language="zh") as page:
        page.evaluate(send, ["KeyA", True])
        assert count(page) == "1 / 6"
        page.evaluate(send, ["KeyA", False])
        page.evaluate(send, ["KeyX", False])
        page.evaluate(send, ["Digit8", False])
        waiting.becomes(lambda: waiting.states()[:2] == ["approved", "rejected"])
        waiting.becomes(lambda: waiting.last(waiting.keys[1])[1] == "other")


def transform(page: Any, node: str) -> str:
    return str(page.locator(node).evaluate("node => node.style.transform"))


def test_zoom_and_place_are_kept_and_shared(browser: Any, waiting: Desk) -> None:
    waiting.add(3)
    with serving(waiting.folder) as server, reviewing(browser, server) as page:
        whole = transform(page, ".b .result")
        page.keyboard.press("z")
        assert page.locator(".percent").inner_text() == "100%"
        box = page.locator(".pane.b").bounding_box()
        page.mouse.move(box["x"] + 300, box["y"] + 200)
        page.mouse.wheel(0, -300)
        page.mouse.down()
        page.mouse.move(box["x"] + 240, box["y"] + 160, steps=4)
        page.mouse.up()
        near = transform(page, ".b .result")
        percent = page.locator(".percent").inner_text()
        assert near != whole and percent != "100%"
        page.keyboard.down("f")
        assert page.locator(".pane.b .tag").inner_text() == "Source"
        assert transform(page, ".b .result") == near
        page.keyboard.up("f")
        assert page.locator(".pane.b .tag").inner_text() == "Result"
        page.keyboard.press("ArrowRight")
        assert transform(page, ".b .result") == near, "also on the next picture"
        page.keyboard.press("v")
        page.locator(".handle").focus()
        page.keyboard.press("ArrowRight")
        assert page.locator(".handle").get_attribute("aria-valuenow") == "55"
        assert count(page) == "2 / 6", "the handle's arrows step no picture"
        assert page.locator(".percent").inner_text() != ""


def test_a_picture_that_is_gone_says_so_and_is_stepped_over(browser: Any, waiting: Desk) -> None:
    waiting.add(2)
    (gone,) = waiting.ask("SELECT object_key FROM outputs ORDER BY photo_id, variant LIMIT 1")
    (waiting.folder / "media" / gone[0]).unlink()
    with serving(waiting.folder) as server:
        page = open_page(browser, f"{server.url}/review")
        page.get_by_text("This picture can't be loaded.").wait_for()
        page.keyboard.press("a")
        page.get_by_text("A picture that can't be seen can't be approved.").wait_for()
        assert count(page) == "1 / 4"
        page.keyboard.press("ArrowRight")
        page.get_by_text("This picture can't be loaded.").wait_for(state="hidden")
        press(page, "a")
        waiting.becomes(lambda: waiting.states()[:2] == ["to_review", "approved"])
        page.context.close()


@pytest.fixture
def signed_in(house: Path) -> Iterator[Path]:
    main = house / "pages" / "main.py"
    before = main.read_text(encoding="utf-8")
    future = "from __future__ import annotations\n"
    main.write_text(before.replace(future, future + SECOND_PERSON.split('"""')[2], 1), encoding="utf-8")
    yield house
    main.write_text(before, encoding="utf-8")


def test_two_reviewers_see_each_other(browser: Any, waiting: Desk, signed_in: Path) -> None:
    waiting.add(4)
    with (
        serving(waiting.folder, house=signed_in) as server,
        reviewing(browser, server, "?who=ken") as ken,
    ):
        waiting.becomes(lambda: waiting.ask("SELECT actor FROM claims") == [("ken",)])
        with reviewing(browser, server, "?who=mei") as mei:
            assert "-002" in mei.locator(".title b").inner_text(), "what Ken looks at is not offered to her"
            for key in "aaaaaa":
                press(mei, key)
            mei.locator(".end b", has_text="All reviewed but 2 that somebody else looks at.").wait_for()
            mei.get_by_role("button", name="Show them all the same").click()
            mei.get_by_text("Ken is looking at this").wait_for()
            assert "-001" in mei.locator(".title b").inner_text()
            for _ in range(6):
                mei.keyboard.press("u")
            saved(mei)
        # His machine slept for longer than a claim lasts.
        with closing(sqlite3.connect(waiting.folder / "packshot.db", timeout=20)) as connection, connection:
            connection.execute("DELETE FROM claims")
        with reviewing(browser, server, "?who=mei") as mei:
            press(mei, "x")
            mei.keyboard.press("2")
            saved(mei)
            waiting.becomes(lambda: ("label_text",) in waiting.ask("SELECT reason FROM reviews"))
            ken.keyboard.press("a")
            ken.locator(".clash", has_text="Mei").wait_for()
            assert "Rejected (Label text)" in ken.locator(".clash").inner_text()
            ken.get_by_text("Mei is looking at this").wait_for()
            assert waiting.states()[0] == "rejected", "nothing was overwritten"
            ken.keyboard.press("o")
            waiting.becomes(lambda: waiting.states()[0] == "approved")
            press(mei, "a")
            saved(mei)
            ken.keyboard.press("x")
            ken.locator(".clash", has_text="Mei").wait_for()
            ken.keyboard.press("k")
            ken.locator(".clash").wait_for(state="hidden")
            saved(ken)
            assert waiting.states()[:2] == ["approved", "approved"]
            said = waiting.ask("SELECT actor, verdict FROM reviews WHERE output_id = 1")
            assert {("mei", "rejected"), ("ken", "approved")} <= set(said), "both are on record"


def test_undo_leaves_what_somebody_else_has_said_since(browser: Any, waiting: Desk, signed_in: Path) -> None:
    waiting.add(2)
    with (
        serving(waiting.folder, house=signed_in) as server,
        reviewing(browser, server, "?who=ken") as ken,
    ):
        press(ken, "a")
        saved(ken)
        with open_studio(waiting.settings(), work=False) as desk:
            mei = Actor(id="mei", name="Mei", role=Role.REVIEWER)
            (seen,) = waiting.ask("SELECT id FROM reviews")[0]
            review.decide(desk, waiting.keys[0], review.Verdict.REJECTED, by=mei, seen=seen)
        # He has been shown what she said, and means what he did.
        ken.reload()
        settled(ken)
        ken.wait_for_selector(SHOWN)
        ken.keyboard.press("ArrowLeft")
        ken.get_by_text("Rejected by Mei").wait_for()
        ken.keyboard.press("u")
        ken.locator(".clash", has_text="Mei").wait_for()
        assert waiting.states()[0] == "rejected"
        ken.keyboard.press("k")
        ken.get_by_text("Rejected by Mei").wait_for()


def test_a_refused_best_of_a_photo_leaves_all_of_it_as_it_was(browser: Any, waiting: Desk) -> None:
    waiting.add(2, each=4)
    with serving(waiting.folder) as server, reviewing(browser, server) as page:
        with open_studio(waiting.settings(), work=False) as desk:
            mei = Actor(id="mei", name="Mei", role=Role.REVIEWER)
            review.decide(desk, waiting.keys[3], review.Verdict.APPROVED, by=mei)
        press(page, "b")
        page.locator(".clash", has_text="Mei").wait_for()
        page.keyboard.press("k")
        strip = page.get_by_role("group", name="Pictures in the queue")
        thumbs = strip.get_by_role("button").all()[:3]
        assert ["To review" in thumb.get_attribute("aria-label") for thumb in thumbs] == [True] * 3
        assert waiting.states()[:4] == ["to_review"] * 3 + ["approved"]


def test_a_note_outlives_the_verdict_that_was_given_up(browser: Any, waiting: Desk) -> None:
    waiting.add(2)
    with serving(waiting.folder) as server, reviewing(browser, server) as page:
        page.keyboard.press("n")
        page.keyboard.type("the lid is gone")
        page.keyboard.press("Enter")
        with open_studio(waiting.settings(), work=False) as desk:
            mei = Actor(id="mei", name="Mei", role=Role.REVIEWER)
            review.decide(desk, waiting.keys[0], review.Verdict.APPROVED, by=mei)
        press(page, "x")
        page.locator(".clash", has_text="Mei").wait_for()
        page.keyboard.press("k")
        page.keyboard.press("ArrowLeft")
        page.get_by_text("Approved by Mei").wait_for()
        page.get_by_text("Note kept").wait_for()
        page.keyboard.press("n")
        assert page.locator(".note").input_value() == "the lid is gone"
        page.keyboard.press("Enter")
        waiting.becomes(lambda: waiting.last(waiting.keys[0]) == ("approved", None, "the lid is gone"))
        page.get_by_text("Note kept").wait_for(state="hidden")


def test_what_the_check_found_is_one_click_away(browser: Any, waiting: Desk) -> None:
    keys = waiting.add(1)
    with closing(sqlite3.connect(waiting.folder / "packshot.db")) as connection, connection:
        connection.execute("UPDATE outputs SET flagged = 1, checks = 'done'")
        connection.executemany(
            "INSERT INTO checks (output_id, at, name, result, evidence)"
            " SELECT id, finished_at, 'fidelity', ?, ? FROM outputs WHERE key = ?",
            [("could_not_compare", '{"why": "not_found"}', keys[0]), ("altered", "{}", keys[1])],
        )
    with serving(waiting.folder) as server, reviewing(browser, server) as page:
        assert page.get_by_role("link", name="Could not be compared").is_visible()
        assert accessible(page) == []
        with page.context.expect_page() as opened:
            page.get_by_role("link", name="Could not be compared").click()
        opened.value.get_by_text("The photo's product was not found in the picture.").wait_for()
        assert f"output={keys[0]}" in opened.value.url
        page.keyboard.press("ArrowRight")
        page.get_by_role("link", name="Look closely").wait_for()
        assert waiting.states() == ["to_review"] * 2


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_stands_in_the_way_of_assistive_technology(browser: Any, waiting: Desk, dark: bool) -> None:
    waiting.add(3)
    with serving(waiting.folder) as server, reviewing(browser, server, dark=dark) as page:
        assert accessible(page) == []
        press(page, "x")
        page.keyboard.press("1")
        page.keyboard.press("v")
        assert accessible(page) == []
        assert "2 of 6, To review" in page.locator(".live").text_content()
        page.keyboard.press("Shift+?")
        assert accessible(page) == []
        page.keyboard.press("Escape")
        for _ in range(5):
            page.keyboard.press("a")
        page.locator(".end b", has_text="All reviewed. Export what is approved.").wait_for()
        assert accessible(page) == []


def test_a_telephone_judges_with_thumbs(browser: Any, waiting: Desk) -> None:
    waiting.add(3)
    with serving(waiting.folder) as server, reviewing(browser, server, width=390) as page:
        assert page.get_by_role("radio", name="Flip").get_attribute("aria-checked") == "true"
        buttons = [page.locator(f".bar .{name}") for name in ("reject", "undo", "best", "approve")]
        boxes = [button.bounding_box() for button in buttons]
        assert all(box["height"] >= 52 and box["width"] >= 52 for box in boxes)
        assert boxes[-1]["x"] + boxes[-1]["width"] <= 390 and boxes[0]["y"] + 52 <= 844
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        box = page.locator(".pane.b").bounding_box()
        page.mouse.move(box["x"] + 100, box["y"] + 100)
        page.mouse.down()
        page.locator(".pane.b .tag", has_text="Source").wait_for()
        page.mouse.up()
        page.locator(".pane.b .tag", has_text="Result").wait_for()
        assert count(page) == "1 / 6", "no touch of the picture judges it"
        buttons[-1].tap()
        buttons[0].tap()
        page.locator(".chip", has_text="Label text").tap()
        waiting.becomes(lambda: waiting.states()[:2] == ["approved", "rejected"])
        waiting.becomes(lambda: waiting.last(waiting.keys[1])[1] == "label_text")
        stage = page.locator(".stage").evaluate("node => getComputedStyle(node).touchAction")
        rest = page.locator(".root").evaluate("node => getComputedStyle(node).touchAction")
        assert (stage, rest) == ("none", "auto")
        assert accessible(page) == []


def test_what_people_wrote_is_no_html(browser: Any, waiting: Desk) -> None:
    waiting.add(2)
    nasty = '<img src=x onerror="window.hit=1">"\'&'
    with closing(sqlite3.connect(waiting.folder / "packshot.db")) as connection, connection:
        connection.execute("UPDATE photos SET sku = ?, product_name = ?", (nasty, nasty))
    with serving(waiting.folder) as server, reviewing(browser, server) as page:
        assert page.locator(".title b").inner_text() == f"{nasty} · {nasty}"
        press(page, "x")
        page.keyboard.press("n")
        page.keyboard.type(nasty)
        page.keyboard.press("Enter")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("n")
        assert page.locator(".note").input_value() == nasty
        assert page.evaluate("window.hit") is None


def test_from_a_finished_task_to_its_review(browser: Any, waiting: Desk) -> None:
    waiting.add(1)
    waiting.add(2)
    (task,) = waiting.ask("SELECT key FROM tasks ORDER BY id DESC LIMIT 1")
    with serving(waiting.folder) as server:
        page = context(browser).new_page()
        page.goto(f"{server.url}/?task={task[0]}")
        settled(page)
        page.get_by_role("link", name="Review these").click()
        page.wait_for_selector(SHOWN)
        assert count(page) == "1 / 4"
        assert f"task={task[0]}" in page.url
        page.context.close()
