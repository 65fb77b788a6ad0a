"""Many tasks while everything fails: the model, the store, the database, the processes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core import clock, generation, keeping, repair, spool
from core.database import waiting
from core.database.engine import reading
from core.errors import DatabaseError, PackshotError, StorageError, StorageUnavailable
from core.model import Actor, Role
from core.storage.folder import FolderStore
from core.storage.links import LinkSigner
from core.studio import Studio, open_studio
from tests.conftest import BY, order, upload
from tests.parts.audit import Audit, Ledger, audited
from tests.parts.desks import Place, hurry, start, wait_until
from tests.parts.models import Reply, gemini_answer, google_error, openai_error, picture
from tests.parts.postgres import Postgres

MODEL = "gemini-nano-banana-2.1"
LEASE = 3.0
ADMIN = Actor(id="admin", name="admin", role=Role.ADMIN)


@dataclass(frozen=True, kw_only=True)
class Plan:
    tasks: int
    kills: int = 2
    restarts: int = 1
    processes: int = 2
    workers: int = 4
    """Of each process."""
    faults: float = 0.3
    storage_errors: float = 0.05
    seed: int = 4
    seconds: float = 300


@dataclass(kw_only=True)
class Report:
    plan: Plan
    audit: Audit
    took: float
    kills: int
    restarts: int
    storage_errors: int = 0
    faults: int = 0
    notes: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        found, plan = self.audit, self.plan
        yield (
            f"{plan.tasks} tasks, {plan.processes} processes of {plan.workers} workers, one Postgres, "
            f"seed {plan.seed}: {self.took:.0f} s"
        )
        yield (
            f"{self.faults} of {found.asked} answers were faults, {self.restarts} database restart(s), "
            f"{self.kills} kills, each act of the store fails at {plan.storage_errors:.0%}"
        )
        yield "outputs: " + ", ".join(f"{n} {name}" for name, n in sorted(found.outputs.items()))
        yield "calls: " + ", ".join(f"{n} {name}" for name, n in sorted(found.calls.items()))
        yield (
            f"money in micro-dollars: {found.charged} billed by the server; recorded {found.spent} spent, "
            f"{found.possible} possibly charged, {found.reserved} reserved"
        )
        yield (
            f"pictures lost {len(found.lost)}, rows lying {len(found.lying)}, calls repeated without a click "
            f"{len(found.repeated)}"
        )
        yield from found.wrong


class Storm(Ledger):
    """Answers with faults, by a fixed seed."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(picture((1024, 1024)))
        self._chance = random.Random(plan.seed)
        self._share = plan.faults
        self._odd = picture((1264, 848))
        self.faults = 0

    def fault(self, prompt: str) -> tuple[str | bytes, Reply] | None:
        with self.lock:
            is_fault = self._chance.random() < self._share
            which, delay = self._chance.randrange(10_000), self._chance.uniform(0.0, 0.3)
            self.faults += is_fault
            number = self.faults
        if not is_fault:
            time.sleep(delay)
            return None
        made = self._odd + f"odd {number}".encode()
        broken = f"no picture {number}".encode()
        whole = gemini_answer(made)
        found: list[tuple[str | bytes, Reply]] = [
            ("RateLimited", Reply(status=429, body={})),
            ("RateLimited", Reply(status=429, body={}, headers={"retry-after-ms": "300"})),
            ("Overloaded", Reply(status=503, body=google_error(503, "UNAVAILABLE", "Busy."))),
            ("Overloaded", Reply(status=500, body=google_error(500, "INTERNAL", "Internal."))),
            ("Overloaded", Reply(status=503, body=b"<html>busy</html>")),
            ("OutcomeUnknown", Reply(drop="before", delay=delay)),
            ("OutcomeUnknown", Reply(drop="reset", delay=delay)),
            ("OutcomeUnknown", Reply(body=whole, truncate_at=900)),
            ("OutcomeUnknown", Reply(body=whole, truncate_at=900, drop="reset")),
            ("OutcomeUnknown", Reply(body=b'{"candidates": [{"conte')),
            ("OutcomeUnknown", Reply(status=502, body=b"<html>Bad Gateway</html>")),
            ("OutcomeUnknown", Reply(status=504, body=google_error(504, "DEADLINE_EXCEEDED", "Late."))),
            ("Blocked", Reply(body=gemini_answer(finish="IMAGE_SAFETY"))),
            ("Blocked", Reply(body={"promptFeedback": {"blockReason": "OTHER_SAFETY"}})),
            ("NoImage", Reply(body=gemini_answer("I see a cup."))),
            ("NoImage", Reply(body=gemini_answer(finish="A_NEW_REASON"))),
            ("BadRequest", Reply(status=400, body=openai_error("Invalid."))),
            (broken, Reply(body=gemini_answer(broken))),
            (made, Reply(body=whole)),
            (made, Reply(body=whole, drop="after")),
        ]
        return found[which % len(found)]


class Unsteady(FolderStore):
    """A folder whose acts fail now and then, before or after they were done."""

    def __init__(self, place: Place, share: float, seed: int) -> None:
        super().__init__(place.folder / "media", LinkSigner("a secret for tests"))
        self._chance, self._share = random.Random(seed), share
        self._turn = threading.Lock()

    @contextmanager
    def _shaken(self) -> Iterator[None]:
        with self._turn:
            fails, before = self._chance.random() < self._share, self._chance.random() < 0.5
        if fails and before:
            raise StorageUnavailable("refused")
        yield
        if fails:
            raise StorageUnavailable("the answer was lost")

    def put(self, key: str, data: bytes, content_type: str) -> None:
        with self._shaken():
            super().put(key, data, content_type)

    def get(self, key: str) -> bytes:
        with self._shaken():
            return super().get(key)

    def list(self, prefix: str = "", *, after: str | None = None, limit: int = 1000) -> Any:
        with self._shaken():
            return super().list(prefix, after=after, limit=limit)

    def delete(self, keys: Any) -> None:
        with self._shaken():
            super().delete(keys)


def work(place: Place, plan: Plan, seed: int) -> None:
    """A process of workers, until the file `stop` stands in the folder."""
    hurry(lease=LEASE)
    keeping.PAUSE = 0.02
    store = Unsteady(place, plan.storage_errors, seed)
    with open_studio(place.settings(), store=store):
        while not (place.folder / "stop").exists():
            time.sleep(0.05)


def weathered(plan: Plan, postgres: Postgres, folder: Path) -> Report:
    """Run the plan to its end, put right what can be, and audit it."""
    started = time.monotonic()
    url = postgres.fresh()
    seeds = iter(range(plan.seed * 1000, plan.seed * 1000 + 1000))
    with Storm(plan) as server:
        more = {"provider_concurrency": plan.workers}
        place = Place(database_url=url, folder=folder, model=server.base, more=more)
        crew = [start(work, place, plan, next(seeds)) for _ in range(plan.processes)]
        store = Unsteady(place, plan.storage_errors, next(seeds))
        kills = restarts = 0
        try:
            with open_studio(place.settings(), work=False, store=store) as desk:
                with ThreadPoolExecutor(2) as pool:
                    submitting = [pool.submit(_submit, desk, n) for n in range(plan.tasks)]
                    acts = ["kill"] * plan.kills + ["restart"] * plan.restarts
                    random.Random(plan.seed).shuffle(acts)
                    for number, act in enumerate(acts, 1):
                        due = plan.tasks * number // (len(acts) + 1)
                        wait_until(
                            lambda due=due: len(server.asked) >= due,
                            seconds=plan.seconds,
                            what=f"{due} calls",
                        )
                        if act == "restart":
                            with postgres.away():
                                time.sleep(1)
                            restarts += 1
                        else:
                            victim = kills % len(crew)
                            crew[victim].kill()
                            crew[victim].join()
                            crew[victim] = start(work, place, plan, next(seeds))
                            kills += 1
                    for done in submitting:
                        done.result()
                wait_until(lambda: _at_rest(desk), seconds=plan.seconds, what="all ended")
        finally:
            (folder / "stop").touch()
            for process in crew:
                process.join(40)
        with open_studio(place.settings(), work=False) as desk:
            repair.fix(desk, by=ADMIN, deep=True)
            audit = audited(desk, server)
    return Report(
        plan=plan,
        audit=audit,
        took=time.monotonic() - started,
        kills=kills,
        restarts=restarts,
        faults=server.faults,
    )


def _submit(desk: Studio, number: int) -> None:
    """As a person who presses again when it says that database or store are away: the key stays."""
    item = upload(picture((96, 96)), product_name=f"Product {number}")
    wanted = order(model=MODEL, ratio="1:1")
    patience = time.monotonic() + 60
    while True:
        try:
            generation.submit(desk, [item], wanted, by=BY, key=f"task-{number}")
            return
        except (DatabaseError, StorageError):
            if time.monotonic() > patience:
                raise
            time.sleep(0.1)


def _at_rest(desk: Studio) -> bool:
    try:
        with reading(desk.engine) as connection:
            open_ = waiting.look(connection, clock.now()).counts
        return not any(open_.values()) and not spool.left(desk)
    except PackshotError:
        return False
