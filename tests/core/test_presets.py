"""Presets: what they ask for, and with which words."""

from __future__ import annotations

import pytest

from core import intake, presets
from core.presets.compare import Kind, pieces
from tests.conftest import order
from tests.parts.model_rules import FACTS


def test_facts_ask_another_question() -> None:
    preset = next(preset for preset in presets.shipped() if preset.name == "seasonal")
    asked = order(preset="seasonal")
    keys = {
        intake.request_key(
            asked, presets.render(preset, style="", product_name="", description=facts), "0", 1
        )
        for facts in (None, FACTS, {**FACTS, "description": "A green bag."}, {**FACTS, "headline": "Other"})
    }
    assert len(keys) == 3


def test_the_styled_looks_offer_it_the_white_ones_do_not() -> None:
    for preset in presets.shipped():
        assert preset.describe is not preset.plain_background


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "a"),
        ("a\nb", "a\n\nc"),
        ("白色背景，柔光", "米色背景，日光"),
        ("x " * 900, "x y " * 450),
        ("ab", "ab\n"),
    ],
)
def test_pieces_give_both_texts_back(before: str, after: str) -> None:
    found = pieces(before, after)
    assert "".join(p.text for p in found if p.kind is not Kind.ADDED) == before
    assert "".join(p.text for p in found if p.kind is not Kind.REMOVED) == after
    if "背景" in before:
        assert any(p.kind is Kind.SAME and "色背景，" in p.text for p in found)
