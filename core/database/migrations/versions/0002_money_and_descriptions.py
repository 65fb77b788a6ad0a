"""Money by day, providers that are left alone, and descriptions"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "descriptions",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=36), nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("model", sa.String(length=128), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sent_at", TIME, nullable=False),
        sa.Column("answered_at", TIME, nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("payer", sa.String(length=200), nullable=False),
        sa.Column("reserved_micros", sa.BigInteger(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=True),
        sa.Column("provider_request_id", sa.String(length=200), nullable=True),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_descriptions")),
        sa.UniqueConstraint("key", name=op.f("uq_descriptions_key")),
    )
    with op.batch_alter_table("descriptions") as batch:
        batch.create_index(batch.f("ix_descriptions_sha256"), ["sha256"])
    op.create_table(
        "provider_states",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("cooldown_until", TIME, nullable=True),
        sa.Column("stopped_kind", sa.String(length=32), nullable=True),
        sa.Column("stopped_data", JSON, nullable=False),
        sa.Column("stopped_until", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_states")),
        sa.UniqueConstraint("provider", name=op.f("uq_provider_states_provider")),
    )
    op.create_table(
        "spending",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("payer", sa.String(length=200), nullable=False),
        sa.Column("reserved_micros", sa.BigInteger(), nullable=False),
        sa.Column("spent_micros", sa.BigInteger(), nullable=False),
        sa.Column("possible_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spending")),
        sa.UniqueConstraint("day", "payer", name=op.f("uq_spending_day_payer")),
    )
    # Added in place, with defaults that stay: made anew, a table would break its foreign keys on SQLite.
    op.add_column("tasks", sa.Column("unpriced_ok", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("photos", sa.Column("description", JSON, nullable=True))
    op.add_column("outputs", sa.Column("request_key", sa.String(64), nullable=False, server_default=""))
    op.add_column("calls", sa.Column("day", sa.Date(), nullable=True))
    op.add_column("calls", sa.Column("payer", sa.String(200), nullable=False, server_default=""))
    op.add_column("calls", sa.Column("reserved_micros", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index("ix_outputs_request_key", "outputs", ["request_key"])
