"""`export` as a shell runs it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core import studio
from core.settings import load_settings
from core.studio import Studio
from tests.browser import ROOT, environment
from tests.conftest import Scripted
from tests.parts.approving import judge, made

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def ran(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "core", "export", *map(str, words)],
            cwd=ROOT,
            env=environment(tmp_path, NO_COLOR="1", COLUMNS="200"),
            capture_output=True,
            text=True,
            timeout=60,
        )

    return ran


@pytest.fixture
def opened(tmp_path: Path, photo: bytes) -> Iterator[Studio]:
    settings = load_settings(
        app_secret="a secret for tests",
        database_url=f"sqlite:///{tmp_path / 'packshot.db'}",
        upload_dir=tmp_path / "media",
    )
    with studio.open_studio(settings, providers={"gemini": Scripted(photo)}) as found:
        yield found


def names(file: Path) -> list[str]:
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return archive.namelist()


LISTS = ["manifest.csv", "hktvmall.csv", "manifest.xlsx"]


def test_a_zip_is_written_whole_and_told_of(run: Run, opened: Studio, photo: bytes, tmp_path: Path) -> None:
    keys = made(opened, photo, ["A", "B", "茶"])
    judge(opened, keys[1:])
    out = tmp_path / "shop week 48.zip"
    done = run(out, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert (answer["file"], answer["exported"], answer["left"]) == (str(out), 2, [])
    assert names(out) == ["B_mainPhoto_1.jpg", "茶_mainPhoto_1.jpg", *LISTS]
    before = out.read_bytes()
    refused = run(out)
    assert refused.returncode == 2 and "is there already" in refused.stderr
    assert out.read_bytes() == before
    nothing = run(tmp_path / "new.zip", "--new")
    assert (nothing.returncode, nothing.stderr.split(":")[0]) == (1, "Nothing to export")
    assert not (tmp_path / "new.zip").exists()
    named = run(out, "--force", "--output", keys[1], "--output", keys[0], "--output", "no-such")
    assert named.returncode == 1
    assert "1 picture exported to" in named.stderr
    assert f"({keys[0]}). This picture is not approved." in named.stderr
    assert "(no-such)" in named.stderr
    assert names(out) == ["B_mainPhoto_1.jpg", *LISTS]
    chosen = run(tmp_path / "b.zip", "--since", "2020-01-01", "--sku", "茶")
    assert chosen.returncode == 0, chosen.stderr
    assert names(tmp_path / "b.zip") == ["茶_mainPhoto_1.jpg", *LISTS]
    assert not list(tmp_path.glob(".packshot-*"))


def test_an_export_that_breaks_off_leaves_no_file(
    run: Run, opened: Studio, photo: bytes, tmp_path: Path
) -> None:
    judge(opened, made(opened, photo, ["A"]))
    (file,) = (tmp_path / "media" / "generated").rglob("*.jpg")
    file.unlink()
    file.symlink_to(file.name)  # A loop: neither there nor missing.
    done = run(tmp_path / "a.zip")
    assert done.returncode == 1 and done.stderr.startswith("No storage: ")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not list(tmp_path.glob("*.zip")) and not list(tmp_path.glob(".packshot-*"))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["x/y.zip"], 2, "There is no folder"),
        (["{}"], 2, "is there already"),
        (["{}/a.zip", "--since", "yesterday"], 2, "--since takes a day"),
        (["{}/a.zip", "--output", "k", "--sku", "A"], 2, "--output names the pictures"),
        (["{}/a.zip", "--channel", "no such"], 1, "can't be used for channel"),
        (["{}/a.zip", "--output", "\x01"], 1, "Nothing to export"),
        ([], 2, "Missing argument"),
    ],
)
def test_wrong_use_writes_nothing(run: Run, tmp_path: Path, words: list[str], code: int, said: str) -> None:
    done = run(*(word.replace("{}", str(tmp_path)) for word in words))
    assert done.returncode == code, done.stderr
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert not list(tmp_path.rglob("*.zip"))
