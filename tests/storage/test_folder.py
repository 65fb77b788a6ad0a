"""What is only a folder's: whole files, full and read-only disks."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import StorageError, StorageFull, StorageReadOnly, StorageUnavailable
from core.storage.folder import FolderStore
from core.storage.links import LinkSigner

MOUNTS = sys.platform == "linux" and os.geteuid() == 0


def folder(root: Path) -> FolderStore:
    return FolderStore(root, LinkSigner("a secret for tests"))


@contextmanager
def disk(where: Path, options: str) -> Iterator[None]:
    """A disk of its own in memory; needs root on Linux."""
    where.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", where], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", where], check=True)


def files(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]


def test_no_part_of_a_file_is_ever_seen(tmp_path: Path) -> None:
    store, data = folder(tmp_path), os.urandom(30_000_000)
    sizes, looked, done = set(), threading.Event(), threading.Event()

    def watch() -> None:
        while not done.is_set():
            found = store.head("input/t/large.png")
            sizes.add(None if found is None else found.bytes)
            sizes.update(item.bytes for item in store.list().objects)
            looked.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert looked.wait(10)
    store.put("input/t/large.png", data, "image/png")
    done.set()
    watcher.join()
    assert sizes <= {None, len(data)}
    assert None in sizes


def test_killed_in_the_middle_of_a_file_leaves_none(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from tests.storage.test_folder import folder\n"
        "os.fsync = lambda file: os.kill(os.getpid(), 9)\n"
        "folder(Path(sys.argv[2])).put('input/t/a.jpg', b'x' * 1000, 'image/jpeg')\n"
    )
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run([sys.executable, "-c", script, str(root), str(tmp_path)], cwd=root)
    assert ended.returncode != 0
    store = folder(tmp_path)
    assert store.list().objects == ()
    assert store.head("input/t/a.jpg") is None
    store.put("input/t/a.jpg", b"again", "image/jpeg")
    assert store.get("input/t/a.jpg") == b"again"


def test_a_full_disk_is_said_and_keeps_nothing(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    if not MOUNTS:  # No small disk can be made: a file in the folder's place fails as late.
        place.write_bytes(b"")
        with pytest.raises(StorageUnavailable):
            folder(place).put("input/t/a.jpg", b"x", "image/jpeg")
        return
    with disk(place, "size=256k"):
        store = folder(place)
        store.put("input/t/small.jpg", b"x" * 1000, "image/jpeg")
        with pytest.raises(StorageFull):
            store.put("input/t/large.jpg", b"x" * 1_000_000, "image/jpeg")
        assert files(place) == ["input/t/small.jpg"]
        assert store.get("input/t/small.jpg") == b"x" * 1000
        filler = place / "filler"
        with pytest.raises(OSError), filler.open("wb") as file:
            while True:
                file.write(b"x" * 4096)
                file.flush()
        with pytest.raises(StorageFull):
            store.probe()
        store.delete(["input/t/small.jpg"])


def test_a_read_only_folder_is_said(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    if MOUNTS:
        with disk(place, "size=256k,ro"):
            said(folder(place))
        return
    place.chmod(stat.S_IREAD | stat.S_IEXEC)
    said(folder(place))
    place.chmod(stat.S_IRWXU)


def said(store: FolderStore) -> None:
    for act in (lambda: store.put("input/t/a.jpg", b"x", "image/jpeg"), store.probe):
        with pytest.raises(StorageReadOnly):
            act()
    assert store.list().objects == ()


def test_a_file_in_the_folders_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "media").write_bytes(b"a file")
    store = folder(tmp_path / "media")
    for act in (lambda: store.put("input/t/a.jpg", b"x", "image/jpeg"), store.probe):
        with pytest.raises(StorageError):
            act()
    assert (tmp_path / "media").read_bytes() == b"a file"
