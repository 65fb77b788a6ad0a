"""A process is killed at every step of the way of a photo; a new one puts everything right."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import generation, outcomes, runner, spool
from core.database import schema
from core.database.engine import reading
from core.errors import NotFound
from core.model import Output
from core.studio import Studio, open_studio
from tests.crash import child
from tests.crash.points import POINTS, Point
from tests.parts.audit import Audit, Ledger, audited
from tests.parts.desks import Place, copied, sqlite_template, start, wait_until
from tests.parts.models import Reply, gemini_answer, google_error, picture
from tests.parts.postgres import Postgres

TASK = "the-task"
AT_ONCE = 6
PHOTO = picture((96, 96))


@cache
def made(size: tuple[int, int]) -> bytes:
    return picture(size)


class Scene(Ledger):
    """The server of one point."""

    def __init__(self, point: Point) -> None:
        super().__init__(made((1264, 848) if point.scene == "shape" else (1024, 1024)))
        self._scene = point.scene
        self._started = threading.Event()
        self._process = 0

    def started(self, process: int) -> None:
        self._process = process
        self._started.set()

    def fault(self, prompt: str) -> tuple[str | bytes, Reply] | None:
        with self.lock:
            first = not self.sent[prompt]
        if self._scene == "kill":
            assert self._started.wait(20)
            os.kill(self._process, signal.SIGKILL)
            return "killed", Reply(drop="before")
        if self._scene == "words":
            return "NoImage", Reply(body=gemini_answer("No.", finish="NO_IMAGE"))
        if self._scene == "limit" and first:
            return "RateLimited", Reply(status=429, body={})
        if self._scene == "busy" and first:
            return "Overloaded", Reply(status=503, body=google_error(503, "UNAVAILABLE", "Busy."))
        return None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    point: Point
    state: str | None
    seen: int
    lost_calls: int
    audit: Audit
    reached: bool

    @property
    def wrong(self) -> list[str]:
        found = list(self.audit.wrong)
        wanted = (self.point.state, self.point.seen, self.point.lost, True)
        got = (self.state, self.seen, self.lost_calls, self.reached)
        if got != wanted:
            found.append(f"state, calls seen, calls lost, killed: {got}, not {wanted}")
        return found

    def __str__(self) -> str:
        counts = (
            f"{len(self.audit.lost)} lost, {len(self.audit.lying)} lying, {len(self.audit.repeated)} repeated"
        )
        head = f"{self.point.name:50} {self.state or '-':10} {self.seen} seen  {counts}"
        return "\n    ".join([head, *self.wrong])


def killed(point: Point, database_url: str, folder: Path) -> Outcome:
    """Kill a process at the point, start the desk anew, wait until it is at rest, and audit it."""
    with Scene(point) as server:
        place = Place(database_url=database_url, folder=folder, model=server.base)
        process = start(child.submit_and_work, place, PHOTO, TASK, point)
        server.started(process.pid)
        process.join(40)
        reached = process.exitcode == -signal.SIGKILL
        if point.then:
            process = start(child.recover, place, point.then)
            process.join(40)
            reached = reached and process.exitcode == -signal.SIGKILL
        if point.machine_gone:
            shutil.rmtree(folder / "media-spool")
        with open_studio(place.settings()) as desk:
            with suppress(AssertionError):  # The audit names what is wrong.
                wait_until(lambda: at_rest(desk, point), seconds=20, what=point.name)
            output = the_output(desk)
            with reading(desk.engine) as connection:
                query = sa.select(sa.func.count()).where(schema.calls.c.outcome == "lost")
                lost_calls = connection.execute(query).scalar_one()
            return Outcome(
                point=point,
                state=output.state.value if output else None,
                seen=len(server.asked),
                lost_calls=lost_calls,
                audit=audited(desk, server),
                reached=reached,
            )


def at_rest(desk: Studio, point: Point) -> bool:
    output = the_output(desk)
    return (output.state.value if output else None) == point.state and not spool.left(desk)


def the_output(desk: Studio) -> Output | None:
    try:
        return generation.view(desk, TASK).outputs[0]
    except NotFound:
        return None


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_a_kill_anywhere_loses_nothing_lies_nowhere_and_repeats_no_call(
    database: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(runner.Runner.__init__.__kwdefaults__, "heartbeat", 0.1)
    monkeypatch.setattr(runner, "_LOOK", 0.05)
    monkeypatch.setattr(outcomes, "FIRST_PAUSE", 0.05)
    new: Callable[[Path], str]
    if database == "sqlite":
        template = sqlite_template(tmp_path)

        def new(folder: Path) -> str:
            return copied(template, folder)
    else:
        server: Postgres = request.getfixturevalue("postgres")

        def new(folder: Path) -> str:
            return server.fresh()

    places = [(point, new(tmp_path / str(n)), tmp_path / str(n)) for n, point in enumerate(POINTS)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(lambda place: killed(*place), places))
    assert not any(result.wrong for result in results), "\n" + "\n".join(map(str, results))
