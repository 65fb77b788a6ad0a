"""What a page has just read is not read again for each click, and is never older than it may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from core import clock, generation, trash
from core.database import schema
from core.studio import Studio
from pages.ui import reread
from tests.conftest import BY, finished, order, upload
from tests.pages.conftest import Open, cards, counted

Desk = Callable[..., Studio]
PAGES = ["generate", "history"]


@pytest.fixture
def shown(desk: Desk, page: Open, photo: bytes) -> Callable[[str], tuple[Studio, str, AppTest]]:
    """A desk that does nothing more, one of its two pictures, and a page that shows both."""

    def opened(name: str) -> tuple[Studio, str, AppTest]:
        working = desk()
        task = generation.submit(working, [upload(photo)], order(outputs=2), by=BY)
        output = finished(working, task).outputs[0]
        still = desk(work=False)
        return still, output.key, page(name, **({"task": task} if name == "generate" else {}))

    return opened


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_is_drawn_again_reads_nothing(shown: Any, name: str) -> None:
    desk, _, app = shown(name)
    app.run()
    before = cards(app)
    with counted(desk) as statements:
        app.run()
    assert [statement for statement in statements if "thumb_key" in statement] == []
    assert cards(app) == before


@pytest.mark.parametrize("name", PAGES)
def test_what_this_process_writes_shows_at_once(shown: Any, name: str) -> None:
    desk, key, app = shown(name)
    assert len(cards(app)) == 2
    trash.delete(desk, key, by=BY)
    assert len(cards(app.run())) == 1


@pytest.mark.parametrize("name", PAGES)
def test_what_another_process_writes_shows_soon(
    shown: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, key, app = shown(name)
    o = schema.outputs.c
    with desk.engine.begin() as connection:  # Not by `writing`: as another process does it.
        connection.execute(sa.update(schema.outputs).where(o.key == key).values(deleted_at=clock.now()))
    monkeypatch.setattr(reread, "FRESH", 0.0)
    assert len(cards(app.run())) == 1


def test_another_language_draws_the_cards_anew(shown: Any) -> None:
    _, _, app = shown("history")
    app.button_group(key="language").set_value("zh").run()
    assert {card["chip"]["text"] for card in cards(app)} == {"待審核"}


def test_a_change_of_a_component_carries_no_code(shown: Any) -> None:
    _, _, app = shown("generate")
    sent = {node.proto.component_name: node.proto for node in app.get("bidi_component")}
    assert {name.rsplit("_", 1)[-1] for name in sent} == {"gallery", "looks", "shell"}
    for proto in sent.values():
        assert len(proto.js_content) < 1_000 and not proto.css_content
