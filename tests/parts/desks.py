"""Desks in processes of their own, which a test may kill. The model they ask is the test's own server."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from core import outcomes, runner
from core.database.engine import make_engine
from core.database.migrate import migrate
from core.settings import Settings, load_settings
from tests.parts.models import KEY

LEASE = 1.5
"""Seconds. Short: a test waits for it; long enough for a machine with much to do."""
_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload(["tests.parts.desks", "core.studio", "core.generation", "core.providers.gemini"])


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a desk keeps its rows and pictures, and which model it asks."""

    database_url: str
    folder: Path
    model: str
    """The base address of the model server."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further settings."""

    def settings(self) -> Settings:
        values = {
            "database_url": self.database_url,
            "upload_dir": self.folder / "media",
            "app_secret": "a secret for tests",
            "image_provider": "gemini",
            "gemini_api_key": KEY,
            "google_gemini_base_url": self.model,
        }
        return load_settings(**{**values, **self.more})


def hurry(*, lease: float = LEASE) -> None:
    """Make this process's desks quick: their leases, looks and pauses."""
    defaults = runner.Runner.__init__.__kwdefaults__
    assert defaults is not None
    defaults.update(lease=timedelta(seconds=lease), heartbeat=lease / 8)
    outcomes.FIRST_PAUSE = 0.05
    vars(runner)["_LOOK"] = 0.05


def start(work: Callable[..., None], *arguments: Any) -> Any:
    """Run `work` in a process of its own, hurried; returns its multiprocessing.Process."""
    process = _fork.Process(target=_bare, args=(work, *arguments), daemon=True)
    process.start()
    return process


def _bare(work: Callable[..., None], *arguments: Any) -> None:
    """No setting of this machine reaches a test."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    Settings.model_config["env_file"] = None
    hurry()
    work(*arguments)


def sqlite_template(folder: Path) -> Path:
    """A database file with this version's tables, to be copied."""
    path = folder / "template.db"
    engine = make_engine(f"sqlite:///{path}", pool_size=1)
    migrate(engine)
    engine.dispose()
    return path


def copied(template: Path, folder: Path) -> str:
    """The URL of a copy of a SQLite database."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(template, folder / "packshot.db")
    return f"sqlite:///{folder / 'packshot.db'}"


def wait_until(true: Callable[[], bool], *, seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"waited in vain: {what}"
        time.sleep(0.05)
