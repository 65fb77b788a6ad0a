"""Is the desk well? One finding for each part, with its time and its remedy."""

from __future__ import annotations

import io
import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from core import clock, generation
from core.database import migrate
from core.database.engine import facts
from core.errors import PackshotError, ProviderError
from core.model import Actor, Health, Order, OutputState, Upload
from core.settings import ROOT
from core.studio import Studio

_LOW_DISK = 1_000_000_000
_NO_DISK = 100_000_000


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line: `doctor.{part}.{code}` is its sentence, `.remedy` after it what to do; `data` fills both.

    An error's kind stands in `error`, whose sentence then is the remedy.
    """

    part: str
    health: Health
    code: str
    ms: int
    data: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


def examine(studio: Studio, *, write: bool = False) -> list[Finding]:
    """Look at every part; `write` also stores, reads back and removes a picture. No paid call."""
    parts: list[tuple[str, Callable[[Studio], tuple[Health, str, Mapping[str, Any]]]]] = [
        ("settings", _settings),
        ("database", _database),
        ("migrations", _migrations),
        ("storage", _storage),
        ("provider", _provider),
        ("clock", _clock),
        ("disk", _disk),
    ]
    if write:
        parts.append(("write", _write))
    return [_timed(studio, part, look) for part, look in parts]


def readiness(studio: Studio) -> dict[str, Health]:
    """Database, storage and provider, for the route that load balancers ask."""
    looks = (("database", _database), ("storage", _storage), ("provider", _provider))
    return {part: _timed(studio, part, look).health for part, look in looks}


def _timed(
    studio: Studio, part: str, look: Callable[[Studio], tuple[Health, str, Mapping[str, Any]]]
) -> Finding:
    started = time.perf_counter()

    def ms() -> int:
        return round((time.perf_counter() - started) * 1000)

    try:
        health, code, data = look(studio)
        return Finding(part=part, health=health, code=code, ms=ms(), data=data)
    except PackshotError as error:
        return Finding(
            part=part, health=Health.FAILED, code="failed", ms=ms(), data=error.data, error=error.kind
        )


def _settings(studio: Studio) -> tuple[Health, str, Mapping[str, Any]]:
    given = len(studio.settings.model_fields_set)
    if (ROOT / ".env").exists():
        return Health.OK, "env_file", {"n": given}
    return Health.OK, "no_env_file", {"n": given}


def _database(studio: Studio) -> tuple[Health, str, Mapping[str, Any]]:
    found = facts(studio.engine)
    return Health.OK, "ok", {"kind": found.kind, "version": found.version}


def _migrations(studio: Studio) -> tuple[Health, str, Mapping[str, Any]]:
    found = migrate.version(studio.engine)
    if found == migrate.HEAD:
        return Health.OK, "ok", {"version": found}
    return Health.FAILED, "behind", {"version": found or "-", "wanted": migrate.HEAD}


def _storage(studio: Studio) -> tuple[Health, str, Mapping[str, Any]]:
    probe = getattr(studio.store, "probe", None)
    if probe:
        probe()
    else:
        studio.store.list(limit=1)
    return Health.OK, "ok", {"name": studio.store.name}


def _provider(studio: Studio) -> tuple[Health, str, Mapping[str, Any]]:
    provider = studio.providers[studio.settings.provider]
    provider.probe()
    if provider.name == "local":
        return Health.OK, "local", {}
    return Health.OK, "ok", {"provider": provider.name, "model": provider.models()[0].name}


def _clock(studio: Studio) -> tuple[Health, str, Mapping[str, Any]]:
    off = abs((facts(studio.engine).at - clock.now()).total_seconds())
    data = {"seconds": f"{off:.1f}"}
    return (Health.OK, "ok", data) if off < 5 else (Health.WARNING, "off", data)


def _disk(studio: Studio) -> tuple[Health, str, Mapping[str, Any]]:
    folder = studio.settings.upload_dir
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    data = {"gigabytes": f"{free / 1e9:,.1f}"}
    if free < _NO_DISK:
        return Health.FAILED, "full", data
    return (Health.WARNING, "low", data) if free < _LOW_DISK else (Health.OK, "ok", data)


def _write(studio: Studio) -> tuple[Health, str, Mapping[str, Any]]:
    """Store, list, read back, compare, open the link, clean up."""
    from PIL import Image

    made = io.BytesIO()
    Image.linear_gradient("L").resize((800, 600)).convert("RGB").save(made, "JPEG")
    data = made.getvalue()
    key = f"input/doctor/{uuid.uuid4()}.jpg"
    try:
        studio.store.put(key, data, "image/jpeg")
        listed = any(item.key == key for item in studio.store.list("input/doctor/").objects)
        same = studio.store.get(key) == data
        opened = _opens(studio, key, data)
    finally:
        studio.store.delete([key])
    wrong = [name for name, good in (("list", listed), ("read", same), ("link", opened)) if not good]
    facts = {"bytes": len(data)}
    return (
        (Health.FAILED, "differs", {**facts, "steps": ", ".join(wrong)})
        if wrong
        else (Health.OK, "ok", facts)
    )


def _opens(studio: Studio, key: str, data: bytes) -> bool:
    """Does the link lead to the bytes? It is read here as the route reads it."""
    token = studio.signer.read(studio.link(key).removeprefix("/pictures/"))
    return token is not None and studio.store.get(token.key) == data


def generate_once(studio: Studio, *, by: Actor) -> Finding:
    """One real picture of the sample photo with the configured provider; it may cost."""
    from core.images.sample import sample_photo

    def look(studio: Studio) -> tuple[Health, str, Mapping[str, Any]]:
        provider = studio.providers[studio.settings.provider]
        order = Order(
            preset="white_bg_front",
            outputs=1,
            ratio="1:1",
            size="1K",
            provider=provider.name,
            model=provider.models()[0].name,
        )
        key = generation.submit(studio, [Upload(name="sample.jpg", data=sample_photo())], order, by=by)
        until = clock.now() + timedelta(seconds=400)
        while (view := generation.view(studio, key)).pending and clock.now() < until:
            time.sleep(0.2)
        output = view.outputs[0]
        if output.state is OutputState.SUCCEEDED:
            return Health.OK, "ok", {"task": key}
        if output.error_kind:
            failure = ProviderError(**output.error_data)
            return Health.FAILED, "failed", {"kind": output.error_kind, **failure.data}
        return Health.FAILED, "waiting", {"task": key}

    return _timed(studio, "generate", look)
