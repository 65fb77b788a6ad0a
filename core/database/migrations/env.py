"""Alembic's entry: runs on the connection that `core.database.migrate` hands over."""

from alembic import context

from core.database.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
