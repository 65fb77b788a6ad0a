"""Tags, and acts on many outputs at once"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
TIME = sa.DateTime(timezone=True)
OPEN = sa.text("state IN ('waiting', 'running')")


def upgrade() -> None:
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
        "jobs",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(36), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("actor_name", sa.String(200), nullable=False),
        sa.Column("actor_role", sa.String(16), nullable=False),
        sa.Column("asked", JSON, nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("skipped", JSON, nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("undoes", ID, nullable=True),
        sa.Column("holder", sa.String(36), nullable=True),
        sa.Column("held_until", TIME, nullable=True),
        sa.Column("begun_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["undoes"], ["jobs.id"], name=op.f("fk_jobs_undoes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("key", name=op.f("uq_jobs_key")),
    )
    op.create_index("ix_jobs_undoes", "jobs", ["undoes"])
    op.create_index("ix_jobs_actor_id", "jobs", ["actor", "id"])
    op.create_index("ix_jobs_open", "jobs", ["id"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_table(
        "job_items",
        sa.Column("job_id", ID, autoincrement=False, nullable=False),
        sa.Column("output_id", ID, autoincrement=False, nullable=False),
        sa.Column("outcome", sa.String(32), nullable=True),
        sa.Column("review_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_items_job_id")),
        sa.ForeignKeyConstraint(["output_id"], ["outputs.id"], name=op.f("fk_job_items_output_id")),
        sa.PrimaryKeyConstraint("job_id", "output_id", name=op.f("pk_job_items")),
    )
    op.create_index("ix_job_items_output_id", "job_items", ["output_id"])
