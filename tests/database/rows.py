"""Rows for tests of the database, written as the desk writes them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from core import clock
from core.database import queue, tasks
from core.database.engine import writing


def task_values(**changes: Any) -> dict[str, Any]:
    values = {
        "key": str(uuid.uuid4()), "created_at": clock.now(), "created_by": "local",
        "preset": "white_bg_front",
        "preset_version": 1, "style": "", "ratio": "1:1", "size": "1K", "outputs": 1, "provider": "gemini",
        "model": "scripted", "parameters": {},
    }  # fmt: skip
    return {**values, **changes}


def photo_values(task_id: int, **changes: Any) -> dict[str, Any]:
    values = {
        "key": str(uuid.uuid4()), "task_id": task_id, "position": 1, "sku": "", "product_name": "",
        "prompt": "p", "store": "folder", "object_key": "input/t/p.jpg", "thumb_key": "thumb/t/p.webp",
        "width": 10, "height": 10, "bytes": 10, "sha256": "0" * 64, "flattened": False,
        "original_name": "cup.jpg", "original_type": "image/jpeg", "original_bytes": 10,
        "original_sha256": "0" * 64,
    }  # fmt: skip
    return {**values, **changes}


def output_values(task_id: int, photo_id: int, **changes: Any) -> dict[str, Any]:
    values = {
        "key": str(uuid.uuid4()), "task_id": task_id, "photo_id": photo_id, "variant": 1, "state": "queued",
        "review": "to_review", "checks": "pending", "provider": "gemini", "model": "scripted",
        "store": "folder", "attempts": 0, "created_at": clock.now(), "notes": {}, "error_data": {},
    }  # fmt: skip
    return {**values, **changes}


def add_task(
    engine: sa.Engine,
    *,
    outputs: int,
    sku: str = "",
    product_name: str = "",
    created_at: datetime | None = None,
    **changes: Any,
) -> list[int]:
    """A task of one photo; returns its outputs' ids."""
    at = created_at or clock.now()
    with writing(engine) as connection:
        task_id = tasks.insert_task(connection, task_values(created_at=at, **changes))
        photo = photo_values(task_id, sku=sku, product_name=product_name)
        (photo_id,) = tasks.insert_photos(connection, [photo])
        rows = [output_values(task_id, photo_id, variant=n + 1, created_at=at) for n in range(outputs)]
        return tasks.insert_outputs(connection, rows)


def add_worker(engine: sa.Engine, *, lease: float = 20) -> int:
    now = clock.now()
    values = {
        "key": str(uuid.uuid4()),
        "host": "h",
        "started_at": now,
        "lease_until": now + timedelta(seconds=lease),
    }
    with writing(engine) as connection:
        return queue.register_worker(connection, values)


def claim(
    engine: sa.Engine,
    worker_id: int,
    *,
    limit: int = 10,
    providers: tuple[str, ...] | list[str] = ("gemini",),
    store: str = "folder",
    now: datetime | None = None,
) -> list[int]:
    with writing(engine) as connection:
        return queue.claim(
            connection,
            worker_id=worker_id,
            providers=providers,
            store=store,
            limit=limit,
            now=now or clock.now(),
        )
