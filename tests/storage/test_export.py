"""Exports of a desk on R2: what is asked of it, and what its troubles do to a zip."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import export, studio
from core.database.schema import outputs
from core.errors import StorageError
from core.export import Plan, Wanted
from core.settings import load_settings
from core.studio import Studio
from tests.conftest import BY, Scripted
from tests.parts.approving import judge, made
from tests.parts.moto_gate import Gate
from tests.storage.conftest import SECRET, on_r2


@pytest.fixture
def desk(gate: Gate, tmp_path: Path, photo: bytes) -> Iterator[Studio]:
    """Six approved pictures in the bucket."""
    url = f"sqlite:///{tmp_path / 'packshot.db'}"
    settings = load_settings(database_url=url, app_secret=SECRET, **on_r2(gate.url))
    with studio.open_studio(settings, providers={"gemini": Scripted(photo)}) as opened:
        judge(opened, made(opened, photo, [f"S{n}" for n in range(6)]))
        gate.seen.clear()
        yield opened


def begun(desk: Studio) -> Plan:
    return export.begin(desk, export.plan(desk, Wanted()), by=BY)


def test_each_picture_is_asked_for_once(desk: Studio, gate: Gate) -> None:
    plan = begun(desk)
    assert gate.seen == [], "a plan asks the store for nothing"
    assert export.absent(desk, plan) == ()
    assert [seen.method for seen in gate.seen] == ["HEAD"] * 6
    gate.seen.clear()
    archive = zipfile.ZipFile(io.BytesIO(b"".join(export.stream(desk, plan, by=BY))))
    assert archive.testzip() is None
    assert [seen.method for seen in gate.seen] == ["GET"] * 6


def test_a_missing_object_is_named_and_the_others_go_on(desk: Studio) -> None:
    with desk.engine.connect() as connection:
        keys = connection.execute(sa.select(outputs.c.object_key).order_by(outputs.c.id)).scalars().all()
    desk.store.delete([keys[2]])
    plan = begun(desk)
    assert [one.error.kind for one in export.absent(desk, plan)] == ["ObjectMissing"]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(export.stream(desk, plan, by=BY))))
    assert sum(name.endswith(".jpg") for name in archive.namelist()) == 5
    outcome = export.outcome(desk, str(plan.key))
    assert outcome.count == 5 and [one.error.kind for one in outcome.left] == ["ObjectMissing"]


def test_a_cut_is_asked_again_and_a_bucket_that_stays_away_ends_it(desk: Studio, gate: Gate) -> None:
    plan = begun(desk)
    gate.failures[:] = [503, 500]
    assert zipfile.ZipFile(io.BytesIO(b"".join(export.stream(desk, plan, by=BY)))).testzip() is None
    gate.failures[:] = [503] * 100
    got = b""
    with pytest.raises(StorageError):
        for piece in export.stream(desk, begun(desk), by=BY):
            got += piece
    gate.failures.clear()
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(got))
