"""How much is stored and what R2 charges: from sums and counts, never by asking the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import clock, generation, insights, stored, studio
from core.database import schema
from core.database.engine import writing
from core.providers.local import LocalCutout
from core.settings import load_settings
from core.studio import Studio, open_studio
from pages.ui.storage import size
from tests.conftest import BY, Scripted, finished, on_both, order, upload
from tests.pages.conftest import Open, page, said  # noqa: F401 - a fixture
from tests.parts import moto_gate
from tests.parts.many import fill
from tests.parts.moto_gate import Gate, Token

Desk = Callable[..., Studio]
TOKEN = Token(key="desk-key", secret="desk-secret", buckets=("pictures",))


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    with moto_gate.serving(TOKEN, buckets=["pictures"]) as found:
        yield found


@pytest.fixture
def on_r2(tmp_path: Path, gate: Gate, scripted: Scripted) -> Iterator[Callable[[], Any]]:
    def settings() -> Any:
        return load_settings(
            database_url=f"sqlite:///{tmp_path / 'packshot.db'}",
            upload_dir=tmp_path / "media",
            app_secret="a secret for tests",
            use_r2_storage=True,
            r2_endpoint=gate.url,
            r2_bucket="pictures",
            r2_access_key=TOKEN.key,
            r2_secret_key=TOKEN.secret,
        )

    providers = {"local": LocalCutout(), "gemini": scripted}
    yield lambda work=True: open_studio(settings(), work=work, providers=providers)
    studio.set_current(None)


@on_both
def test_sizes_are_those_of_the_files(desk: Desk, photo: bytes, tmp_path: Path) -> None:
    opened = desk()
    finished(opened, generation.submit(opened, [upload(photo)] * 2, order(outputs=2), by=BY))
    found = stored.stored(opened)
    objects = {room.name: room.objects for room in found.rooms}
    assert objects == {"input": 2, "generated": 4, "thumb": 6}
    for room in found.rooms:
        files = [path for path in (tmp_path / "media" / room.name).rglob("*") if path.is_file()]
        assert (room.objects, room.unsized) == (len(files), 0)
        assert room.bytes == sum(path.stat().st_size for path in files)
    assert found.weeks[-1][1] == found.bytes and len(found.weeks) == 12
    assert found.bill is None and found.elsewhere == 0


def test_what_r2_charges_is_counted_and_kept(on_r2: Callable[[], Any], photo: bytes) -> None:
    with on_r2() as desk:
        key = generation.submit(desk, [upload(photo)], order(outputs=2), by=BY)
        finished(desk, key)
    with on_r2() as desk:
        desk.store.get(generation.view(desk, key).photos[0].object_key)
        desk.store.put("input/t/x.jpg", b"x", "image/jpeg")
        desk.store.delete(["input/t/x.jpg"])
    with on_r2() as desk:
        found = stored.stored(desk)
        before = (found.class_a, found.class_b)
        desk.store.list("input/")
        desk.store.head("input/t/x.jpg")
        insights.beat(desk)
        found = stored.stored(desk)
    assert before[0] >= 1 and before[1] >= 1
    assert (found.class_a, found.class_b) == (before[0] + 1, before[1] + 1)
    assert found.bill is not None and found.bill.whole == 0, "within the free part"


def test_a_count_that_can_not_be_written_is_kept_for_the_next_time(on_r2: Callable[[], Any]) -> None:
    from core.errors import DatabaseError

    with on_r2(work=False) as desk:  # What works beside it writes counts down as well.
        insights.count_asked(desk)
        before = stored.stored(desk).class_b
        desk.store.head("input/t/none.jpg")
        with writing(desk.engine) as connection:
            connection.execute(sa.text("ALTER TABLE rollup_changes RENAME TO gone"))
        with pytest.raises(DatabaseError):
            insights.count_asked(desk)
        with writing(desk.engine) as connection:
            connection.execute(sa.text("ALTER TABLE gone RENAME TO rollup_changes"))
        insights.count_asked(desk)
        assert stored.stored(desk).class_b == before + 1


def test_the_bill_takes_the_free_part_off() -> None:
    free = stored.bill(10_000_000_000, 1_000_000, 10_000_000)
    assert free.whole == 0
    found = stored.bill(110_000_000_000, 3_000_000, 110_000_000)
    assert (found.storage, found.class_a, found.class_b) == (Decimal("1.5"), Decimal("9"), Decimal("36"))
    assert found.dated.year >= 2026


def test_other_stores_and_unknown_sizes_are_said(desk: Desk) -> None:
    opened = desk(work=False)
    fill(opened.engine, outputs=40, days=30, until=clock.now())
    o, p = schema.outputs, schema.photos
    with writing(opened.engine) as connection:
        connection.execute(sa.update(o).where(o.c.id <= 10).values(thumb_bytes=None))
        connection.execute(sa.update(p).where(p.c.id <= 2).values(store="r2:old"))
    insights.rebuild(opened, by=BY)
    found = stored.stored(opened)
    assert found.elsewhere == 4
    assert 0 < found.unsized <= 10
    monday = clock.now().astimezone(opened.settings.zone).date()
    monday -= timedelta(days=monday.weekday())
    assert [week for week, _ in found.weeks][-1] == monday
    assert sum(amount for _, amount in found.weeks) == found.bytes


def test_system_asks_no_store_for_it(desk: Desk, page: Open, photo: bytes) -> None:  # noqa: F811
    opened = desk()
    assert "appear here after the first task" in said(page("system"))
    finished(opened, generation.submit(opened, [upload(photo)], order(), by=BY))
    app = page("system")
    opened.meters.take_asked()
    app.run()
    assert sum(opened.meters.take_asked().values()) == 0
    assert not app.exception
    (table,) = app.table
    assert list(table.value.iloc[:, 0]) == ["Photos", "Generated pictures", "Thumbnails", "All"]
    assert list(table.value.iloc[:, 1]) == ["1", "1", "2", "4"]
    app = page("system", locale="zh-HK")
    assert "儲存用量" in said(app) and "不收費" in said(app)


def test_system_tells_the_price_of_r2(on_r2: Callable[[], Any], page: Open, photo: bytes) -> None:  # noqa: F811
    with on_r2() as desk:
        studio.set_current(desk)
        finished(desk, generation.submit(desk, [upload(photo)], order(), by=BY))
        text = said(page("system"))
    assert "R2 costs about US\\$0\\.00 this month" in text
    assert "class A" in text and "browsers' own reads" in text


def test_sizes_have_three_figures_and_a_unit() -> None:
    wanted = {0: "0 B", 999: "999 B", 1000: "1 kB", 1_234_567: "1.23 MB", 999_600_000: "1 GB"}
    assert {number: size(number) for number in wanted} == wanted
    assert size(12_345 * 10**12) == "12,345 TB"
