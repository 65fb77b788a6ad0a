"""Statements of acts on many outputs: a frozen list, who works on it, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from core.database.schema import job_items, jobs, outputs, reviews, tasks
from core.database.schema.bulk import OPEN
from core.model import OutputState

DRAFT, WAITING, RUNNING, FINISHED, STOPPED, BROKEN = (
    "draft", "waiting", "running", "finished", "stopped", "broken",
)  # fmt: skip
DONE = "done"
"""The outcome of an output that was changed."""
_MANY = 500
"""Values of one IN list."""

_j, _i, _o = jobs.c, job_items.c, outputs.c


def insert(connection: sa.Connection, values: Mapping[str, Any]) -> int:
    """Insert a job; returns its id."""
    start = {"state": DRAFT, "act": "", "asked": {}, "total": 0, "done": 0, "skipped": {}, "place": 0}
    statement = sa.insert(jobs).values({**start, "seen": newest_review(connection), **values})
    return int(connection.execute(statement.returning(_j.id)).scalar_one())


def newest_review(connection: sa.Connection) -> int:
    """The id of the review that was written last; 0 where there is none."""
    return int(connection.execute(sa.select(sa.func.max(reviews.c.id))).scalar() or 0)


def by_key(connection: sa.Connection, key: str) -> Any | None:
    """The row of a job."""
    if not (key.isascii() and key.isprintable()):
        return None
    return connection.execute(sa.select(jobs).where(_j.key == key)).first()


def by_id(connection: sa.Connection, job_id: int) -> Any:
    return connection.execute(sa.select(jobs).where(_j.id == job_id)).one()


def undo_of(connection: sa.Connection, job_id: int) -> Any | None:
    """The job that undoes this one."""
    return connection.execute(sa.select(jobs).where(_j.undoes == job_id)).first()


def newest_open(connection: sa.Connection, actor: str) -> Any | None:
    """What an actor began last and is not over."""
    statement = sa.select(jobs).where(sa.text(OPEN), _j.actor == actor)
    return connection.execute(statement.order_by(_j.id.desc()).limit(1)).first()


def change(connection: sa.Connection, key: str, states: Sequence[str], values: Mapping[str, Any]) -> bool:
    """Set values of a job while it is in one of `states`."""
    statement = sa.update(jobs).where(_j.key == key, _j.state.in_(states)).values(values)
    return connection.execute(statement).rowcount == 1


def lock(connection: sa.Connection, key: str) -> None:
    """Keep others from changing a job until this transaction ends."""
    connection.execute(sa.select(_j.id).where(_j.key == key).with_for_update())


def ids_of(connection: sa.Connection, keys: Sequence[str]) -> list[int]:
    """The outputs of these keys that are not in the trash."""
    found: list[int] = []
    for start in range(0, len(keys), _MANY):
        few = keys[start : start + _MANY]
        found += connection.execute(
            sa.select(_o.id).where(_o.key.in_(few), _o.deleted_at.is_(None))
        ).scalars()
    return sorted(found)


def add_items(connection: sa.Connection, job_id: int, output_ids: Sequence[int]) -> None:
    """Put outputs on the list of a job; one that is on it already stays there once."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    rows = [{"job_id": job_id, "output_id": output_id} for output_id in output_ids]
    if rows:
        connection.execute(insert(job_items).on_conflict_do_nothing(), rows)


def count(connection: sa.Connection, job_id: int) -> int:
    """How many outputs are on the list of a job."""
    statement = sa.select(sa.func.count()).select_from(job_items).where(_i.job_id == job_id)
    return int(connection.execute(statement).scalar_one())


def copy_done(connection: sa.Connection, source: int, target: int) -> None:
    """Put on the list of one job what another changed, with the reviews it wrote."""
    done = sa.select(sa.literal(target), _i.output_id, _i.review_id).where(
        _i.job_id == source, _i.outcome == DONE
    )
    connection.execute(sa.insert(job_items).from_select(["job_id", "output_id", "review_id"], done))


def standings(connection: sa.Connection, job_id: int) -> list[Any]:
    """How the outputs of a list stand: n by (state, review, deleted)."""
    deleted = _o.deleted_at.is_not(None).label("deleted")
    statement = (
        sa.select(_o.state, _o.review, deleted, sa.func.count().label("n"))
        .join(job_items, _i.output_id == _o.id)
        .where(_i.job_id == job_id)
        .group_by(_o.state, _o.review, deleted)
    )
    return list(connection.execute(statement))


def failed(connection: sa.Connection, job_id: int) -> list[Any]:
    """What of a list may be asked for again, as n by (provider, model, size, unpriced_ok)."""
    t = tasks.c
    by = (_o.provider, _o.model, t.size, t.unpriced_ok)
    statement = (
        sa.select(*by, sa.func.count().label("n"))
        .join(job_items, _i.output_id == _o.id)
        .join(tasks, t.id == _o.task_id)
        .where(_i.job_id == job_id, _o.state == OutputState.FAILED, _o.deleted_at.is_(None), _not_kept())
        .group_by(*by)
    )
    return list(connection.execute(statement))


def _not_kept() -> sa.ColumnElement[bool]:
    """No paid answer of an output waits for the store."""
    kept: sa.ColumnElement[bool] = _o.error_data["kept"].as_boolean().is_not(sa.true())
    return kept


def keys_of(
    connection: sa.Connection, job_id: int, *, review: str | None = None, limit: int | None = None
) -> list[str]:
    """The keys of the outputs of a list, newest first, or of those in a state of review."""
    statement = sa.select(_o.key).join(job_items, _i.output_id == _o.id).where(_i.job_id == job_id)
    if review is not None:
        statement = statement.where(_o.review == review)
    return list(connection.execute(statement.order_by(_o.id.desc()).limit(limit)).scalars())


def drop(connection: sa.Connection, job_ids: Sequence[int]) -> None:
    """Forget lists that were frozen and never worked on."""
    few = sa.select(_j.id).where(_j.id.in_(job_ids), _j.state == DRAFT)
    connection.execute(sa.delete(job_items).where(_i.job_id.in_(few)))
    connection.execute(sa.delete(jobs).where(_j.id.in_(job_ids), _j.state == DRAFT))


def drafts(connection: sa.Connection, before: datetime, limit: int) -> list[int]:
    """Lists that were frozen before then and never worked on."""
    statement = sa.select(_j.id).where(_j.state == DRAFT, _j.created_at < before)
    return list(connection.execute(statement.order_by(_j.id).limit(limit)).scalars())


def due(connection: sa.Connection, now: datetime) -> int | None:
    """The oldest job that is to be done and that no live process works on."""
    statement = sa.select(_j.id).where(sa.text(OPEN), sa.or_(_j.held_until.is_(None), _j.held_until < now))
    return connection.execute(statement.order_by(_j.id).limit(1)).scalar()


def claim(connection: sa.Connection, job_id: int, holder: str, now: datetime, until: datetime) -> bool:
    """Take a job; False when somebody was quicker."""
    free = sa.or_(_j.held_until.is_(None), _j.held_until < now)
    statement = sa.update(jobs).where(_j.id == job_id, _j.state.in_((WAITING, RUNNING)), free)
    values = {"state": RUNNING, "holder": holder, "held_until": until}
    return connection.execute(statement.values(values)).rowcount == 1


def hold(connection: sa.Connection, job_id: int, holder: str, until: datetime | None) -> Any | None:
    """Go on holding a job and keep it from others in this transaction; None when it is not held any more.

    Without `until` whoever comes next may take it at once.
    """
    statement = sa.update(jobs).where(_j.id == job_id, _j.holder == holder, _j.state == RUNNING)
    return connection.execute(statement.values(held_until=until).returning(*jobs.c)).first()


def next_items(connection: sa.Connection, job_id: int, after: int, limit: int) -> list[Any]:
    """The next outputs (output_id, review_id) of a list."""
    statement = sa.select(_i.output_id, _i.review_id).where(_i.job_id == job_id, _i.output_id > after)
    return list(connection.execute(statement.order_by(_i.output_id).limit(limit)))


def note(connection: sa.Connection, job_id: int, items: Sequence[Mapping[str, Any]]) -> None:
    """Write down what became of outputs: `output_id`, `outcome`, `review_id`."""
    statement = (
        sa.update(job_items)
        .where(_i.job_id == job_id, _i.output_id == sa.bindparam("which"))
        .values(outcome=sa.bindparam("how"), review_id=sa.bindparam("review"))
    )
    rows = [
        {"which": item["output_id"], "how": item["outcome"], "review": item["review_id"]} for item in items
    ]
    connection.execute(statement, rows)


def look(connection: sa.Connection, output_ids: Sequence[int]) -> list[Any]:
    """How outputs stand, by id, locked until the transaction ends."""
    names = ("id", "key", "task_id", "photo_id", "state", "review", "review_id", "deleted_at",
             "error_kind", "error_data")  # fmt: skip
    statement = sa.select(*(_o[name] for name in names)).where(_o.id.in_(output_ids)).order_by(_o.id)
    return list(connection.execute(statement.with_for_update(key_share=True)))
