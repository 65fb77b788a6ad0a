"""Bring the tables up to this version, once, whoever starts first."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from core.database.engine import reading, writing
from core.errors import DatabaseTooNew

HEAD = "0001"
"""The newest revision under `migrations/versions`."""

_LOCK = 0x7061636B
_FOLDER = Path(__file__).parent / "migrations"


def migrate(engine: sa.Engine) -> None:
    """Run what is missing under a lock. Two processes that start at once are fine.

    Raises DatabaseError kinds; DatabaseTooNew when a newer version was here.
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
            raise DatabaseTooNew() from exc


def version(engine: sa.Engine) -> str | None:
    """The revision of the database; None when it is empty."""
    with reading(engine) as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
