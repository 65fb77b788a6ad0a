"""What a preset may be, whoever wrote it: a file of Packshot, or an administrator on the page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter
from typing import Any

from core.errors import PresetRefused
from core.language import LANGUAGES
from core.model import PhotoRole, Preset
from core.providers.sizes import RATIOS, SIZES
from core.text import clean

LIMITS = {"title": 60, "help": 160, "prompt": 4000, "default_style": 400, "note": 200}
"""Characters."""
MOST_OUTPUTS = 5
"""Pictures of one photo, as many as Generate offers."""
PLACES = ("product", "style")
"""What may stand in braces: facts of the product, and the style that was typed."""

_NAME = re.compile(r"[a-z][a-z0-9_]{1,47}")
_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "role": tuple(PhotoRole),
    "ratio": RATIOS,
    "size": SIZES,
    "outputs": tuple(range(1, MOST_OUTPUTS + 1)),
    "plain_background": (True, False),
    "describe": (True, False),
}
_TEXTS = {"prompt", "default_style", "picture"}


def checked_name(name: Any) -> str:
    """A name as it stands in addresses and commands. Raises PresetRefused."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PresetRefused("name", "name", clean(str(name))[:60])
    return str(name)


def checked_text(part: str, text: Any, *, lines: bool = False, needed: bool = False) -> str:
    """One text, cleaned. Raises PresetRefused."""
    if not isinstance(text, str):
        raise PresetRefused(part, "choice", str(text)[:60])
    found = clean(text, lines=lines).strip()
    limit = LIMITS[part.split(".")[0]]
    if len(found) > limit:
        raise PresetRefused(part, "too_long", f"{len(found):,} > {limit:,}")
    if needed and not found:
        raise PresetRefused(part, "empty")
    return found


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """All that a version keeps of a preset, cleaned; `titles` and `helps` are by language and may be empty.

    Raises PresetRefused for the first part that is wrong, missing or not known.
    """
    for part in sorted({*_CHOICES, *_TEXTS} - values.keys()):
        raise PresetRefused(part, "empty")
    for part in sorted(values.keys() - {*_CHOICES, *_TEXTS, "titles", "helps"}):
        raise PresetRefused(part, "choice")
    prompt = checked_text("prompt", values["prompt"], lines=True, needed=True)
    style = "style" in _places(prompt)
    found: dict[str, Any] = {
        "prompt": prompt,
        # A style that no prompt asks for would only be looked for in vain.
        "default_style": checked_text("default_style", values["default_style"], needed=style)
        if style
        else "",
        "picture": checked_name(values["picture"]) if values["picture"] else "",
    }
    for part, allowed in _CHOICES.items():
        value = values[part]
        # True is 1, and no count.
        if value not in allowed or isinstance(value, bool) is not isinstance(allowed[0], bool):
            raise PresetRefused(part, "choice", clean(str(value))[:60])
        found[part] = str(value) if part == "role" else value
    for parts, part in (("titles", "title"), ("helps", "help")):
        texts = values.get(parts) or {}
        said = {code: checked_text(f"{part}.{code}", texts.get(code) or "") for code in LANGUAGES}
        found[parts] = {code: text for code, text in said.items() if text}
    return found


def _places(prompt: str) -> set[str]:
    """What stands in braces. Raises PresetRefused for what nothing would be put in for."""
    try:
        parsed = list(Formatter().parse(prompt))
    except ValueError as exc:
        raise PresetRefused("prompt", "braces") from exc
    found = set()
    for _, name, form, turned in parsed:
        if name is None:
            continue
        if name not in PLACES or form or turned:
            raise PresetRefused("prompt", "place", "{" + name[:40] + "}")
        found.add(name)
    if "product" not in found:
        raise PresetRefused("prompt", "no_product")
    return found


def preset_of(name: str, version: int, values: Mapping[str, Any]) -> Preset:
    """A version from what is kept of it, which was checked when it was written."""
    return Preset(name=name, version=version, **{**values, "role": PhotoRole(values["role"])})
