"""The words of acts on many pictures as types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.database import jobs
from core.errors import NotAllowed
from core.model import Actor, Role
from core.verdicts import Reason


class Act(StrEnum):
    """What is done to each picture of a list. The last two only take others back."""

    APPROVE = "approve"
    REJECT = "reject"
    TAG = "tag"
    UNTAG = "untag"
    RETRY = "retry"
    DELETE = "delete"
    RESTORE = "restore"
    UNJUDGE = "unjudge"


INVERSE = {
    Act.APPROVE: Act.UNJUDGE,
    Act.REJECT: Act.UNJUDGE,
    Act.TAG: Act.UNTAG,
    Act.UNTAG: Act.TAG,
    Act.DELETE: Act.RESTORE,
}
"""What takes an act back. A picture that was asked for again stays asked for."""
ONLY_BACK = (Act.RESTORE, Act.UNJUDGE)
_OPERATORS = (Act.RETRY, Act.DELETE, Act.RESTORE)


@dataclass(frozen=True, kw_only=True)
class Job:
    """An act on many pictures, and how far it is."""

    id: int
    key: str
    state: str
    act: Act
    by: Actor
    reason: Reason | None
    note: str
    tag: str
    total: int
    done: int
    """Pictures that it changed."""
    skipped: Mapping[str, int]
    """Pictures that it left as they were, by the kind of error."""
    seen: int
    """The newest review when its list was frozen."""
    place: int
    """The last output that was worked on."""
    undoes: int | None
    begun_at: datetime
    finished_at: datetime | None

    @property
    def over(self) -> bool:
        return self.state not in (jobs.WAITING, jobs.RUNNING)

    @property
    def left(self) -> int:
        """Pictures that were worked on and are as they were."""
        return sum(self.skipped.values())

    @property
    def takes_back(self) -> bool:
        """Can it be undone?"""
        return self.over and self.undoes is None and self.done > 0 and self.act in INVERSE


def needed(act: Act) -> Role:
    """The role that an act asks for."""
    return Role.OPERATOR if act in _OPERATORS else Role.REVIEWER


def job_of(row: Any) -> Job:
    """A row of the table `jobs`, once it is confirmed."""
    reason = row.asked.get("reason")
    return Job(
        id=row.id,
        key=row.key,
        state=row.state,
        act=Act(row.act),
        by=Actor(id=row.actor, name=row.actor_name, role=Role(row.actor_role)),
        reason=Reason(reason) if reason else None,
        note=row.asked.get("note", ""),
        tag=row.asked.get("tag", ""),
        total=row.total,
        done=row.done,
        skipped=row.skipped,
        seen=row.seen,
        place=row.place,
        undoes=row.undoes,
        begun_at=row.begun_at,
        finished_at=row.finished_at,
    )


def whose(by: Actor) -> dict[str, Any]:
    """An actor as the columns of a job."""
    return {"actor": by.id, "actor_name": by.name, "actor_role": by.role}


def allow(by: Actor, role: Role) -> None:
    """Raises NotAllowed."""
    if not by.role.may(role):
        raise NotAllowed(role)
