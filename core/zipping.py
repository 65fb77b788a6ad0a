"""A zip that is made while it is sent: no more of it is in memory than the file at hand."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Self

_BLOCK = 256 * 1024


class _Window(io.RawIOBase):
    """What zipfile writes to. It may go back as far as the file at hand begins, so that sizes and checksums
    stand in each file's own header: programs that read a zip from a stream need them there."""

    def __init__(self) -> None:
        self._start = 0
        self._held = io.BytesIO()

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._start + self._held.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET:
            offset -= self._start
        return self._start + self._held.seek(offset, whence)

    def write(self, data: object) -> int:
        return self._held.write(data)  # type: ignore[arg-type]

    def take(self) -> bytes:
        """All that was written since the last time; it can't be changed any more."""
        held = self._held.getvalue()
        self._start += len(held)
        self._held = io.BytesIO()
        return held


class ZipStream:
    """Each method returns the bytes that follow. Without those of `end` no program takes it for a zip."""

    def __init__(self) -> None:
        self._window = _Window()
        self._zip = zipfile.ZipFile(self._window, "w", zipfile.ZIP_STORED)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()  # What it writes by that is not taken by anybody.

    def add(self, name: str, data: bytes, at: datetime) -> bytes:
        """A file as it is: JPEG gains nothing by a second compression. `at` is the time on its label."""
        self._zip.writestr(_entry(name, at), data)
        return self._window.take()

    def add_file(self, name: str, path: Path, at: datetime) -> bytes:
        """A file of this machine, compressed."""
        entry = _entry(name, at)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.file_size = path.stat().st_size
        with path.open("rb") as source, self._zip.open(entry, "w") as target:
            while block := source.read(_BLOCK):
                target.write(block)
        return self._window.take()

    def end(self) -> bytes:
        """The list of all files."""
        self._zip.close()
        return self._window.take()


def _entry(name: str, at: datetime) -> zipfile.ZipInfo:
    # The label has no zone, and starts in 1980.
    entry = zipfile.ZipInfo(name, date_time=max(at.timetuple()[:6], (1980, 1, 1, 0, 0, 0)))
    entry.external_attr = 0o644 << 16
    return entry
