"""The doctor: each part that fails has its line, its time and its remedy, in both languages."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core import clock, doctor, generation, language
from core import studio as studios
from core.console import said
from core.doctor import Finding
from core.errors import Auth, DatabaseTooNew, SettingsWrong, StorageUnavailable
from core.model import Health
from core.settings import Settings
from core.studio import Studio
from tests.browser import environment, free_port
from tests.conftest import BY, Scripted

Open = Callable[..., Studio]


def look(desk: Studio, part: str, *, write: bool = False) -> Finding:
    """What the doctor says of a part, and that the others are told as well."""
    findings = {finding.part: finding for finding in doctor.examine(desk, write=write)}
    assert {"settings", "database", "migrations", "storage", "provider", "clock", "disk"} <= set(findings)
    found = findings[part]
    assert found.ms >= 0
    for code in ("en", "zh"):
        words = language.words(code)
        if found.error:
            assert words.title(found.error)
            assert words.sentence(found.error, found.data)
        else:
            assert words(f"doctor.{part}.{found.code}", **found.data)
            remedy = f"doctor.{part}.{found.code}.remedy"
            assert found.health is Health.OK or words(remedy, **found.data)
    return found


def files(desk: Studio) -> list[Path]:
    return [path for path in desk.settings.upload_dir.rglob("*") if path.is_file()]


@pytest.fixture
def well(desk: Open) -> Studio:
    return desk(work=False)


def test_a_well_desk_is_well(well: Studio) -> None:
    findings = doctor.examine(well, write=True)
    assert {finding.health for finding in findings} == {Health.OK}, findings
    assert files(well) == []


def overwritten(desk: Studio) -> str:
    Path(desk.engine.url.database or "").write_bytes(b"this is no database" * 500)
    return "DatabaseCorrupt"


def replaced_by_a_folder(desk: Studio) -> str:
    path = Path(desk.engine.url.database or "")
    path.unlink()
    path.mkdir()
    return "DatabaseUnavailable"


def below_a_file(desk: Studio) -> str:
    path = Path(desk.engine.url.database or "")
    shutil.rmtree(path.parent)
    path.parent.write_text("a file in its place")
    return "DatabaseUnavailable"


@pytest.mark.parametrize("trouble", [overwritten, replaced_by_a_folder, below_a_file])
def test_a_database_that_fails_is_named(tmp_path: Path, desk: Open, trouble: Callable[[Studio], str]) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    opened = desk(work=False, database_url=f"sqlite:///{folder / 'desk.db'}")
    opened.engine.dispose()
    for beside in folder.glob("desk.db-*"):
        beside.unlink()
    kind = trouble(opened)
    for part in ("database", "migrations", "clock"):
        found = look(opened, part)
        assert (found.health, found.error) == (Health.FAILED, kind)
    assert look(opened, "storage").health is Health.OK
    assert doctor.readiness(opened)["database"] is Health.FAILED


def test_tables_that_are_behind_are_named(well: Studio) -> None:
    with sqlite3.connect(well.engine.url.database or "") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    connection.close()
    assert look(well, "migrations").health is Health.FAILED


def test_a_newer_database_is_left_alone(well: Studio) -> None:
    with sqlite3.connect(well.engine.url.database or "") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    connection.close()
    found = look(well, "migrations")
    assert (found.health, found.error) == (Health.FAILED, "DatabaseTooNew")
    assert doctor.readiness(well)["database"] is Health.FAILED
    well.engine.dispose()
    with pytest.raises(DatabaseTooNew):
        studios.prepare(well)


def test_a_folder_that_is_none_is_named(well: Studio) -> None:
    well.settings.upload_dir.write_text("a file in its place")
    for part in ("storage", "write"):
        found = look(well, part, write=True)
        assert (found.health, found.error) == (Health.FAILED, "StorageUnavailable"), found
    assert doctor.readiness(well)["storage"] is Health.FAILED


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A folder without space: a small disk where one may be mounted, else a limit of this process."""
    folder = tmp_path / "full"
    folder.mkdir()
    mounted = (
        shutil.which("mount")
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True
        ).returncode
    )
    if mounted:
        with pytest.raises(OSError, match="space"), (folder / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        yield folder
        subprocess.run(["umount", str(folder)], check=True)
    else:
        import resource

        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        yield folder
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_folder_is_named(full: Path, desk: Open) -> None:
    opened = desk(work=False, upload_dir=full / "media")
    for part in ("storage", "write"):
        found = look(opened, part, write=True)
        assert (found.health, found.error) == (Health.FAILED, "StorageFull")
    assert files(opened) == []


def test_a_disk_that_runs_low_is_named(well: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(well.settings.upload_dir.parent).free
    monkeypatch.setattr(doctor, "_LOW_DISK", free * 2)
    assert (look(well, "disk").health, look(well, "disk").code) == (Health.WARNING, "low")
    monkeypatch.setattr(doctor, "_NO_DISK", free * 2)
    assert (look(well, "disk").health, look(well, "disk").code) == (Health.FAILED, "full")


def test_a_clock_that_is_off_is_named(well: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    late = clock.now() + timedelta(seconds=90)
    monkeypatch.setattr(clock, "now", lambda: late)
    found = look(well, "clock")
    assert (found.health, found.code) == (Health.WARNING, "off")
    assert 80 < float(found.data["seconds"]) < 100


def test_a_misspelt_name_is_named(well: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R2_ACCES_KEY", "canary-in-the-mine")
    found = look(well, "settings")
    assert found.health is Health.WARNING
    assert "R2_ACCES_KEY" in str(said(found)["say"])
    assert "R2_ACCESS_KEY" in str(said(found)["remedy"])
    assert "canary" not in repr(found) + repr(said(found))


class Breaking:
    """A real store that breaks at one method of the write test."""

    def __init__(self, desk: Studio, method: str) -> None:
        self._store, self._method, self.name = desk.store, method, desk.store.name

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            self._method = ""

            def broken(*_: object, **__: object) -> None:
                raise StorageUnavailable("broken")

            return broken
        return getattr(self._store, name)


@pytest.mark.parametrize("method", ["put", "get", "list", "link"])
def test_the_write_test_leaves_nothing_when_it_fails(well: Studio, method: str) -> None:
    broken = replace(well, store=Breaking(well, method))  # type: ignore[arg-type]
    found = look(broken, "write", write=True)
    assert (found.health, found.error) == (Health.FAILED, "StorageUnavailable")
    assert files(well) == []


def test_a_test_picture_that_fails_says_why(desk: Open, scripted: Scripted) -> None:
    opened = desk(image_provider="gemini", gemini_api_key="k")
    scripted.script = [Auth()]
    found = doctor.generate_once(opened, by=BY)
    assert (found.health, found.error) == (Health.FAILED, "Auth")
    assert "The key was rejected" in str(said(found)["remedy"])
    assert doctor.generate_once(opened, by=BY).error == "Auth", "nobody asks with that key"
    assert len(scripted.asked) == 1 and generation.resume(opened, "gemini", by=BY)
    good = doctor.generate_once(opened, by=BY)
    assert (good.health, good.code) == (Health.OK, "ok")
    assert len(generation.view(opened, good.data["task"]).outputs) == 1


def run(
    house: Path, folder: Path, *words: str, before: Sequence[str] = (), **values: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, sys.executable, "-m", "core", *words],
        cwd=house,
        env=environment(folder, **values),
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("whole", [True, False], ids=["the folder", "the file"])
def test_what_may_not_be_written_is_named(
    house: Path, tmp_path: Path, cup: Path, as_somebody: list[str], whole: bool
) -> None:
    media, database = tmp_path / "media", tmp_path / "packshot.db"
    assert run(house, tmp_path, "doctor", "--write").returncode == 0
    media.mkdir(exist_ok=True)
    database.chmod(0o444)
    media.chmod(0o555)
    tmp_path.chmod(0o555 if whole else 0o755)
    try:
        done = run(house, tmp_path, "doctor", "--write", before=as_somebody)
        made = run(house, tmp_path, "generate", str(cup), "--preset", "in_use", before=as_somebody)
    finally:
        tmp_path.chmod(0o755)
        media.chmod(0o755)
    assert done.returncode == 1
    for sentence in (
        "Database read-only",
        "Packshot may not write to its database. Nothing was changed. Give it the right to write there.",
        "Storage read-only",
        "Packshot may not write to its folder. Nothing was kept. Give it the right to write there, then",
    ):
        assert sentence in done.stderr
    assert made.returncode == 1
    assert "read-only" in made.stderr
    assert "Traceback" not in done.stderr + made.stderr
    assert [path.name for path in media.rglob("*") if path.is_file()] == []


def test_no_secret_is_in_the_doctors_answer(house: Path, tmp_path: Path) -> None:
    names = [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]
    values = {name.upper(): f"canary-of-{name}-in-the-mine" for name in names}
    values["DATABASE_URL"] = "postgresql://canary:canary-of-database@127.0.0.1:1/canary?connect_timeout=1"
    done = run(house, tmp_path, "doctor", "--json", **values)
    assert done.returncode == 1
    assert '"DatabaseUnavailable"' in done.stdout
    assert "canary-of" not in done.stdout + done.stderr


@pytest.fixture
def own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`var/` of this test's own."""
    monkeypatch.setattr(studios, "ROOT", tmp_path)
    return tmp_path / "var" / "app_secret"


def test_a_secret_for_links_is_made_once_and_kept(own_root: Path, load: Callable[..., Settings]) -> None:
    first = studios.app_secret(load())
    assert len(first) >= 32
    assert studios.app_secret(load()) == first
    assert own_root.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in own_root.parent.iterdir()] == ["app_secret"]
    assert studios.app_secret(load(app_secret="one of the operator's own")) == "one of the operator's own"


@pytest.mark.parametrize("content", [b"", b"\n \n", b"short", b"\xff\xfe" * 20])
def test_a_damaged_secret_is_never_signed_with(
    own_root: Path, load: Callable[..., Settings], content: bytes
) -> None:
    own_root.parent.mkdir()
    own_root.write_bytes(content)
    with pytest.raises(SettingsWrong) as caught:
        studios.app_secret(load())
    ((name, sentence),) = caught.value.problems
    assert name == "APP_SECRET"
    assert sentence.startswith("is needed because var/app_secret ")
    assert own_root.read_bytes() == content


def test_a_secret_that_cannot_be_kept_is_asked_for(own_root: Path, load: Callable[..., Settings]) -> None:
    own_root.parent.write_text("a file in its place")
    with pytest.raises(SettingsWrong):
        studios.app_secret(load())


@pytest.fixture
def load() -> Callable[..., Settings]:
    from core.settings import load_settings

    return load_settings


def test_a_start_without_a_secret_is_one_sentence(house: Path, tmp_path: Path) -> None:
    var = house / "var"
    var.mkdir(exist_ok=True)
    secret = var / "app_secret"
    secret.write_text("")
    try:
        for command in (
            ["core", "doctor"],
            ["streamlit", "run", "app.py", "--server.port", str(free_port())],
        ):
            done = subprocess.run(
                [sys.executable, "-m", *command],
                cwd=house,
                env=environment(tmp_path, APP_SECRET=""),
                capture_output=True,
                text=True,
                timeout=60,
            )
            sentence = "APP_SECRET is needed because var/app_secret is damaged; or remove that file.\n"
            assert (done.returncode, done.stderr) == (1, sentence)
    finally:
        secret.unlink()
