"""The model server for tests of providers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from core.providers import ImageRequest
from core.providers.chat import ChatDescriber
from core.providers.gateway import Gateway
from core.providers.gemini import Gemini
from core.providers.gemini_text import GeminiDescriber
from core.providers.openai import OpenAI
from tests.parts import model_rules
from tests.parts.models import KEY, ModelServer


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as found:
        yield found


MODELS = {"gemini": "gemini-nano-banana-2.1", "gateway": "nano-banana-2", "openai": "gpt-image-2"}


Provide = Callable[..., Any]


@pytest.fixture
def provider(server: ModelServer) -> Iterator[Provide]:
    """Make one by name, on the model server or elsewhere; closed at the end."""
    kinds: dict[str, Any] = {"gemini": Gemini, "gateway": Gateway, "openai": OpenAI}
    with ExitStack() as stack:

        def made(name: str, *, base: str | None = None, key: str = KEY, model: str | None = None) -> Any:
            home = base or (server.base if name == "gemini" else f"{server.base}/v1")
            found = kinds[name](key=key, base=home, model=model or MODELS[name], concurrency=2)
            stack.callback(found.close)
            return found

        yield made


@pytest.fixture
def describer(server: ModelServer) -> Iterator[Provide]:
    """Make one that describes by the provider's name; closed at the end."""
    with ExitStack() as stack:

        def made(name: str, *, base: str | None = None, key: str = KEY) -> Any:
            home = base or (server.base if name == "gemini" else f"{server.base}/v1")
            values: dict[str, Any] = {"key": key, "base": home, "model": model_rules.TEXT, "concurrency": 2}
            found = GeminiDescriber(**values) if name == "gemini" else ChatDescriber(name=name, **values)
            stack.callback(found.close)
            return found

        yield made


def wanted(photo: bytes, *more: bytes, **changes: Any) -> ImageRequest:
    values: dict[str, Any] = {"model": MODELS["gemini"], "ratio": "1:1", "size": "1K", "variant": 1}
    return ImageRequest(prompt="Put this on white", photos=(photo, *more), **{**values, **changes})
