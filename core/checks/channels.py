"""Channels: the published rules of `channels.toml`, with what the desk decided instead."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.checks.rules import Channel, Confidence, Edit, Level, Rule, checked
from core.errors import ChannelsWrong, OrderRefused, RuleRefused

if TYPE_CHECKING:
    from core.database.channel_rules import Decision
    from core.studio import Studio

_TABLE = Path(__file__).with_name("channels.toml")
_NAME = re.compile(r"[a-z][a-z0-9_]{1,40}\Z")
_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])(-[0-3][0-9])?\Z")
_KEYS = {"id", "kind", "level", "confidence", "values", "from", "until", "source", "checked_on"}


@cache
def published() -> tuple[Channel, ...]:
    """The channels as they are published, with the rules of every day. Raises ChannelsWrong."""
    return read(_TABLE.read_text(encoding="utf-8"))


def read(text: str) -> tuple[Channel, ...]:
    """Channels from TOML; raises ChannelsWrong that names the first place which is wrong."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ChannelsWrong("channels.toml", "-", str(exc)) from exc
    return tuple(_channel(name, table) for name, table in tables.items())


def channels(studio: Studio) -> tuple[Channel, ...]:
    """Every channel with the rules that count today, the desk's edits among them.

    Raises ChannelsWrong, also for a kept edit that does not fit its rule, and DatabaseError kinds.
    """
    from core import clock
    from core.database import channel_rules
    from core.database.engine import reading

    with reading(studio.engine) as connection:
        decisions = channel_rules.latest(connection)
    edits = {(d.channel, d.rule): _edit(d) for d in decisions if d.body is not None}
    today = clock.now().astimezone(studio.settings.zone).date()
    return tuple(on(edited(channel, edits), today) for channel in published())


def find(studio: Studio, name: str) -> Channel:
    """Raises OrderRefused for a channel that is not there, and what `channels` raises."""
    found = channels(studio)
    for channel in found:
        if channel.name == name:
            return channel
    raise OrderRefused("channel", name, ", ".join(channel.name for channel in found))


def named(name: str) -> Channel:
    """The published channel of a name. Raises OrderRefused."""
    for channel in published():
        if channel.name == name:
            return channel
    raise OrderRefused("channel", name, ", ".join(channel.name for channel in published()))


def rule_of(channel: Channel, rule_id: str) -> Rule:
    """Raises OrderRefused for a rule that the channel does not have."""
    for rule in channel.rules:
        if rule.id == rule_id:
            return rule
    raise OrderRefused("rule", rule_id, ", ".join(rule.id for rule in channel.rules))


def edited(channel: Channel, edits: Mapping[tuple[str, str], Edit]) -> Channel:
    """The channel with the desk's edits, by (channel, rule). Raises ChannelsWrong when one does not fit."""
    rules = (_decided(channel.name, rule, edits.get((channel.name, rule.id))) for rule in channel.rules)
    return replace(channel, rules=tuple(rules))


def _edit(decision: Decision) -> Edit:
    """A row as an edit. Raises ChannelsWrong for one that this version did not write."""
    body = decision.body or {}
    level, values = body.get("level"), body.get("values")
    if not isinstance(values, Mapping) or (level is not None and level not in set(Level)):
        raise ChannelsWrong(decision.channel, decision.rule, "values, level")
    kept = None if level is None else Level(level)
    return Edit(at=decision.at, by=decision.actor, values=values, level=kept)


def _decided(channel: str, rule: Rule, edit: Edit | None) -> Rule:
    if edit is None:
        return rule
    try:
        values = checked(rule.kind, edit.values)
    except RuleRefused as exc:
        raise ChannelsWrong(channel, rule.id, f"{exc.data['field']} = {exc.data['value']}") from exc
    return replace(rule, values=values, level=edit.level or rule.level, edit=edit)


def on(channel: Channel, day: date) -> Channel:
    """The rules that count on a day: what has ended is gone, what has not begun only warns."""
    rules = []
    for rule in channel.rules:
        if rule.ends is not None and day > rule.ends:
            continue
        later = rule.starts is not None and day < rule.starts
        rules.append(replace(rule, level=Level.WARN) if later else rule)
    return replace(channel, rules=tuple(rules))


def _channel(name: str, table: Any) -> Channel:
    def wrong(detail: str) -> ChannelsWrong:
        return ChannelsWrong(name, "-", detail)

    if not _NAME.match(name) or not isinstance(table, dict):
        raise wrong("[name]")
    if unknown := table.keys() - {"title", "source", "checked_on", "rules"}:
        raise wrong(min(unknown))
    title, rules = table.get("title"), table.get("rules")
    if not isinstance(title, str) or not title:
        raise wrong("title")
    if not isinstance(rules, list) or not rules:
        raise wrong("rules")
    made = tuple(_rule(name, table, entry) for entry in rules)
    if twice := _twice(rule.id for rule in made):
        raise wrong(f"id = {twice}")
    return Channel(name=name, title=title, rules=made)


def _rule(channel: str, table: Mapping[str, Any], entry: Any) -> Rule:
    own = str(entry.get("id")) if isinstance(entry, dict) else "-"

    def wrong(detail: str) -> ChannelsWrong:
        return ChannelsWrong(channel, own, detail)

    if not isinstance(entry, dict) or not _NAME.match(own):
        raise wrong("id")
    if unknown := entry.keys() - _KEYS:
        raise wrong(min(unknown))
    given = {name: entry.get(name, table.get(name)) for name in ("source", "checked_on")}
    if not isinstance(given["source"], str) or not given["source"]:
        raise wrong("source")
    if not isinstance(given["checked_on"], str) or not _MONTH.match(given["checked_on"]):
        raise wrong("checked_on")
    try:
        level, confidence = Level(str(entry.get("level"))), Confidence(str(entry.get("confidence")))
    except ValueError as exc:
        raise wrong(str(exc)) from exc
    if confidence is Confidence.ASSUMED and level is Level.BLOCK:
        raise wrong("level = block, confidence = A")
    days = [entry.get(name) for name in ("from", "until")]
    if any(day is not None and type(day) is not date for day in days):
        raise wrong("from, until")
    values = entry.get("values", {})
    if not isinstance(values, dict):
        raise wrong("values")
    try:
        values = checked(str(entry.get("kind")), values)
    except RuleRefused as exc:
        raise wrong(f"{exc.data['field']} = {exc.data['value']}") from exc
    return Rule(
        id=own,
        kind=entry["kind"],
        level=level,
        values=values,
        confidence=confidence,
        starts=days[0],
        ends=days[1],
        source=given["source"],
        checked_on=given["checked_on"],
    )


def _twice(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
