"""Rows of many outputs as desks have them after months, written in bulk."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

import sqlalchemy as sa

from core.database import schema
from core.database.engine import writing

LOOKS = (("white_bg_front", 1, 0.86), ("white_bg_front", 2, 0.93), ("lifestyle_scene", 1, 0.58),
         ("flat_lay", 1, 0.71), ("in_use", 1, 0.49), ("seasonal", 1, 0.64))  # fmt: skip
"""Preset, version, share that is approved."""
MODELS = (("gemini", "gemini-nano-banana-2.1", 36_882, 7_000), ("gateway", "nano-banana-2", None, 11_000),
          ("openai", "gpt-image-2", 52_000, 19_000))  # fmt: skip
"""Provider, model, micro-dollars, milliseconds."""
ERRORS = ("RateLimited", "Overloaded", "NoImage", "Blocked", "OutcomeUnknown", "BadImage")
STATES = {"Blocked": "blocked", "OutcomeUnknown": "unknown"}
REASONS = ("colour", "label_text", "shape", "parts", "background", "crop", "quality", "other")
PEOPLE = ("amy@shop.hk", "bo@shop.hk", "chan@shop.hk")
_AT_ONCE = 20_000


def fill(engine: sa.Engine, *, outputs: int, days: int, until: datetime, seed: int = 7) -> None:
    """Ended outputs, four of a task and photo, evenly over the days before `until`; calls and reviews.

    The ids start after those that are there. Sums are not made: `insights.rebuild` does that.
    """
    random = Random(seed)
    with engine.connect() as connection:
        first = {
            name: (connection.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0) + 1
            for name, table in schema.metadata.tables.items()
            if name in ("tasks", "photos", "outputs")
        }
    for start in range(0, outputs, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, outputs))
        rows: dict[str, list[dict[str, Any]]] = {
            name: [] for name in ("tasks", "photos", "outputs", "calls", "reviews")
        }
        for number in numbers:
            at = until - timedelta(days=days) * (1 - number / outputs)
            for name, row in _output(random, number, at, first):
                rows[name].append(row)
        with writing(engine) as connection:
            for name, values in rows.items():
                if values:
                    connection.execute(sa.insert(schema.metadata.tables[name]), values)
    with writing(engine) as connection:
        money = [
            {"day": (until - timedelta(days=n)).date(), "payer": "", "reserved_micros": 0,
             "spent_micros": random.randrange(900_000, 2_600_000),
             "possible_micros": random.randrange(90_000)}
            for n in range(days)
        ]  # fmt: skip
        connection.execute(sa.insert(schema.spending), money)
    if engine.dialect.name == "postgresql":
        with writing(engine) as connection:
            for name in first:
                last = sa.text(f"SELECT setval('{name}_id_seq', (SELECT max(id) FROM {name}))")  # noqa: S608
                connection.execute(last)


def _output(
    random: Random, number: int, at: datetime, first: Mapping[str, int]
) -> Iterator[tuple[str, dict[str, Any]]]:
    task = number // 4
    # The second version of a look came in half-way.
    preset, version, share = LOOKS[task * 7 % len(LOOKS)]
    provider, model, cost, usual = MODELS[task * 5 % len(MODELS)]
    task_id, photo_id = first["tasks"] + task, first["photos"] + task
    if number % 4 == 0:
        yield "tasks", {
            "id": task_id, "key": str(uuid.UUID(int=random.getrandbits(128))), "created_at": at,
            "created_by": "local", "preset": preset, "preset_version": version, "style": "", "ratio": "1:1",
            "size": "1K", "outputs": 4, "provider": provider, "model": model, "parameters": {},
        }  # fmt: skip
        yield "photos", {
            "id": photo_id, "key": str(uuid.UUID(int=random.getrandbits(128))), "task_id": task_id,
            "position": 1, "sku": f"SKU-{task:07}", "product_name": f"Product {task}", "prompt": "p",
            "store": "folder", "object_key": f"input/{task}/p.jpg", "thumb_key": f"thumb/{task}/p.webp",
            "width": 1600, "height": 1600, "bytes": 410_000, "sha256": "0" * 64, "flattened": False,
            "original_name": "p.jpg", "original_type": "image/jpeg", "original_bytes": 410_000,
            "original_sha256": "0" * 64, "thumb_bytes": 14_000,
        }  # fmt: skip
    output_id = first["outputs"] + number
    key = str(uuid.UUID(int=random.getrandbits(128)))
    kind = random.choice(ERRORS) if random.random() < 0.06 else None
    chance = random.random()
    verdict = None if kind or chance > 0.9 else "approved" if random.random() < share else "rejected"
    reason = random.choice(REASONS[: 1 + task % 8]) if verdict == "rejected" else None
    latency = round(usual * random.lognormvariate(0, 0.35))
    named = f"generated/{task}/{key}.png" if kind is None else None
    yield "outputs", {
        "id": output_id, "preset": preset, "preset_version": version, "created_by": "local", "key": key,
        "task_id": task_id, "photo_id": photo_id, "variant": number % 4 + 1,
        "state": STATES.get(kind or "", "failed") if kind else "succeeded", "review": verdict or "to_review",
        "checks": "done", "provider": provider, "model": model, "store": "folder", "attempts": 1,
        "created_at": at, "started_at": at, "finished_at": at + timedelta(milliseconds=latency), "notes": {},
        "object_key": named, "thumb_key": named and f"thumb/{task}/{key}.webp",
        "bytes": named and 1_300_000, "thumb_bytes": named and 16_000, "sha256": named and "0" * 64,
        "width": 1024, "height": 1024, "content_type": "image/png", "request_key": "",
        "cost_micros": cost if named else None, "latency_ms": latency if named else None, "error_kind": kind,
        "error_data": {},
    }  # fmt: skip
    yield "calls", {
        "key": key, "output_id": output_id, "request_key": "", "sent_at": at, "answered_at": at,
        "outcome": kind or "picture", "day": None, "payer": "local", "reserved_micros": cost or 0,
        "cost_micros": cost if named else None, "object_key": named, "bytes": named and 1_300_000,
        "usage": {},
    }  # fmt: skip
    if verdict:
        person = PEOPLE[task % 3]
        yield (
            "reviews",
            _review(
                random, output_id, at + timedelta(hours=1, seconds=number % 4 * 3), person, verdict, reason
            ),
        )
        if number % 10 == 0:
            other = verdict if random.random() < 0.8 else "rejected" if verdict == "approved" else "approved"
            yield (
                "reviews",
                _review(random, output_id, at + timedelta(hours=2), PEOPLE[(task + 1) % 3], other, reason),
            )


def _review(
    random: Random, output_id: int, at: datetime, actor: str, verdict: str, reason: str | None
) -> dict[str, Any]:
    key = str(uuid.UUID(int=random.getrandbits(128)))
    values = {"key": key, "output_id": output_id, "at": at, "actor": actor, "verdict": verdict}
    return {**values, "reason": reason if verdict == "rejected" else None, "note": ""}
