"""Pictures that are made and approved, for tests of what comes after."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from core import clock, generation
from core.database.engine import writing
from core.database.schema import outputs, reviews
from core.model import ReviewState
from core.studio import Studio
from tests.conftest import BY, finished, order, upload


def made(desk: Studio, photo: bytes, skus: Sequence[str], **changes: object) -> list[str]:
    """One finished picture for each SKU; returns the outputs' keys in that order."""
    uploads = [upload(photo, f"photo_{i}.jpg", sku=sku) for i, sku in enumerate(skus, 1)]
    view = finished(desk, generation.submit(desk, uploads, order(**changes), by=BY, again=True))
    return [output.key for output in view.outputs]


def judge(
    desk: Studio,
    keys: Sequence[str],
    verdict: str = "approved",
    *,
    at: datetime | None = None,
    **values: object,
) -> None:
    """Let the reviewer Mei judge pictures; `values` are further columns, as `channel` and `findings`."""
    said = {"actor": "mei@shop.hk", "actor_name": "Mei", "verdict": verdict, "note": "good", **values}
    with writing(desk.engine) as connection:
        for key in keys:
            where = outputs.c.key == key
            number = connection.execute(sa.select(outputs.c.id).where(where)).scalar_one()
            own = {"key": str(uuid.uuid4()), "output_id": number, "at": at or clock.now()}
            added = sa.insert(reviews).values(**own, **said).returning(reviews.c.id)
            stands = {"review": ReviewState(verdict), "review_id": connection.execute(added).scalar_one()}
            connection.execute(sa.update(outputs).where(where).values(stands))
