"""The trash"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
IN_TRASH = sa.text("deleted_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("outputs", sa.Column("deleted_at", TIME, nullable=True))
    op.add_column("outputs", sa.Column("purge_started_at", TIME, nullable=True))
    op.add_column("photos", sa.Column("purge_started_at", TIME, nullable=True))
    for column in ("deleted_at", "id"):
        op.create_index(
            f"ix_outputs_trash_{column}",
            "outputs",
            [column],
            sqlite_where=IN_TRASH,
            postgresql_where=IN_TRASH,
        )
    # No table refers to calls: made anew on SQLite, it breaks no foreign key.
    with op.batch_alter_table("calls") as batch:
        batch.alter_column("output_id", existing_type=ID, nullable=True)
