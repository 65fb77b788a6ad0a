"""The System page's card that compares storage with the records."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core import comparing
from core.errors import StorageUnavailable
from core.studio import Studio
from tests.browser import ROOT
from tests.differing import made, put

Open = Callable[..., Studio]


def shown(page: AppTest) -> str:
    return "\n".join(str(item.value) for item in (*page.markdown, *page.caption, *page.code))


def pressed(desk: Studio) -> AppTest:
    page = AppTest.from_file(str(ROOT / "pages" / "system.py"), default_timeout=30).run()
    page.button(key="compare").click().run()
    going = comparing.latest(desk)
    assert going and going.done.wait(20)
    page.run()
    assert not page.exception
    return page


def test_a_press_shows_what_differs_and_how_to_set_it_right(desk: Open, photo: bytes) -> None:
    opened = desk()
    made(opened, photo)
    for number in range(5):
        put(opened, f"input/gone/{number}.jpg")
    text = shown(pressed(opened))
    assert "5 differences in 9 files" in text
    assert "Files without a record: 5" in text and "and 2 more" in text
    assert "python -m core reconcile --fix" in text
    assert len(opened.store.list("input/gone/").objects) == 5, "looking changes nothing"


def test_a_desk_that_agrees_says_so(desk: Open, photo: bytes) -> None:
    opened = desk()
    made(opened, photo)
    text = shown(pressed(opened))
    assert "4 files, and the records agree" in text and "--fix" not in text


def test_a_store_that_is_away_is_said(desk: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = desk(work=False)

    def away(*_: object, **__: object) -> None:
        raise StorageUnavailable("no route")

    monkeypatch.setattr(opened.store, "list", away)
    page = pressed(opened)
    assert any("Storage can't be reached." in str(item.value) for item in page.error)
