"""How long pictures are kept, since when each is as it is, and whose turn it is to look after that"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
TIME = sa.DateTime(timezone=True)
KEPT = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    op.add_column("outputs", sa.Column("touched_at", TIME, nullable=True))
    op.execute(
        "UPDATE outputs SET touched_at = (SELECT max(at) FROM reviews WHERE reviews.output_id = outputs.id) "
        "WHERE id IN (SELECT output_id FROM reviews)"
    )
    op.create_index(
        "ix_outputs_ageing",
        "outputs",
        ["state", "review", "finished_at", "id"],
        sqlite_where=KEPT,
        postgresql_where=KEPT,
    )
    op.create_table(
        "retention_rules",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=True),
        sa.Column("set_at", TIME, nullable=False),
        sa.Column("set_by", sa.String(200), nullable=False),
        sa.CheckConstraint(
            "what IN ('failed', 'rejected', 'to_review', 'approved')", name=op.f("ck_retention_rules_what")
        ),
        sa.CheckConstraint("days >= 1 AND days <= 36500", name=op.f("ck_retention_rules_days")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_rules")),
        sa.UniqueConstraint("what", name=op.f("uq_retention_rules_what")),
    )
    op.create_table(
        "upkeep",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("store", sa.String(128), nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=True),
        sa.Column("last_by", sa.String(200), nullable=True),
        sa.Column("last", JSON, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upkeep")),
        sa.UniqueConstraint("store", name=op.f("uq_upkeep_store")),
    )
