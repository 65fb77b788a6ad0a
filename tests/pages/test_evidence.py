"""What a visitor reads in the drawer about whether the product was changed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from core import checking, generation
from core.database.engine import writing
from core.database.schema import checks
from core.studio import Studio
from tests import products
from tests.browser import Server, accessible, open_page
from tests.conftest import BY, Scripted, finished, order, upload
from tests.pages.conftest import Open, counted

Desk = Callable[..., Studio]


def made(desk: Studio, scripted: Scripted, *pictures: bytes) -> list[Any]:
    scripted.script = list(pictures)
    wanted = order(outputs=len(pictures), ratio="1:1")
    view = finished(desk, generation.submit(desk, [upload(products.photo("matcha"))], wanted, by=BY))
    for output in view.outputs:
        checking.check(desk, output.id, stopping=threading.Event())
    return list(view.outputs)


def told(app: Any) -> str:
    return next(str(element.value) for element in app.html if 'class="packshot-evidence"' in element.value)


def test_the_verdict_is_shown_with_its_evidence(desk: Desk, page: Open, scripted: Scripted) -> None:
    opened = desk(provider_concurrency=1)
    kept = products.white("matcha")
    changed = products.written_on(kept, (400, 262), "NEW!")
    outputs = made(opened, scripted, kept, changed, products.white("soy"))
    said = [told(page("history", output=output.key)) for output in outputs]
    assert "Preserved" in said[0] and '<details class="packshot-evidence">' in said[0]
    assert "Look again" in said[1] and "what is drawn on it" in said[1] and " open>" in said[1]
    assert said[1].count('class="crop"') == 2, "the spot in the photo and in the picture"
    assert said[0].count("<img") == 2, "the photo and the heat map"
    assert "Could not compare" in said[2] and "That does not say that it was kept" in said[2]
    assert "沒有改變" in told(page("history", output=outputs[0].key, locale="zh-HK"))
    assert "無法比較" in told(page("history", output=outputs[2].key, locale="zh-HK"))


def test_a_picture_that_waits_says_so(desk: Desk, page: Open, scripted: Scripted, photo: bytes) -> None:
    opened = desk()
    view = finished(opened, generation.submit(opened, [upload(photo)], order(), by=BY))
    key = view.outputs[0].key
    with counted(opened) as statements:
        said = told(page("history", output=key))
    assert "Not compared with its photo yet" in said
    assert sum("checks.evidence" in statement for statement in statements) <= 2


def test_what_a_label_says_is_no_html(desk: Desk, page: Open, scripted: Scripted) -> None:
    opened = desk()
    changed = products.written_on(products.white("matcha"), (400, 262), "NEW!")
    (output,) = made(opened, scripted, changed)
    nasty = "<script>x</script>"
    with writing(opened.engine) as connection:
        evidence = connection.execute(sa.select(checks.c.evidence)).scalar_one()
        reading = {"source": nasty, "result": nasty, "errors": 0.0}
        connection.execute(sa.update(checks).values(evidence={**evidence, "reading": reading}))
    said = told(page("history", output=output.key))
    assert nasty not in said and "&lt;script&gt;" in said


def test_a_desk_checks_by_itself(browser: Any, server: Server) -> None:
    """The sample goes through the whole app: cut out, shown, and then compared."""
    page = open_page(browser, server.url)
    page.get_by_text("Try a sample photo").click()
    page.locator(".tray .item").first.wait_for()
    page.locator(".st-key-press button").click()
    page.locator(".card .open").first.wait_for(timeout=60_000)
    page.goto(server.url + "/history")
    shown = page.locator("[role=dialog] details.packshot-evidence")
    for _ in range(20):
        page.goto(server.url + "/history")
        page.locator(".card .open").first.click()
        page.locator("[role=dialog] .packshot-evidence").wait_for()
        if shown.count():
            break
        page.wait_for_timeout(1000)
    assert "Preserved" in shown.inner_text()
    shown.locator("summary").click()
    page.locator("[role=dialog] .packshot-evidence img").last.wait_for()
    assert accessible(page) == []
    assert page.outside == []
    page.context.close()
