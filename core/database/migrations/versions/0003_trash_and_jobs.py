"""The trash, tags, rules of keeping, and acts on many pictures"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
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
    op.create_table(
        "output_tags",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("output_id", ID, nullable=False),
        sa.Column("tag", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["output_id"], ["outputs.id"], name=op.f("fk_output_tags_output_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_output_tags")),
        sa.UniqueConstraint("output_id", "tag", name=op.f("uq_output_tags_output_id_tag")),
    )
    op.create_index("ix_output_tags_tag_output_id", "output_tags", ["tag", "output_id"])
    op.create_table(
        "retention_rules",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.Column("set_at", TIME, nullable=False),
        sa.Column("set_by", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_rules")),
        sa.UniqueConstraint("what", name=op.f("uq_retention_rules_what")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(36), nullable=False),
        sa.Column("verb", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("actor_name", sa.String(200), nullable=False),
        sa.Column("actor_role", sa.String(16), nullable=False),
        sa.Column("wanted", JSON, nullable=False),
        sa.Column("asked", JSON, nullable=False),
        sa.Column("up_to", sa.BigInteger(), nullable=False),
        sa.Column("seen_review", sa.BigInteger(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("undoes", ID, nullable=True),
        sa.Column("holder", sa.String(36), nullable=True),
        sa.Column("held_until", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("error_kind", sa.String(32), nullable=True),
        sa.ForeignKeyConstraint(["undoes"], ["jobs.id"], name=op.f("fk_jobs_undoes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("key", name=op.f("uq_jobs_key")),
    )
    op.create_index("ix_jobs_state_id", "jobs", ["state", "id"])
    op.create_index("ix_jobs_undoes", "jobs", ["undoes"])
    op.create_table(
        "job_items",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("output_id", ID, nullable=False),
        sa.Column("refused", sa.String(32), nullable=True),
        sa.Column("review_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_items_job_id")),
        sa.ForeignKeyConstraint(["output_id"], ["outputs.id"], name=op.f("fk_job_items_output_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_items")),
        sa.UniqueConstraint("job_id", "output_id", name=op.f("uq_job_items_job_id_output_id")),
    )
    op.create_index("ix_job_items_output_id", "job_items", ["output_id"])
