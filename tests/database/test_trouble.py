"""Databases that can't be used: the right kind, a sentence in both languages, nothing half-written."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import doctor, generation, language
from core.database.engine import facts, make_engine, reading, writing
from core.database.migrate import migrate
from core.database.url import normal
from core.errors import (
    DatabaseBehind,
    DatabaseCorrupt,
    DatabaseCrowded,
    DatabaseError,
    DatabaseFull,
    DatabaseHostUnknown,
    DatabaseMissing,
    DatabaseReadOnly,
    DatabaseRefused,
    DatabaseTaken,
    DatabaseTooNew,
    DatabaseUnavailable,
)
from core.model import Health
from core.settings import load_settings
from core.studio import Studio, open_studio
from tests.browser import free_port
from tests.conftest import BY, on_both, order, upload
from tests.parts.postgres import PASSWORD, Postgres

Open = Callable[..., Studio]
only_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@contextmanager
def engine_of(url: str) -> Iterator[sa.Engine]:
    made = make_engine(normal(url, Path()), pool_size=2)
    try:
        yield made
    finally:
        made.dispose()


def told(error: DatabaseError) -> None:
    """It has a remedy in both languages, and nothing of its text is secret."""
    for code in language.LANGUAGES:
        assert language.words(code).error(error)
    for text in (str(error), repr(error), *map(str, error.data.values())):
        assert PASSWORD not in text and "postgresql" not in text and "wrong-one" not in text


WAYS = {
    "wrong password": ("wrong-one", "{name}", DatabaseRefused),
    "no such database": (PASSWORD, "no_such_one", DatabaseMissing),
    "another's database": (PASSWORD, "others", DatabaseRefused),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_url_is_told_by_its_reason(postgres: Postgres, way: str) -> None:
    password, database, kind = WAYS[way]
    url = postgres.fresh()
    if database == "others":
        postgres.admin("CREATE DATABASE others")
        postgres.admin("REVOKE CONNECT ON DATABASE others FROM PUBLIC")
    wrong = postgres.url(database.format(name=url.rpartition("/")[2]), password=password)
    with engine_of(wrong) as engine, pytest.raises(DatabaseError) as raised:
        facts(engine)
    assert type(raised.value) is kind
    told(raised.value)
    postgres.drop(url)
    postgres.admin("DROP DATABASE IF EXISTS others")


def test_a_role_or_host_or_port_that_is_not_there(postgres: Postgres) -> None:
    url = postgres.empty()
    for wrong, kind in (
        (url.replace("packshot:", "nobody-here:"), DatabaseRefused),
        (url.replace("127.0.0.1", "no-such-host.invalid"), DatabaseHostUnknown),
        (url.replace(str(postgres.port), str(free_port())), DatabaseUnavailable),
    ):
        with engine_of(wrong) as engine, pytest.raises(DatabaseError) as raised:
            facts(engine)
        assert type(raised.value) is kind
        told(raised.value)
    postgres.drop(url)


def test_what_listens_there_may_be_no_postgres(postgres: Postgres) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        wrong = postgres.url("x").replace(str(postgres.port), str(port)) + "?connect_timeout=2"
        with engine_of(wrong) as engine, pytest.raises(DatabaseUnavailable):
            facts(engine)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg2"])
@pytest.mark.parametrize("options", ["", "?sslmode=disable&application_name=a%20b", "?ssl=false"])
def test_every_form_of_url_connects(postgres: Postgres, scheme: str, options: str) -> None:
    _, _, rest = postgres.url("postgres").partition("://")
    settings = load_settings(database_url=f"{scheme}://{rest}{options}")
    with engine_of(settings.database_url.get_secret_value()) as engine:
        assert facts(engine).kind == "Postgres"
        assert int(facts(engine).version.split(".")[0]) >= 12
        assert "***" in repr(engine) and PASSWORD not in repr(engine)


def test_no_connection_left(postgres: Postgres) -> None:
    url = postgres.empty()
    name = url.rpartition("/")[2]
    postgres.admin(f"ALTER DATABASE {name} CONNECTION LIMIT 1")
    with engine_of(url) as first, engine_of(url) as second, reading(first):
        with pytest.raises(DatabaseCrowded) as raised:
            facts(second)
        told(raised.value)
    postgres.drop(url)


def test_a_full_pool_is_no_mistake(tmp_path: Path) -> None:
    engine = sa.create_engine(
        f"sqlite:///{tmp_path / 'x.db'}",
        poolclass=sa.QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=0.1,
    )
    with reading(engine), pytest.raises(DatabaseCrowded), reading(engine):
        pass
    engine.dispose()


@only_postgres
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("53100", DatabaseFull),
        ("25006", DatabaseReadOnly),
        ("42501", DatabaseReadOnly),
        ("XX001", DatabaseCorrupt),
        ("57P01", DatabaseUnavailable),
        ("57P03", DatabaseUnavailable),
        ("53300", DatabaseCrowded),
        ("08006", DatabaseUnavailable),
        ("42P01", DatabaseBehind),
    ],
)
def test_what_the_server_says_has_its_kind(database_url: str, code: str, kind: type[DatabaseError]) -> None:
    says = f"DO $$ BEGIN RAISE EXCEPTION 'so it is' USING ERRCODE = '{code}'; END $$"
    with (
        engine_of(database_url) as engine,
        pytest.raises(DatabaseError) as raised,
        writing(engine) as connection,
    ):
        connection.execute(sa.text(says))
    assert type(raised.value) is kind


@only_postgres
def test_a_server_that_only_reads(desk: Open, postgres: Postgres, database_url: str, photo: bytes) -> None:
    opened = desk(work=False)
    name = database_url.rpartition("/")[2]
    postgres.admin(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    opened.engine.dispose()
    with pytest.raises(DatabaseReadOnly) as raised:
        generation.submit(opened, [upload(photo)], order(), by=BY)
    told(raised.value)
    assert opened.store.list().objects == ()


def test_a_role_that_may_not_make_tables(postgres: Postgres) -> None:
    url = postgres.empty()
    name = url.rpartition("/")[2]
    postgres.admin(f"ALTER DATABASE {name} OWNER TO admin")
    with engine_of(url) as engine, pytest.raises(DatabaseReadOnly):
        migrate(engine)
    postgres.drop(url)


@on_both
def test_the_doctor_knows_its_database(desk: Open) -> None:
    opened = desk(work=False)
    found = {finding.part: finding for finding in doctor.examine(opened)}
    database, tables = found["database"], found["migrations"]
    assert (database.health, tables.health) == (Health.OK, Health.OK)
    assert database.data["kind"] == {"sqlite": "SQLite", "postgresql": "Postgres"}[opened.engine.dialect.name]
    assert database.data["version"][0].isdigit()
    assert tables.data["version"].isdigit()
    assert doctor.readiness(opened)["database"] is Health.OK


@only_postgres
def test_the_doctor_says_what_is_wrong(
    desk: Open, postgres: Postgres, database_url: str, tmp_path: Path
) -> None:
    opened = desk(work=False)
    with postgres.away():
        found = {finding.part: finding for finding in doctor.examine(opened)}
    assert found["database"].error == found["migrations"].error == "DatabaseUnavailable"
    wrong = database_url.replace(":" + database_url.split(":")[2].partition("@")[0], ":wrong-one")
    settings = load_settings(
        database_url=wrong, upload_dir=tmp_path / "media", app_secret="a secret for tests"
    )
    with open_studio(settings, work=False) as refused:
        found = {finding.part: finding for finding in doctor.examine(refused)}
        assert found["database"].error == "DatabaseRefused"
        assert "wrong-one" not in str(found)
        assert doctor.readiness(refused)["database"] is Health.FAILED


TABLES_OF_OTHERS: dict[str, tuple[list[str], type[DatabaseError]]] = {
    "a newer Packshot": (["UPDATE alembic_version SET version_num = '9999'"], DatabaseTooNew),
    "another program": (["UPDATE alembic_version SET version_num = 'ae1027a6acf1'"], DatabaseTaken),
}


@on_both
@pytest.mark.parametrize("whose", TABLES_OF_OTHERS)
def test_tables_of_others_are_left_alone(desk: Open, photo: bytes, whose: str) -> None:
    statements, kind = TABLES_OF_OTHERS[whose]
    opened = desk(work=False)
    with writing(opened.engine) as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    with pytest.raises(DatabaseError) as raised:
        generation.submit(opened, [upload(photo)], order(), by=BY)
    assert type(raised.value) is kind
    told(raised.value)
    with pytest.raises(kind):
        migrate(opened.engine)
    assert opened.store.list().objects == ()
    assert {f.part: f.error for f in doctor.examine(opened)}["migrations"] == kind.__name__
    assert doctor.readiness(opened)["database"] is Health.FAILED


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_database_of_another_program_gets_no_tables(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    server = request.getfixturevalue("postgres") if kind == "postgres" else None
    url = server.empty() if server else f"sqlite:///{tmp_path / 'other.db'}"
    with engine_of(url) as engine:
        with writing(engine) as connection:
            connection.execute(sa.text("CREATE TABLE tasks (id varchar(36), progress integer)"))
        with pytest.raises(DatabaseTaken):
            migrate(engine)
        assert sa.inspect(engine).get_table_names() == ["tasks"]
    if server:
        server.drop(url)


def damaged(whole: Path) -> dict[str, bytes]:
    data = whole.read_bytes()
    return {
        "no database": b"This is a letter, not a database.\n" * 200,
        "an image": b"\x89PNG\r\n\x1a\n" + os.urandom(4096),
        "cut": data[: len(data) // 2 + 100],
        "overwritten": data[:4096] + b"\xff" * (len(data) - 4096),
    }


@pytest.mark.parametrize("how", ["no database", "an image", "cut", "overwritten"])
def test_a_damaged_file_is_said_and_left_as_it_is(desk: Open, photo: bytes, tmp_path: Path, how: str) -> None:
    whole = tmp_path / "whole.db"
    with engine_of(f"sqlite:///{whole}") as engine:
        migrate(engine)
    file = tmp_path / "packshot.db"
    bad = damaged(whole)[how]
    file.write_bytes(bad)
    opened = desk(work=False)
    with pytest.raises(DatabaseCorrupt) as raised:
        generation.submit(opened, [upload(photo)], order(), by=BY)
    told(raised.value)
    assert file.read_bytes() == bad
    assert opened.store.list().objects == ()
    assert doctor.readiness(opened)["database"] is Health.FAILED


def test_a_full_disk_leaves_nothing_half_written(desk: Open, photo: bytes) -> None:
    opened = desk(work=False)

    def no_more(connection: Any, _record: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    opened.engine.dispose()
    sa.event.listen(opened.engine, "connect", no_more)
    with pytest.raises(DatabaseFull) as raised:
        for _ in range(50):
            wanted = order(outputs=10, style="x" * 2000)
            generation.submit(opened, [upload(photo)], wanted, by=BY, again=True)
    told(raised.value)
    sa.event.remove(opened.engine, "connect", no_more)
    opened.engine.dispose()
    with reading(opened.engine) as connection:
        assert connection.execute(sa.text("PRAGMA integrity_check")).scalar() == "ok"
        photos = connection.execute(sa.text("SELECT count(*) FROM photos")).scalar_one()
        outputs = connection.execute(sa.text("SELECT count(*) FROM outputs")).scalar_one()
    assert outputs == photos * 10
    assert len(opened.store.list("input/").objects) == photos


@contextmanager
def nobody(folder: Path) -> Iterator[None]:
    """For root nothing is read-only: the block runs as someone else."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        yield
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("what", ["file", "folder", "folder without a file", "no folder"])
def test_a_place_that_can_only_be_read(what: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="packshot-read-only-"))
    file = folder / "deeper" / "packshot.db" if what == "no folder" else folder / "packshot.db"
    try:
        if what in ("file", "folder"):
            with engine_of(f"sqlite:///{file}") as engine:
                migrate(engine)
            assert not file.with_name("packshot.db-wal").exists()
        with nobody(folder):
            if what == "file":
                file.chmod(0o444)
            else:
                folder.chmod(0o555)
            with engine_of(f"sqlite:///{file}") as engine, pytest.raises(DatabaseReadOnly) as raised:
                migrate(engine)
                with writing(engine) as connection:
                    connection.execute(sa.text("DELETE FROM events"))
        told(raised.value)
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)
