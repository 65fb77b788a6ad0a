"""Tags, and acts on many outputs at once."""

from __future__ import annotations

import sqlalchemy as sa

from core.database.columns import Id, Json
from core.database.schema.parts import identity, key, metadata, number, text, time, to

OPEN = "state IN ('waiting', 'running')"
"""Jobs that have something left to do, as the databases must read it."""

output_tags = sa.Table(
    "output_tags",
    metadata,
    identity(),
    to("output_id", "outputs", index=False),
    text("tag", 64),
    sa.UniqueConstraint("output_id", "tag"),
    sa.Index("ix_output_tags_tag_output_id", "tag", "output_id"),
)

jobs = sa.Table(
    "jobs",
    metadata,
    identity(),
    key(),
    text("state", 16),
    # Empty as long as the list is only frozen.
    text("act", 16),
    time("created_at"),
    text("actor", 200),
    text("actor_name", 200),
    text("actor_role", 16),
    sa.Column("asked", Json, nullable=False),
    number("total"),
    number("done"),
    sa.Column("skipped", Json, nullable=False),
    # The newest review when the list was frozen: later ones nobody has seen.
    number("seen"),
    number("place"),
    to("undoes", "jobs", nullable=True),
    text("holder", 36, nullable=True),
    time("held_until", nullable=True),
    time("begun_at", nullable=True),
    time("finished_at", nullable=True),
    sa.Index("ix_jobs_open", "id", sqlite_where=sa.text(OPEN), postgresql_where=sa.text(OPEN)),
    sa.Index("ix_jobs_actor_id", "actor", "id"),
)

job_items = sa.Table(
    "job_items",
    metadata,
    sa.Column("job_id", Id, sa.ForeignKey("jobs.id"), primary_key=True, autoincrement=False),
    sa.Column(
        "output_id", Id, sa.ForeignKey("outputs.id"), primary_key=True, autoincrement=False, index=True
    ),
    # What became of it: nothing yet, "done", or the kind of the error that left it as it was.
    text("outcome", 32, nullable=True),
    number("review_id", nullable=True),
)
