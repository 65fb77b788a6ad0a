"""Delete and restore on the pages."""

from __future__ import annotations

from collections.abc import Callable

from core import generation
from core.studio import Studio
from tests.conftest import BY, finished, order, upload
from tests.pages.conftest import Open, cards, said

Desk = Callable[..., Studio]


def test_a_picture_is_deleted_seen_in_the_trash_and_restored(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk()
    view = finished(opened, generation.submit(opened, [upload(photo, sku="JP-1")], order(outputs=2), by=BY))
    first = view.outputs[0].key
    app = page("history", output=first)
    app.button(key="delete").click().run()
    assert not app.exception
    assert "In the trash. It can be restored until" in said(app), "what was done can be taken back at once"
    assert [card["id"] for card in cards(page("history"))] == [view.outputs[1].key]
    app = page("trash")
    assert [card["id"] for card in cards(app)] == [first]
    assert cards(app)[0]["small"].startswith("Until 20")
    app = page("trash", output=first)
    app.button(key="restore").click().run()
    assert not app.exception
    assert "The trash is empty." in said(page("trash"))
    assert len(cards(page("history"))) == 2


def test_the_trash_is_turned_page_by_page(desk: Desk, page: Open, photo: bytes) -> None:
    from core import trash

    opened = desk()
    keys = []
    for _ in range(10):
        order_of_five = order(outputs=5, style="a")
        view = finished(opened, generation.submit(opened, [upload(photo)], order_of_five, by=BY, again=True))
        keys += [output.key for output in view.outputs]
    for key in keys:
        trash.delete(opened, key, by=BY)
    app = page("trash")
    assert len(cards(app)) == 48
    app.button(key="trash-older").click().run()
    assert [card["id"] for card in cards(app)] == [keys[1], keys[0]]
    app.button(key="trash-newest").click().run()
    assert len(cards(app)) == 48


def test_a_deleted_picture_leaves_its_task(desk: Desk, page: Open, photo: bytes) -> None:
    from core import trash

    opened = desk()
    task = generation.submit(opened, [upload(photo)], order(outputs=2), by=BY)
    first, second = finished(opened, task).outputs
    trash.delete(opened, first.key, by=BY)
    app = page(task=task)
    assert "**1 of 1 ready**" in said(app)
    assert [card["id"] for card in cards(app)] == [second.key]
    trash.delete(opened, second.key, by=BY)
    assert "All pictures of this task are in the trash." in said(page(task=task))
