"""What only a browser shows of the drawer's check for a channel, on two widths."""

from __future__ import annotations

import hashlib
from typing import Any

from core import generation
from core.settings import load_settings
from core.studio import open_studio
from tests.browser import Server, accessible, open_page, pick, settled
from tests.checks.drawn import jpeg, shop
from tests.conftest import BY, Scripted, finished, order, upload
from tests.test_channel_pages import LOOKS, sideways


class Model(Scripted):
    """A model of another process, on the server's data."""

    name = "gateway"


@LOOKS
def test_the_check_in_the_drawer(browser: Any, server: Server, width: int, dark: bool, language: str) -> None:
    folder = server.log.parent
    settings = load_settings(
        database_url=f"sqlite:///{folder / 'packshot.db'}",
        upload_dir=folder / "media",
        app_secret="a secret for tests",
    )
    data = jpeg(shop(size=(1200, 900), ground=(240, 239, 236), fill=0.6))
    name = f"CHECK-{hashlib.sha256(language.encode()).hexdigest()[:6]}"
    with open_studio(settings, providers={"gateway": Model(data)}) as studio:
        sent = [upload(data, sku=name)]
        wanted = order(provider="gateway", ratio="4:3")
        view = finished(studio, generation.submit(studio, sent, wanted, by=BY, again=True))
    address = f"{server.url}/history?output={view.outputs[0].key}"
    page = open_page(browser, address, width=width, dark=dark, language=language)
    page.get_by_role("dialog").locator("[data-testid=stExpander] summary").first.click()
    box = page.locator("[class*=st-key-approve-channel] input")
    box.wait_for()
    settled(page)
    pick(box, "Amazon")
    page.locator(".packshot-both img").nth(1).wait_for()
    assert page.locator(".packshot-both img").evaluate_all("all => all.every(i => i.naturalWidth > 0)")
    assert accessible(page) == []
    assert not sideways(page) and page.outside == []
    page.locator("[class*=st-key-approve-now] button").click()
    page.locator("[role=dialog] [data-testid=stAlertContentSuccess]").wait_for()
