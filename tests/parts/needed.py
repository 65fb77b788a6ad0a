"""Parts of the system that a test can't do without: one that is missing fails it, and never skips it."""

from __future__ import annotations

import shutil
import sys

import pytest

import dev


def needed(name: str) -> None:
    """Fail with the line that installs it, unless it is there; `dev.py test` does so beforehand."""
    part = next(part for part in dev.SYSTEM_PARTS if part[0].startswith(name))
    if not dev.present(part, shutil.which):
        _, _, debian, mac, windows = part
        line = {"darwin": mac, "win32": windows}.get(sys.platform, "sudo apt-get install " + debian)
        pytest.fail(f"This test needs {part[0]}. Install it with: {line}", pytrace=False)
