"""Judging: the queue, who looks at what, and what an approval for a channel was based on"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
TIME = sa.DateTime(timezone=True)
WAITING = "review = 'to_review' AND state = 'succeeded' AND deleted_at IS NULL"
FLAGGED = {"sqlite": "flagged = 1", "postgresql": "flagged"}


def upgrade() -> None:
    op.add_column("reviews", sa.Column("act", sa.String(36), nullable=False, server_default=""))
    op.add_column("reviews", sa.Column("sitting", sa.String(36), nullable=False, server_default=""))
    op.add_column("reviews", sa.Column("actor_name", sa.String(200), nullable=False, server_default=""))
    op.add_column("reviews", sa.Column("channel", sa.String(64), nullable=True))
    op.add_column("reviews", sa.Column("override", sa.Text(), nullable=False, server_default=""))
    op.add_column("reviews", sa.Column("findings", JSON, nullable=False, server_default="[]"))
    op.add_column("outputs", sa.Column("review_id", sa.BigInteger(), nullable=True))
    op.add_column("outputs", sa.Column("flagged", sa.Boolean(), nullable=False, server_default=sa.false()))
    index("ix_outputs_flagged_id", ["id"], {name: sa.text(text) for name, text in FLAGGED.items()})
    index("ix_outputs_waiting", ["photo_id", "variant"])
    index(
        "ix_outputs_waiting_flagged",
        ["photo_id", "variant"],
        {name: sa.text(f"{WAITING} AND {text}") for name, text in FLAGGED.items()},
    )
    for column in ("preset", "created_by"):
        index(f"ix_outputs_waiting_{column}", [column, "photo_id", "variant"])
    op.create_table(
        "claims",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("output_id", ID, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("actor_name", sa.String(200), nullable=False),
        sa.Column("sitting", sa.String(36), nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["output_id"], ["outputs.id"], name=op.f("fk_claims_output_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claims")),
        sa.UniqueConstraint("output_id", name=op.f("uq_claims_output_id")),
        sa.UniqueConstraint("actor", "sitting", name=op.f("uq_claims_actor_sitting")),
    )
    op.create_index("ix_claims_until", "claims", ["until"])


def index(name: str, columns: list[str], where: dict[str, sa.TextClause] | None = None) -> None:
    where = where or dict.fromkeys(("sqlite", "postgresql"), sa.text(WAITING))
    op.create_index(
        name, "outputs", columns, sqlite_where=where["sqlite"], postgresql_where=where["postgresql"]
    )
