"""Is the desk well? One finding for each part, with its time and its remedy."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary

from core import clock, doctor_storage, generation, intake
from core.database import migrate
from core.database.engine import facts, reading
from core.doctor_storage import Look
from core.errors import PackshotError, StorageUnavailable, restored
from core.model import Actor, Health, Order, OutputState, Upload
from core.providers import ImageProvider
from core.settings import ROOT, Settings
from core.settings_checks import misspelt
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
    parts: list[tuple[str, Callable[[Studio], Look]]] = [
        ("settings", _settings),
        ("database", _database),
        ("migrations", _migrations),
        ("storage", doctor_storage.storage),
        ("provider", _provider),
        ("clock", _clock),
        ("disk", _disk),
    ]
    if studio.settings.gemini_thinking_model:
        parts.insert(5, ("describer", _describer))
    if studio.settings.use_r2_storage:
        parts.insert(4, ("links", doctor_storage.links))
    if write:
        parts.append(("write", doctor_storage.write))
    return [_timed(studio, part, look) for part, look in parts]


_looked: WeakKeyDictionary[ImageProvider, tuple[float, Health]] = WeakKeyDictionary()
"""When `/ready` looks at a provider again, and what it saw."""


def readiness(studio: Studio) -> dict[str, Health]:
    """Database, storage and provider, for the route that load balancers ask."""
    looks = (
        ("database", _ready_database),
        ("storage", doctor_storage.storage),
        ("provider", _ready_provider),
    )
    return {part: _timed(studio, part, look).health for part, look in looks}


def _timed(studio: Studio, part: str, look: Callable[[Studio], Look]) -> Finding:
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


def _settings(studio: Studio) -> Look:
    given = len(studio.settings.model_fields_set)
    if wrong := misspelt([name.upper() for name in Settings.model_fields], ROOT / ".env"):
        return Health.WARNING, "misspelt", {"names": ", ".join(wrong), "meant": ", ".join(wrong.values())}
    if (ROOT / ".env").exists():
        return Health.OK, "env_file", {"n": given}
    return Health.OK, "no_env_file", {"n": given}


def _database(studio: Studio) -> Look:
    found = facts(studio.engine)
    return Health.OK, "ok", {"kind": found.kind, "version": found.version}


def _ready_database(studio: Studio) -> Look:
    with reading(studio.engine) as connection:
        migrate.require(connection)
    return Health.OK, "ok", {}


def _migrations(studio: Studio) -> Look:
    found = migrate.version(studio.engine)
    if found == migrate.HEAD:
        return Health.OK, "ok", {"version": found}
    if found and found not in migrate.known():
        _ready_database(studio)  # Newer, or another program's: that has other remedies than a restart.
    return Health.FAILED, "behind", {"version": found or "-", "wanted": migrate.HEAD}


def _provider(studio: Studio) -> Look:
    intake.refuse_stopped(studio, studio.settings.provider)
    return _probe(studio)


def _probe(studio: Studio) -> Look:
    provider = studio.providers[studio.settings.provider]
    listed = provider.probe().get("listed", True)
    if provider.name == "local":
        return Health.OK, "local", {}
    return _known(listed, provider.name, provider.models()[0].name)


def _describer(studio: Studio) -> Look:
    describer = studio.describer
    if describer is None:
        return Health.WARNING, "no_key", {"model": studio.settings.gemini_thinking_model}
    return _known(describer.probe().get("listed", True), describer.name, describer.model)


def _known(listed: bool | None, provider: str, model: str) -> Look:
    about = {"provider": provider, "model": model}
    if listed is None:
        return Health.OK, "no_list", about
    return (Health.OK, "ok", about) if listed else (Health.WARNING, "not_listed", about)


def _ready_provider(studio: Studio) -> Look:
    """The provider is looked at once a minute, however many balancers ask; after a failure more often."""
    provider = studio.providers[studio.settings.provider]
    again, health = _looked.get(provider, (0.0, Health.OK))
    if time.monotonic() >= again:
        health = _timed(studio, "provider", _probe).health
        _looked[provider] = (time.monotonic() + (10 if health is Health.FAILED else 60), health)
    return health, "ok", {}


def _clock(studio: Studio) -> Look:
    off = abs((facts(studio.engine).at - clock.now()).total_seconds())
    data = {"seconds": f"{off:.1f}"}
    return (Health.OK, "ok", data) if off < 5 else (Health.WARNING, "off", data)


def _disk(studio: Studio) -> Look:
    folder = studio.settings.upload_dir
    try:
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free
    except OSError as exc:
        raise StorageUnavailable(exc.strerror or type(exc).__name__) from exc
    data = {"gigabytes": f"{free / 1e9:,.1f}"}
    if free < _NO_DISK:
        return Health.FAILED, "full", data
    return (Health.WARNING, "low", data) if free < _LOW_DISK else (Health.OK, "ok", data)


def generate_once(studio: Studio, *, by: Actor) -> Finding:
    """One real picture of the sample photo with the configured provider; it may cost."""
    from core.images.sample import sample_photo

    def look(studio: Studio) -> Look:
        provider = studio.providers[studio.settings.provider]
        model = provider.models()[0]
        ratio, size = model.nearest("1:1", "1K")
        order = Order(
            preset="white_bg_front",
            outputs=1,
            ratio=ratio,
            size=size,
            provider=provider.name,
            model=model.name,
        )
        sample = Upload(name="sample.jpg", data=sample_photo())
        key = generation.submit(studio, [sample], order, by=by, again=True)
        until = clock.now() + timedelta(seconds=400)
        while (view := generation.view(studio, key)).pending and clock.now() < until:
            time.sleep(0.2)
        output = view.outputs[0]
        if output.state is OutputState.SUCCEEDED:
            return Health.OK, "ok", {"task": key}
        if output.error_kind:
            raise restored(output.error_kind, output.error_data)
        return Health.FAILED, "waiting", {"task": key}

    return _timed(studio, "generate", look)
