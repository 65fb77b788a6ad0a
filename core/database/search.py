"""The index of text search: kept true in the transaction that changes what it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from core.database.columns import storable
from core.database.schema import output_tags, outputs, photos, reviews, search_texts, search_words, tasks
from core.search import Question, folded, search_tokens

_AT_ONCE = 500
_LONGEST = 4_000
"""Characters that are kept of one text, for instance of a note."""


def reindex(connection: sa.Connection, output_ids: Sequence[int], *, tags: bool = True) -> None:
    """Make the index say what the rows of these outputs say: SKU, product name, file name, style,
    review notes and tags. Called after any of them is written, in the same transaction.

    `tags`: tables of an earlier version have none.
    """
    for some in _batches(output_ids):
        texts = _texts(connection, some, tags=tags)
        rows = [
            {"output_id": output_id, "text": storable(folded(text)), "words": search_tokens(text)}
            for output_id, text in texts.items()
        ]
        if connection.dialect.name == "sqlite":
            _reindex_sqlite(connection, some, rows)
        else:
            _reindex_postgres(connection, rows)


def forget(connection: sa.Connection, output_ids: Sequence[int]) -> None:
    """Take outputs out of the index, before their rows go."""
    for some in _batches(output_ids):
        if connection.dialect.name == "sqlite":
            _forget_words(connection, some)
        connection.execute(sa.delete(search_texts).where(search_texts.c.output_id.in_(some)))


def narrowed(
    connection: sa.Connection,
    statement: sa.Select[Any],
    at: sa.ColumnElement[int],
    question: Question,
    *,
    given: bool,
) -> sa.Select[Any]:
    """A select of `outputs` by candidates, with those only whose texts hold the question; `at` is a
    candidate's id. Where the index has `given` them, what it can't say is looked at: that long runs stand in
    one piece."""
    t = search_texts.c
    held: list[sa.ColumnElement[bool]] = [t.text.like(f"%{run}%") for run in question.runs]
    if not given:
        held += _holds(question) if connection.dialect.name == "sqlite" else [_matches(question)]
    if not held:
        return statement
    # Asked of one candidate at a time, before its row is read: a join may be read as a whole.
    of = sa.select(sa.and_(*held)).where(t.output_id == at).correlate_except(search_texts)
    return statement.where(of.scalar_subquery().is_(sa.true()))


def seldom(connection: sa.Connection, question: Question, most: int) -> bool:
    """Whether the index may give no more than `most`: Postgres knows roughly how often a word is met."""
    if connection.dialect.name == "sqlite":
        return True
    asked = "EXPLAIN (FORMAT JSON) SELECT FROM search_texts WHERE words @@ CAST(:asked AS TSQUERY)"
    plan = connection.execute(sa.text(asked), {"asked": _tsquery(question)}).scalar_one()
    return bool(plan[0]["Plan"]["Plan Rows"] <= most)


def ids(connection: sa.Connection, question: Question) -> tuple[sa.Select[Any], sa.ColumnElement[int]]:
    """Outputs that the index gives for a question, not yet `narrowed`, and the column that holds their ids.

    SQLite gives them in the order of their ids, either way; Postgres in none.
    """
    if connection.dialect.name == "sqlite":
        at = search_words.c.rowid
        wanted = [f'"{word}"' for word in question.words] + [f'"{word}"*' for word in question.beginnings]
        match = sa.literal_column("search_words").op("MATCH", is_comparison=True)(" AND ".join(wanted))
        return sa.select(at.label("id")).where(match), at
    column = search_texts.c.output_id
    return sa.select(column.label("id")).where(_matches(question)), column


def _holds(question: Question) -> list[sa.ColumnElement[bool]]:
    # Tokens hold neither % nor _.
    wanted = [f"% {word} %" for word in question.words] + [f"% {part}%" for part in question.beginnings]
    return [search_texts.c.words.like(one) for one in wanted]


def _matches(question: Question) -> sa.ColumnElement[bool]:
    asked = sa.cast(sa.literal(_tsquery(question), sa.Text), postgresql.TSQUERY)
    return search_texts.c.words.op("@@", is_comparison=True)(asked)


def _tsquery(question: Question) -> str:
    wanted = [f"'{word}'" for word in question.words] + [f"'{part}':*" for part in question.beginnings]
    return " & ".join(wanted)


def _texts(connection: sa.Connection, output_ids: Sequence[int], *, tags: bool) -> dict[int, str]:
    statement = (
        sa.select(outputs.c.id, photos.c.sku, photos.c.product_name, photos.c.original_name, tasks.c.style)
        .join(photos, photos.c.id == outputs.c.photo_id)
        .join(tasks, tasks.c.id == outputs.c.task_id)
        .where(outputs.c.id.in_(output_ids))
    )
    parts = {row[0]: list(row[1:]) for row in connection.execute(statement)}
    r = reviews.c
    said = sa.select(r.output_id, r.note).where(r.output_id.in_(output_ids), r.note != "")
    for output_id, text in connection.execute(said.order_by(r.id)):
        parts[output_id].append(text)
    if tags:
        t = output_tags.c
        tagged = sa.select(t.output_id, t.tag).where(t.output_id.in_(output_ids))
        for output_id, tag in connection.execute(tagged.order_by(t.id)):
            parts[output_id].append(tag)
    # No run of one text goes on in the next.
    return {output_id: "\n".join(text[:_LONGEST] for text in texts) for output_id, texts in parts.items()}


def _reindex_sqlite(connection: sa.Connection, output_ids: Sequence[int], rows: list[dict[str, Any]]) -> None:
    _forget_words(connection, output_ids)
    if not rows:
        return
    rows = [row | {"words": f" {' '.join(row['words'])} "} for row in rows]
    insert = sqlite.insert(search_texts)
    changed = {"text": insert.excluded.text, "words": insert.excluded.words}
    connection.execute(insert.on_conflict_do_update(index_elements=["output_id"], set_=changed), rows)
    say = [{"id": row["output_id"], "words": row["words"]} for row in rows]
    connection.execute(sa.text("INSERT INTO search_words (rowid, words) VALUES (:id, :words)"), say)


def _forget_words(connection: sa.Connection, output_ids: Sequence[int]) -> None:
    old = sa.select(search_texts.c.output_id, search_texts.c.words).where(
        search_texts.c.output_id.in_(output_ids)
    )
    if say := [{"id": row.output_id, "words": row.words} for row in connection.execute(old)]:
        delete = "INSERT INTO search_words (search_words, rowid, words) VALUES ('delete', :id, :words)"
        connection.execute(sa.text(delete), say)


def _reindex_postgres(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    tokens = sa.bindparam("tokens", type_=postgresql.ARRAY(sa.Text))
    insert = postgresql.insert(search_texts).values(words=sa.func.array_to_tsvector(tokens))
    changed = {"text": insert.excluded.text, "words": insert.excluded.words}
    statement = insert.on_conflict_do_update(index_elements=["output_id"], set_=changed)
    values = [
        {"output_id": row["output_id"], "text": row["text"], "tokens": list(row["words"])} for row in rows
    ]
    connection.execute(statement, values)


def _batches(output_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    # In one order, so that two who change the same rows wait for each other.
    whole = sorted(set(output_ids))
    for at in range(0, len(whole), _AT_ONCE):
        yield whole[at : at + _AT_ONCE]
