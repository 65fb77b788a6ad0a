"""The points at which a process is killed on the way of a photo, and what must be true afterwards."""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Point:
    """`at` is "module:name" of what the process dies before or after, at its `nth` use.

    `state` is how the output ends after a new start (None: there is no task), `seen` how many calls the
    server sees in all, `lost` how many of them nobody has an answer of.
    """

    name: str
    at: str
    when: str = "after"
    nth: int = 1
    state: str | None = "succeeded"
    seen: int = 1
    lost: int = 0
    scene: str = "picture"
    """What the server does: "picture", "shape" (another one than asked), "limit" or "busy" (at first),
    "words" (no picture), "kill" (ends the process while it waits)."""
    then: Point | None = None
    """Where the process that recovers is killed as well."""
    machine_gone: bool = False
    """The spool is gone with the machine."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: Point) -> None:
    """Patch what the point names, in this process."""
    module, _, path = point.at.partition(":")
    owner: Any = importlib.import_module(module)
    *holders, name = path.split(".")
    for holder in holders:
        owner = getattr(owner, holder)
    original: Callable[..., Any] = getattr(owner, name)
    counted = itertools.count(1)

    @functools.wraps(original)
    def wrapped(*arguments: Any, **more: Any) -> Any:
        if point.when == "before" and next(counted) == point.nth:
            die()
        result = original(*arguments, **more)
        # A look at an empty queue is no use of it.
        if point.when == "after" and result != [] and next(counted) == point.nth:
            die()
        return result

    setattr(owner, name, wrapped)


STORED = "core.keeping:put_patiently"
POINTS = [
    # Submit
    Point(name="decoded, nothing stored", at="core.storage.folder:FolderStore.put", when="before",
          state=None, seen=0),
    Point(name="the first input stored", at="core.storage.folder:FolderStore.put", state=None, seen=0),
    Point(name="all stored, no rows", at="core.intake:insert", when="before", state=None, seen=0),
    Point(name="in the rows' transaction", at="core.database.tasks:insert_photos", state=None, seen=0),
    Point(name="rows inserted", at="core.intake:insert"),
    # Before the call
    Point(name="in the claim's transaction", at="core.database.queue:claim"),
    Point(name="claimed", at="core.making:run_output", when="before"),
    Point(name="source read", at="core.storage.folder:FolderStore.get"),
    Point(name="in the journal's transaction", at="core.database.queue:begin_call"),
    Point(name="money set aside, not committed", at="core.budget:reserve"),
    Point(name="journalled, not sent", at="core.providers.gemini:Gemini.generate", when="before",
          state="unknown", seen=0, lost=1),
    # The call
    Point(name="sent, waiting for the answer", at="core.making:_request", nth=9, scene="kill",
          state="unknown", lost=1),
    Point(name="answered, not in the spool", at="core.providers.gemini:Gemini.generate", state="unknown",
          lost=1),
    # The answer
    Point(name="in the spool, not in the store", at="core.spool:keep"),
    Point(name="stored, no thumbnail", at=STORED),
    Point(name="stored, no thumbnail, and the machine is gone", at=STORED, machine_gone=True),
    Point(name="the copy in the asked shape stored", at=STORED, nth=2, scene="shape"),
    Point(name="thumbnail stored, no row", at="core.showing:show"),
    Point(name="thumbnail stored, and the machine is gone", at="core.showing:show", machine_gone=True),
    Point(name="in the finishing transaction", at="core.database.queue:finish"),
    Point(name="money settled, not committed", at="core.budget:settle"),
    Point(name="row written, the answer still in the spool", at="core.spool:drop", when="before"),
    Point(name="done", at="core.spool:drop"),
    # Answers without a picture
    Point(name="no picture, row not written", at="core.keeping:finish", when="before", scene="words",
          state="unknown", lost=1),
    Point(name="no picture, row written", at="core.keeping:finish", scene="words", state="failed"),
    Point(name="rate limit, nothing written", at="core.database.provider_states:cool", when="before",
          scene="limit", state="unknown", lost=1),
    Point(name="rate limit, cooldown written", at="core.keeping:finish", when="before", scene="limit",
          state="unknown", lost=1),
    Point(name="queued after a rate limit", at="core.keeping:finish", scene="limit", seen=2),
    Point(name="journalled again after a rate limit", at="core.providers.gemini:Gemini.generate",
          when="before", nth=2, scene="limit", state="unknown", lost=1),
    Point(name="queued after an overload", at="core.keeping:finish", scene="busy", seen=2),
    # The new process dies too
    Point(name="recovery: moved on, not taken up", at="core.spool:keep",
          then=Point(name="", at="core.recovery:_move_on")),
    Point(name="recovery: in its transaction", at="core.spool:keep",
          then=Point(name="", at="core.database.queue:set_abandoned")),
    Point(name="recovery: stored, no row", at="core.spool:keep", then=Point(name="", at=STORED)),
    Point(name="recovery: in the finishing transaction", at="core.spool:keep",
          then=Point(name="", at="core.database.queue:adopt")),
    Point(name="recovery: row written, still in the spool", at="core.spool:keep",
          then=Point(name="", at="core.spool:drop", when="before")),
]  # fmt: skip
