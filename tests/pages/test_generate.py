"""Generate as a visitor reads it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import generation
from core.errors import Blocked, NoImage, OutcomeUnknown, QuotaExhausted
from core.intake import MAX_PHOTOS
from core.model import OutputState
from core.providers import ModelInfo
from core.settings import ROOT
from core.studio import Studio
from tests.browser import environment
from tests.conftest import BY, Scripted, finished, order, upload
from tests.pages.conftest import Open, cards, counted, data, headings, said

Desk = Callable[..., Studio]
NASTY = "*a* <b>b</b> `c` :material/home: $x$ [l](http://l) #"


def test_a_first_visitor_reads_what_is_missing(desk: Desk, page: Open) -> None:
    desk(work=False)
    app = page()
    assert not app.exception
    assert app.button(key="press").disabled
    for sentence in ("Add at least one photo to start.", "Pictures appear here. You can close this tab."):
        assert sentence in said(app)
    assert "Today US\\$0\\.00" in said(app)


def test_a_desk_without_a_key_says_so(
    desk: Desk, page: Open, monkeypatch: pytest.MonkeyPatch, scripted: Scripted
) -> None:
    opened = desk(work=False)
    assert "No AI key" not in said(page())
    del opened.providers["gemini"]  # type: ignore[attr-defined]
    app = page()
    assert app.info[0].value == (
        "**No AI key.** Pictures are cut out on this computer, free, without AI. Add a key in `.env`."
    )


def test_a_photo_is_sent_with_what_was_typed_last(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk(work=False)
    app = page()
    app.file_uploader[0].upload("cup.jpg", photo).run()
    assert "**1 photo × 1 = 1 picture** · free" in said(app)
    sku = next(field for field in app.text_input if field.placeholder == "SKU")
    # Typed and pressed in one go, as a blur and a click arrive.
    sku.set_value("JP-1")
    app.button(key="press").click().run()
    view = generation.view(opened, app.query_params["task"])
    assert [(p.sku, p.original_name) for p in view.photos] == [("JP-1", "cup.jpg")]
    assert "**0 of 1 ready**" in said(app)
    assert app.button(key="press").disabled, "the photo was sent"


def test_the_chosen_model_decides_price_ratios_and_sizes(
    desk: Desk, page: Open, photo: bytes, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk(work=False)
    prices = {"scripted": 33_600, "plain": None}
    monkeypatch.setattr(scripted, "estimate", lambda model, size: prices[model])
    models = (*scripted.models(), ModelInfo(name="plain", ratios=("4:5", "16:9"), sizes=("2K",)))
    monkeypatch.setattr(scripted, "models", lambda: models)
    app = page()
    for i in range(5):
        app.file_uploader[0].upload(f"{i}.jpg", photo)
    app.run()
    choice = app.selectbox(key="model-en")
    assert choice.options == ["Local cut-out · cutout", "Gemini · scripted", "Gemini · plain"]
    app.button_group(key="outputs").set_value(2).run()
    app.button_group(key="ratio").set_value("21:9").run()
    app.selectbox(key="model-en").select("gemini scripted").run()
    assert "**5 photos × 2 = 10 pictures** · about US\\$0\\.34" in said(app)
    assert app.session_state["ratio"] == scripted.models()[0].ratios[0], "what the model lacks falls back"
    app.selectbox(key="model-en").select("gemini plain").run()
    assert "**5 photos × 2 = 10 pictures** · Price unknown" in said(app)
    assert (app.session_state["ratio"], app.session_state["size"]) == ("4:5", "2K")
    assert not app.exception


def test_refused_files_are_named_and_the_others_stay(desk: Desk, page: Open, photo: bytes) -> None:
    desk(work=False)
    app = page()
    app.file_uploader[0].upload("cup.jpg", photo)
    app.file_uploader[0].upload("*a* :material-x: $x$ `c` #.txt", b"words")
    app.file_uploader[0].upload("cut.jpg", photo[:4000]).run()
    (warning,) = app.warning
    assert warning.value.startswith("\\*a\\* \\:\u2060material\\-x\\: \\$x\\$ \\`c\\` \\#\\.txt is not")
    assert "is not an image. The others are kept. Choose JPG, PNG, WebP or HEIC." in warning.value
    assert "cut\\.jpg is damaged or was cut off" in warning.value
    assert [p["name"] for p in data(app, "tray")["photos"]] == ["cup.jpg"]


def test_too_many_photos_are_left_out_by_number(desk: Desk, page: Open, photo: bytes) -> None:
    desk(work=False)
    app = page()
    for i in range(MAX_PHOTOS + 2):
        app.file_uploader[0].upload(f"{i}.jpg", photo)
    app.run()
    assert f"2 photos were left out: at most {MAX_PHOTOS} at once." in app.warning[0].value
    assert f"**{MAX_PHOTOS} photos × 1 = {MAX_PHOTOS} pictures**" in said(app)


def test_storage_down_at_the_press_keeps_the_photos(
    desk: Desk, page: Open, photo: bytes, tmp_path: Path
) -> None:
    desk(work=False)
    app = page()
    app.file_uploader[0].upload("cup.jpg", photo).run()
    media = tmp_path / "media"
    media.rmdir() if media.exists() else None
    media.write_bytes(b"in the way")
    app.button(key="press").click().run()
    assert not app.exception and app.error
    assert [p["name"] for p in data(app, "tray")["photos"]] == ["cup.jpg"]
    media.unlink()
    app.button(key="press").click().run()
    assert "task" in app.query_params and not app.error


def test_a_second_press_makes_no_second_task(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk(work=False)
    app = page()
    app.file_uploader[0].upload("cup.jpg", photo).run()
    app.button(key="press").click().run()
    first = app.query_params["task"]
    # The click that was on its way when the page had not been drawn again.
    app.file_uploader[0].upload("cup.jpg", photo).run()
    app.session_state["hand"].drawn = False
    with counted(opened) as statements:
        app.button(key="press").click().run()
    assert app.query_params["task"] == first
    assert not [s for s in statements if s.startswith("INSERT")]


@pytest.mark.parametrize(
    ("error", "title", "sentence", "act"),
    [
        (
            Blocked("picture", "IMAGE_SAFETY"),
            "Refused",
            "its safety rules for pictures. It is not asked",
            None,
        ),
        (NoImage(NASTY), "No picture", NASTY.replace("`", ""), "Retry"),
        (OutcomeUnknown(), "No answer", "It may have been charged.", "Ask again (may charge twice)"),
        (QuotaExhausted("2030-01-02T03:04:00+00:00"), "Quota used up", "until 2030-01-02 11:04.", "Retry"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_trouble_has_its_card(
    desk: Desk,
    page: Open,
    scripted: Scripted,
    photo: bytes,
    error: Exception,
    title: str,
    sentence: str,
    act: str | None,
) -> None:
    opened = desk()
    scripted.script = [error]
    key = generation.submit(opened, [upload(photo, product_name=NASTY)], order(), by=BY)
    finished(opened, key)
    app = page(task=key)
    (card,) = cards(app)
    assert (card["title"], card["act"]) == (title, act)
    assert sentence in card["say"]
    assert "**0 of 1 ready · 1 need attention**" in said(app)


def test_the_bulk_retry_takes_failed_ones_only(
    desk: Desk, page: Open, scripted: Scripted, photo: bytes
) -> None:
    opened = desk(provider_concurrency=1)
    scripted.script = [NoImage("no"), OutcomeUnknown(), Blocked("prompt", "SAFETY")]
    key = generation.submit(opened, [upload(photo)], order(outputs=3), by=BY)
    finished(opened, key)
    app = page(task=key)
    assert app.button(key="retry-failed").label == "Retry 1 failed"
    app.button(key="retry-failed").click().run()
    finished(opened, key)
    states = [output.state for output in generation.view(opened, key).outputs]
    assert states == [OutputState.SUCCEEDED, OutputState.UNKNOWN, OutputState.BLOCKED]


@pytest.mark.parametrize("key", ["nothing", "\x00'--", "../..", "x" * 5000])
def test_an_unknown_task_is_told(desk: Desk, page: Open, key: str) -> None:
    desk(work=False)
    app = page(task=key)
    assert not app.exception
    assert "There is no such task here" in app.error[0].value
    assert "task" not in app.query_params


def test_the_database_away_is_told_and_passes(desk: Desk, page: Open, photo: bytes, tmp_path: Path) -> None:
    opened = desk(work=False)
    key = generation.submit(opened, [upload(photo)], order(), by=BY)
    opened.engine.dispose()
    file = tmp_path / "packshot.db"
    for path in tmp_path.glob("packshot.db-*"):
        path.unlink()
    file.rename(tmp_path / "away.db")
    file.mkdir()
    app = page(task=key)
    assert not app.exception
    assert "database" in app.warning[0].value
    opened.engine.dispose()
    file.rmdir()
    (tmp_path / "away.db").rename(file)
    app.run()
    assert "**0 of 1 ready**" in said(app)


def test_chinese_is_whole(desk: Desk, page: Open, photo: bytes) -> None:
    desk(work=False)
    app = page(locale="zh-HK")
    assert headings(app)[0] == "生成圖片"
    app.file_uploader[0].upload("cup.jpg", photo).run()
    assert app.button(key="press").label == "生成 1 張圖片"
    app.button_group(key="language").set_value("en").run()
    assert headings(app)[0] == "Generate"


def test_few_statements_for_a_rerun(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk(work=False)
    key = generation.submit(opened, [upload(photo)] * 3, order(outputs=2), by=BY)
    app = page(task=key)
    with counted(opened) as statements:
        app.run()
    assert len(statements) <= 4, statements
    with opened.engine.begin() as connection:
        connection.execute(sa.text("UPDATE outputs SET state = 'failed', error_kind = 'NotSent'"))
    app.run()
    with counted(opened) as statements:
        app.run()
    assert len(statements) <= 4, statements


def test_what_was_typed_stays_while_looking_elsewhere(desk: Desk, page: Open, photo: bytes) -> None:
    desk(work=False)
    app = page()
    app.file_uploader[0].upload("cup.jpg", photo).run()
    sku = next(field.key for field in app.text_input if field.placeholder == "SKU")
    app.text_input(key=sku).set_value("JP-7").run()
    app.button_group(key="outputs").set_value(3).run()
    app.switch_page("history.py").run()
    app.switch_page("generate.py").run()
    assert app.text_input(key=sku).value == "JP-7"
    assert "**1 photo × 3 = 3 pictures** · free" in said(app)


def test_a_photo_can_be_taken_away(desk: Desk, page: Open, photo: bytes) -> None:
    desk(work=False)
    app = page()
    app.button(key="try-sample").click().run()
    photos: dict[str, Any] = app.session_state["hand"].photos
    assert [p.name for p in photos.values()] == ["sample.jpg"]
    photos.clear()
    app.run()
    assert "Add at least one photo to start." in said(app)


def chosen(page: Open, photo: bytes) -> Any:
    """The page with one photo and the model that costs."""
    app = page()
    app.file_uploader[0].upload("cup.jpg", photo).run()
    next(box for box in app.selectbox if "scripted" in str(box.options)).set_value("gemini scripted").run()
    return app


def test_the_same_pictures_are_offered_instead_of_paid_for_twice(
    desk: Desk, page: Open, photo: bytes
) -> None:
    opened = desk(work=False)
    first = chosen(page, photo)
    first.button(key="press").click().run()
    made = first.query_params["task"]
    app = chosen(page, photo)
    app.button(key="press").click().run()
    assert "Nothing was sent or charged. Open it, or generate anyway." in said(app)
    assert not app.error, "nothing failed"
    app.button(key="again").click().run()
    assert app.query_params["task"] != made, "she paid for them once more"
    app = chosen(page, photo)
    app.button(key="press").click().run()
    app.button(key="open-made").click().run()
    assert not app.exception
    assert opened.store.list("input/").objects and "**0 of 1 ready**" in said(app)
    assert not app.button(key="press").disabled, "her photo is still there"


def test_a_model_without_a_price_asks_once_while_a_limit_is_set(
    desk: Desk, page: Open, photo: bytes, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripted, "estimate", lambda model, size: None)
    opened = desk(work=False, daily_budget_usd=1)
    for presses in (["unpriced"], ["unpriced", "again"]):
        app = chosen(page, photo)
        app.button(key="press").click().run()
        assert "the price of scripted is not known" in said(app)
        assert not app.error
        for press in presses:
            app.button(key=press).click().run()
        assert generation.view(opened, app.query_params["task"]).task.unpriced_ok


def test_a_limit_that_is_passed_is_told_and_keeps_the_photo(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk(work=False, daily_budget_usd=0.01)
    app = chosen(page, photo)
    app.button(key="press").click().run()
    assert "This would pass the day's limit of US$0\\.01. Nothing was sent or charged." in said(app)
    assert opened.store.list().objects == ()
    assert not app.button(key="press").disabled


def test_a_page_waits_for_a_press_that_is_being_sent(desk: Desk, page: Open, photo: bytes) -> None:
    """Streamlit begins the next run beside the one whose press is still sent, and stops that one."""
    opened = desk()
    app = page()
    mine = app.session_state["hand"]
    mine.sending.acquire()

    def send() -> None:
        try:
            mine.sent(generation.submit(opened, [upload(photo)], order(), by=BY))
        finally:
            mine.sending.release()

    slow = threading.Timer(0.5, send)
    slow.start()
    app.run()
    slow.join()
    assert app.query_params["task"] == mine.task and len(cards(app)) == 1


FIRST = """
import importlib.metadata
import inspect
import sys
from pages.ui.warming import first_page, leave_out
leave_out()
first_page()
before = set(sys.modules)
from core import studio
from core.settings import load_settings
from streamlit.testing.v1 import AppTest
with studio.open_studio(load_settings(), work=False) as desk:
    studio.set_current(desk)
    # Streamlit's look at each module's file, and into each package: a tenth of a second each.
    inspect.stack = None
    looks = []
    importlib.metadata.distributions = lambda **asked: looks.append(asked) or []
    app = AppTest.from_file("pages/main.py", default_timeout=30).run()
assert not app.exception and app.button(key="press") and not looks
print(*sorted(set(sys.modules) - before))
"""


def test_the_first_page_finds_all_loaded_and_needs_no_tables(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST],
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    late = set(done.stdout.split())
    assert not {"numpy", "babel", "pandas", "streamlit.emojis"} & late
