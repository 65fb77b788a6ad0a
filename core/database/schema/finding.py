"""What text search finds outputs by."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from core.database.columns import Id
from core.database.schema.parts import metadata, text

Words = sa.Text().with_variant(postgresql.TSVECTOR, "postgresql")

search_texts = sa.Table(
    "search_texts",
    metadata,
    sa.Column("output_id", Id, sa.ForeignKey("outputs.id"), primary_key=True, autoincrement=False),
    text("text"),
    # On SQLite between spaces, as they went into the index: it can only forget what it is told again.
    sa.Column("words", Words, nullable=False),
)

search_words = sa.table("search_words", sa.column("rowid", sa.Integer), sa.column("words", sa.Text))
"""The index of SQLite, whose `rowid` is the output's id; Postgres has ix_search_texts_words, of GIN."""

SEARCH_WORDS = (
    "CREATE VIRTUAL TABLE search_words USING fts5"
    "(words, content='', detail=none, tokenize='ascii', prefix='3 4')"
)
