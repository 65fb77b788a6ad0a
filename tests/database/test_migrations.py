"""Tables of every version become this version's, on both databases, whoever starts first."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from core import clock
from core.database import migrate as migrating
from core.database import schema
from core.database.engine import make_engine, reading, writing
from core.database.migrate import HEAD, migrate, version
from core.database.url import normal
from tests.browser import ROOT, environment

KINDS = ["sqlite", "postgres"]


def config(connection: sa.Connection | None = None) -> Config:
    made = Config()
    folder = Path(migrating.__file__).parent / "migrations"
    made.set_main_option("script_location", folder.as_posix().replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


REVISIONS = [script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()][::-1]


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'packshot.db'}"
    else:
        server = request.getfixturevalue("postgres")
        url = server.empty()
        yield url
        server.drop(url)


@pytest.fixture
def engine(empty: str) -> Iterator[sa.Engine]:
    made = make_engine(normal(empty, Path()), pool_size=4)
    yield made
    made.dispose()


def a_row(table: sa.Table) -> dict[str, Any]:
    """Something that fits every column which must have a value, as that version has them."""
    known = {
        "state": "succeeded",
        "review": "to_review",
        "checks": "pending",
        "provider": "gemini",
        "what": "failed",
    }
    row: dict[str, Any] = {}
    for column in table.columns:
        own = column.primary_key and not column.foreign_keys
        if column.nullable or column.server_default is not None or own:
            continue
        kind = column.type
        if column.foreign_keys:
            row[column.name] = 1
        elif isinstance(kind, sa.JSON):
            row[column.name] = {"kept": "裏"}
        elif isinstance(kind, sa.DateTime):
            row[column.name] = clock.now()
        elif isinstance(kind, sa.Date):
            row[column.name] = clock.now().date()
        elif isinstance(kind, sa.Boolean):
            row[column.name] = True
        elif isinstance(kind, sa.Integer):
            row[column.name] = 1
        else:
            row[column.name] = known.get(column.name, "x")
    return row


@pytest.mark.parametrize("start", REVISIONS)
def test_every_earlier_version_comes_up_with_its_rows(engine: sa.Engine, start: str) -> None:
    with writing(engine) as connection:
        command.upgrade(config(connection), start)
    with writing(engine) as connection:
        then = sa.MetaData()
        # What lies under SQLite's search index is its own.
        then.reflect(connection, only=lambda name, _: not name.startswith("search_words"))
        for table in then.sorted_tables:
            if table.name != "alembic_version":
                connection.execute(sa.insert(table).values(a_row(table)))
    migrate(engine)
    assert version(engine) == HEAD
    with reading(engine) as connection:
        for table in then.sorted_tables:
            count = sa.select(sa.func.count()).select_from(sa.table(table.name))
            assert connection.execute(count).scalar_one() == 1, table.name
        if engine.dialect.name == "sqlite":
            assert connection.execute(sa.text("PRAGMA foreign_key_check")).all() == []
    migrate(engine)


def ours(_item: object, name: str | None, *_: object) -> bool:
    """Both databases have an index of words, each its own way."""
    return not str(name).startswith(("search_words", "ix_search_texts_words"))


def test_the_tables_are_those_of_the_schema(engine: sa.Engine) -> None:
    migrate(engine)
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": ours})
        assert compare_metadata(context, schema.metadata) == []
        found = sa.inspect(connection)
        for table in schema.metadata.sorted_tables:
            checks = {check["name"] for check in found.get_check_constraints(table.name)}
            own = {c.name for c in table.constraints if isinstance(c, sa.CheckConstraint)}
            assert checks == own, table.name


def test_a_migration_that_fails_leaves_what_was(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic.operations import Operations

    make = Operations.create_table

    def broken(self: Any, name: str, *columns: Any, **options: Any) -> Any:
        if name == "events":
            raise RuntimeError("the power went")
        return make(self, name, *columns, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Operations, "create_table", broken)
        with pytest.raises(RuntimeError):
            migrate(engine)
    assert sa.inspect(engine).get_table_names() == []
    migrate(engine)
    assert version(engine) == HEAD


def test_processes_that_start_at_once_are_fine(empty: str, tmp_path: Path) -> None:
    starts = [
        subprocess.Popen(
            [sys.executable, "-m", "core", "history", "--json"],
            cwd=ROOT,
            env=environment(tmp_path, DATABASE_URL=empty),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for start in starts:
        out, err = start.communicate(timeout=60)
        assert (start.returncode, err) == (0, "")
        assert json.loads(out) == []
    engine = make_engine(normal(empty, Path()), pool_size=1)
    with reading(engine) as connection:
        names = connection.execute(sa.select(schema.presets.c.name)).scalars().all()
    assert len(names) == len(set(names)) > 0
    engine.dispose()
