"""The drawer's check for a channel as a reviewer uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core import approval, review
from core.studio import Studio
from tests.conftest import BY
from tests.core.test_approval import BAD, GOOD, stored
from tests.pages.conftest import Open, counted, said

Desk = Callable[..., Studio]


def opened(page: Open, key: str, channel: str, **options: Any) -> Any:
    app = page("history", output=key, **options)
    assert not app.exception
    app.session_state[f"approve-{key}"] = True
    app.run()
    app.selectbox(key=f"approve-channel-{key}").set_value(channel).run()
    assert not app.exception
    return app


def test_shut_it_reads_nothing(desk: Desk, page: Open) -> None:
    studio = desk(work=False)
    key = stored(studio, GOOD)
    with counted(studio) as statements:
        app = page("history", output=key)
    assert not app.exception and not [s for s in statements if "channel_rules" in s]


def test_a_good_picture_is_approved_by_one_press(desk: Desk, page: Open) -> None:
    studio = desk(work=False)
    key = stored(studio, GOOD)
    app = opened(page, key, "amazon")
    assert "All measured rules that block are met." in said(app)
    assert "Near\\-white background made white" in said(app)
    app.button(key=f"approve-now-{key}").click().run()
    assert not app.exception
    assert "Approved for Amazon." in "\n".join(str(m.value) for m in app.success)
    assert [one.channel for one in review.history_of(studio, key)] == ["amazon"]


def test_a_refused_one_says_why_and_asks_for_a_reason(desk: Desk, page: Open) -> None:
    studio = desk(work=False)
    key = stored(studio, BAD)
    app = opened(page, key, "rakuten", locale="zh-HK")
    text = said(app)
    assert "有 1 項規則會拒絕這張圖片" in text and "不會自動塗走文字" in text
    assert "最多佔 100 格中的 20 格" in text
    assert app.button(key=f"approve-now-{key}").disabled
    app.text_input(key=f"approve-why-{key}").set_value("店舖同意").run()
    app.button(key=f"approve-now-{key}").click().run()
    assert not app.exception
    (kept,) = review.history_of(studio, key)
    assert (kept.channel, kept.override) == ("rakuten", "店舖同意")


def test_what_was_rejected_since_is_not_said_to_be_approved(desk: Desk, page: Open) -> None:
    studio = desk(work=False)
    key = stored(studio, GOOD)
    app = opened(page, key, "amazon")
    app.button(key=f"approve-now-{key}").click().run()
    assert any("Approved for Amazon." in str(one.value) for one in app.success)
    review.decide(studio, key, review.Verdict.REJECTED, by=BY)
    app.run()
    assert not any("Approved for Amazon." in str(one.value) for one in app.success)


def test_the_way_tells_for_which_channel_and_why(desk: Desk, page: Open) -> None:
    studio = desk(work=False)
    key = stored(studio, BAD)
    approval.approve(studio, key, "rakuten", by=BY, override="the <b>shop</b> agreed")
    app = page("history", output=key)
    text = "".join(str(one.proto.body) for one in app.get("html"))
    assert "rakuten" in text and "the &lt;b&gt;shop&lt;/b&gt; agreed" in text
