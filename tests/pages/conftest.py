"""Pages by AppTest: no browser, the whole router, real parts behind it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from core.settings import ROOT
from core.studio import Studio

Open = Callable[..., AppTest]


@pytest.fixture
def page() -> Open:
    """Open a page as a new visitor; `link` are the address's parameters."""

    def opened(name: str = "generate", *, locale: str = "en-US", **link: Any) -> AppTest:
        app = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=30)
        app.context = {"locale": locale}
        # Open from the start: what is shut is not drawn.
        for name_of_shut in ("details", "filters", "review-filters"):
            app.session_state[name_of_shut] = True
        if name == "generate":
            for key, value in link.items():
                app.query_params[key] = value
            return app.run()
        app.run()
        app.switch_page(f"{name}.py")
        for key, value in link.items():
            app.query_params[key] = value
        return app.run()

    return opened


def said(app: AppTest) -> str:
    """All that a visitor reads as text."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(headings(app) + [str(element.value) for kind in kinds for element in kind])


def headings(app: AppTest) -> list[str]:
    """The page's title, and those of its parts."""
    parts = re.findall(r"<h2\b[^>]*>(.*?)</h2>", "".join(str(node.proto.body) for node in app.get("html")))
    return [title.value for title in app.title] + [html.unescape(text) for text in parts]


def data(app: AppTest, name: str) -> dict[str, Any]:
    """What a component was given: gallery, tray or looks."""
    for node in app.get("bidi_component"):
        if node.proto.component_name.endswith(f"packshot_{name}"):
            found: dict[str, Any] = json.loads(node.proto.json)[0]
            return found
    raise AssertionError(f"no {name} on the page")


def cards(app: AppTest) -> list[dict[str, Any]]:
    return [item for group in data(app, "gallery")["groups"] for item in group["items"]]


@contextmanager
def counted(desk: Studio) -> Iterator[list[str]]:
    """The statements that go to the database meanwhile."""
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            statements.append(statement)

    sa.event.listen(desk.engine, "before_cursor_execute", note)
    yield statements
    sa.event.remove(desk.engine, "before_cursor_execute", note)
