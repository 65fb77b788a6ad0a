"""The channels' rules as data, and what the desk decides instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from core import channel_rules, clock, language
from core.checks import channels
from core.checks.rules import KINDS, Confidence, Level, checked
from core.database import channel_rules as decisions
from core.database.channel_rules import Decision
from core.database.engine import reading, writing
from core.errors import ChannelsWrong, NotAllowed, OrderRefused, RuleRefused
from core.model import Actor, Role
from core.studio import Studio
from tests.conftest import BY, on_both

Desk = Callable[..., Studio]
NAMES = [channel.name for channel in channels.published()]
RULES = [(channel.name, rule) for channel in channels.published() for rule in channel.rules]


def test_every_marketplace_of_the_brief_is_there() -> None:
    assert NAMES == [
        "hktvmall", "amazon", "google", "shopify", "shopee", "lazada", "rakuten", "yahoo_jp", "taobao",
        "tiktok",
    ]  # fmt: skip
    for channel, rule in RULES:
        assert rule.source and rule.checked_on >= "2026-11", (channel, rule.id)
        assert rule.confidence is not Confidence.ASSUMED or rule.level is Level.WARN, (channel, rule.id)


def rule(channel: str, name: str, day: date = date(2026, 11, 25)) -> Mapping[str, Any]:
    return channels.rule_of(channels.on(channels.named(channel), day), name).values


def test_the_numbers_are_those_that_were_read() -> None:
    assert rule("amazon", "longest") == {"min": 500, "max": 10_000}
    assert rule("amazon", "fill") == {"by": "axis", "min": 0.85}
    assert "webp" not in rule("amazon", "format")["formats"]
    assert rule("google", "megapixels") == {"max": 64.0}
    assert rule("google", "bytes") == {"max": 16_000_000}
    assert rule("shopify", "size") == {"max_width": 5000, "max_height": 5000}
    assert rule("shopee", "bytes") == {"max": 2_000_000}
    assert rule("rakuten", "text") == {"cells": 20}
    assert rule("yahoo_jp", "margin") == {"min": 0.05}
    assert rule("taobao", "bytes")["max"] == 300_000 and rule("taobao", "bytes")["min"] >= 38_000
    assert all(r.confidence is Confidence.ASSUMED for r in channels.named("hktvmall").rules)


def test_a_rule_of_a_later_day_only_warns_until_it_begins() -> None:
    def levels(day: date) -> dict[str, Level]:
        return {r.id: r.level for r in channels.on(channels.named("google"), day).of("pixels")}

    before, last, after = (levels(date(*day)) for day in ((2026, 11, 25), (2027, 1, 30), (2027, 1, 31)))
    assert before == last == {"smallest": "block", "smallest_2027": "warn", "advised": "warn"}
    assert after == {"smallest_2027": "block", "advised": "warn"}


GOOD = """
[shop]
title = "Shop"
source = "its help"
checked_on = "2026-11"
rules = [{ id = "size", kind = "pixels", level = "block", confidence = "S", values = { min_width = 500 } }]
"""


def test_a_table_of_ones_own_is_read() -> None:
    (channel,) = channels.read(GOOD)
    assert (channel.name, channel.rules[0].values) == ("shop", {"min_width": 500})


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("[shop]", "[shop", "channels.toml"),
        ('title = "Shop"', "", "title"),
        ('source = "its help"', "", "source"),
        ('"2026-11"', '"lately"', "checked_on"),
        ('"pixels"', '"colour"', "colour"),
        ('"block"', '"forbid"', "forbid"),
        ('"S"', '"A"', "confidence = A"),
        ("500", "-1", "min_width = -1"),
        ("500", "500, max_width = 400", "min_width = 500"),
        ("{ min_width = 500 }", "{}", "min_width"),
        ("min_width", "width", "width = 500"),
        ('id = "size"', 'id = "size", from = "soon"', "from"),
        ('id = "size"', 'id = "size", colour = 1', "colour"),
        ("rules = [", "rules = 3 #", "rules"),
    ],
)
def test_a_wrong_table_is_one_clear_error(old: str, new: str, names: str) -> None:
    with pytest.raises(ChannelsWrong) as caught:
        channels.read(GOOD.replace(old, new))
    assert names in " ".join(map(str, caught.value.data.values()))
    assert language.words("zh").error(caught.value)


@on_both
def test_an_edit_counts_is_kept_and_goes_back(desk: Desk) -> None:
    studio = desk(work=False)
    channel_rules.edit(studio, "amazon", "fill", {"by": "box", "min": 0.7}, by=BY, level="warn")
    channel_rules.edit(studio, "amazon", "fill", {"by": "box", "min": 0.6}, by=BY, level="warn")
    found = channels.rule_of(channels.find(studio, "amazon"), "fill")
    assert (found.values, found.level) == ({"by": "box", "min": 0.6}, Level.WARN)
    assert found.edit is not None and found.edit.by == "local" and found.edit.at <= clock.now()
    assert [d.body["values"]["min"] for d in channel_rules.history(studio, "amazon", "fill") if d.body] == [
        0.6,
        0.7,
    ]
    channel_rules.revert(studio, "amazon", "fill", by=BY)
    again = channels.rule_of(channels.find(studio, "amazon"), "fill")
    assert again == channels.rule_of(channels.named("amazon"), "fill")
    assert [d.body is None for d in channel_rules.history(studio, "amazon", "fill")] == [True, False, False]


@on_both
def test_only_the_desks_own_decision_lets_an_assumed_rule_block(desk: Desk) -> None:
    studio = desk(work=False)
    channel_rules.edit(studio, "hktvmall", "size", {"min_width": 800, "min_height": 800}, by=BY)
    found = channels.rule_of(channels.find(studio, "hktvmall"), "size")
    assert (found.level, found.values["min_width"]) == (Level.WARN, 800)
    channel_rules.edit(studio, "hktvmall", "size", dict(found.values), by=BY, level="block")
    found = channels.rule_of(channels.find(studio, "hktvmall"), "size")
    assert (found.level, found.confidence) == (Level.BLOCK, Confidence.ASSUMED)


@on_both
@pytest.mark.parametrize(
    ("channel", "name", "values", "level", "kind"),
    [
        ("nowhere", "size", {}, None, OrderRefused),
        ("amazon", "nothing", {}, None, OrderRefused),
        ("amazon", "longest", {"min": 0}, None, RuleRefused),
        ("amazon", "longest", {"min": "500"}, None, RuleRefused),
        ("amazon", "longest", {"min": True}, None, RuleRefused),
        ("amazon", "longest", {"min": 900, "max": 500}, None, RuleRefused),
        ("amazon", "fill", {"by": "eye", "min": 0.5}, None, RuleRefused),
        ("amazon", "fill", {"by": "axis", "min": float("nan")}, None, RuleRefused),
        ("amazon", "format", {"formats": []}, None, RuleRefused),
        ("amazon", "longest", {"min": 500}, "forbid", RuleRefused),
        ("amazon", "longest", {}, None, RuleRefused),
    ],
)
def test_a_wrong_edit_changes_nothing(
    desk: Desk, channel: str, name: str, values: dict[str, Any], level: str | None, kind: type[Exception]
) -> None:
    studio = desk(work=False)
    with pytest.raises(kind):
        channel_rules.edit(studio, channel, name, values, by=BY, level=level)
    with reading(studio.engine) as connection:
        assert decisions.latest(connection) == ()


def test_only_an_administrator_changes_rules(desk: Desk) -> None:
    studio = desk(work=False)
    reviewer = Actor(id="r", name="R", role=Role.REVIEWER)
    with pytest.raises(NotAllowed):
        channel_rules.edit(studio, "amazon", "longest", {"min": 1}, by=reviewer)
    with pytest.raises(NotAllowed):
        channel_rules.revert(studio, "amazon", "longest", by=reviewer)


@on_both
def test_a_row_that_no_longer_fits_is_named_and_can_be_taken_back(desk: Desk) -> None:
    studio = desk(work=False)
    row = Decision(
        channel="amazon", rule="longest", at=datetime.now(UTC), actor="x", body={"values": {"a": 1}}
    )
    with writing(studio.engine) as connection:
        decisions.add(connection, row)
    with pytest.raises(ChannelsWrong) as caught:
        channels.channels(studio)
    assert (caught.value.data["where"], caught.value.data["rule"]) == ("amazon", "longest")
    channel_rules.revert(studio, "amazon", "longest", by=BY)
    assert len(channels.channels(studio)) == len(NAMES)


@pytest.mark.parametrize("code", ["en", "zh"])
def test_every_kind_has_its_words(code: str) -> None:
    from core.checks.words import wanted

    say = language.words(code)
    for kind, values in KINDS.items():
        assert f"rule.{kind}" in say and f"unmet.{kind}" in say
        for name, value in values.items():
            assert f"channel.value.{name}" in say
            if name in ("by", "about"):
                assert all(f"channel.choice.{choice}" in say for choice in value.choices)
    for _, found in RULES:
        assert wanted(say, found)
        assert f"channel.level.{found.level}" in say and f"channel.confidence.{found.confidence}" in say


def test_published_values_are_of_their_kinds_form() -> None:
    for _, found in RULES:
        assert checked(found.kind, found.values) == found.values
