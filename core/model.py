"""The words of the image desk as types: enums and frozen records, standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from string import Formatter
from typing import Any


class OutputState(StrEnum):
    """Where one wanted picture stands. The last four are ends; only a click leaves them."""

    QUEUED = "queued"
    """Waits for a free place; nothing was sent."""
    RUNNING = "running"
    """A live process holds it."""
    SUCCEEDED = "succeeded"
    """Its picture is stored and recorded."""
    FAILED = "failed"
    """It ended without a picture that can be used; the error says why."""
    BLOCKED = "blocked"
    """The model refused it."""
    UNKNOWN = "unknown"
    """It was sent and no answer came: it may have been charged. Never replayed by itself."""

    @property
    def ended(self) -> bool:
        return self not in (OutputState.QUEUED, OutputState.RUNNING)


class ReviewState(StrEnum):
    """What people decided about an output."""

    TO_REVIEW = "to_review"
    APPROVED = "approved"
    REJECTED = "rejected"


class ChecksState(StrEnum):
    """Where the low-priority step after a picture stands."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


FIDELITY = "fidelity"
"""The check that compares a picture with its photo."""


class Role(StrEnum):
    """What an actor may do; each role may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    REVIEWER = "reviewer"
    ADMIN = "admin"

    def may(self, needed: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(needed)


class PhotoRole(StrEnum):
    """What a picture is for in a listing, by the names of HKTVmall's API. A listing has one main photo."""

    MAIN = "mainPhoto"
    OTHER_PRODUCT = "otherProductPhoto"
    OTHER = "otherPhoto"
    ADVERTISING = "advertisingPhoto"

    @property
    def single(self) -> bool:
        """A listing takes one such picture."""
        return self in (PhotoRole.MAIN, PhotoRole.ADVERTISING)


class Health(StrEnum):
    """The result of one check of the desk itself."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who did it: an identity that stays (`id`), the name people read, and a role."""

    id: str
    name: str
    role: Role

    @classmethod
    def local(cls) -> Actor:
        """The one operator of a desk without sign-in."""
        return cls(id="local", name="local", role=Role.ADMIN)


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One file as it came, with what the operator wrote about it."""

    name: str
    data: bytes = field(repr=False)
    sku: str = ""
    product_name: str = ""
    description: Mapping[str, Any] | None = None
    """Facts of the product by the names of `Description`, as the operator lets them stand."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a vision model says of the product in one photo. Every text is one line."""

    description: str
    """What the photo shows of it."""
    product_type: str = ""
    category: str = ""
    key_features: tuple[str, ...] = ()
    headline: str = ""
    """For a listing; never for a picture."""
    prompt: str = ""
    """A scene that the model would put it in."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the operator asks for, for every photo of a task."""

    preset: str
    outputs: int
    ratio: str
    size: str
    provider: str
    model: str
    style: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What only this provider understands, for example `fill` and `shadow` of the local one."""
    unpriced_ok: bool = False
    """A limit of the day is set, the model's price is unknown, and the operator says go on."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One version of a prompt template for one role of picture; it never changes."""

    name: str
    version: int
    """From 1 on, by this desk; 0 for what stands in no database yet."""
    role: PhotoRole
    """What its pictures are for in a listing, unless somebody says otherwise at export."""
    prompt: str
    ratio: str
    size: str
    outputs: int
    default_style: str
    """Where the prompt takes a style and none is typed."""
    plain_background: bool
    """The picture is the product on white: the local cut-out can make it."""
    describe: bool
    """The page offers to describe the photos first."""
    picture: str = ""
    """The name of the preset whose picture stands for it."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """By language; else the catalogues' under `preset.{name}.name`, as for the help."""
    helps: Mapping[str, str] = field(default_factory=dict)

    @property
    def takes_style(self) -> bool:
        """The prompt has a place for it."""
        return any(name == "style" for _, name, _, _ in Formatter().parse(self.prompt))


@dataclass(frozen=True, kw_only=True)
class Task:
    """One press of Generate."""

    id: int
    key: str
    created_at: datetime
    created_by: str
    preset: str
    preset_version: int
    style: str
    ratio: str
    size: str
    outputs: int
    provider: str
    model: str
    parameters: Mapping[str, Any]
    unpriced_ok: bool


@dataclass(frozen=True, kw_only=True)
class Photo:
    """One input of a task, as stored, with the marks of the file that was uploaded."""

    id: int
    key: str
    task_id: int
    position: int
    sku: str
    product_name: str
    prompt: str
    store: str
    object_key: str
    thumb_key: str
    width: int
    height: int
    bytes: int
    sha256: str
    flattened: bool
    """Transparent parts were laid on white."""
    original_name: str
    original_type: str
    original_bytes: int
    original_sha256: str
    description: Mapping[str, Any] | None
    """What a vision model said of the product and an operator let stand."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """One wanted picture, whatever became of it."""

    id: int
    key: str
    task_id: int
    photo_id: int
    variant: int
    state: OutputState
    review: ReviewState
    checks: ChecksState
    provider: str
    model: str
    store: str
    request_key: str
    """The same for the same question: model, prompt, photo, parameters, variant."""
    attempts: int
    """Claims since a person last asked for it."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    not_before: datetime | None
    """Not to be started earlier: the provider asked for a wait."""
    object_key: str | None
    thumb_key: str | None
    content_type: str | None
    width: int | None
    height: int | None
    bytes: int | None
    sha256: str | None
    cost_micros: int | None
    """Millionths of a US dollar; None is unknown, 0 is free."""
    latency_ms: int | None
    model_version: str | None
    provider_request_id: str | None
    notes: Mapping[str, Any]
    """What the provider says of its picture, for example `cutout_confidence` (0 to 1)."""
    error_kind: str | None
    error_data: Mapping[str, Any]
    deleted_at: datetime | None
    """In the trash since then; lists don't show it."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One act, by whom, written in the transaction of the act."""

    id: int
    at: datetime
    actor: str
    verb: str
    task_id: int | None
    output_id: int | None
    data: Mapping[str, Any]
