"""A mistake of the desk itself: the operator reads a sentence, the server's log keeps the rest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from core import generation
from core.model import OutputState
from core.settings import load_settings
from core.studio import open_studio
from tests.browser import context, serving
from tests.conftest import BY, finished, order, upload


def broken(house: Path, folder: Path) -> Path:
    """The desk with a mistake in a page and one in a provider."""
    copy = folder / "a broken desk"
    shutil.copytree(house, copy, ignore=shutil.ignore_patterns("var"))
    slips = {
        "pages/system.py": ("ICONS = {\n", 'raise RuntimeError("a slip in a page")\nICONS = {\n'),
        "core/providers/local.py": ("= _choices(request)", '= 0, 0 / len("")  # a slip in a model'),
    }
    for file, (before, slip) in slips.items():
        path = copy / file
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, slip, 1), encoding="utf-8")
    return copy


def test_mistakes_are_logged_and_not_shown(browser: Any, house: Path, tmp_path: Path, photo: bytes) -> None:
    data = tmp_path / "data"
    with serving(data, house=broken(house, tmp_path)) as server:
        page = context(browser).new_page()
        page.goto(server.url + "/system")
        page.get_by_text("Something went wrong in Packshot itself").wait_for()
        assert "slip" not in page.content()
        assert "Traceback" not in page.content()
        page.close()

        settings = load_settings(
            database_url=f"sqlite:///{data / 'packshot.db'}", upload_dir=data / "media", app_secret="x" * 16
        )
        with open_studio(settings, work=False) as desk:
            asked = order(provider="local", model="cutout")
            key = generation.submit(desk, [upload(photo)], asked, by=BY)
            output = finished(desk, key).outputs[0]
        assert output.state in (OutputState.UNKNOWN, OutputState.FAILED)
        assert "slip" not in str(output.error_data)
        assert server.process.poll() is None, "the desk goes on"
    log = server.log.read_text(encoding="utf-8")
    ours = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    told = {(line["logger"], line["level"], line["event"]) for line in ours}
    assert ("packshot", "error", "a page ended by a mistake of the desk: RuntimeError") in told
    assert ("core.runner", "error", "output 1 ended by a mistake of the desk") in told
    assert len(ours) == log.count("ended by a mistake of the desk"), "each once, and as JSON alone"
    assert "RuntimeError: a slip in a page" in log
    assert "ZeroDivisionError" in log
    assert log.count("a slip in a page\n") == 1, "once is enough"
    assert "\x1b[" not in log
    assert "a secret for tests" not in log
