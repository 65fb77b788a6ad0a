"""Describing photos on Generate as a visitor does it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import describing, generation, studio
from core.model import Upload
from core.settings import load_settings
from core.studio import Studio, open_studio
from tests.conftest import BY
from tests.pages.conftest import Open, data, said
from tests.parts.model_rules import FACTS, TEXT
from tests.parts.models import KEY, ModelServer, Reply, words_answer

NASTY = "*a* <b>b :red[c] $x$ `d`"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as found:
        yield found


@pytest.fixture
def shop(tmp_path: Path, server: ModelServer) -> Iterator[Callable[..., Studio]]:
    from contextlib import ExitStack

    with ExitStack() as stack:

        def opened(**overrides: Any) -> Studio:
            values = {
                "database_url": f"sqlite:///{tmp_path / 'packshot.db'}",
                "upload_dir": tmp_path / "media",
                "app_secret": "a secret for tests",
                "gemini_api_key": KEY,
                "google_gemini_base_url": server.base,
                "gemini_thinking_model": TEXT,
                **overrides,
            }
            found = stack.enter_context(open_studio(load_settings(**values), work=False))
            studio.set_current(found)
            stack.callback(studio.set_current, None)
            return found

        yield opened


def styled(page: Open, photo: bytes, *names: str, **given: Any) -> AppTest:
    """Generate with a look that offers it and these photos, each of other bytes."""
    app = page("history", **given)
    app.session_state["look-kept"] = "lifestyle_scene"
    app.switch_page("generate.py").run()
    for n, name in enumerate(names):
        app.file_uploader[0].upload(name, photo + bytes(n))
    return app.run()


def described(app: AppTest) -> AppTest:
    until = time.monotonic() + 20
    while any(not future.done() for future in app.session_state["hand"].asked.values()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return app.run()


def field(app: AppTest, label: str, name: str) -> Any:
    found = [f for f in (*app.text_input, *app.text_area) if f.label == f"{label} · {name}"]
    return found[0] if found else None


def test_facts_come_are_edited_and_go_into_the_prompt(
    shop: Callable[..., Studio], page: Open, photo: bytes, server: ModelServer
) -> None:
    desk = shop()
    app = styled(page, photo, "cup.jpg", "bag.jpg")
    assert "2 photos · Price unknown" in said(app)
    server.script = [Reply(delay=0.5)]
    app.button(key="describe-photos").click().run()
    assert app.button(key="describe-photos").disabled
    assert app.session_state["hand"].asked_of == 2
    assert not app.button(key="press").disabled, "nobody has to wait"
    described(app)
    assert "Facts of 2 photos go into the prompt." in said(app)
    assert len(server.asked) == 2
    assert field(app, "Product type", "cup\\.jpg").value == "Jasmine rice"
    assert field(app, "Key features, one a line", "cup\\.jpg").value == "5 kg\nresealable bag"
    field(app, "Product type", "cup\\.jpg").set_value("Tea cup")
    field(app, "Description", "cup\\.jpg").set_value("")
    app.button(key="press").click().run()
    cup, bag = generation.view(desk, app.query_params["task"]).photos
    assert "The product: Tea cup. Features: 5 kg; resealable bag." in cup.prompt
    assert cup.description == {**FACTS, "product_type": "Tea cup", "description": ""}
    assert bag.description == FACTS


def test_a_failure_is_told_on_its_photo_and_she_may_go_on_without(
    shop: Callable[..., Studio], page: Open, photo: bytes, server: ModelServer
) -> None:
    desk = shop(provider_concurrency=1)
    server.script = [Reply(body=words_answer("A cup.")), Reply()]
    app = styled(page, photo, NASTY + ".jpg", "bag.jpg")
    app.button(key="describe-photos").click().run()
    described(app)
    (warning,) = app.warning
    assert warning.value.startswith("**\\*a\\* \\<b\\>b")
    assert "No description**" in warning.value
    assert "it is not in the form that was asked for. It may have been charged." in warning.value
    assert "Facts of 1 photo go into" in said(app)
    app.button(key="press").click().run()
    first, second = generation.view(desk, app.query_params["task"]).photos
    assert first.description is None and "product:" not in first.prompt
    assert second.description == FACTS
    assert len(server.asked) == 2, "nothing was asked again by itself"


def test_what_a_closed_tab_has_paid_for_is_found_again(
    shop: Callable[..., Studio], page: Open, photo: bytes, server: ModelServer
) -> None:
    desk = shop()
    describing.describe(desk, Upload(name="x.jpg", data=photo), by=BY)
    app = styled(page, photo, "cup.jpg")
    assert field(app, "Headline", "cup\\.jpg").value == FACTS["headline"]
    app.button(key="leave-out").click().run()
    assert field(app, "Headline", "cup\\.jpg") is None
    app.button(key="describe-photos").click().run()
    described(app)
    assert len(server.asked) == 1, "the press is answered from there too"
    assert app.button(key="describe-photos").label == "Describe again"
    server.script = [Reply(body=words_answer('{"description": "Another."}'))]
    app.button(key="describe-photos").click().run()
    described(app)
    assert len(server.asked) == 2
    assert field(app, "Description", "cup\\.jpg").value == "Another."


def test_an_unknown_price_is_confirmed_while_a_limit_is_set(
    shop: Callable[..., Studio], page: Open, photo: bytes, server: ModelServer
) -> None:
    shop(daily_budget_usd=1)
    app = styled(page, photo, "cup.jpg")
    app.button(key="describe-photos").click().run()
    described(app)
    assert f"the price of {TEXT.replace('-', chr(92) + '-')} is not known" in app.warning[0].value
    assert server.asked == []
    app.button(key="describe-unpriced").click().run()
    described(app)
    assert not app.warning and len(server.asked) == 1


def test_it_is_not_offered_without_a_model_and_stays_in_details_for_white(
    shop: Callable[..., Studio], page: Open, photo: bytes
) -> None:
    shop()
    app = page()
    app.file_uploader[0].upload("cup.jpg", photo).run()
    assert "describe-photos" in [button.key for button in app.expander[0].button]
    app = styled(page, photo, "cup.jpg")
    assert "describe-photos" not in [button.key for button in app.expander[0].button]
    assert "describe-photos" in [button.key for button in app.button]
    shop(gemini_thinking_model=None)
    app = styled(page, photo, "cup.jpg")
    assert "describe-photos" not in [button.key for button in app.button]


def test_the_drawer_shows_the_facts_and_another_run_keeps_them(
    shop: Callable[..., Studio], page: Open, photo: bytes
) -> None:
    from tests.conftest import order, upload

    desk = shop()
    asked = order(model="gemini-nano-banana-2.1", ratio="1:1")
    key = generation.submit(desk, [upload(photo, description=FACTS)], asked, by=BY)
    (output,) = generation.view(desk, key).outputs
    app = page("history", output=output.key)
    assert "The product: Jasmine rice." in "\n".join(code.value for code in app.code)
    shown = " ".join(str(table.value) for table in app.table)
    for fact in (FACTS["headline"], "Product type", "resealable bag"):
        assert fact.replace("-", "\\-") in shown.replace("\\-", "\\-")
    app.button(key="again-changed").click().run()
    assert field(app, "Headline", "cup\\.jpg").value == FACTS["headline"]
    assert [p["name"] for p in data(app, "tray")["photos"]] == ["cup.jpg"]


def test_chinese_is_whole(shop: Callable[..., Studio], page: Open, photo: bytes) -> None:
    shop()
    app = styled(page, photo, "cup.jpg", locale="zh-HK")
    assert app.button(key="describe-photos").label == "描述相片"
    app.button(key="describe-photos").click().run()
    described(app)
    assert "1 張相片的描述會加入提示詞" in said(app)
