"""What left the desk"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "exports",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=36), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=True),
        sa.Column("since", TIME, nullable=True),
        sa.Column("fresh", sa.Boolean(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("error_kind", sa.String(length=32), nullable=True),
        sa.Column("error_data", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
        sa.UniqueConstraint("key", name=op.f("uq_exports_key")),
    )
    op.create_index("ix_exports_actor_channel", "exports", ["actor", "channel"])
    op.create_table(
        "export_items",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("export_id", ID, nullable=False),
        sa.Column("output_id", ID, nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("error_kind", sa.String(length=32), nullable=True),
        sa.Column("error_data", JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["export_id"], ["exports.id"], name=op.f("fk_export_items_export_id_exports")
        ),
        sa.ForeignKeyConstraint(
            ["output_id"], ["outputs.id"], name=op.f("fk_export_items_output_id_outputs")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_items")),
        sa.UniqueConstraint("export_id", "output_id", name=op.f("uq_export_items_export_id_output_id")),
    )
    op.create_index("ix_export_items_output_id", "export_items", ["output_id"])
    # Everything approved since a day starts from here.
    op.create_index("ix_reviews_at", "reviews", ["at"])
