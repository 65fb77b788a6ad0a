"""Saved views: filters of History under a name, each person's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core import clock
from core.database import tasks, views
from core.database.engine import reading, writing
from core.errors import NotFound, TextTooLong, TooManyViews, ViewExists, ViewUnnamed
from core.model import Actor
from core.studio import Studio
from core.text import clean

MOST = 50
"""Views of one person."""
LONGEST = 64
"""Characters of a name."""


@dataclass(frozen=True, kw_only=True)
class View:
    """A name and the parameters of the page's address."""

    name: str
    query: Mapping[str, Sequence[str]]


def every(studio: Studio, *, by: Actor) -> tuple[View, ...]:
    """This person's views, by name. Raises DatabaseError kinds."""
    with reading(studio.engine) as connection:
        return tuple(View(name=row.name, query=row.query) for row in views.of(connection, by.id))


def save(studio: Studio, name: str, query: Mapping[str, Sequence[str]], *, by: Actor) -> View:
    """Raises ViewUnnamed, TextTooLong, ViewExists, TooManyViews and DatabaseError kinds."""
    name = _name(name)
    with writing(studio.engine) as connection:
        if len(views.of(connection, by.id)) >= MOST:
            raise TooManyViews(MOST)
        if not views.insert(connection, by.id, name, query, clock.now()):
            raise ViewExists(name)
        tasks.add_event(connection, at=clock.now(), actor=by.id, verb="view.saved", data={"name": name})
    return View(name=name, query=query)


def rename(studio: Studio, name: str, new: str, *, by: Actor) -> None:
    """Raises ViewUnnamed, TextTooLong, ViewExists, NotFound and DatabaseError kinds."""
    new = _name(new)
    if new == name:
        return
    with writing(studio.engine) as connection:
        if any(row.name == new for row in views.of(connection, by.id)):
            raise ViewExists(new)
        if not views.rename(connection, by.id, name, new):
            raise NotFound("view", name)
        tasks.add_event(
            connection, at=clock.now(), actor=by.id, verb="view.renamed", data={"name": name, "new": new}
        )


def delete(studio: Studio, name: str, *, by: Actor) -> None:
    """Raises NotFound and DatabaseError kinds."""
    with writing(studio.engine) as connection:
        if not views.delete(connection, by.id, name):
            raise NotFound("view", name)
        tasks.add_event(connection, at=clock.now(), actor=by.id, verb="view.deleted", data={"name": name})


def _name(text: str) -> str:
    name = clean(text).strip()
    if not name:
        raise ViewUnnamed()
    if len(name) > LONGEST:
        raise TextTooLong("view", len(name), LONGEST)
    return name
