"""Bring the tables up to this version, once, whoever starts first."""

from __future__ import annotations

import re
from pathlib import Path

import sqlalchemy as sa

from core.database.engine import reading, writing
from core.errors import DatabaseBehind, DatabaseError, DatabaseTaken, DatabaseTooNew

HEAD = "0012"
"""The newest revision under `migrations/versions`."""

_LOCK = 0x7061636B
_FOLDER = Path(__file__).parent / "migrations"


def migrate(engine: sa.Engine) -> None:
    """Run what is missing under a lock. Two processes that start at once are fine.

    Raises DatabaseError kinds; DatabaseTooNew when a newer version was here,
    DatabaseTaken when another program's tables are.
    """
    if version(engine) == HEAD:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", _FOLDER.as_posix().replace("%", "%%"))
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as exc:
            raise _unknown(version_of(connection)) from exc


def require(connection: sa.Connection) -> None:
    """Raises DatabaseBehind, DatabaseTooNew or DatabaseTaken when the tables are not this version's."""
    found = version_of(connection)
    if found is None or found in known():
        if found != HEAD:
            raise DatabaseBehind()
    else:
        raise _unknown(found)


def _unknown(found: str | None) -> DatabaseError:
    """The error for a revision that this version doesn't have: ours are four digits."""
    return DatabaseTooNew() if found and re.fullmatch("[0-9]{4}", found) else DatabaseTaken()


def known() -> set[str]:
    """All revisions of this version."""
    return {path.name[:4] for path in (_FOLDER / "versions").glob("[0-9]*.py")}


def version(engine: sa.Engine) -> str | None:
    """The revision of the database; None when it is empty."""
    with reading(engine) as connection:
        return version_of(connection)


def version_of(connection: sa.Connection) -> str | None:
    """The same on an open connection."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
