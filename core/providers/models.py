"""What each model takes, from `models.toml`; an unknown one takes what is common."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from core.providers import ModelInfo

_TABLE = Path(__file__).with_name("models.toml")


@dataclass(frozen=True, kw_only=True)
class Model:
    """`sends_size`: the request names a size; `photos`: reference photos in one request at most."""

    info: ModelInfo
    sends_size: bool
    photos: int


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))


def find(provider: str, name: str) -> Model:
    """By name; a longer name such as `...-preview` or `...-001` takes what its model takes."""
    known = {entry["name"]: entry for entry in _table().get(provider, ())}
    near = [found for found in known if name == found or name.startswith(f"{found}-")]
    values = {**_table()["common"], **(known[max(near, key=len)] if near else {})}
    if provider == "gateway":
        values["sizes"] = [_named_size(name)]
    ratios = (*values["ratios"], *values.get("more_ratios", ()))
    return Model(
        info=ModelInfo(name=name, ratios=ratios, sizes=tuple(values["sizes"])),
        sends_size=values["sends_size"],
        photos=values["photos"],
    )


def _named_size(name: str) -> str:
    """A gateway takes no size: it lies in the model's name, as in `nano-banana-2-4k`."""
    return next((size for size in ("4K", "2K") if size.lower() in name.lower().split("-")), "1K")


def offered(provider: str, configured: str) -> tuple[ModelInfo, ...]:
    """The configured model first, then the known ones."""
    known = [entry["name"] for entry in _table().get(provider, ()) if entry.get("offered", True)]
    names = dict.fromkeys((configured, *known))
    return tuple(find(provider, name).info for name in names)
