"""The export dialog as a visitor reads it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from core.database.schema import tasks
from core.studio import Studio
from tests.pages.conftest import Open, said
from tests.parts.approving import judge, made

Desk = Callable[..., Studio]


def opened_dialog(page: Open, **values: Any) -> Any:
    app = page("history", **values)
    return app.button(key="export").click().run()


def messages(app: Any) -> str:
    kinds = (app.success, app.info, app.warning, app.error)
    return said(app) + "\n".join(str(element.value) for kind in kinds for element in kind)


def test_nothing_approved_says_so(desk: Desk, page: Open, photo: bytes) -> None:
    made(desk(), photo, ["A"])
    app = opened_dialog(page)
    assert "Nothing is approved here" in messages(app)
    assert app.button(key="export-make").disabled


def test_names_and_roles_are_shown_before_anything_leaves(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk()
    keys = made(opened, photo, ["A", "*b*", ""])
    judge(opened, keys)
    app = opened_dialog(page)
    text = messages(app)
    assert "3 pictures · products: 3" in text
    assert "1 picture has no SKU" in text
    names = app.dataframe[0].value
    assert names["name"].tolist() == ["_b__mainPhoto_1.jpg", "A_mainPhoto_1.jpg", "photo_3_mainPhoto_1.jpg"]
    assert names["role"].tolist() == ["mainPhoto"] * 3
    assert not app.button(key="export-make").disabled


def test_the_dialog_speaks_chinese(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk()
    judge(opened, made(opened, photo, ["A"]))
    app = opened_dialog(page, locale="zh-HK")
    assert "1 件產品，共 1 張圖片" in messages(app)
    assert app.button(key="export-make").label == "匯出 1 張圖片"


def test_a_task_that_is_wholly_approved_offers_its_export(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk()
    keys = made(opened, photo, ["A", "B"])
    with opened.engine.connect() as connection:
        task = connection.execute(sa.select(tasks.c.key)).scalar_one()
    judge(opened, keys[:1])
    assert not [button for button in page(task=task).button if button.key == "export"]
    judge(opened, keys[1:])
    app = page(task=task)
    app.button(key="export").click().run()
    assert "2 pictures · products: 2" in messages(app)
