"""An object store in a local folder: atomic, create-only, safe on Windows."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from core.errors import ObjectExists, ObjectMissing, StorageFull, StorageReadOnly, StorageUnavailable
from core.storage import Listing, ObjectInfo
from core.storage.keys import checked
from core.storage.links import LinkSigner

_TEMPORARY = ".part-"


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StorageFull() from exc
        if exc.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise StorageReadOnly() from exc
        raise StorageUnavailable(exc.strerror or type(exc).__name__) from exc


def _info(key: str, path: Path) -> ObjectInfo:
    found = path.stat()
    return ObjectInfo(key=key, bytes=found.st_size, modified=datetime.fromtimestamp(found.st_mtime, UTC))


class FolderStore:
    """Objects as files under `root`; links go through the signed route of `core.web`."""

    name = "folder"

    def __init__(self, root: Path, signer: LinkSigner) -> None:
        self.root = root
        self._signer = signer

    def _path(self, key: str) -> Path:
        return self.root.joinpath(*checked(key).split("/"))

    def put(self, key: str, data: bytes, content_type: str) -> None:
        path = self._path(key)
        with _translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=_TEMPORARY, dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                try:
                    # A hard link is the one rename that refuses to overwrite.
                    os.link(temporary, path)
                except FileExistsError as exc:
                    if path.read_bytes() != data:
                        raise ObjectExists(key) from exc
            finally:
                with suppress(FileNotFoundError):
                    Path(temporary).unlink()

    def get(self, key: str) -> bytes:
        path = self._path(key)
        with _translated():
            try:
                return path.read_bytes()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as exc:
                raise ObjectMissing(key) from exc

    def head(self, key: str) -> ObjectInfo | None:
        path = self._path(key)
        with _translated():
            try:
                return _info(key, path) if path.is_file() else None
            except FileNotFoundError:
                return None

    def list(self, prefix: str = "", *, after: str | None = None, limit: int = 1000) -> Listing:
        found: list[ObjectInfo] = []
        with _translated():
            for key, path in self._walk(self.root, "", prefix, after or ""):
                if not key.startswith(prefix) or (after is not None and key <= after):
                    continue
                if len(found) == limit:
                    return Listing(objects=tuple(found), after=found[-1].key)
                with suppress(FileNotFoundError):
                    found.append(_info(key, path))
        return Listing(objects=tuple(found), after=None)

    def _walk(self, folder: Path, start: str, prefix: str, after: str) -> Iterator[tuple[str, Path]]:
        """Files in key order; folders that can't hold a wanted key stay shut, so that pages cost alike."""
        try:
            with os.scandir(folder) as entries:
                # A folder sorts with its slash, as in an object store's flat key order.
                names = sorted(entry.name + "/" if entry.is_dir() else entry.name for entry in entries)
        except FileNotFoundError:
            return
        for name in names:
            key = start + name
            if not name.endswith("/"):
                if not name.startswith(_TEMPORARY):
                    yield key, folder / name
            elif (key > after or after.startswith(key)) and key.startswith(prefix[: len(key)]):
                yield from self._walk(folder / name, key, prefix, after)

    def delete(self, keys: Sequence[str]) -> None:
        for path in [self._path(key) for key in keys]:
            with _translated():
                path.unlink(missing_ok=True)
                if path.parent != self.root:
                    with suppress(OSError):
                        path.parent.rmdir()

    def link(self, key: str, *, download: str | None = None) -> str:
        return self._signer.link(checked(key), download=download)

    def probe(self) -> datetime | None:
        folder = self.root
        with _translated():
            while not folder.exists():
                folder = folder.parent
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"x")
                file.flush()
        return None
