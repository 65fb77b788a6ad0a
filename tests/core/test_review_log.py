"""Whatever reviewers do, in any order: the log only grows, and each picture's state is what it comes to."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from core import insights, review
from core.database import schema
from core.database.engine import reading
from core.errors import NothingToUndo, ReviewConflict
from core.model import Actor, ReviewState, Role
from core.review import Act, Reason, Verdict
from core.studio import Studio
from tests.conftest import on_both
from tests.core.test_review import JUDGING, ready

pytestmark = on_both

HANDS = [
    (Actor(id=name, name=name.title(), role=Role.REVIEWER), sitting)
    for name in ("mei", "ken")
    for sitting in ("", "a")
]
hands = st.sampled_from(HANDS)
places = st.integers(0, 3)
"""Two photos of two outputs each."""


class Log(RuleBasedStateMachine):
    """A model of each picture's judgements as a stack, beside the real one."""

    studio: Studio

    def __init__(self) -> None:
        super().__init__()
        self.keys = [*ready(self.studio, outputs=2), *ready(self.studio, outputs=2)]
        self.stacks: list[list[tuple[Any, str, str, int]]] = [[], [], [], []]
        """Of each picture the judgements that stand upon each other: hand, verdict, act and review id."""
        self.newest: list[tuple[int, Any] | None] = [None] * 4
        self.log: list[Any] = []
        self.sent: list[tuple[Act, Actor, review.Result]] = []

    def send(self, act: Act, by: Actor, touched: list[int]) -> bool:
        """Send an act; the conflicts must be those that the model expects. True when it was saved."""
        hand = (by.id, act.sitting)
        said = [found for n in touched if (found := self.newest[n])]
        if act.verdict is Verdict.UNDONE:  # What it takes back may be older, and of another hand.
            said += [(self.stacks[n][-1][3], self.stacks[n][-1][0]) for n in touched]
        unseen = [found for found in said if found[0] > (act.seen or 0) and found[1] != hand]
        (result,) = review.apply(self.studio, [act], by=by).results
        if unseen:
            assert isinstance(result.error, ReviewConflict)
            assert result.other and result.other.id == max(unseen)[0]
            return False
        assert result.error is None
        for one in result.reviews:
            n = next(n for n in touched if self.ids()[n] == one.output_id)
            self.newest[n] = (one.id, hand)
        self.sent.append((act, by, result))
        return True

    def ids(self) -> list[int]:
        with reading(self.studio.engine) as connection:
            table = schema.outputs
            rows = connection.execute(sa.select(table.c.key, table.c.id).where(table.c.key.in_(self.keys)))
            by_key = {row.key: int(row.id) for row in rows}
        return [by_key[key] for key in self.keys]

    def seen(self, n: int, knows: bool) -> int | None:
        ids = [found[0] for found in self.newest[n // 2 * 2 : n // 2 * 2 + 2] if found]
        return max(ids, default=None) if knows else None

    def say(self, n: int, hand: Any, verdict: str, group: str) -> None:
        stack = self.stacks[n]
        if stack and stack[-1][:2] == (hand, verdict):
            group = stack.pop()[2]
        newest = self.newest[n]
        assert newest is not None
        stack.append((hand, verdict, group, newest[0]))

    @rule(
        n=places, hand=hands, approve=st.booleans(), knows=st.booleans(), why=st.sampled_from([None, *Reason])
    )
    def decides(self, n: int, hand: Any, approve: bool, knows: bool, why: Reason | None) -> None:
        by, sitting = hand
        verdict = Verdict.APPROVED if approve else Verdict.REJECTED
        act = self.act(n, verdict, sitting, knows, reason=why)
        if self.send(act, by, [n]):
            self.say(n, (by.id, sitting), verdict.value, act.key)

    @rule(n=places, hand=hands, knows=st.booleans())
    def picks_the_best(self, n: int, hand: Any, knows: bool) -> None:
        by, sitting = hand
        other = n ^ 1
        act = self.act(n, Verdict.APPROVED, sitting, knows, best=True)
        rejected = bool(self.stacks[other]) and self.stacks[other][-1][1] == "rejected"
        if self.send(act, by, [n] if rejected else [n, other]):
            self.say(n, (by.id, sitting), "approved", act.key)
            if not rejected:
                self.say(other, (by.id, sitting), "rejected", act.key)

    @rule(n=places, hand=hands, knows=st.booleans())
    def undoes(self, n: int, hand: Any, knows: bool) -> None:
        by, sitting = hand
        act = self.act(n, Verdict.UNDONE, sitting, knows)
        if not self.stacks[n]:
            (result,) = review.apply(self.studio, [act], by=by).results
            assert isinstance(result.error, NothingToUndo)
            return
        group, other = self.stacks[n][-1][2], n ^ 1
        set_of = [n, *([other] if self.stacks[other] and self.stacks[other][-1][2] == group else [])]
        if self.send(act, by, set_of):
            for one in set_of:
                self.stacks[one].pop()

    @rule(data=st.data())
    def sends_again(self, data: Any) -> None:
        if self.sent:
            act, by, before = data.draw(st.sampled_from(self.sent))
            (result,) = review.apply(self.studio, [act], by=by).results
            assert result == before

    def act(self, n: int, verdict: Verdict, sitting: str, knows: bool, **values: Any) -> Act:
        key, seen = str(uuid.uuid4()), self.seen(n, knows)
        return Act(seq=1, key=key, output=self.keys[n], verdict=verdict, seen=seen, sitting=sitting, **values)

    @invariant()
    def the_log_only_grows_and_states_follow(self) -> None:
        with reading(self.studio.engine) as connection:
            table = schema.reviews
            rows = connection.execute(
                sa.select(table).where(table.c.output_id.in_(self.ids())).order_by(table.c.id)
            ).all()
            o = schema.outputs.c
            found = dict(connection.execute(sa.select(o.key, o.review).where(o.key.in_(self.keys))).all())
        assert rows[: len(self.log)] == self.log
        self.log = list(rows)
        for n, key in enumerate(self.keys):
            stack = self.stacks[n]
            assert found[key] == (stack[-1][1] if stack else ReviewState.TO_REVIEW), (n, stack)

    def teardown(self) -> None:
        assert not {cell.measure for cell in insights.compare(self.studio)} & JUDGING


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_states_are_what_the_log_comes_to(desk: Callable[..., Studio]) -> None:
    studio = desk(work=False)
    made = type("OnThisDesk", (Log,), {"studio": studio})
    run_state_machine_as_test(
        made,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
