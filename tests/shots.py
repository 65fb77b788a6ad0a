"""Screenshots of every page into var/shots: two widths, light and dark, both languages."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core import generation
from core.images.sample import sample_photo
from core.model import Order
from core.settings import load_settings
from core.studio import open_studio
from tests.browser import ROOT, chromium, context, serving, settled
from tests.conftest import BY, upload

OUT = ROOT / "var" / "shots"


def details(page: Any) -> None:
    page.locator(".card .open").first.click()
    page.locator("[role=dialog] table").wait_for()


def table(page: Any) -> None:
    page.locator(".st-key-view button").nth(1).click()
    page.locator("[data-testid=stDataFrame]").wait_for()


PAGES: dict[str, tuple[str, Callable[[Any], None] | None]] = {
    "generate_empty": ("/", None),
    "generate_task": ("/?task={task}", None),
    "history": ("/history", None),
    "history_table": ("/history", table),
    "history_details": ("/history", details),
    "system": ("/system", None),
}


def main(arguments: list[str]) -> int:
    wanted = [name for name in PAGES if not arguments or any(name.startswith(a) for a in arguments)]
    if not wanted:
        sys.stderr.write(f"No such page. There are: {', '.join(PAGES)}.\n")
        return 2
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        task = seed(folder)
        with serving(folder) as server, chromium() as browser:
            for width in (1440, 390):
                for dark in (False, True):
                    for language in ("en", "zh"):
                        page = context(browser, width=width, dark=dark, language=language).new_page()
                        for name in wanted:
                            path, act = PAGES[name]
                            if act is table and width < 640:
                                continue
                            page.goto(server.url + path.format(task=task))
                            settled(page)
                            if act:
                                act(page)
                            time.sleep(1)
                            file = OUT / f"{name}_{width}_{'dark' if dark else 'light'}_{language}.png"
                            page.screenshot(path=file, animations="disabled", caret="hide")
                            print(file.relative_to(ROOT))
                        page.context.close()
    return 0


def seed(folder: Path) -> str:
    """A few tasks of the local cut-out; returns the key of one with three photos."""
    settings = load_settings(
        database_url=f"sqlite:///{folder / 'packshot.db'}",
        upload_dir=folder / "media",
        app_secret="a secret for tests",
    )
    names = (
        ("JP-RMN-0092", "豚骨拉麵 92 克"),
        ("JP-RMN-0093", "Miso ramen 88 g"),
        ("JP-RMN-0094", "醬油拉麵 90 克"),
    )
    with open_studio(settings) as studio:
        key = ""
        for preset in ("white_bg_front", "white_bg_topview"):
            uploads = [
                upload(sample_photo(), f"IMG_{i}.jpg", sku=s, product_name=n)
                for i, (s, n) in enumerate(names)
            ]
            order = Order(preset=preset, outputs=2, ratio="1:1", size="1K", provider="local", model="cutout")
            key = generation.submit(studio, uploads, order, by=BY)
        while generation.view(studio, key).pending:
            time.sleep(0.2)
    return key


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
