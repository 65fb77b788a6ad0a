"""Approval for a channel: by the bytes that are exported, never past a rule that blocks without a reason."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from core import approval, channel_rules, export, review
from core.checks import channels
from core.database import schema
from core.database.engine import writing
from core.errors import (
    ChannelRefused,
    NotAllowed,
    NotFound,
    NothingToExport,
    NotJudged,
    OrderRefused,
    TextTooLong,
)
from core.model import Actor, ReviewState, Role
from core.review import Verdict
from core.studio import Studio
from tests import products
from tests.checks.drawn import jpeg, shop, write
from tests.conftest import BY, on_both
from tests.database.rows import add_task

pytestmark = on_both

Desk = Callable[..., Studio]
MEI = Actor(id="mei", name="Mei", role=Role.REVIEWER)
GOOD = jpeg(shop(size=(2000, 1600), ground=(241, 240, 238), fill=0.6))
BAD = jpeg(shop(*(write("SALE 50% TODAY ONLY", (40, y), 100) for y in (40, 180, 1180, 1300)), fill=0.72))
NAMES = [channel.name for channel in channels.published()]


def stored(studio: Studio, data: bytes, **values: Any) -> str:
    """The key of an output whose picture is `data`."""
    (output_id,) = add_task(studio.engine, outputs=1)
    key = f"generated/t/{hashlib.sha256(data).hexdigest()[:16]}.jpg"
    studio.store.put(key, data, "image/jpeg")
    table = schema.outputs
    given = {"state": "succeeded", "object_key": key, "thumb_key": key, "content_type": "image/jpeg",
             "store": studio.store.name, **values}  # fmt: skip
    with writing(studio.engine) as connection:
        connection.execute(sa.update(table).where(table.c.id == output_id).values(**given))
        return str(connection.execute(sa.select(table.c.key).where(table.c.id == output_id)).scalar_one())


def standing(studio: Studio, key: str) -> ReviewState:
    return approval.look(studio, key, "shopify").output.review


def test_a_picture_that_can_be_fixed_is_approved_for_every_channel(desk: Desk) -> None:
    studio = desk(work=False)
    key = stored(studio, GOOD)
    for name in NAMES:
        made = approval.approve(studio, key, name, by=MEI)
        assert made.override == "" and made.channel.name == name
    kept = review.history_of(studio, key)
    assert [one.channel for one in kept] == NAMES
    assert standing(studio, key) is ReviewState.APPROVED
    amazon = next(one for one in kept if one.channel == "amazon")
    results = {finding["rule"]: finding["result"] for finding in amazon.findings}
    assert results["background"] == results["fill"] == results["text"] == "met"
    assert results["props"] == "not_measured"


def test_a_rule_that_blocks_refuses_with_its_findings_and_changes_nothing(desk: Desk) -> None:
    studio = desk(work=False)
    key = stored(studio, BAD)
    for name in ("amazon", "google", "shopee", "lazada", "rakuten", "yahoo_jp", "taobao"):
        with pytest.raises(ChannelRefused) as caught:
            approval.approve(studio, key, name, by=MEI)
        refused = {f.rule.kind for f in caught.value.findings if f.result == "failed"}
        assert "text" in refused and caught.value.data["n"] == len(
            [f for f in caught.value.findings if f.result == "failed"]
        )
    assert review.history_of(studio, key) == () and standing(studio, key) is ReviewState.TO_REVIEW


def test_what_is_only_assumed_lets_it_pass(desk: Desk) -> None:
    studio = desk(work=False)
    made = approval.approve(studio, stored(studio, BAD), "hktvmall", by=MEI)
    assert {f.result for f in made.findings} == {"met", "warning"}


def test_only_an_administrator_overrides_and_only_with_a_reason(desk: Desk) -> None:
    studio = desk(work=False)
    key = stored(studio, BAD)
    with pytest.raises(NotAllowed):
        approval.approve(studio, key, "rakuten", by=MEI, override="the shop agreed")
    with pytest.raises(ChannelRefused):
        approval.approve(studio, key, "rakuten", by=BY, override="  \n ")
    with pytest.raises(TextTooLong):
        approval.approve(studio, key, "rakuten", by=BY, override="x" * 501)
    assert review.history_of(studio, key) == ()
    made = approval.approve(studio, key, "rakuten", by=BY, override=" the shop agreed ")
    (kept,) = review.history_of(studio, key)
    assert (made.override, kept.override, kept.channel) == ("the shop agreed", "the shop agreed", "rakuten")
    assert [f["kind"] for f in kept.findings if f["result"] == "failed"] == ["text"]


def test_a_reason_that_was_not_needed_is_not_kept(desk: Desk) -> None:
    studio = desk(work=False)
    key = stored(studio, GOOD)
    approval.approve(studio, key, "amazon", by=BY, override="just in case")
    assert review.history_of(studio, key)[0].override == ""


def test_the_desks_own_rules_count(desk: Desk) -> None:
    studio = desk(work=False)
    key = stored(studio, GOOD)
    wanted = {"min_width": 2400, "min_height": 2400}
    channel_rules.edit(studio, "hktvmall", "size", wanted, by=BY, level="block")
    made = approval.look(studio, key, "hktvmall")
    assert made.prepared.upscaled, "it says that it was enlarged"
    channel_rules.edit(studio, "hktvmall", "text", {"cells": 0}, by=BY, level="block")
    with pytest.raises(ChannelRefused):
        approval.approve(studio, stored(studio, BAD), "hktvmall", by=MEI)


def test_only_reviewers_approve_and_only_what_is_there(desk: Desk) -> None:
    studio = desk(work=False)
    key = stored(studio, GOOD)
    with pytest.raises(NotAllowed):
        approval.approve(studio, key, "amazon", by=Actor(id="o", name="O", role=Role.OPERATOR))
    with pytest.raises(OrderRefused):
        approval.approve(studio, key, "nowhere", by=MEI)
    with pytest.raises(NotFound):
        approval.approve(studio, "no such output", "amazon", by=MEI)
    with pytest.raises(NotJudged):
        approval.approve(studio, stored(studio, BAD, state="failed"), "amazon", by=MEI)
    assert review.history_of(studio, key) == ()


def test_a_scene_is_for_channels_that_take_scenes(desk: Desk) -> None:
    studio = desk(work=False)
    key = stored(studio, products.styled("soy", 1))
    assert approval.approve(studio, key, "rakuten", by=MEI).review.channel == "rakuten"
    with pytest.raises(ChannelRefused):
        approval.approve(studio, key, "amazon", by=MEI)


def exported(studio: Studio, key: str, channel: str) -> list[str]:
    """The kinds of why it stays behind; empty when it leaves for the channel."""
    with studio.engine.begin() as connection:
        outputs = schema.outputs
        (name,) = connection.execute(sa.select(outputs.c.object_key).where(outputs.c.key == key)).scalars()
        digest = hashlib.sha256(studio.store.get(name)).hexdigest()
        connection.execute(sa.update(outputs).where(outputs.c.key == key).values(sha256=digest))
    plan = export.begin(studio, export.plan(studio, export.Wanted(only_for=True), channel=channel), by=BY)
    assert [item.key for item in plan.items] == [key] and plan.approved_for == 1
    b"".join(export.stream(studio, plan, by=BY))
    return [left.error.kind for left in export.outcome(studio, str(plan.key)).left]


def test_an_approval_for_one_channel_leaves_that_for_another(desk: Desk) -> None:
    studio = desk(work=False)
    key = stored(studio, BAD)
    approval.approve(studio, key, "rakuten", by=BY, override="the shop agreed")
    approval.approve(studio, key, "hktvmall", by=MEI, seen=1)
    approval.approve(studio, key, "shopify", by=MEI)
    for channel in ("rakuten", "hktvmall", "shopify"):
        assert exported(studio, key, channel) == [], channel
    review.decide(studio, key, Verdict.REJECTED, by=BY, seen=3)
    review.decide(studio, key, Verdict.APPROVED, by=BY)
    with pytest.raises(NothingToExport):
        exported(studio, key, "rakuten")


def test_an_override_is_for_the_rules_that_were_not_met_then(desk: Desk) -> None:
    studio = desk(work=False)
    key = stored(studio, BAD)
    approval.approve(studio, key, "rakuten", by=BY, override="the shop agreed to the text")
    assert exported(studio, key, "rakuten") == []
    channel_rules.edit(studio, "rakuten", "bytes", {"max": 1_000}, by=BY)
    assert exported(studio, key, "rakuten") == ["ChannelRefused"]
