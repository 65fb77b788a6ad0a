"""Sums by day, and the sizes that they need"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for table in ("photos", "outputs"):
        op.add_column(table, sa.Column("thumb_bytes", sa.BigInteger(), nullable=True))
    op.add_column("calls", sa.Column("bytes", sa.BigInteger(), nullable=True))
    op.create_index("ix_reviews_actor_id", "reviews", ["actor", "id"])
    # Sums are of the days of TIMEZONE, which a migration doesn't know: the desk fills them when it opens.
    key = ("measure", "detail", "day", "preset", "version", "provider", "model", "store", "actor", "purged")
    once = {"rollups": [sa.UniqueConstraint(*key, name="uq_rollups_key")], "rollup_changes": []}
    for table, constraints in once.items():
        op.create_table(
            table,
            sa.Column("id", ID, autoincrement=True, nullable=False),
            sa.Column("measure", sa.String(length=16), nullable=False),
            sa.Column("detail", sa.String(length=64), nullable=False),
            sa.Column("day", sa.Date(), nullable=False),
            sa.Column("preset", sa.String(length=64), nullable=False),
            sa.Column("version", sa.BigInteger(), nullable=False),
            sa.Column("provider", sa.String(length=16), nullable=False),
            sa.Column("model", sa.String(length=128), nullable=False),
            sa.Column("store", sa.String(length=128), nullable=False),
            sa.Column("actor", sa.String(length=200), nullable=False),
            sa.Column("purged", sa.Boolean(), nullable=False),
            sa.Column("n", sa.BigInteger(), nullable=False),
            sa.Column("amount", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
            *constraints,
        )
