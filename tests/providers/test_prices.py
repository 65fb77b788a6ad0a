"""Money in whole micro-dollars: the worked examples of the price lists, and what is not known."""

from __future__ import annotations

import pytest

from core.providers import models, prices
from tests.providers.conftest import Provide

NB, PRO, LITE = "gemini-nano-banana-2.1", "gemini-3-pro-image", "gemini-3.1-flash-lite-image"


@pytest.mark.parametrize(
    ("model", "size", "micros"),
    [
        (NB, "1K", 33_600), (NB, "2K", 50_400), (NB, "4K", 113_400),
        (PRO, "1K", 134_400), (PRO, "2K", 134_400), (PRO, "4K", 240_000),
        (LITE, "1K", 33_600), (LITE, "2K", None), ("gemini-of-tomorrow", "1K", None),
    ],
)  # fmt: skip
def test_a_picture_is_estimated_by_its_own_tokens(model: str, size: str, micros: int | None) -> None:
    assert prices.estimate("gemini", model, size) == micros


def test_the_parts_of_an_answer_have_their_prices() -> None:
    usage = {
        "promptTokenCount": 1303,
        "candidatesTokenCount": 1130,
        "thoughtsTokenCount": 177,
        "candidatesTokensDetails": [
            {"modality": "IMAGE", "tokenCount": 1120},
            {"modality": "TEXT", "tokenCount": 10},
        ],
    }
    # 1303 x 1.5 + 1120 x 30 + (10 + 177) x 7.5 micro-dollars, rounded up
    assert prices.gemini_cost(NB, usage) == 1954.5 + 33_600 + 1402.5
    del usage["candidatesTokensDetails"]
    assert prices.gemini_cost(NB, usage) == 37_182  # 1130 as picture: an over-estimate
    assert prices.gemini_cost(NB, {"promptTokenCount": 1303}) == 1955
    assert prices.gemini_cost(PRO, usage) == 1303 * 2 + 1130 * 120 + 177 * 12


@pytest.mark.parametrize(
    "usage", [{}, {"promptTokenCount": None}, {"promptTokenCount": "12"}, {"candidatesTokenCount": -1}]
)
def test_what_was_not_reported_is_unknown(usage: dict[str, object]) -> None:
    assert prices.gemini_cost(NB, usage) is None


def test_an_unknown_model_has_no_price() -> None:
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "input_tokens": 1, "output_tokens": 1}
    assert prices.gemini_cost("gemini-of-tomorrow", usage) is None
    assert prices.openai_cost("gpt-image-9", usage) is None
    assert prices.price("gateway", "nano-banana-2") is None


def test_input_that_is_not_told_apart_is_counted_as_picture() -> None:
    assert prices.openai_cost("gpt-image-2", {"input_tokens": 100, "output_tokens": 10}) == 1100


def test_every_price_list_has_its_day() -> None:
    for provider in ("gemini", "openai"):
        day = prices.dated(provider)
        assert day is not None and day.year >= 2026
    assert prices.dated("gateway") is None


def test_the_configured_model_is_offered_first_and_any_name_works(provider: Provide) -> None:
    offered = provider("gemini", model="models/gemini-of-tomorrow").models()
    assert [model.name for model in offered] == ["gemini-of-tomorrow", NB, PRO, LITE]
    assert offered[0].sizes == ("1K", "2K", "4K") and "1:8" not in offered[0].ratios
    assert {"1:4", "4:1", "1:8", "8:1"} < set(offered[1].ratios)
    assert offered[3].sizes == ("1K",)
    assert models.find("gemini", f"{LITE}-preview").sends_size is False


@pytest.mark.parametrize(
    ("name", "size"), [("nano-banana-2-4k", "4K"), ("nano-banana-2-2K", "2K"), ("banana-24k-x", "1K")]
)
def test_a_gateways_model_has_the_size_of_its_name(provider: Provide, name: str, size: str) -> None:
    (model,) = provider("gateway", model=name).models()
    assert model.sizes == (size,)
    assert model.nearest("4:5", "1K") == ("4:5", size)
