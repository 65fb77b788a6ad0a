"""Two real processes on one database: a limit of the day, a lease that lives, an end in good order."""

from __future__ import annotations

import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core import budget, clock, generation, spool
from core.database import schema, tasks, waiting
from core.database.engine import reading, writing
from core.errors import BudgetExhausted
from core.model import Output, OutputState
from core.settings import load_settings
from core.studio import Studio, open_studio
from tests.browser import serving
from tests.conftest import BY, finished, on_both, order, upload
from tests.crash.child import MODEL
from tests.parts.audit import COST, Ledger, audited
from tests.parts.desks import LEASE, Place, start, wait_until
from tests.parts.models import KEY, ModelServer, Reply, picture
from tests.parts.postgres import Postgres

PHOTO = picture((96, 96))
WANTED = order(model=MODEL, ratio="1:1")


class Slow(Ledger):
    """Answers the first question after a while."""

    def __init__(self, seconds: float) -> None:
        super().__init__(picture((1024, 1024)))
        self._seconds = seconds

    def answer_to(self, body: Any) -> Reply | None:
        reply = super().answer_to(body)
        time.sleep(self._seconds)
        return reply


def press(place: Place, times: int) -> None:
    """Submit as often, and work until nothing waits."""

    def once(_: int) -> None:
        try:
            generation.submit(desk, [upload(PHOTO)], WANTED, by=BY, again=True)
        except BudgetExhausted:
            return

    with open_studio(place.settings()) as desk:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(once, range(times)))
        wait_until(lambda: idle(desk), seconds=60, what="all ended")


def live(place: Place) -> None:
    with open_studio(place.settings()):
        while not (place.folder / "stop").exists():
            time.sleep(0.05)


def idle(desk: Studio) -> bool:
    with reading(desk.engine) as connection:
        return not any(waiting.look(connection, clock.now()).counts.values())


def output_of(desk: Studio, key: str) -> Output:
    return generation.view(desk, key).outputs[0]


def test_fifty_presses_in_two_processes_on_a_budget_for_ten_make_ten_calls(
    postgres: Postgres, tmp_path: Path
) -> None:
    with Ledger(picture((1024, 1024))) as server:
        place = Place(
            database_url=postgres.fresh(),
            folder=tmp_path,
            model=server.base,
            more={"daily_budget_usd": COST * 10 / 1e6, "provider_concurrency": 8},
        )
        both = [start(press, place, 25) for _ in range(2)]
        for process in both:
            process.join(90)
        assert [process.exitcode for process in both] == [0, 0]
        assert len(server.asked) == 10
        with open_studio(place.settings(), work=False) as desk:
            spend = budget.today(desk)
            assert (spend.spent, spend.possible, spend.reserved) == (10 * COST, 0, 0)
            with reading(desk.engine) as connection:
                kinds = Counter(connection.execute(sa.select(schema.outputs.c.error_kind)).scalars())
            assert kinds[None] == 10 and set(kinds) <= {None, "BudgetExhausted"}


@on_both
def test_another_process_leaves_the_rows_of_a_living_one_alone(database_url: str, tmp_path: Path) -> None:
    with Slow(LEASE * 2) as server:
        place = Place(database_url=database_url, folder=tmp_path, model=server.base)
        with open_studio(place.settings(), work=False) as desk:
            first = start(live, place)
            key = generation.submit(desk, [upload(PHOTO)], WANTED, by=BY)
            wait_until(lambda: len(server.asked) == 1, seconds=30, what="the first process asks")
            second = start(live, place)
            output = finished(desk, key, seconds=30)
            (tmp_path / "stop").touch()
            for process in (first, second):
                process.join(40)
            (output,) = output.outputs
            assert output.state is OutputState.SUCCEEDED
            with reading(desk.engine) as connection:
                verbs = [event.verb for event in tasks.events_of(connection, output.id)]
            assert verbs == ["output.succeeded"], "nobody took it for abandoned"
            assert audited(desk, server).wrong == []
            assert len(server.asked) == 1


def test_a_desk_that_is_told_to_stop_keeps_what_comes_in_time_and_ends(tmp_path: Path) -> None:
    values = {
        "IMAGE_PROVIDER": "gemini",
        "GEMINI_API_KEY": KEY,
    }
    with ModelServer() as model:
        model.script = [Reply(delay=3), Reply(delay=90)]
        with serving(tmp_path, GOOGLE_GEMINI_BASE_URL=model.base, **values) as server:
            settings = load_settings(
                database_url=f"sqlite:///{tmp_path / 'packshot.db'}",
                upload_dir=tmp_path / "media",
                app_secret="a secret for tests",
                gemini_api_key=KEY,
                google_gemini_base_url=model.base,
            )
            with open_studio(settings, work=False) as desk:
                quick = generation.submit(desk, [upload(PHOTO)], WANTED, by=BY)
                wait_until(lambda: len(model.asked) == 1, seconds=30, what="the first call")
                slow = generation.submit(desk, [upload(PHOTO)], WANTED, by=BY, again=True)
                wait_until(lambda: len(model.asked) == 2, seconds=30, what="the second call")
                late = generation.submit(desk, [upload(PHOTO)], WANTED, by=BY, again=True)
                server.process.send_signal(signal.SIGTERM)
                server.process.wait(35)
                assert output_of(desk, quick).state is OutputState.SUCCEEDED
                assert output_of(desk, slow).state is OutputState.RUNNING
                assert output_of(desk, late).state in (OutputState.QUEUED, OutputState.SUCCEEDED)
                asked = len(model.asked)
            with open_studio(settings) as desk:
                # Its lease would run out in seconds; nobody waits for that here.
                with writing(desk.engine) as connection:
                    past = clock.now() - timedelta(seconds=1)
                    connection.execute(
                        sa.update(schema.workers)
                        .where(schema.workers.c.id == output_worker(desk, slow))
                        .values(lease_until=past)
                    )
                told = finished(desk, slow, seconds=30).outputs[0]
                assert (told.state, told.error_kind) == (OutputState.UNKNOWN, "OutcomeUnknown")
                assert finished(desk, late).outputs[0].state is OutputState.SUCCEEDED
                assert len(model.asked) <= asked + 1, "only what had not been sent is sent"
                assert spool.left(desk) == []


def output_worker(desk: Studio, key: str) -> int:
    with reading(desk.engine) as connection:
        query = sa.select(schema.outputs.c.worker_id).where(schema.outputs.c.id == output_of(desk, key).id)
        return int(connection.execute(query).scalar_one())
