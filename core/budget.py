"""Money by day: reserved before a call, settled after it, held to the limits. Amounts in micro-dollars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from core import clock
from core.database import spending
from core.database.engine import reading
from core.errors import BudgetExhausted, PriceUnknown
from core.model import Actor, Order

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.studio import Studio


@dataclass(frozen=True, kw_only=True)
class Spend:
    """One day of one payer, in micro-dollars; `limit` is None where there is none."""

    spent: int
    """Reported by providers."""
    possible: int
    """Estimates of calls that ended without a picture and may have been charged."""
    reserved: int
    """Estimates of calls that are out."""
    limit: int | None

    @property
    def used(self) -> int:
        return self.spent + self.possible + self.reserved


def today(studio: Studio, by: Actor | None = None) -> Spend:
    """What this day of TIMEZONE has cost so far: the whole desk, or one actor. Raises DatabaseError kinds."""
    payer, limit = spending.DESK, studio.settings.daily_budget_usd
    if by:
        payer, limit = by.id, studio.settings.user_daily_budget_usd
    with reading(studio.engine) as connection:
        reserved, spent, possible = spending.of_day(connection, day_of(studio, clock.now()), payer)
    return Spend(spent=spent, possible=possible, reserved=reserved, limit=to_micros(limit))


def check(studio: Studio, order: Order, pictures: int, *, by: Actor) -> None:
    """Refuse an order that today's limits can't hold, before anything is stored (`check_price`)."""
    each = studio.providers[order.provider].estimate(order.model, order.size)
    check_price(studio, order.model, each, pictures, unpriced_ok=order.unpriced_ok, by=by)


def check_price(
    studio: Studio, model: str, each: int | None, calls: int, *, unpriced_ok: bool, by: Actor
) -> None:
    """Can today's limits hold so many calls at `each` micro-dollars?

    The limits are held again, for good, before each call. Raises BudgetExhausted; PriceUnknown when a limit
    is set, the model has no price and nobody says that this is fine.
    """
    settings = studio.settings
    if settings.daily_budget_usd is None and settings.user_daily_budget_usd is None:
        return
    if each is None:
        if not unpriced_ok:
            raise PriceUnknown(model)
        return
    for spend, whose in ((today(studio), "desk"), (today(studio, by), "user")):
        if each and spend.limit is not None and spend.used + each * calls > spend.limit:
            raise exhausted(studio, whose, spend.limit)


def reserve(studio: Studio, connection: Connection, *, day: date, payer: str, micros: int) -> None:
    """Set the estimate of one call aside in `day`, in the caller's transaction.

    Raises BudgetExhausted when a limit would be passed: the transaction must not be committed then.
    """
    if micros == 0:
        return
    settings = studio.settings
    for who, usd, whose in (
        (spending.DESK, settings.daily_budget_usd, "desk"),
        (payer, settings.user_daily_budget_usd, "user"),
    ):
        limit = to_micros(usd)
        if not spending.reserve(connection, day, who, micros, limit):
            raise exhausted(studio, whose, limit or 0)


def settle(
    connection: Connection,
    *,
    day: date | None,
    payer: str,
    reserved: int,
    cost: int | None,
    may_be_charged: bool,
    lost: bool = False,
) -> None:
    """Close the reservation of one call: its cost when it is known, else the estimate if it may have cost.

    A call that was counted as `lost` stands among the possible ones already.
    """
    if day is None or (not cost and not reserved):
        return
    possible = reserved if cost is None and may_be_charged else 0
    for who in (spending.DESK, payer):
        spending.settle(
            connection,
            day,
            who,
            reserved=0 if lost else reserved,
            spent=cost or 0,
            possible=possible - (reserved if lost else 0),
        )


def exhausted(studio: Studio, whose: str, limit: int) -> BudgetExhausted:
    tomorrow = day_of(studio, clock.now()) + timedelta(days=1)
    return BudgetExhausted(whose, limit / 1_000_000, midnight(studio, tomorrow).isoformat())


def day_of(studio: Studio, moment: datetime) -> date:
    """The operators' day of a moment."""
    return moment.astimezone(studio.settings.zone).date()


def midnight(studio: Studio, day: date) -> datetime:
    """When a day of the operators begins."""
    return datetime.combine(day, time.min, tzinfo=studio.settings.zone)


def to_micros(usd: float | None) -> int | None:
    return None if usd is None else round(usd * 1_000_000)
