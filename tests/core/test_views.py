"""Saved views: each person's own, with names that are theirs once, and no more than are kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core import views
from core.errors import NotFound, TextTooLong, TooManyViews, ViewExists, ViewUnnamed
from core.model import Actor, Role
from core.studio import Studio
from tests.conftest import BY, on_both

pytestmark = on_both

Desk = Callable[..., Studio]
AMY = Actor(id="amy@shop.hk", name="Amy", role=Role.VIEWER)


def names(desk: Studio, by: Actor = BY) -> list[str]:
    return [view.name for view in views.every(desk, by=by)]


def test_a_view_comes_back_as_it_was_saved(desk: Desk) -> None:
    opened = desk(work=False)
    query = {"text": ["豚骨"], "show": ["approved", "failed"]}
    views.save(opened, "  日本 ", query, by=BY)
    views.save(opened, "日本", {"text": ["x"]}, by=AMY)
    (found,) = views.every(opened, by=BY)
    assert (found.name, found.query) == ("日本", query)
    views.rename(opened, "日本", "Japan", by=BY)
    views.rename(opened, "Japan", "Japan", by=BY)
    assert (names(opened), names(opened, AMY)) == (["Japan"], ["日本"])
    views.delete(opened, "日本", by=AMY)
    assert (names(opened), names(opened, AMY)) == (["Japan"], [])


def test_what_can_not_be_is_refused_and_changes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = desk(work=False)
    views.save(opened, "a", {}, by=BY)
    views.save(opened, "b", {}, by=BY)
    for name, error in (("a", ViewExists), (" \0", ViewUnnamed), ("x" * 65, TextTooLong)):
        with pytest.raises(error):
            views.save(opened, name, {"text": ["changed"]}, by=BY)
        with pytest.raises(error):
            views.rename(opened, "b", name, by=BY)
    for act in (lambda: views.delete(opened, "c", by=BY), lambda: views.rename(opened, "c", "d", by=BY)):
        with pytest.raises(NotFound):
            act()
    monkeypatch.setattr(views, "MOST", 2)
    with pytest.raises(TooManyViews):
        views.save(opened, "c", {}, by=BY)
    assert [(view.name, view.query) for view in views.every(opened, by=BY)] == [("a", {}), ("b", {})]
