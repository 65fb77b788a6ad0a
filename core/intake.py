"""What a task may ask for, and its rows."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from core import clock, insights, presets
from core.database import provider_states, queue, tasks
from core.database.engine import reading, writing
from core.errors import AlreadyMade, OrderRefused, PackshotError, TextTooLong, restored
from core.images.decode import Decoded
from core.model import Actor, ChecksState, Order, OutputState, Preset, ReviewState, Upload
from core.providers.description import LIMITS, MOST_FEATURES
from core.storage.keys import input_key, thumb_key
from core.studio import Studio
from core.text import clean

if TYPE_CHECKING:
    from sqlalchemy import Connection

MAX_PHOTOS = 50
MAX_OUTPUTS = 10
SAME_WITHIN = timedelta(hours=1)
"""A picture that is not older than this is offered instead of paying for the same one again."""
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,35}")


def cleaned(uploads: Sequence[Upload], order: Order) -> tuple[list[Upload], Order]:
    """An order as it is kept: no invisible character of a pasted text or a file's name goes further."""
    plain = [
        replace(
            upload,
            name=clean(upload.name).strip() or "-",
            sku=clean(upload.sku).strip(),
            product_name=clean(upload.product_name).strip(),
            description=facts(upload.description),
        )
        for upload in uploads
    ]
    return plain, replace(order, style=clean(order.style, lines=True).strip())


def facts(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The facts of a product by the names of `Description`, cleaned; what has another name is dropped.

    None when nothing is left.
    """
    found: dict[str, Any] = {}
    for name in LIMITS:
        value = (given or {}).get(name)
        if name == "key_features":
            features = (clean(str(feature)).strip() for feature in value or ())
            found[name] = [feature for feature in features if feature]
        else:
            found[name] = clean(str(value or "")).strip()
    return found if any(found.values()) else None


def check(studio: Studio, uploads: Sequence[Upload], order: Order, key: str | None = None) -> Preset:
    """The preset of a cleaned order that can be made, as the version that counts now has it.

    Raises OrderRefused, TextTooLong and DatabaseError kinds.
    """
    if key is not None and not _KEY.fullmatch(key):
        raise OrderRefused("key", clean(key)[:40], "a-z, 0-9, -")
    preset = presets.find(studio, order.preset, now=True)
    if not 1 <= len(uploads) <= MAX_PHOTOS:
        raise OrderRefused("photos", len(uploads), f"1-{MAX_PHOTOS}")
    if not 1 <= order.outputs <= MAX_OUTPUTS:
        raise OrderRefused("outputs", order.outputs, f"1-{MAX_OUTPUTS}")
    provider = studio.providers.get(order.provider)
    if provider is None:
        raise OrderRefused("provider", order.provider, ", ".join(studio.providers))
    model = next((model for model in provider.models() if model.name == order.model), None)
    if model is None:
        raise OrderRefused("model", order.model, ", ".join(model.name for model in provider.models()))
    if order.ratio not in model.ratios:
        raise OrderRefused("ratio", order.ratio, ", ".join(model.ratios))
    if order.size not in model.sizes:
        raise OrderRefused("size", order.size, ", ".join(model.sizes))
    texts = [("style", order.style, 2000)]
    for upload in uploads:
        texts += [("sku", upload.sku, 128), ("product_name", upload.product_name, 300)]
        told = dict(upload.description or {})
        features = told.pop("key_features", [])
        if len(features) > MOST_FEATURES:
            raise OrderRefused("key_features", len(features), f"0-{MOST_FEATURES}")
        texts += [("key_features", feature, LIMITS["key_features"]) for feature in features]
        texts += [(name, text, LIMITS[name]) for name, text in told.items()]
    for name, text, limit in texts:
        if len(text) > limit:
            raise TextTooLong(name, len(text), limit)
    _check_parameters(order)
    return preset


def _check_parameters(order: Order) -> None:
    """They are kept as JSON, which has no NaN, no infinity and nothing of Python's own."""
    allowed = "true, false, text, -1e9-1e9"
    for name, value in order.parameters.items():
        number = isinstance(value, (int, float)) and -1e9 <= value <= 1e9
        text = isinstance(value, str) and len(value) <= 2000 and clean(value, lines=True) == value
        if not (number or text) or clean(str(name)) != name:
            raise OrderRefused(f"parameters.{clean(str(name))[:40]}", clean(str(value))[:40], allowed)
    if len(order.parameters) > 50:
        raise OrderRefused("parameters", len(order.parameters), "0-50")


def insert(
    studio: Studio,
    task_key: str,
    keys: Sequence[str],
    uploads: Sequence[Upload],
    decoded: Sequence[Decoded],
    order: Order,
    preset: Preset,
    by: Actor,
    *,
    again: bool,
) -> list[int]:
    """Task, photos and one queued output per wanted picture, in one transaction; returns the outputs' ids.

    Raises AlreadyMade, unless `again`, when it would pay twice for one question within the hour.
    """
    now = clock.now()
    prompts = [
        presets.render(
            preset, style=order.style, product_name=upload.product_name, description=upload.description
        )
        for upload in uploads
    ]
    wanted = [
        [request_key(order, prompt, item.sha256, variant) for variant in range(1, order.outputs + 1)]
        for prompt, item in zip(prompts, decoded, strict=True)
    ]
    free = studio.providers[order.provider].estimate(order.model, order.size) == 0
    with writing(studio.engine) as connection:
        if not again and not free:
            _refuse_twice(connection, [key for keys in wanted for key in keys], task_key)
        task_id = tasks.insert_task(
            connection,
            {
                "key": task_key,
                "created_at": now,
                "created_by": by.id,
                "preset": preset.name,
                "preset_version": preset.version,
                "style": order.style,
                "ratio": order.ratio,
                "size": order.size,
                "outputs": order.outputs,
                "provider": order.provider,
                "model": order.model,
                "parameters": dict(order.parameters),
                "unpriced_ok": order.unpriced_ok,
            },
        )
        photo_ids = tasks.insert_photos(
            connection,
            [
                {
                    "key": key,
                    "task_id": task_id,
                    "position": position,
                    "sku": upload.sku,
                    "product_name": upload.product_name,
                    "prompt": prompt,
                    "store": studio.store.name,
                    "object_key": input_key(task_key, key),
                    "thumb_key": thumb_key(task_key, key),
                    "width": item.width,
                    "height": item.height,
                    "bytes": len(item.jpeg),
                    "sha256": item.sha256,
                    "flattened": item.flattened,
                    "original_name": upload.name[:300],
                    "original_type": item.original_type,
                    "original_bytes": len(upload.data),
                    "original_sha256": item.original_sha256,
                    "description": upload.description,
                    "thumb_bytes": len(item.thumb),
                }
                for position, (key, upload, item, prompt) in enumerate(
                    zip(keys, uploads, decoded, prompts, strict=True), 1
                )
            ],
        )
        ids = tasks.insert_outputs(
            connection,
            [
                {
                    "key": str(uuid.uuid4()),
                    "task_id": task_id,
                    "photo_id": photo_id,
                    "variant": variant,
                    "state": OutputState.QUEUED,
                    "review": ReviewState.TO_REVIEW,
                    "checks": ChecksState.PENDING,
                    "provider": order.provider,
                    "model": order.model,
                    "store": studio.store.name,
                    "request_key": request,
                    "preset": preset.name,
                    "created_by": by.id,
                    "attempts": 0,
                    "created_at": now,
                    "notes": {},
                    "error_data": {},
                }
                for photo_id, requests in zip(photo_ids, wanted, strict=True)
                for variant, request in enumerate(requests, 1)
            ],
        )
        insights.uploaded(studio, connection, photo_ids)
        counts = {"photos": len(photo_ids), "outputs": len(ids)}
        tasks.add_event(connection, at=now, actor=by.id, verb="task.submitted", task_id=task_id, data=counts)
    return ids


def request_key(order: Order, prompt: str, photo_sha256: str, variant: int) -> str:
    """One name for one question, as hexadecimal SHA-256."""
    question = {
        "model": order.model,
        "prompt": prompt,
        "photos": [photo_sha256],
        "ratio": order.ratio,
        "size": order.size,
        "variant": variant,
        "parameters": dict(order.parameters),
    }
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()


def _refuse_twice(connection: Connection, wanted: Sequence[str], task_key: str) -> None:
    """Raises AlreadyMade with the newest task that has some of the wanted pictures."""
    found = queue.same_request(connection, wanted, clock.now() - SAME_WITHIN)
    if found:
        there = tasks.task_by_id(connection, found[0].task_id)
        if there.key != task_key:
            raise AlreadyMade(len({row.request_key for row in found}), there.key)


def stopped(studio: Studio) -> dict[str, PackshotError]:
    """The providers that are asked no more, with what stopped them. Raises DatabaseError kinds."""
    with reading(studio.engine) as connection:
        rows = provider_states.stopped(connection, clock.now())
    return {row.provider: restored(row.stopped_kind, row.stopped_data) for row in rows}


def refuse_stopped(studio: Studio, provider: str) -> None:
    """Raises what stopped the provider, where something did."""
    if error := stopped(studio).get(provider):
        raise error
