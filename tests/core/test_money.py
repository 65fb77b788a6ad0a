"""What is paid is counted, held to the day's limits, and never paid twice without a click."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from core import budget, clock, doctor, generation, intake, outcomes
from core.database import provider_states
from core.database.engine import writing
from core.errors import (
    AccountLimited,
    AlreadyMade,
    Auth,
    Blocked,
    BudgetExhausted,
    NotSent,
    OutcomeUnknown,
    Overloaded,
    PackshotError,
    PriceUnknown,
    QuotaExhausted,
    RateLimited,
)
from core.model import Actor, Health, OutputState, Role
from core.studio import Studio
from tests.conftest import BY, Scripted, finished, on_both, order, upload

pytestmark = on_both
Open = Callable[..., Studio]
EACH = 33_600


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "FIRST_PAUSE", 0.02)


def test_an_overload_is_sent_again_twice_and_each_may_have_cost(
    desk: Open, scripted: Scripted, photo: bytes
) -> None:
    scripted.script = [Overloaded()] * 5
    opened = desk()
    view = finished(opened, generation.submit(opened, [upload(photo)], order(), by=BY))
    assert (view.outputs[0].state, view.outputs[0].error_kind) == (OutputState.FAILED, "Overloaded")
    assert len(scripted.asked) == 3
    assert budget.today(opened).possible == 3 * EACH


@pytest.mark.parametrize("error", [RateLimited(None), NotSent()])
def test_what_was_not_charged_is_sent_again(
    desk: Open, scripted: Scripted, photo: bytes, error: PackshotError
) -> None:
    scripted.script = [error, error]
    opened = desk()
    view = finished(opened, generation.submit(opened, [upload(photo)], order(), by=BY))
    assert view.outputs[0].state is OutputState.SUCCEEDED
    spend = budget.today(opened)
    assert (spend.spent, spend.possible, spend.reserved) == (EACH, 0, 0)


@pytest.mark.parametrize(("error", "possible"), [(OutcomeUnknown(), EACH), (Blocked("p", "SAFETY"), EACH)])
def test_what_may_have_been_charged_is_counted_and_not_sent_again(
    desk: Open, scripted: Scripted, photo: bytes, error: PackshotError, possible: int
) -> None:
    scripted.script = [error]
    opened = desk()
    finished(opened, generation.submit(opened, [upload(photo)], order(), by=BY))
    assert len(scripted.asked) == 1
    assert budget.today(opened).possible == possible


def test_one_rate_limit_holds_back_everybody(desk: Open, scripted: Scripted, photo: bytes) -> None:
    opened = desk(work=False)
    generation.submit(opened, [upload(photo)], order(outputs=3), by=BY)
    with writing(opened.engine) as connection:
        provider_states.cool(connection, "gemini", clock.now() + timedelta(seconds=0.5))
    second = desk()
    started = clock.now()
    key = generation.submit(second, [upload(photo)], order(), by=BY, again=True)
    finished(second, key)
    assert (clock.now() - started).total_seconds() > 0.4


@pytest.mark.parametrize("error", [QuotaExhausted(None), AccountLimited(), Auth()])
def test_a_provider_that_ends_it_is_stopped_until_a_person_says_go_on(
    desk: Open, scripted: Scripted, photo: bytes, error: PackshotError
) -> None:
    scripted.script = [error]
    opened = desk(provider_concurrency=1)
    view = finished(opened, generation.submit(opened, [upload(photo)], order(outputs=3), by=BY))
    assert {output.error_kind for output in view.outputs} == {error.kind}, "what waited ends as well"
    assert len(scripted.asked) == 1
    with pytest.raises(type(error)):
        generation.submit(opened, [upload(photo)], order(), by=BY)
    assert generation.resume(opened, "gemini", by=BY)
    assert generation.retry(opened, view.task.key, by=BY) == 3
    assert finished(opened, view.task.key).count(OutputState.SUCCEEDED) == 3


def test_a_quota_that_names_its_reset_goes_on_by_itself(desk: Open, scripted: Scripted, photo: bytes) -> None:
    soon = clock.now() + timedelta(seconds=0.4)
    scripted.script = [QuotaExhausted(soon.isoformat())]
    opened = desk()
    key = generation.submit(opened, [upload(photo)], order(), by=BY)
    finished(opened, key)
    while clock.now() < soon:
        pass
    generation.retry(opened, key, by=BY)
    assert finished(opened, key).outputs[0].state is OutputState.SUCCEEDED


def test_an_order_above_the_limit_is_refused_and_keeps_nothing(desk: Open, photo: bytes) -> None:
    opened = desk(daily_budget_usd=0.1)
    with pytest.raises(BudgetExhausted) as refused:
        generation.submit(opened, [upload(photo)], order(outputs=3), by=BY)
    assert refused.value.data["limit"] == "0.10"
    assert opened.store.list().objects == ()


def test_fifty_at_once_on_a_budget_for_ten_make_ten_calls(
    desk: Open, scripted: Scripted, photo: bytes
) -> None:
    opened = desk(daily_budget_usd=EACH * 10 / 1e6, provider_concurrency=8)

    def press(_: int) -> str | None:
        try:
            return generation.submit(opened, [upload(photo)], order(), by=BY, again=True)
        except BudgetExhausted:
            return None

    with ThreadPoolExecutor(16) as pool:
        keys = [key for key in pool.map(press, range(50)) if key]
    views = [finished(opened, key, seconds=60) for key in keys]
    assert len(scripted.asked) == 10
    assert sum(view.count(OutputState.SUCCEEDED) for view in views) == 10
    spend = budget.today(opened)
    assert (spend.spent, spend.possible, spend.reserved) == (EACH * 10, 0, 0)


def test_one_person_has_a_limit_of_her_own(desk: Open, photo: bytes) -> None:
    opened = desk(user_daily_budget_usd=EACH / 1e6)
    other = Actor(id="other", name="other", role=Role.OPERATOR)
    finished(opened, generation.submit(opened, [upload(photo)], order(), by=BY))
    with pytest.raises(BudgetExhausted) as refused:
        generation.submit(opened, [upload(photo)], order(), by=BY, again=True)
    assert refused.value.data["whose"] == "user"
    finished(opened, generation.submit(opened, [upload(photo)], order(), by=other, again=True))
    assert budget.today(opened).spent == 2 * EACH
    assert budget.today(opened, other).spent == EACH


def test_a_model_without_a_price_needs_a_word_while_a_limit_is_set(
    desk: Open, scripted: Scripted, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripted, "estimate", lambda model, size: None)
    opened = desk(daily_budget_usd=1)
    with pytest.raises(PriceUnknown):
        generation.submit(opened, [upload(photo)], order(), by=BY)
    view = finished(opened, generation.submit(opened, [upload(photo)], order(unpriced_ok=True), by=BY))
    assert view.outputs[0].state is OutputState.SUCCEEDED
    assert budget.today(opened).spent == EACH, "what the provider reported counts all the same"


def test_the_same_question_is_not_paid_twice_within_the_hour(
    desk: Open, scripted: Scripted, photo: bytes
) -> None:
    opened = desk()
    first = generation.submit(opened, [upload(photo)], order(outputs=2), by=BY)
    with pytest.raises(AlreadyMade) as made:
        generation.submit(opened, [upload(photo)], order(outputs=2), by=BY)
    assert (made.value.task, made.value.data["n"]) == (first, 2)
    finished(opened, first)
    with pytest.raises(AlreadyMade):
        generation.submit(opened, [upload(photo)], order(outputs=2), by=BY)
    assert len(opened.store.list("input/").objects) == 1, "the refused ones left nothing"
    generation.submit(opened, [upload(photo)], order(outputs=2, ratio="4:5"), by=BY)
    finished(opened, generation.submit(opened, [upload(photo)], order(outputs=2), by=BY, again=True))


def test_a_failed_one_may_be_asked_for_anew(desk: Open, scripted: Scripted, photo: bytes) -> None:
    scripted.script = [Blocked("p", "SAFETY")]
    opened = desk()
    finished(opened, generation.submit(opened, [upload(photo)], order(), by=BY))
    view = finished(opened, generation.submit(opened, [upload(photo)], order(), by=BY))
    assert view.outputs[0].state is OutputState.SUCCEEDED


def test_days_are_those_of_the_operators(desk: Open) -> None:
    opened = desk(timezone="Asia/Hong_Kong", work=False)
    moment = clock.now().replace(hour=17, minute=0)
    assert (budget.day_of(opened, moment) - moment.date()).days == 1


def test_a_stop_is_seen_by_all(desk: Open) -> None:
    opened = desk(work=False, image_provider="gemini", gemini_api_key="not-a-real-key")
    with writing(opened.engine) as connection:
        provider_states.stop(connection, "gemini", "AccountLimited", {}, None)
        provider_states.cool(connection, "local", clock.now() + timedelta(seconds=90))
    assert set(intake.stopped(opened)) == {"gemini"}
    found = next(finding for finding in doctor.examine(opened) if finding.part == "provider")
    assert (found.health, found.error) == (Health.FAILED, "AccountLimited")
    assert doctor.readiness(opened)["provider"] is Health.OK, "the desk itself works"
    text = opened.meters.text(opened.engine)
    assert 'packshot_provider_stopped{kind="AccountLimited",provider="gemini"} 1.0' in text
    assert 'packshot_provider_cooldown_seconds{provider="local"} 8' in text
    generation.resume(opened, "gemini", by=BY)
    assert intake.stopped(opened) == {}
