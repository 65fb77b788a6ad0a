"""The ASGI app: `streamlit run app.py`."""

from __future__ import annotations

import gc

gc.disable()  # All that is loaded now stays: to look through it again and again takes an eighth of the time.

import asyncio
import logging
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from core import studio, telemetry
from core.errors import PackshotError, SettingsWrong
from core.settings import load_settings
from core.settings_checks import check_address
from core.web import answer_at_once, routes
from pages.ui.component import FILES
from pages.ui.looks import PICTURES
from pages.ui.warming import first_page, leave_out

log = logging.getLogger("packshot")

try:
    settings = load_settings()
    check_address(settings, st.get_option("server.address"))
    studio.app_secret(settings)
except SettingsWrong as error:
    for variable, sentence in error.problems:
        sys.stderr.write(f"{variable} {sentence}.\n")
    raise SystemExit(1) from None

telemetry.configure(settings)
leave_out()


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Open the Studio for as long as the server runs."""
    from pages.ui.charts import warm

    if type(asyncio.get_running_loop()).__module__ != "uvloop":
        answer_at_once()  # uvloop does it by itself; on Windows there is none.
    first_page()
    with studio.open_studio(settings, check=True) as opened:
        studio.set_current(opened)
        gc.freeze()
        gc.enable()
        # Not at once: the first page comes before.
        warming = threading.Timer(2, warm)
        warming.start()
        try:
            yield
        finally:
            warming.cancel()
            studio.set_current(None)


def on_script_error(error: Exception) -> bool:
    """The operator reads a sentence; Streamlit has put the details into the log before."""
    from pages.ui.trouble import show

    if isinstance(error, PackshotError):
        log.warning("a page showed %s", error.kind)
    else:
        log.error("a page ended by a mistake of the desk: %s", type(error).__name__)
    show(error)
    return True


app = st.App(
    "pages/main.py",
    routes=[
        *routes,
        Mount("/looks", StaticFiles(directory=PICTURES)),
        Mount("/components", StaticFiles(directory=FILES)),
    ],
    lifespan=lifespan,
    on_script_error=on_script_error,
)
