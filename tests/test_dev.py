"""`dev.py` as people start it: what it says, what it installs, and that nothing of it stays behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import dev
from tests.browser import environment, free_port

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def copy(house: Path, tmp_path: Path) -> Path:
    """The desk in a folder of its own with a space in its name, without `.venv`."""
    folder = tmp_path / "a new desk"
    shutil.copytree(house, folder, ignore=shutil.ignore_patterns("var"))
    shutil.copy(ROOT / "dev.py", folder)
    (folder / "tests").mkdir()
    for file in ("requirements.txt", "tests/requirements.txt"):
        (folder / file).write_text("# nothing\n")
    return folder


@pytest.fixture
def ready(copy: Path) -> Path:
    """The same with a `.venv` that sees the packages of this test's Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(copy / ".venv")], check=True)
    inside = next((copy / ".venv").rglob("site-packages"))
    (inside / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for name, file in (("run", "requirements.txt"), ("test", "tests/requirements.txt")):
        (copy / ".venv" / f"packshot-{name}.stamp").write_text(dev.digest_of(copy / file))
    return copy


def told(folder: Path, *words: str, **values: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "dev.py", *words],
        cwd=folder,
        env=environment(folder / "var", UV_NO_INDEX="1", PIP_NO_INDEX="1", UV_OFFLINE="1", **values),
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "What shall it do?"),
        (["dance"], "dance is no command."),
        (["run", "--fast"], "run does not understand --fast."),
        (["run", "--port"], "--port needs a number from 1 to 65535."),
        (["run", "--port", "http"], "--port needs a number"),
        (["run", "--port", "0"], "--port needs a number"),
        (["run", "--port", "65536"], "--port needs a number"),
        (["run", "--port", "²"], "--port needs a number"),
    ],
)
def test_wrong_use_ends_with_two(copy: Path, words: list[str], sentence: str) -> None:
    done = told(copy, *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"dev.py: {sentence}")
    assert "usage: python3 dev.py COMMAND" in done.stderr
    assert not (copy / ".venv").exists()


def test_help_is_an_answer(copy: Path) -> None:
    done = told(copy, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"\n  {command} " in done.stdout for command in ("run", "test", "lint", "bench", "shots"))


def test_an_old_python_reads_a_sentence(copy: Path) -> None:
    script = (
        "import runpy, sys; sys.version_info = (3, 10, 9, 'final', 0); sys.argv = ['dev.py', 'run']; "
        "runpy.run_path('dev.py', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        "Packshot needs Python 3.11 or newer; this is 3.10. Install it, then run this again with it.\n"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other lines")
def test_a_missing_part_is_named_with_the_line_that_installs_it(copy: Path) -> None:
    script = (
        "import os, runpy, shutil, sys; os.geteuid = lambda: 1000; "
        "dev = runpy.run_path('dev.py'); shutil.which = lambda name, real=shutil.which: "
        "None if name in ('exiftool', 'tesseract') else real(name); "
        "sys.exit(not dev['system_parts']())"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if "xiftool" in line or "esseract" in line]
    assert lines == [
        "Tests need exiftool. Install it with: sudo apt-get install libimage-exiftool-perl",
        "Tests need Tesseract with English, Japanese and Traditional Chinese. Install it with: "
        "sudo apt-get install tesseract-ocr tesseract-ocr-eng tesseract-ocr-jpn tesseract-ocr-chi-tra",
    ]


def test_a_port_in_use_is_named(ready: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = told(ready, "run", "--no-browser", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr.startswith(f"Port {port} is in use. Choose another with --port")


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_a_package_that_cannot_be_installed_is_named(copy: Path, tool: str) -> None:
    (copy / "requirements.txt").write_text("no-such-package-of-packshot==1\n")
    folders = os.environ["PATH"].split(os.pathsep)
    if tool == "pip":
        folders = [folder for folder in folders if not shutil.which("uv", path=folder)]
    done = told(copy, "run", "--no-browser", PATH=os.pathsep.join(folders))
    assert done.returncode == 1
    assert done.stdout == "Making .venv\nInstalling requirements.txt (once)\n"
    assert done.stderr.startswith("A package can't be installed.\n")
    assert "no-such-package-of-packshot" in done.stderr
    assert "then run this again." in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((copy / ".venv").glob("*.stamp")), "the next start tries again"


def wheel(folder: Path, name: str) -> None:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-1-py3-none-any.whl", "w") as file:
        info = f"{name}-1.dist-info"
        file.writestr(f"{name}.py", "")
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


def test_what_runs_is_installed_first_and_what_tests_need_later(copy: Path) -> None:
    for name in ("deskone", "desktwo"):
        wheel(copy / "wheels", name)
    (copy / "requirements.txt").write_text("--find-links wheels\ndeskone==1\n")
    (copy / "tests/requirements.txt").write_text("--find-links ../wheels\ndeskone==1\ndesktwo==1\n")

    def modules() -> set[str]:
        return {path.stem for path in (copy / ".venv").rglob("desk*.py")}

    first = told(copy, "run", "--no-browser")
    assert "Installing requirements.txt (once)" in first.stdout, first.stderr
    assert modules() == {"deskone"}
    second = told(copy, "test")
    assert "Installing tests" in second.stdout, second.stderr
    assert "Making .venv" not in second.stdout
    assert modules() == {"deskone", "desktwo"}
    third = told(copy, "run", "--no-browser")
    assert "Installing" not in third.stdout, "nothing changed"
    (copy / "requirements.txt").write_text("--find-links wheels\ndeskone==1\ndesktwo==1\n")
    assert "Installing requirements.txt (once)" in told(copy, "run", "--no-browser").stdout


def test_a_folder_that_may_not_be_written_is_named(copy: Path, as_somebody: list[str]) -> None:
    copy.chmod(0o555)
    try:
        done = subprocess.run(
            [*as_somebody, sys.executable, "dev.py", "run"], cwd=copy, capture_output=True, text=True
        )
    finally:
        copy.chmod(0o755)
    assert done.returncode == 1
    assert done.stderr == (
        "This folder can't be written (Permission denied). Give yourself the right to, then run this again.\n"
    )


def test_one_installs_while_the_other_waits(copy: Path) -> None:
    """A lock file that a dead process left stops nobody; a live one is waited for."""
    script = "import dev; print(dev.install(dev.RUNTIME))"
    (copy / ".venv.lock").touch()
    holder = (
        "import dev, sys\n"
        "with open('.venv.lock', 'a') as lock:\n"
        "    dev.acquire(lock)\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    options: dict[str, Any] = {"cwd": copy, "text": True, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", holder], stdin=subprocess.PIPE, **options) as first:
        assert first.stdout and first.stdin
        assert first.stdout.readline() == "held\n"
        with subprocess.Popen([sys.executable, "-c", script], **options) as second:
            assert second.stdout
            assert second.stdout.readline() == "Another dev.py installs; waiting for it.\n"
            first.kill()
            assert second.stdout.read().endswith("(once)\nTrue\n")


class Running:
    """`dev.py run` with its server."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.port = free_port()
        self.log = folder / "said.txt"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "dev.py", "run", "--no-browser", "--port", str(self.port), *words],
                cwd=folder,
                env=environment(folder / "var"),
                stdout=out,
                stderr=out,
            )

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def wait(self, until: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not until():
            assert time.monotonic() < end and self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)


@pytest.fixture
def start(ready: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def running(*words: str) -> Running:
        started.append(Running(ready, *words))
        return started[-1]

    yield running
    for one in started:
        one.process.terminate()
        one.process.wait(60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_was_started_is_stopped(start: Callable[..., Running], number: int) -> None:
    running = start()
    running.wait(running.answers)
    running.process.send_signal(number)
    assert running.process.wait(40) == 130
    assert not running.answers()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", running.port))
    said = running.log.read_text()
    assert f"Packshot: http://127.0.0.1:{running.port}" in said
    assert "Traceback" not in said


def test_what_python_compiled_is_kept_for_the_next_start(
    start: Callable[..., Running], ready: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    kept = ready / "core" / "__pycache__"
    shutil.rmtree(kept, ignore_errors=True)
    running = start()
    running.wait(running.answers)
    assert list(kept.glob("studio.*.pyc"))


def test_a_change_starts_it_again(start: Callable[..., Running], ready: Path) -> None:
    running = start("--reload")
    running.wait(running.answers)
    changed = ready / "core/clock.py"
    changed.write_text(changed.read_text() + "\n# changed\n")
    running.wait(lambda: "A file changed; starting again." in running.log.read_text())
    running.wait(lambda: running.log.read_text().count("You can now view") == 2)
    running.wait(running.answers)
    changed.write_text(changed.read_text() + "\n# changed again\n")
    running.wait(lambda: running.log.read_text().count("A file changed; starting again.") == 2)
    running.process.send_signal(signal.SIGINT)  # While it stops the one and has not started the other.
    assert running.process.wait(40) == 130
    assert not running.answers()


def test_wrong_settings_end_it_with_their_sentence(ready: Path) -> None:
    done = told(ready, "run", "--no-browser", "--port", str(free_port()), TIMEZONE="Nowhere")
    assert done.returncode == 1
    assert done.stderr == "TIMEZONE should be a time zone such as Asia/Hong_Kong.\n"
