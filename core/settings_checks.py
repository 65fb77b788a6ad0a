"""What settings miss beside one another, whom they let in, and names that are nearly right."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING

from core.errors import SettingsWrong

if TYPE_CHECKING:
    from pathlib import Path

    from core.settings import Settings

_NEEDS: dict[str, tuple[str, ...]] = {
    "gemini": ("gemini_api_key",),
    "gateway": ("nano_banana_api_base", "nano_banana_api_key", "nano_banana_model"),
    "openai": ("openai_api_key", "openai_model"),
    "local": (),
}


def incomplete(settings: Settings) -> list[tuple[str, str]]:
    """(variable, sentence) of what is missing beside what is set."""
    found: list[tuple[str, str]] = []

    def need(names: Sequence[str], why: str) -> None:
        missing = [name for name in names if getattr(settings, name) is None]
        found.extend((name.upper(), f"is needed because {why}") for name in missing)

    if settings.use_r2_storage:
        names = ("r2_endpoint", "r2_bucket", "r2_access_key", "r2_secret_key")
        need(names, "USE_R2_STORAGE is true")
    elif settings.media_delivery in ("presigned", "public"):
        found.append(("MEDIA_DELIVERY", "should be proxy, or empty, while USE_R2_STORAGE is false"))
    if settings.media_delivery == "public":
        need(["r2_public_url"], "MEDIA_DELIVERY is public")
    need(_NEEDS[settings.provider], f"the image provider is {settings.provider}")
    if settings.image_provider is None and settings.nano_banana_api_key and not settings.nano_banana_api_base:
        found.append(
            (
                "NANO_BANANA_API_KEY",
                "has no place to go: add NANO_BANANA_API_BASE=https://..., or for a Google key "
                "put it into GEMINI_API_KEY with IMAGE_PROVIDER=gemini",
            )
        )
    if settings.executor == "celery" and not (settings.celery_broker_url or settings.redis_url):
        found.append(("CELERY_BROKER_URL", "is needed because EXECUTOR is celery"))
    return found


def check_address(settings: Settings, address: str | None) -> None:
    """Raises SettingsWrong when people on the network would reach a desk that asks nobody who they are.

    `address` is what the server binds to; None or "" is every address of this computer.
    """
    try:
        alone = ip_address(address or "0.0.0.0").is_loopback  # noqa: S104 - judged, not bound
    except ValueError:
        alone = address == "localhost" or str(address).startswith("unix://")
    if not alone and not settings.allow_anonymous:
        sentence = (
            f"should be true to let everyone who reaches {address or 'this computer'} use the desk without "
            "signing in; else set the server's address to 127.0.0.1"
        )
        raise SettingsWrong([("ALLOW_ANONYMOUS", sentence)])


def misspelt(known: Sequence[str], file: Path) -> Mapping[str, str]:
    """Names in `file` and in the environment that are nearly one of `known` -> the one meant."""
    from difflib import get_close_matches

    from dotenv import dotenv_values

    given = {*os.environ, *(dotenv_values(file, encoding="utf-8-sig") if file.is_file() else ())}
    near = {name: get_close_matches(name.upper(), known, 1, 0.9) for name in sorted(given)}
    return {name: found[0] for name, found in near.items() if found and name.upper() not in known}
