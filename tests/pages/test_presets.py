"""The page of presets as an administrator, and as anybody else, uses it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import clock, insights, preset_versions, presets
from core.database.engine import writing
from core.model import Actor, Role
from core.presets.record import body_of
from core.studio import Studio
from pages.ui.looks import PICTURES
from tests.conftest import BY
from tests.pages.conftest import Open, counted, data, headings, said
from tests.parts.many import fill

Desk = Callable[..., Studio]
NAME = "white_bg_front"
MEI = replace(BY, id="mei@shop.hk")


def saved(studio: Studio, prompt: str, *, by: Actor = BY, use: bool = True, name: str = NAME) -> int:
    story = preset_versions.story(studio, name)
    values = {**body_of(story.active.preset), "prompt": prompt}
    return preset_versions.save(studio, name, values, seen=story.newest, by=by, use=use).version


def field(app: Any, part: str, base: int = 1, name: str = NAME) -> Any:
    key = f"preset-draft-{name}-{base}-{part}"
    kinds = (app.text_area, app.text_input, app.checkbox, app.toggle, app.button_group)
    return next(widget for kind in kinds for widget in kind if widget.key == key)


def differs(app: Any) -> str:
    return "".join(str(node.proto.body) for node in app.get("html"))


def test_every_preset_is_a_card_with_its_picture(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    for locale, name in (("en-US", "White, front"), ("zh-HK", "白底正面")):
        app = page("presets", preset=NAME, locale=locale)
        assert not app.exception
        options = data(app, "looks")["options"]
        assert len(options) == len(presets.shipped())
        assert [option["thumb"] for option in options] == [
            f"/looks/{option['id']}.webp" for option in options
        ]
        assert all((PICTURES / Path(option["thumb"]).name).exists() for option in options)
        assert all(option["small"] for option in options)
        assert name in {option["name"] for option in options}
        assert headings(app)[1] == name
    preset_versions.copy(opened, NAME, "mine", {"en": "*Mine*", "zh": "我的"}, by=BY)
    app = page("presets", preset="mine")
    assert headings(app)[1] == "*Mine*"
    assert data(app, "looks")["options"][-1]["name"] == "*Mine*"
    assert data(page(), "looks")["options"][-1]["name"] == "*Mine*"


def test_the_prompt_is_the_one_that_is_sent_as_she_types(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    app = page("presets", preset="seasonal")
    app.text_input(key="preset-product").set_value("Tea").run()
    app.text_input(key="preset-style").set_value("snow").run()
    preset = presets.find(opened, "seasonal")
    assert app.code[0].value == presets.render(preset, style="snow", product_name="Tea")
    field(app, "prompt", name="seasonal").set_value("A poster. {product} On it: {style}").run()
    assert app.code[0].value == "A poster. The product is: Tea. On it: snow"
    assert "<ins>" in differs(app) and "<del>" in differs(app)
    assert presets.find(opened, "seasonal", now=True) == preset


def test_a_version_is_saved_used_and_taken_back(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    app = page("presets", preset=NAME)
    assert app.button(key="preset-save").disabled
    field(app, "prompt").set_value("On grey. {product}").run()
    field(app, "note").set_value("grey sells").run()
    app.button(key="preset-save").click().run()
    assert not app.exception
    assert presets.find(opened, NAME).prompt == "On grey. {product}"
    assert "Version 2 is in use" in app.success[0].value
    assert field(app, "prompt", 2).value == "On grey. {product}"
    assert preset_versions.story(opened, NAME).versions[0].note == "grey sells"
    app.button(key="preset-undo").click().run()
    assert presets.find(opened, NAME).version == 1
    app.button(key="preset-back").click().run()
    assert presets.find(opened, NAME).version == 2
    app.button(key="preset-undo").click().run()
    assert not app.exception and presets.find(opened, NAME).version == 1


def test_versions_tell_who_when_why_and_how_they_fare(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    fill(opened.engine, outputs=400, days=20, until=clock.now())
    insights.rebuild(opened, by=BY)
    saved(opened, "Ours <b>now</b>. {product}", by=MEI, use=False)
    app = page("presets", preset=NAME)
    app.button_group(key="preset-view").set_value("versions").run()
    assert not app.exception
    radio = app.radio[0]
    assert [option.split("**")[1] for option in radio.options] == ["Version 2", "Version 1"]
    captions = list(radio.proto.captions)
    assert "mei\u2060@shop" in captions[0] and "Packshot" in captions[1]
    assert all("judged approved" in caption for caption in captions)
    assert "&lt;b&gt;now" in differs(app) and "<b>now" not in differs(app)
    app.button(key="preset-use").click().run()
    assert presets.find(opened, NAME).version == 2
    app.button(key="preset-from").click().run()
    assert field(app, "prompt", 2).value.startswith("Ours")


def test_what_can_not_be_saved_is_said_and_stays(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    for locale, wanted in (("en-US", "only {product} and {style}"), ("zh-HK", "大括號內只可用")):
        app = page("presets", preset=NAME, locale=locale)
        field(app, "prompt").set_value("{product} {<i>}").run()
        assert wanted in app.warning[0].value and r"\<i\>" in app.warning[0].value
        app.button(key="preset-save").click().run()
        assert wanted in app.error[0].value
        assert field(app, "prompt").value == "{product} {<i>}"
    assert len(preset_versions.story(opened, NAME).versions) == 1


def test_the_later_of_two_keeps_her_text(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    app = page("presets", preset=NAME)
    field(app, "prompt").set_value("Mine. {product}").run()
    saved(opened, "Hers. {product}", by=MEI)
    app.button(key="preset-save").click().run()
    assert "saved version 2" in app.error[0].value
    assert field(app, "prompt").value == "Mine. {product}"
    app.button(key="preset-save").click().run()
    assert not app.error and presets.find(opened, NAME).prompt == "Mine. {product}"
    assert [v.preset.version for v in preset_versions.story(opened, NAME).versions] == [3, 2, 1]


def test_what_was_not_begun_follows_what_is_in_use(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    app = page("presets", preset=NAME)
    field(app, "prompt").set_value("Mine. {product}").run()
    app.button(key="preset-save").click().run()
    saved(opened, "Hers. {product}", by=MEI)
    app.run()
    assert field(app, "prompt", 3).value == "Hers. {product}"
    app.button_group(key="preset-view").set_value("versions").run()
    app.radio(key=f"preset-radio-{NAME}-en").set_value(1).run()
    app.button(key="preset-from").click().run()
    assert field(app, "prompt", 1).value.startswith("Product photo")
    field(app, "prompt", 1).set_value("Third. {product}").run()
    field(app, "use", 1).uncheck().run()
    app.button(key="preset-save").click().run()
    assert field(app, "prompt", 4).value == "Third. {product}"
    assert presets.find(opened, NAME).prompt == "Hers. {product}"


def test_what_was_typed_stays_while_looking_elsewhere(desk: Desk, page: Open) -> None:
    desk(work=False)
    app = page("presets", preset=NAME)
    field(app, "prompt").set_value("Mine. {product}").run()
    app.button_group(key="preset-view").set_value("versions").run()
    app.switch_page("history.py").run()
    app.switch_page("presets.py").run()
    app.button_group(key="preset-view").set_value("edit").run()
    assert app.query_params["preset"] in (NAME, [NAME])
    assert field(app, "prompt").value == "Mine. {product}"
    app.button(key="preset-begin").click().run()
    assert field(app, "prompt").value.startswith("Product photo")


def test_a_copy_is_made_and_opened(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    app = page("presets", preset=NAME)
    app.session_state["preset-copy"] = True
    app.run()
    app.text_input(key=f"preset-copy-{NAME}-name").set_value("Not a name")
    app.button(key="preset-create").click().run()
    assert "begins with a letter" in app.error[0].value
    app.session_state["preset-copy"] = True
    app.run()
    app.text_input(key=f"preset-copy-{NAME}-name").set_value("grey_front")
    app.text_input(key=f"preset-copy-{NAME}-en").set_value("Grey")
    app.button(key="preset-create").click().run()
    assert not app.exception and not app.error
    assert headings(app)[1] == "Grey"
    assert presets.find(opened, "grey_front").titles["en"] == "Grey"


def test_a_hidden_one_leaves_generate_and_comes_back(desk: Desk, page: Open) -> None:
    desk(work=False)
    app = page("presets", preset=NAME)
    app.button(key="preset-offer").click().run()
    assert not app.exception
    assert NAME not in {option["id"] for option in data(page(), "looks")["options"]}
    app.button(key="preset-offer").click().run()
    assert NAME in {option["id"] for option in data(page(), "looks")["options"]}


def test_an_order_with_a_hidden_look_can_be_made_again(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    preset_versions.offer(opened, NAME, False, by=BY)
    app = page()
    app.session_state["look-kept"] = NAME
    app.run()
    assert not app.exception
    assert data(app, "looks")["value"] == NAME


def test_others_may_look_and_not_change(desk: Desk, page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = desk(work=False)
    saved(opened, "Ours. {product}")
    viewer = replace(BY, role=Role.REVIEWER)
    monkeypatch.setattr(Actor, "local", classmethod(lambda cls: viewer))
    for locale, wanted in (("zh-HK", "只有管理員"), ("en-US", "Only an administrator")):
        app = page("presets", preset=NAME, locale=locale)
        assert not app.exception
        assert wanted in app.info[0].value
        assert app.text_area[0].disabled and app.code[0].value.startswith("Ours.")
        assert not [b for b in app.button if str(b.key).startswith("preset-")]
    app.button_group(key="preset-view").set_value("versions").run()
    assert "<del>" in differs(app)
    assert not [b for b in app.button if str(b.key).startswith("preset-")]


@pytest.mark.parametrize("name", ["none", "../../etc", "x" * 5000, "<b>", "\0"])
def test_an_address_that_is_wrong_is_said(desk: Desk, page: Open, name: str) -> None:
    desk(work=False)
    app = page("presets", preset=name)
    assert not app.exception
    assert "There is no preset" in said(app)
    assert headings(app)[1] == "White, from above"


def test_an_upgrade_that_waits_is_shown(desk: Desk, page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.presets import record

    opened = desk(work=False)
    saved(opened, "Ours. {product}")
    brought = tuple(replace(preset, prompt="Newer. {product}") for preset in presets.shipped())
    monkeypatch.setattr(record, "shipped", lambda: brought)
    record.record(opened)
    app = page("presets", preset=NAME)
    assert "brings version 3" in app.info[0].value
    app.button(key="preset-waiting").click().run()
    app.button(key="preset-use").click().run()
    assert not app.exception and presets.find(opened, NAME).prompt == "Newer. {product}"


def test_the_page_asks_little(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    saved(opened, "Ours. {product}")
    app = page("presets", preset=NAME)
    with counted(opened) as statements:
        app.run()
    assert len(statements) <= 4, statements


def test_a_database_that_is_away_is_said(desk: Desk, page: Open) -> None:
    opened = desk(work=False)
    app = page("presets", preset=NAME)
    with writing(opened.engine) as connection:
        connection.execute(sa.text("ALTER TABLE preset_decisions RENAME TO elsewhere"))
    app.run()
    assert not app.exception and app.error
    with writing(opened.engine) as connection:
        connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO preset_decisions"))
    app.button(key="trouble-again").click().run()
    assert not app.error
