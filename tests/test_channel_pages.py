"""What only a browser shows of System's card of channels, on two widths."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser import Server, accessible, open_page

LOOKS = pytest.mark.parametrize(
    ("width", "dark", "language"), [(1440, False, "en"), (390, True, "zh")], ids=["desk", "phone"]
)


def sideways(page: Any) -> bool:
    return bool(page.evaluate("document.scrollingElement.scrollWidth > innerWidth"))


@LOOKS
def test_the_card_of_rules(browser: Any, server: Server, width: int, dark: bool, language: str) -> None:
    page = open_page(browser, f"{server.url}/system", width=width, dark=dark, language=language)
    page.locator(".st-key-channels summary").click()
    page.locator(".st-key-channels table").wait_for()
    assert accessible(page) == []
    assert not sideways(page) and page.outside == []
