"""The seams to models: one request in, one picture, one description or one typed error out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.model import Description


@dataclass(frozen=True, kw_only=True)
class ImageRequest:
    """One picture wanted."""

    model: str
    prompt: str
    photos: tuple[bytes, ...] = field(repr=False)
    """Reference photos as JPEG bytes, upright, sRGB; the product first."""
    ratio: str
    """For example "4:5"."""
    size: str
    """"1K", "2K" or "4K"."""
    variant: int
    """1 for the first output of a photo, 2 for the next."""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ImageAnswer:
    """One picture, its bytes exactly as they came."""

    data: bytes = field(repr=False)
    cost_micros: int | None
    """Millionths of a US dollar; None is unknown, 0 is free."""
    model_version: str | None = None
    request_id: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """What a model takes."""

    name: str
    ratios: tuple[str, ...]
    sizes: tuple[str, ...]

    def nearest(self, ratio: str, size: str) -> tuple[str, str]:
        """A preset's ratio and size where the model takes them, else its first."""
        return (
            ratio if ratio in self.ratios else self.ratios[0],
            size if size in self.sizes else self.sizes[0],
        )


class ImageProvider(Protocol):
    """Raises `core.errors.ProviderError` kinds and nothing else on a foreseen outcome."""

    name: str

    def models(self) -> tuple[ModelInfo, ...]:
        """The models offered, the default first. No network."""
        ...

    def estimate(self, model: str, size: str) -> int | None:
        """Millionths of a US dollar for one picture; None when the price is unknown."""
        ...

    def generate(self, request: ImageRequest) -> ImageAnswer:
        """Ask once; never repeat by itself."""
        ...

    def probe(self) -> Mapping[str, Any]:
        """Facts for the doctor; free of charge.

        Raises a `ProviderError` when generation could not work. `listed` is False when the provider's list
        lacks the configured model, None when it has no list.
        """
        ...

    def close(self) -> None:
        """Give connections back; nothing is asked after it."""
        ...


@dataclass(frozen=True, kw_only=True)
class DescribeRequest:
    """One photo to be described: a JPEG, upright and in sRGB."""

    model: str
    photo: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class DescribeAnswer:
    """One description and what it cost."""

    description: Description
    cost_micros: int | None
    """Millionths of a US dollar; None is unknown, 0 is free."""
    model_version: str | None = None
    request_id: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)


class Describer(Protocol):
    """A vision model that says what a photo shows. Raises `ProviderError` kinds as `ImageProvider` does."""

    name: str
    """The provider that is asked."""
    model: str

    def estimate(self) -> int | None:
        """Millionths of a US dollar for one description; None when the price is unknown."""
        ...

    def describe(self, request: DescribeRequest) -> DescribeAnswer:
        """Ask once; never repeat by itself."""
        ...

    def probe(self) -> Mapping[str, Any]:
        """As `ImageProvider.probe`."""
        ...

    def close(self) -> None:
        """Give connections back; nothing is asked after it."""
        ...
