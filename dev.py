#!/usr/bin/env python3
"""Packshot's commands: run, test, lint, bench, shots. Standard library only; see --help."""

import errno
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
WINDOWS = os.name == "nt"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
RUNTIME = ROOT / "requirements.txt"
TESTING = ROOT / "tests" / "requirements.txt"
UNWANTED = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
"""A child has its packages from .venv alone, and keeps what Python compiled for its next start."""
WATCHED = {".py", ".toml", ".po", ".css", ".js", ".html", ".svg"}

HELP = """usage: python3 dev.py COMMAND

  run [--port N] [--no-browser] [--reload]   start the dashboard and open it
  test [pytest arguments]                    install what tests need and run them
  lint                                       ruff, mypy and hadolint
  bench [name]                               measure against the named references
  shots [page]                               screenshots of every page into var/shots
"""

# What tests need beside Python packages: name, commands that show it, Debian package, macOS, Windows.
SYSTEM_PARTS = (
    (
        "Chromium",
        ("chromium", "chromium-browser", "google-chrome"),
        "chromium",
        "brew install --cask chromium",
        "winget install Google.Chrome",
    ),
    (
        "exiftool",
        ("exiftool",),
        "libimage-exiftool-perl",
        "brew install exiftool",
        "winget install OliverBetz.ExifTool",
    ),
    (
        "Tesseract with English, Japanese and Traditional Chinese",
        ("tesseract",),
        "tesseract-ocr tesseract-ocr-eng tesseract-ocr-jpn tesseract-ocr-chi-tra",
        "brew install tesseract tesseract-lang",
        "winget install UB-Mannheim.TesseractOCR (choose Japanese and Chinese Traditional)",
    ),
    (
        "a Chinese font",
        (),
        "fonts-noto-cjk",
        "",
        "",
    ),
)

LANGUAGES = {"eng", "jpn", "chi_tra"}
"""What labels are written in, by Tesseract's names."""


def main(arguments):
    if sys.version_info < (3, 11):
        version = ".".join(str(part) for part in sys.version_info[:2])
        return fail(
            "Packshot needs Python 3.11 or newer; this is "
            + version
            + ". Install it, then run this again with it."
        )
    commands = {"run": run, "test": test, "lint": lint, "bench": bench, "shots": shots}
    if arguments[:1] in (["-h"], ["--help"]):
        print(HELP, end="")
        return 0
    if not arguments or arguments[0] not in commands:
        return misused(arguments[0] + " is no command." if arguments else "What shall it do?")
    try:
        return commands[arguments[0]](arguments[1:])
    except KeyboardInterrupt:
        return 130


def misused(sentence):
    print("dev.py: " + sentence + "\n\n" + HELP, end="", file=sys.stderr)
    return 2


def fail(sentence):
    print(sentence, file=sys.stderr)
    return 1


def run(arguments):
    port, browser, reload = 8501, True, False
    asked = None
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--port":
            number = rest.pop(0) if rest else ""
            if not (number.isascii() and number.isdigit() and len(number) < 6 and 0 < int(number) < 65536):
                return misused("--port needs a number from 1 to 65535.")
            port = asked = int(number)
        elif word == "--no-browser":
            browser = False
        elif word == "--reload":
            reload = True
        else:
            return misused("run does not understand " + word + ".")
    if not install(RUNTIME):
        return 1
    if asked and taken(port):
        return fail("Port " + str(port) + " is in use. Choose another with --port, or stop what uses it.")
    while taken(port):
        port += 1
    url = "http://127.0.0.1:" + str(port)
    command = [str(PYTHON), "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    print("Packshot: " + url + "  (Ctrl-C stops it)", flush=True)
    while True:
        before = marks() if reload else None
        child = start(command)
        try:
            if browser:
                browser = False
                open_when_ready(child, url)
            while child.poll() is None:
                if not reload:
                    child.wait()
                    break
                time.sleep(0.5)
                if marks() != before:
                    print("A file changed; starting again.", flush=True)
                    break
            else:
                return child.returncode
            if child.poll() is not None:
                return child.returncode
        finally:
            stop(child)


def taken(port):
    with socket.socket() as probe:
        if not WINDOWS:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def start(command):
    """Start a child in its own group, so that Ctrl-C reaches it once and through us."""
    environment = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    options = (
        {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP} if WINDOWS else {"start_new_session": True}
    )
    if not WINDOWS:
        signal.signal(signal.SIGTERM, interrupted)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            signal.signal(signal.SIGHUP, interrupted)  # The terminal was closed.
    return subprocess.Popen(command, cwd=str(ROOT), env=environment, **options)


def interrupted(number, frame):
    raise KeyboardInterrupt


def stop(child):
    """Ask the child to end, wait for its pictures, then insist."""
    if child.poll() is not None:
        return
    try:
        if WINDOWS:
            child.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            os.killpg(child.pid, signal.SIGTERM)
        child.wait(30)
    except ProcessLookupError:
        child.wait()
    except (subprocess.TimeoutExpired, KeyboardInterrupt) as reason:
        child.kill()
        child.wait()
        if isinstance(reason, KeyboardInterrupt):
            raise  # Between two starts of --reload it means: no second one.


def open_when_ready(child, url):
    import threading
    import urllib.request
    import webbrowser

    # A proxy of this machine has no way to this server.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def look():
        while child.poll() is None:
            try:
                opener.open(url + "/health", timeout=1).close()
            except OSError:
                time.sleep(0.1)
                continue
            webbrowser.open(url)
            return

    threading.Thread(target=look, daemon=True).start()


def marks():
    """When each watched file was changed."""
    found = {}
    for top in (ROOT / "core", ROOT / "pages", ROOT / ".streamlit"):
        for path in top.rglob("*"):
            if path.suffix in WATCHED:
                try:
                    found[str(path)] = path.stat().st_mtime_ns
                except OSError:
                    continue
    for path in (ROOT / "app.py", ROOT / ".env"):
        if path.exists():
            found[str(path)] = path.stat().st_mtime_ns
    return found


def test(arguments):
    if not (install(TESTING) and system_parts()):
        return 1
    # Most tests wait, for a process, a browser or a disk: two at a time, each file in one of them.
    return call([str(PYTHON), "-m", "pytest", *(arguments or ["tests", "-n", "2", "--dist", "loadgroup"])])


def lint(arguments):
    if not install(TESTING):
        return 1
    steps = [
        [str(PYTHON), "-m", *step] for step in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"])
    ]
    if WINDOWS:
        print("hadolint has no package for Windows: the Dockerfile is not looked at here.")
    else:
        steps.append([str(PYTHON.parent / "hadolint"), "Dockerfile"])
    return 1 if any([call(step) for step in steps]) else 0


def bench(arguments):
    if not (install(TESTING) and system_parts()):
        return 1
    return call([str(PYTHON), "-m", "tests.bench", *arguments])


def shots(arguments):
    if not (install(TESTING) and system_parts()):
        return 1
    return call([str(PYTHON), "-m", "tests.shots", *arguments])


def call(command):
    child = start(command)
    try:
        return child.wait()
    finally:
        stop(child)


def install(requirements):
    """Make .venv and install `requirements`, unless that is done; says what went wrong."""
    stamp = VENV / ("packshot-" + ("run" if requirements == RUNTIME else "test") + ".stamp")
    digest = digest_of(requirements)
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == digest:
        return True
    try:
        with open(str(ROOT / ".venv.lock"), "a") as lock:
            acquire(lock)
            return installed(requirements, stamp, digest)
    except OSError as error:
        fail(
            "This folder can't be written ("
            + (error.strerror or str(error))
            + "). Give yourself the right to, then run this again."
        )
        return False


def digest_of(requirements):
    return hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()


def acquire(lock):
    """Only one installs at a time. The system lets go of the lock when its process ends, in any way."""
    said = False
    while True:
        try:
            if WINDOWS:
                import msvcrt

                msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
                return  # A folder on the network without locks.
            if not said:
                print("Another dev.py installs; waiting for it.", flush=True)
                said = True
            time.sleep(0.5)


def installed(requirements, stamp, digest):
    import shutil

    uv = shutil.which("uv")
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == digest:
        return True
    needed = "" if uv else "import pip"
    works = (
        PYTHON.exists() and not subprocess.run([str(PYTHON), "-c", needed], capture_output=True).returncode
    )
    if not works:
        if VENV.exists():
            shutil.rmtree(VENV)
        print("Making .venv", flush=True)
        make = [uv, "venv", "--quiet", "--python", sys.executable] if uv else [sys.executable, "-m", "venv"]
        if not done([*make, str(VENV)], "A virtual environment can't be made here."):
            return False
    print("Installing " + str(requirements.relative_to(ROOT)) + " (once)", flush=True)
    pip = (
        [uv, "pip", "install", "--quiet", "--python"]
        if uv
        else [str(PYTHON), "-m", "pip", "install", "--quiet"]
    )
    where = [str(PYTHON)] if uv else []
    if not done([*pip, *where, "-r", str(requirements)], "A package can't be installed."):
        return False
    temporary = stamp.with_suffix(".new")
    temporary.write_text(digest)
    os.replace(str(temporary), str(stamp))
    return True


def done(command, sentence):
    result = subprocess.run(command, cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode == 0:
        return True
    lines = result.stdout.decode("utf-8", "replace").strip().splitlines()[-5:]
    fail(
        sentence
        + "\n  "
        + "\n  ".join(lines)
        + "\nCheck the network, the proxy and the space on the disk, then run this again."
    )
    return False


def system_parts():
    """Install or name what tests need beside Python packages."""
    import shutil

    missing = [part for part in SYSTEM_PARTS if not present(part, shutil.which)]
    if not missing:
        return True
    packages = [package for part in missing for package in part[2].split()]
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        print("Installing " + ", ".join(packages), flush=True)
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        sentence = "Not installed: " + " ".join(packages) + "."
        return done(["apt-get", "update", "-qq"], sentence) and done(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], sentence
        )
    for name, _, debian, mac, windows in missing:
        line = mac if sys.platform == "darwin" else windows if WINDOWS else "sudo apt-get install " + debian
        fail("Tests need " + name + ". Install it with: " + line)
    return False


def present(part, which):
    _, commands, _, _, _ = part
    if commands == ("tesseract",):
        return which("tesseract") is not None and spoken() >= LANGUAGES
    if commands:
        return any(which(command) for command in commands) or (commands[0] == "chromium" and chrome())
    if WINDOWS or sys.platform == "darwin":
        return True
    folders = (Path("/usr/share/fonts"), Path.home() / ".fonts", Path.home() / ".local/share/fonts")
    return any(folder.exists() and any(folder.rglob("*CJK*")) for folder in folders)


def chrome():
    """Is a Chromium where macOS and Windows keep it?"""
    if sys.platform == "darwin":
        return any(map(os.path.exists, ("/Applications/Chromium.app", "/Applications/Google Chrome.app")))
    programs = os.environ.get("PROGRAMFILES", "")
    return (Path(programs) / "Google/Chrome/Application/chrome.exe").exists()


def spoken():
    """The languages that Tesseract reads."""
    listed = subprocess.run(["tesseract", "--list-langs"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return set(listed.stdout.decode("utf-8", "replace").split())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
