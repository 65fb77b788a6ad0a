"""Text search, filters in the order of ids, and saved views"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.database.schema.finding import SEARCH_WORDS
from core.database.search import reindex

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
INDEXES = (
    ("state", "review"),
    ("provider",),
    ("model",),
    ("preset",),
    ("preset", "preset_version"),
    ("created_by",),
    ("cost_micros",),
)
OF_TASK = ("preset", "preset_version", "created_by")
AT_ONCE = 2_000


def upgrade() -> None:
    connection = op.get_bind()
    sqlite = connection.dialect.name == "sqlite"
    op.add_column("outputs", sa.Column("preset", sa.String(64), nullable=False, server_default=""))
    op.add_column("outputs", sa.Column("preset_version", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("outputs", sa.Column("created_by", sa.String(200), nullable=False, server_default=""))
    values = ", ".join(f"{name} = tasks.{name}" for name in OF_TASK)
    op.execute(f"UPDATE outputs SET {values} FROM tasks WHERE tasks.id = outputs.task_id")  # noqa: S608
    for columns in INDEXES:
        op.create_index(f"ix_outputs_{'_'.join(columns)}_id", "outputs", [*columns, "id"])
    op.create_table(
        "saved_views",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("query", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint("actor", "name", name=op.f("uq_saved_views_actor_name")),
    )
    op.create_table(
        "search_texts",
        sa.Column("output_id", ID, autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("words", sa.Text() if sqlite else postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(["output_id"], ["outputs.id"], name=op.f("fk_search_texts_output_id")),
        sa.PrimaryKeyConstraint("output_id", name=op.f("pk_search_texts")),
    )
    if sqlite:
        op.execute(SEARCH_WORDS)
    outputs = sa.table("outputs", sa.column("id"))
    last = 0
    while ids := connection.execute(
        sa.select(outputs.c.id).where(outputs.c.id > last).order_by(outputs.c.id).limit(AT_ONCE)
    ).scalars().all():  # fmt: skip
        reindex(connection, ids, tags=False)
        last = ids[-1]
    if not sqlite:
        # Last: one build is quicker than as many changes of it as there are rows.
        op.create_index("ix_search_texts_words", "search_texts", ["words"], postgresql_using="gin")
