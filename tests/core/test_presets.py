"""Presets: what they ask for, and with which words."""

from __future__ import annotations

from core import intake, presets
from tests.conftest import order
from tests.parts.model_rules import FACTS


def test_facts_ask_another_question() -> None:
    preset = presets.find("seasonal")
    asked = order(preset="seasonal")
    keys = {
        intake.request_key(
            asked, presets.render(preset, style="", product_name="", description=facts), "0", 1
        )
        for facts in (None, FACTS, {**FACTS, "description": "A green bag."}, {**FACTS, "headline": "Other"})
    }
    assert len(keys) == 3


def test_the_styled_looks_offer_it_the_white_ones_do_not() -> None:
    for preset in presets.all_presets():
        assert preset.describe is not preset.plain_background
