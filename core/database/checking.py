"""Statements of the step that compares pictures with their photos: claims and results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.database.schema import checks, outputs
from core.database.schema.work import UNCHECKED
from core.model import ChecksState, OutputState

_o = outputs.c


def busy(connection: sa.Connection, *, providers: Sequence[str], store: str, now: datetime) -> bool:
    """Is a picture being made, or due to be, that a process like this one makes?"""
    due = sa.and_(_o.state == OutputState.QUEUED, sa.or_(_o.not_before.is_(None), _o.not_before <= now))
    statement = sa.select(_o.id).where(
        _o.state.in_((OutputState.QUEUED, OutputState.RUNNING)),
        sa.or_(_o.state == OutputState.RUNNING, due),
        _o.provider.in_(providers),
        _o.store == store,
    )
    return connection.execute(statement.limit(1)).first() is not None


def waiting(connection: sa.Connection, *, store: str, now: datetime) -> int | None:
    """The newest output that nobody compares or has compared."""
    statement = sa.select(_o.id).where(
        sa.text(UNCHECKED), _o.store == store, sa.or_(_o.check_after.is_(None), _o.check_after <= now)
    )
    found = connection.execute(statement.order_by(_o.id.desc()).limit(1)).first()
    return None if found is None else int(found.id)


def claim(connection: sa.Connection, output_id: int, *, now: datetime, until: datetime) -> int | None:
    """Keep others from comparing an output until then.

    Returns which try this is; None when somebody was quicker.
    """
    statement = (
        sa.update(outputs)
        .where(
            _o.id == output_id, sa.text(UNCHECKED), sa.or_(_o.check_after.is_(None), _o.check_after <= now)
        )
        .values(check_after=until, check_tries=_o.check_tries + 1)
        .returning(_o.check_tries)
    )
    found = connection.execute(statement).first()
    return None if found is None else int(found.check_tries)


def give_back(connection: sa.Connection, output_id: int, *, after: datetime, uncounted: bool) -> None:
    """Let it be compared again from `after` on; `uncounted`: the try did not count."""
    tries = _o.check_tries - 1 if uncounted else _o.check_tries
    statement = sa.update(outputs).where(_o.id == output_id, _o.checks == ChecksState.PENDING)
    connection.execute(statement.values(check_after=after, check_tries=tries))


def finish(
    connection: sa.Connection,
    output_id: int,
    *,
    name: str,
    object_key: str | None,
    result: str,
    evidence: Mapping[str, Any],
    flagged: bool,
    at: datetime,
) -> bool:
    """Write a result, if the output still waits for it and shows the picture that was compared."""
    statement = sa.update(outputs).where(_o.id == output_id, sa.text(UNCHECKED), _o.object_key == object_key)
    values = {"checks": ChecksState.DONE, "flagged": flagged, "check_after": None}
    if connection.execute(statement.values(values)).rowcount != 1:
        return False
    connection.execute(sa.delete(checks).where(checks.c.output_id == output_id, checks.c.name == name))
    row = {"output_id": output_id, "at": at, "name": name, "result": result, "evidence": dict(evidence)}
    connection.execute(sa.insert(checks).values(row))
    return True


def give_up(connection: sa.Connection, output_id: int) -> bool:
    """Say of an output that it could not be compared here; a person should look."""
    statement = sa.update(outputs).where(_o.id == output_id, sa.text(UNCHECKED))
    values = {"checks": ChecksState.FAILED, "flagged": True, "check_after": None}
    return connection.execute(statement.values(values)).rowcount == 1


def ask_again(connection: sa.Connection, output_id: int, name: str) -> None:
    """Forget a result, so that the output is compared anew."""
    connection.execute(sa.delete(checks).where(checks.c.output_id == output_id, checks.c.name == name))
    values = {"checks": ChecksState.PENDING, "check_after": None, "check_tries": 0}
    connection.execute(sa.update(outputs).where(_o.id == output_id).values(values))


def result_of(connection: sa.Connection, output_id: int, name: str) -> sa.Row[Any] | None:
    statement = sa.select(checks).where(checks.c.output_id == output_id, checks.c.name == name)
    return connection.execute(statement).first()
