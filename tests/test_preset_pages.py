"""What only a browser shows of the page of presets, on two widths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import Server, accessible, open_page, serving, settled

LOOKS = pytest.mark.parametrize(
    ("width", "dark", "language"), [(1440, False, "en"), (390, True, "zh")], ids=["desk", "phone"]
)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A desk whose presets no other test changes."""
    with serving(Path(tmp_path_factory.mktemp("presets")) / "var") as found:
        yield found


def sideways(page: Any) -> bool:
    return bool(page.evaluate("document.scrollingElement.scrollWidth > innerWidth"))


def well(page: Any) -> bool:
    assert accessible(page) == []
    return not sideways(page) and page.outside == []


@LOOKS
def test_a_preset_is_edited_saved_compared_and_taken_back(
    browser: Any, own: Server, width: int, dark: bool, language: str
) -> None:
    address = f"{own.url}/presets?preset=flat_lay"
    page = open_page(browser, address, width=width, dark=dark, language=language)
    prompt = page.locator("[class*=st-key-preset-draft][class*=-prompt] textarea")
    prompt.fill(f"From above, {width} wide. {{product}} {{style}}")
    prompt.blur()
    page.locator("pre", has_text=f"From above, {width} wide. The product").wait_for()
    page.locator(".packshot-diff ins").first.wait_for()
    for fold in ("settings", "names"):
        page.locator(f".st-key-preset-{fold} summary").click()
        page.locator(f".st-key-preset-{fold} input").first.wait_for(state="attached")
    assert well(page)
    page.locator(".st-key-preset-save button").click()
    page.locator(".st-key-preset-undo button").wait_for()
    page.locator(".st-key-preset-view button").nth(1).click()
    page.locator(".packshot-diff del").first.wait_for()
    assert well(page)
    page.locator(".st-key-preset-undo button").click()
    page.locator(".st-key-preset-use button").wait_for()
    page.goto(address)
    settled(page)
    assert (
        "From above"
        not in page.locator("[class*=st-key-preset-draft][class*=-prompt] textarea").input_value()
    )
