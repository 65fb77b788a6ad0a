"""Change presets: save a version, choose which one counts, go back, copy, hide.

Versions and decisions are only added. What Packshot itself brings is a version like the others (see
`core.presets.record` for an upgrade).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core import clock, presets
from core.database import presets as kept
from core.database import tasks
from core.database.engine import reading, writing
from core.database.presets import Decision
from core.errors import (
    LastPreset,
    NoFormerVersion,
    NotAllowed,
    NotFound,
    PresetChanged,
    PresetExists,
    PresetRefused,
    PresetSame,
)
from core.language import LANGUAGES, words
from core.model import Actor, Preset, Role
from core.presets import rules
from core.presets.active import whole
from core.presets.record import body_of
from core.presets.shipped import BY
from core.studio import Studio

if TYPE_CHECKING:
    from sqlalchemy import Connection

SHOWN = 50
"""Versions that a list shows."""


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version, who saved it and why; `active`: it counts."""

    preset: Preset
    at: datetime
    by: str
    note: str
    active: bool


@dataclass(frozen=True, kw_only=True)
class Story:
    """A preset with its versions, newest first; `former` is the version that counted before, where there is
    one. `waiting` came with Packshot and nobody has decided about it yet."""

    versions: tuple[Version, ...]
    hidden: bool
    former: int | None
    waiting: int | None

    @property
    def active(self) -> Version:
        return next(version for version in self.versions if version.active)

    @property
    def newest(self) -> int:
        return max(version.preset.version for version in self.versions)


def story(studio: Studio, name: str) -> Story:
    """Its newest versions, and the one that counts. Raises NotFound and DatabaseError kinds."""
    with reading(studio.engine) as connection:
        rows = list(kept.versions(connection, name, limit=SHOWN))
        decided = kept.decisions(connection, name)
        if not decided:
            raise NotFound("preset", name)
        if decided[0].version not in {row.version for row in rows}:
            rows += filter(None, [kept.version(connection, name, decided[0].version)])
    counted = {decision.version for decision in decided}
    own = [row.version for row in rows if row.created_by == BY]
    return Story(
        versions=tuple(_version(row, decided[0].version) for row in rows if whole(row.body)),
        hidden=decided[0].hidden,
        former=_former(decided),
        waiting=own[0] if own and own[0] not in counted else None,
    )


def checked(name: str, values: Mapping[str, Any]) -> Preset:
    """A version that could be saved, with the number 0. Raises PresetRefused.

    A name or a help that is the catalogues' own is not kept, so that it follows them.
    """
    found = rules.checked(values)
    for parts, part, needed in (("titles", "name", True), ("helps", "help", False)):
        for code in LANGUAGES:
            say, key = words(code), f"preset.{name}.{part}"
            if key in say and found[parts].get(code) == say(key):
                del found[parts][code]
            elif needed and key not in say and code not in found[parts]:
                raise PresetRefused(f"title.{code}", "empty")
    return rules.preset_of(name, 0, found)


def save(
    studio: Studio,
    name: str,
    values: Mapping[str, Any],
    *,
    seen: int,
    by: Actor,
    note: str = "",
    use: bool = True,
) -> Preset:
    """Keep a new version and, with `use`, let it count from now on. `seen` is the newest version that its
    author knew of: a later one is not passed over unseen.

    Nothing is changed when it raises: NotAllowed, NotFound; PresetRefused for a part that can't be;
    PresetChanged; PresetSame for what an earlier version says already; DatabaseError kinds.
    """
    _allow(by)
    preset, note = checked(name, values), rules.checked_text("note", note)
    with _deciding(studio) as connection:
        rows = kept.versions(connection, name)
        if not rows:
            raise NotFound("preset", name)
        if rows[0].version > seen:
            raise PresetChanged(rows[0].created_by, rows[0].version)
        for row in rows:
            if row.body == body_of(preset):
                raise PresetSame(row.version)
        made = replace(preset, version=rows[0].version + 1)
        _insert(connection, made, by, note)
        _event(connection, "preset.saved", by, preset=name, version=made.version, note=note)
        if use:
            _decide(connection, name, by, "preset.activated", version=made.version)
    return made


def activate(studio: Studio, name: str, version: int, *, by: Actor) -> int:
    """Let a version count from now on; returns the one that did so far. What was sent keeps its own.

    Raises NotAllowed, NotFound and DatabaseError kinds.
    """
    _allow(by)
    with _deciding(studio) as connection:
        row = kept.version(connection, name, version)
        if row is None or not whole(row.body):
            raise NotFound("version", f"{name} {version}")
        before = _last(connection, name).version
        if before != version:
            _decide(connection, name, by, "preset.activated", version=version)
    return before


def roll_back(studio: Studio, name: str, *, by: Actor) -> int:
    """Let the version count again that did before this one; returns it. Again, and this one is back.

    Raises NotAllowed, NotFound, NoFormerVersion and DatabaseError kinds.
    """
    _allow(by)
    with _deciding(studio) as connection:
        _last(connection, name)
        former = _former(kept.decisions(connection, name))
        if former is None:
            raise NoFormerVersion()
        _decide(connection, name, by, "preset.rolled_back", version=former)
    return former


def copy(studio: Studio, source: str, name: str, titles: Mapping[str, str], *, by: Actor) -> Preset:
    """A new preset that says what the active version of `source` says, offered from now on.

    Raises NotAllowed, NotFound, PresetRefused, PresetExists and DatabaseError kinds.
    """
    _allow(by)
    rules.checked_name(name)
    with _deciding(studio) as connection:
        row = kept.version(connection, source, _last(connection, source).version)
        if kept.decisions(connection, name) or any(preset.name == name for preset in presets.shipped()):
            raise PresetExists(name)
        body = dict(row.body) if row else {}
        helps = {**_own(source, "help"), **(body.get("helps") or {})}
        made = replace(checked(name, {**body, "titles": dict(titles), "helps": helps}), version=1)
        _insert(connection, made, by, "")
        _event(connection, "preset.copied", by, preset=name, version=1, source=source)
        kept.decide(connection, Decision(name=name, version=1, hidden=False, at=clock.now(), actor=by.id))
    return made


def offer(studio: Studio, name: str, shown: bool, *, by: Actor) -> None:
    """Offer it on Generate, or hide it: its versions and pictures stay, and who knows its name can ask for
    it. Raises NotAllowed, NotFound, LastPreset and DatabaseError kinds."""
    _allow(by)
    with _deciding(studio) as connection:
        last = _last(connection, name)
        others = [row for row in kept.standing(connection) if row.name != name and not row.hidden]
        if not shown and not others:
            raise LastPreset()
        if last.hidden is shown:
            _decide(connection, name, by, "preset.shown" if shown else "preset.hidden", hidden=not shown)


def picture(studio: Studio, name: str) -> str | None:
    """The object key of the thumbnail of an approved picture of it. Raises DatabaseError kinds."""
    with reading(studio.engine) as connection:
        return kept.approved_thumb(connection, name)


@contextmanager
def _deciding(studio: Studio) -> Iterator[Connection]:
    with writing(studio.engine) as connection:
        kept.lock(connection)
        yield connection
    studio.shelf.forget()


def _insert(connection: Connection, preset: Preset, by: Actor, note: str) -> None:
    values = {"name": preset.name, "version": preset.version, "created_at": clock.now(), "created_by": by.id}
    kept.insert(connection, {**values, "body": body_of(preset), "note": note})


def _decide(connection: Connection, name: str, by: Actor, verb: str, **what: Any) -> None:
    """The last decision with something else in it."""
    decision = replace(_last(connection, name), at=clock.now(), actor=by.id, **what)
    kept.decide(connection, decision)
    _event(connection, verb, by, preset=name, version=decision.version)


def _last(connection: Connection, name: str) -> Decision:
    """Raises NotFound."""
    decided = kept.decisions(connection, name)
    if not decided:
        raise NotFound("preset", name)
    return decided[0]


def _event(connection: Connection, verb: str, by: Actor, **data: Any) -> None:
    tasks.add_event(connection, at=clock.now(), actor=by.id, verb=verb, data=data)


def _former(decided: tuple[Decision, ...]) -> int | None:
    return next((one.version for one in decided if one.version != decided[0].version), None)


def _version(row: Any, active: int) -> Version:
    return Version(
        preset=rules.preset_of(row.name, row.version, row.body),
        at=row.created_at,
        by=row.created_by,
        note=row.note,
        active=row.version == active,
    )


def _own(name: str, part: str) -> dict[str, str]:
    """The catalogues' words, by language."""
    key = f"preset.{name}.{part}"
    return {code: words(code)(key) for code in LANGUAGES if key in words(code)}


def _allow(by: Actor) -> None:
    if not by.role.may(Role.ADMIN):
        raise NotAllowed(Role.ADMIN)
