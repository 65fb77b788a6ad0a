"""The books of a desk beside what the model server saw: pictures lost, rows lying, calls repeated."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from core import budget, reconcile, spool
from core.database import schema
from core.database.engine import reading
from core.differences import Kind
from core.model import OutputState
from core.studio import Studio
from tests.parts.models import ModelServer, Reply, gemini_answer

ESTIMATE, COST = 33_600, 36_882
"""Micro-dollars of one picture at 1K: set aside before, and by the usage that the server reports."""
AGAIN = ("RateLimited", "Overloaded", "NotSent")
"""After these a call may follow without a click."""
UNSENT = ("ProcessDied", "BudgetExhausted", "StorageUnavailable")
"""An output may end so before its next call is sent."""
FREE = ("RateLimited", "NotSent", "QuotaExhausted", "Auth", "BadRequest", "ModelNotFound")


class Ledger(ModelServer):
    """A model server that gives each answer a picture of its own and writes down what it sent to whom."""

    def __init__(self, picture: bytes) -> None:
        super().__init__()
        self._picture = picture
        self.sent: defaultdict[str, list[bytes | str]] = defaultdict(list)
        """By prompt: the bytes of each picture that was sent whole, or what was sent instead."""
        self.billed = 0

    def fault(self, prompt: str) -> tuple[str | bytes, Reply] | None:
        """What is written down, and an answer instead of the picture; None sends the picture."""
        return None

    def answer_to(self, body: Any) -> Reply | None:
        prompt = str(body["contents"][0]["parts"][0]["text"])
        found = self.fault(prompt)
        with self.lock:
            number = sum(len(sent) for sent in self.sent.values())
            # After its end a JPEG may be followed by anything.
            picture = self._picture + f"picture {number}".encode()
            self.sent[prompt].append(found[0] if found else picture)
            reply = found[1] if found else Reply(body=gemini_answer(picture))
            # What it made it bills, whether the answer arrives or not.
            made = reply.drop is not None or (isinstance(reply.body, dict) and "usageMetadata" in reply.body)
            self.billed += COST if made else 0
        return reply


@dataclass(kw_only=True)
class Audit:
    """Each entry of the three lists is a sentence about one row or picture."""

    lost: list[str] = field(default_factory=list)
    lying: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    outputs: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    charged: int = 0
    """Micro-dollars that the server would bill."""
    spent: int = 0
    possible: int = 0
    reserved: int = 0

    @property
    def wrong(self) -> list[str]:
        return [*self.lost, *self.lying, *self.repeated]


def audited(desk: Studio, ledger: Ledger) -> Audit:
    """Compare everything. The desk must be at rest."""
    found = Audit()
    with reading(desk.engine) as connection:
        o, p, c = schema.outputs, schema.photos, schema.calls
        rows = connection.execute(
            sa.select(o, p.c.prompt).join(p, p.c.id == o.c.photo_id).order_by(o.c.id)
        ).all()
        calls: dict[int, list[Any]] = defaultdict(list)
        for call in connection.execute(sa.select(c).order_by(c.c.id)):
            calls[call.output_id].append(call)
    stored = {
        hashlib.sha256(desk.store.get(item.key)).hexdigest(): item.key
        for item in desk.store.list("generated/").objects
    }
    for row in rows:
        sent = ledger.sent.get(row.prompt, [])
        _row(desk, found, row, calls[row.id], sent, stored)
    _money(desk, found, [call for of in calls.values() for call in of], ledger)
    found.lost += [f"call {key} lies in the spool" for key in spool.left(desk)]
    report = reconcile.compare(desk, deep=True)
    found.lying += [
        f"{kind}: {n} by reconcile" for kind, n in report.found.items() if n and kind != Kind.ORPHAN
    ]
    return found


def _row(
    desk: Studio, found: Audit, row: Any, calls: list[Any], sent: list[bytes | str], stored: Mapping[str, str]
) -> None:
    who = f"output {row.id} ({row.state}, {row.error_kind})"
    found.outputs[f"{row.state} {row.error_kind or ''}".strip()] += 1
    found.calls.update(str(call.outcome) for call in calls)
    found.asked += len(sent)
    lost_calls = sum(call.outcome == "lost" for call in calls)
    # Nobody may be asked again but after an answer that allows it.
    found.repeated += [
        f"{who}: call {call.id} followed after {before.outcome}"
        for before, call in pairwise(calls)
        if before.outcome not in AGAIN
    ]
    if len(sent) > len(calls):
        found.repeated.append(f"{who}: {len(sent)} calls were seen, {len(calls)} journalled")
    named = {call.object_key for call in calls}
    missing = 0
    for picture in sent:
        if isinstance(picture, bytes):
            key = stored.get(hashlib.sha256(picture).hexdigest())
            missing += key is None
            if key is not None and key not in named:
                found.lost.append(f"{who}: {key} is on no call")
    # An answer may die with its process before it is written down; the row must say so then.
    if missing > lost_calls:
        found.lost.append(f"{who}: {missing} pictures are nowhere, {lost_calls} calls are known as lost")
    found.lying += [f"{who}: {wrong}" for wrong in _lies(desk, row, calls, lost_calls)]


def _lies(desk: Studio, row: Any, calls: list[Any], lost_calls: int) -> Iterator[str]:
    state = OutputState(row.state)
    last = calls[-1].outcome if calls else None
    if not state.ended:
        yield "is not at rest"
    if any(call.outcome is None for call in calls):
        yield "a call is open"
    if state is OutputState.SUCCEEDED:
        if not (row.object_key and row.thumb_key and desk.store.head(row.thumb_key)):
            yield "names no picture or thumbnail that is there"
        elif hashlib.sha256(desk.store.get(row.object_key)).hexdigest() != row.sha256:
            yield "shows other bytes than it recorded"
        if last != "picture":
            yield f"succeeded by a call that ended as {last}"
    elif state is OutputState.UNKNOWN and last not in ("lost", "OutcomeUnknown", "NotFetched"):
        yield f"is unknown though its call ended as {last}"
    elif state in (OutputState.FAILED, OutputState.BLOCKED):
        if calls and row.error_kind != last and row.error_kind not in UNSENT:
            yield f"its call ended as {last}"
        if lost_calls and last == "lost":
            yield "a lost call is told as failed"


def _money(desk: Studio, found: Audit, calls: list[Any], ledger: Ledger) -> None:
    today = budget.today(desk)
    found.spent, found.possible, found.reserved = today.spent, today.possible, today.reserved
    found.charged = ledger.billed
    spent = sum(call.cost_micros or 0 for call in calls)
    possible = sum(
        call.reserved_micros for call in calls if call.cost_micros is None and call.outcome not in FREE
    )
    if (today.spent, today.possible, today.reserved) != (spent, possible, 0):
        calls_say = f"spent {spent}, possible {possible}"
        found.lying.append(f"the day says {today}, its calls {calls_say}")
    # Of a call whose answer came without its cost, and of a lost one, the estimate is counted.
    estimated = sum(call.cost_micros is None and call.outcome not in FREE for call in calls)
    if found.charged > today.spent + estimated * COST:
        found.lying.append(f"{found.charged} were charged and {today} is known")
