"""The Studio: what every verb works with, wired once."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cachetools import LRUCache, cachedmethod

from core.database.engine import written
from core.errors import DatabaseError, SettingsWrong
from core.metrics import Meters
from core.providers import Describer, ImageProvider
from core.settings import ROOT, Settings
from core.shelf import Shelf
from core.storage import ObjectStore
from core.storage.folder import FolderStore
from core.storage.links import LinkSigner
from core.storage.watched import WatchedStore

if TYPE_CHECKING:
    from sqlalchemy import Engine


_SECRET_LENGTH = 16
_SOURCES = 64 * 2**20
"""Bytes of photos that are kept in memory."""
_DRAIN = 25.0
"""Seconds that a closing desk waits for what was sent."""


@dataclass(frozen=True, kw_only=True)
class Studio:
    """Settings and the open parts. Threads may share it."""

    settings: Settings
    engine: Engine
    store: ObjectStore
    spool: ObjectStore
    """This machine's own folder for answers whose row is not written yet."""
    signer: LinkSigner
    providers: Mapping[str, ImageProvider]
    pool: ThreadPoolExecutor
    """For work on pictures while a page waits."""
    enqueue: Callable[[Sequence[int]], None]
    """Says that these outputs wait."""
    describer: Describer | None
    """What describes photos, where such a model is set."""
    asking: ThreadPoolExecutor
    """For descriptions while a page waits: their own threads, since each takes many seconds."""
    closing: threading.Event = field(default_factory=threading.Event, repr=False)
    """Set when this process waits for nothing any more."""
    stirred: threading.Event = field(default_factory=threading.Event, repr=False)
    """Set when an act on many waits."""
    meters: Meters = field(default_factory=Meters, repr=False)
    """What this process counts."""
    shelf: Shelf = field(default_factory=Shelf, repr=False)
    """Its presets, as this process knows them."""
    sources: LRUCache[str, bytes] = field(
        default_factory=lambda: LRUCache(_SOURCES, getsizeof=len), repr=False
    )
    """The photos that were asked for last."""
    sources_changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    @cachedmethod(lambda self: self.sources, condition=lambda self: self.sources_changed)
    def source(self, key: str) -> bytes:
        """A stored photo. Several pictures are made of one: it is read once. Raises StorageError kinds."""
        return self.store.get(key)

    @property
    def written(self) -> int:
        """Another number as soon as this process has written to the database."""
        return written(self.engine)

    def link(self, key: str, *, download: str | None = None) -> str:
        """Where a browser loads an object."""
        return self.store.link(key, download=download)


@contextmanager
def open_studio(
    settings: Settings,
    *,
    work: bool = True,
    check: bool = False,
    providers: Mapping[str, ImageProvider] | None = None,
    describer: Describer | None = None,
    store: ObjectStore | None = None,
) -> Iterator[Studio]:
    """Open everything; with `work` this process also runs what waits, acts on many as well, with `check` it
    also looks after what was made: compares pictures with their photos while nothing waits, and once a day
    lets go what is old.

    A database or a store that can't be reached is no failure to open: verbs raise when they need it.
    Raises SettingsWrong when no secret for links can be kept.
    """
    from core import insights
    from core.bulk_worker import BulkWorker
    from core.checking import Checker
    from core.database.engine import make_engine
    from core.providers.describers import make_describer
    from core.runner import Runner
    from core.upkeep import Upkeep

    signer = LinkSigner(app_secret(settings))
    engine = make_engine(
        settings.database_url.get_secret_value(), pool_size=settings.provider_concurrency + 8
    )
    made = None if providers else make_providers(settings)
    describes = describer or make_describer(settings)
    asking = ThreadPoolExecutor(settings.provider_concurrency, thread_name_prefix="describing")
    runner: Runner | None = None
    meters = Meters()
    with ThreadPoolExecutor(max_workers=4, thread_name_prefix="pictures") as pool:
        studio = Studio(
            settings=settings,
            engine=engine,
            store=WatchedStore(
                store or make_store(settings, signer),
                asked=meters.store_asked,
                failed=meters.store_failed,
            ),
            spool=FolderStore(settings.upload_dir.with_name(settings.upload_dir.name + "-spool"), signer),
            signer=signer,
            providers=providers or made or {},
            pool=pool,
            enqueue=lambda ids: runner.wake() if runner else None,
            describer=describes,
            asking=asking,
            meters=meters,
        )
        with suppress(DatabaseError):
            prepare(studio)
        steps: list[BulkWorker | Checker | Upkeep] = [BulkWorker(studio)] if work else []
        steps += [Checker(studio), Upkeep(studio)] if check else []
        if work:
            runner = Runner(studio)
            runner.start()
        for step in steps:
            step.start()
        try:
            yield studio
        finally:
            until = time.monotonic() + _DRAIN
            ending = threading.Thread(target=asking.shutdown, kwargs={"cancel_futures": True}, daemon=True)
            ending.start()
            for step in steps:
                step.stop()
            idle = runner.stop(drain=_DRAIN) if runner else True
            # What was sent and is still awaited keeps its connection.
            if idle:
                for provider in (made or {}).values():
                    provider.close()
            ending.join(max(0.0, until - time.monotonic()))
            studio.closing.set()
            with suppress(DatabaseError):
                insights.count_asked(studio)
            if describes and describes is not describer and not ending.is_alive():
                describes.close()
            engine.dispose()


def prepare(studio: Studio) -> None:
    """Bring tables, presets and sums up to date. Raises DatabaseError kinds."""
    from core import insights
    from core.database.migrate import migrate
    from core.presets import record

    migrate(studio.engine)
    record.record(studio)
    insights.fill(studio)


def make_store(settings: Settings, signer: LinkSigner) -> ObjectStore:
    """The configured store. Nothing is connected yet."""
    if not settings.use_r2_storage:
        return FolderStore(settings.upload_dir, signer)
    from core.runner import KEEPING
    from core.storage.r2 import R2Store

    keys = (settings.r2_access_key, settings.r2_secret_key)
    access_key, secret_key = (key.get_secret_value() if key else "" for key in keys)
    return R2Store(
        endpoint=settings.r2_endpoint or "",
        bucket=settings.r2_bucket or "",
        access_key=access_key,
        secret_key=secret_key,
        signer=signer,
        delivery=settings.delivery,
        public_url=settings.public_url,
        workers=settings.provider_concurrency * KEEPING,
    )


def make_providers(settings: Settings) -> Mapping[str, ImageProvider]:
    """Every provider that the settings have a key and an address for, the configured one first.

    The local cut-out is always there. Nothing is connected yet.
    """
    from core.providers.local import LocalCutout

    found: dict[str, ImageProvider] = {"local": LocalCutout()}
    concurrency = settings.provider_concurrency
    if settings.gemini_api_key:
        from core.providers.gemini import Gemini

        found["gemini"] = Gemini(
            key=settings.gemini_api_key.get_secret_value(),
            base=settings.google_gemini_base_url,
            model=settings.gemini_model,
            concurrency=concurrency,
        )
    if settings.nano_banana_api_key and settings.nano_banana_api_base and settings.nano_banana_model:
        from core.providers.gateway import Gateway

        found["gateway"] = Gateway(
            key=settings.nano_banana_api_key.get_secret_value(),
            base=settings.nano_banana_api_base,
            model=settings.nano_banana_model,
            concurrency=concurrency,
        )
    if settings.openai_api_key and settings.openai_model:
        from core.providers.openai import OpenAI

        found["openai"] = OpenAI(
            key=settings.openai_api_key.get_secret_value(),
            base=settings.openai_base_url,
            model=settings.openai_model,
            concurrency=concurrency,
        )
    first = settings.provider
    return {first: found[first], **found}


def app_secret(settings: Settings) -> str:
    """APP_SECRET, or one made once and kept under `var/` for this machine alone.

    Raises SettingsWrong when none can be kept or what is kept is none: links signed with it could be forged.
    """
    if settings.app_secret:
        return settings.app_secret.get_secret_value()
    path = ROOT / "var" / "app_secret"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = _kept_secret(path)
    except (OSError, UnicodeDecodeError) as exc:
        sentence = "is needed because var/app_secret can't be kept or read"
        raise SettingsWrong([("APP_SECRET", sentence)]) from exc
    if len(kept) < _SECRET_LENGTH:
        sentence = "is needed because var/app_secret is damaged; or remove that file"
        raise SettingsWrong([("APP_SECRET", sentence)])
    return kept


def _kept_secret(path: Path) -> str:
    with suppress(FileExistsError):
        made = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(32), encoding="ascii")
        try:
            path.hardlink_to(made)  # Whoever comes first wins; the others read it.
        finally:
            made.unlink()
    return path.read_text(encoding="ascii").strip()


_current: list[Studio] = []


def set_current(studio: Studio | None) -> None:
    """Put the process's Studio in its one holder, or take it out."""
    _current[:] = [] if studio is None else [studio]


def current() -> Studio:
    """The process's Studio. Raises RuntimeError when none is open."""
    if not _current:
        raise RuntimeError("No studio is open: start the desk with `streamlit run app.py`.")
    return _current[0]
