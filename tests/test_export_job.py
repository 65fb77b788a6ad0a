"""An operator exports through the dialog in Chromium; the file is opened as whoever gets it opens it."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from playwright.sync_api import Error

from core import studio
from core.database.schema import outputs
from core.images.metadata import TRAINED
from core.settings import load_settings
from tests.browser import accessible, open_page, serving, settled
from tests.conftest import Scripted
from tests.parts.approving import judge, made


def test_an_operator_exports_and_reads_what_stayed_behind(browser: Any, tmp_path: Path, photo: bytes) -> None:
    home = tmp_path / "var"
    settings = load_settings(
        app_secret="a secret for tests",
        database_url=f"sqlite:///{home / 'packshot.db'}",
        upload_dir=home / "media",
    )
    with (
        serving(home) as server,
        studio.open_studio(settings, providers={"gemini": Scripted(photo)}) as desk,
    ):
        keys = made(desk, photo, ["茶-1", "茶-1", "GONE"])
        judge(desk, keys)
        with desk.engine.connect() as connection:
            wanted = sa.select(outputs.c.object_key).where(outputs.c.key == keys[2])
            (home / "media" / connection.execute(wanted).scalar_one()).unlink()
        page = open_page(browser, server.url + "/history")
        page.get_by_role("button", name="Export approved").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_text("3 pictures · products: 2").wait_for()
        assert accessible(page) == []
        # The list is one canvas: its last column, second row.
        table = dialog.locator("[data-testid=stDataFrame]")
        size = table.bounding_box()
        table.dblclick(position={"x": size["width"] - 80, "y": 105})
        role = page.get_by_role("option", name="Advertising photo")
        role.click()
        cell = table.locator("[role=gridcell]", has_text="茶-1_advertisingPhoto_1.jpg")
        try:
            cell.wait_for(state="attached", timeout=5_000)
        except Error:
            role.click()  # The list was drawn anew between the press and its end.
            cell.wait_for(state="attached")
        dialog.get_by_role("button", name="Export 3 pictures").click()
        dialog.get_by_text("1 picture stays behind").wait_for()
        dialog.get_by_text("Waiting for your browser").wait_for()
        assert accessible(page) == []
        downloads: list[Any] = []
        page.on("download", lambda one: downloads.append(one))
        dialog.get_by_role("link", name="Download zip").click()
        dialog.get_by_text("2 pictures were exported.").wait_for()
        (download,) = downloads
        file = tmp_path / download.suggested_filename
        download.save_as(file)
        dialog.get_by_text("The stored file is not there any more").first.wait_for()
        assert page.outside == []
        page.get_by_role("button", name="Close").click()
        settled(page)
        page.get_by_role("button", name="Export approved").click()
        page.get_by_role("dialog").get_by_text("1 picture · products: 1").wait_for()
    assert file.name.startswith("packshot_") and file.suffix == ".zip"
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "out")
    words = ["exiftool", "-json", "-n", "-G1", "-XMP-iptcExt:DigitalSourceType", "-r", "-ext", "jpg"]
    ran = subprocess.run([*words, str(tmp_path / "out")], capture_output=True, text=True, timeout=60)
    found = {
        Path(one["SourceFile"]).name: one["XMP-iptcExt:DigitalSourceType"] for one in json.loads(ran.stdout)
    }
    assert found == {"茶-1_mainPhoto_1.jpg": TRAINED, "茶-1_advertisingPhoto_1.jpg": TRAINED}
