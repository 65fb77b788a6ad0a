"""The desk's own rules of channels: changed by an administrator, kept with who and when, and taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import clock
from core.checks import channels
from core.checks.rules import Level, checked
from core.database import channel_rules as decisions
from core.database import tasks
from core.database.channel_rules import Decision
from core.database.engine import reading, writing
from core.errors import NotAllowed, RuleRefused
from core.model import Actor, Role
from core.studio import Studio


def edit(
    studio: Studio,
    channel: str,
    rule: str,
    values: Mapping[str, Any],
    *,
    by: Actor,
    level: str | None = None,
) -> None:
    """Give a rule other values. Without a `level` it warns or blocks as published: an assumed one warns.

    With one, the desk decides itself, also to block on what is only assumed. Nothing is changed when it
    raises: OrderRefused for a rule that is not there, RuleRefused for values of another form, NotAllowed.
    """
    _allow(by)
    published = channels.rule_of(channels.named(channel), rule)
    if level is not None and level not in set(Level):
        raise RuleRefused("level", level, ", ".join(Level))
    body = {"values": checked(published.kind, values), "level": level}
    _decide(studio, channel, rule, body, by)


def revert(studio: Studio, channel: str, rule: str, *, by: Actor) -> None:
    """Back to the published rule. Raises OrderRefused and NotAllowed."""
    _allow(by)
    channels.rule_of(channels.named(channel), rule)
    _decide(studio, channel, rule, None, by)


def history(studio: Studio, channel: str, rule: str, *, limit: int = 20) -> tuple[Decision, ...]:
    """What was decided about a rule, newest first."""
    with reading(studio.engine) as connection:
        return decisions.of(connection, channel, rule, limit=limit)


def _decide(studio: Studio, channel: str, rule: str, body: Mapping[str, Any] | None, by: Actor) -> None:
    now = clock.now()
    decision = Decision(channel=channel, rule=rule, at=now, actor=by.id, body=body)
    verb = "channel.reverted" if body is None else "channel.edited"
    data = {"channel": channel, "rule": rule, **(body or {})}
    with writing(studio.engine) as connection:
        decisions.add(connection, decision)
        tasks.add_event(connection, at=now, actor=by.id, verb=verb, data=data)


def _allow(by: Actor) -> None:
    if not by.role.may(Role.ADMIN):
        raise NotAllowed(Role.ADMIN)
