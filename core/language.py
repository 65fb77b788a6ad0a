"""Words for people: gettext catalogues read by Babel, chosen per person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import PackshotError

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

LANGUAGES = {"en": "English", "zh": "繁體中文"}
"""Code in URLs and sessions -> the language's own name."""

_KNOWN = ("part", "reason", "state", "verdict", "what")
"""Values of errors that have words of their own, as `reason.SAFETY`."""

_FOLDER = Path(__file__).parent / "locale"
_LOCALES = {"en": "en", "zh": "zh_Hant_HK"}


def from_browser(locale: str | None) -> str:
    """The language for a browser's locale such as "zh-HK"; English when there is no other match."""
    return "zh" if (locale or "").lower().startswith("zh") else "en"


@cache
def words(language: str) -> Words:
    """The catalogue of a code in LANGUAGES; KeyError otherwise."""
    return Words(language, read_catalogue(_LOCALES[language]))


def read_catalogue(locale: str) -> Catalog:
    """One catalogue as Babel reads it."""
    from babel.messages.pofile import read_po

    with (_FOLDER / locale / "LC_MESSAGES" / "packshot.po").open("rb") as file:
        return read_po(file, locale=locale, abort_invalid=True)


class Words:
    """Sentences by key, with named values put in."""

    def __init__(self, language: str, catalogue: Catalog) -> None:
        self.language = language
        self._locale = catalogue.locale
        self._texts: dict[str, str | tuple[str, ...]] = {}
        for message in catalogue:
            if message.id:
                key = message.id[0] if isinstance(message.id, (tuple, list)) else message.id
                text = message.string
                self._texts[str(key)] = tuple(text) if isinstance(text, (tuple, list)) else str(text)

    def __call__(self, key: str, /, **values: Any) -> str:
        """The sentence; a message with a plural is chosen by the value `n`. KeyError for an unknown key."""
        text = self._texts[key]
        if isinstance(text, tuple):
            # Only a message with a plural needs what Babel knows of the locale, which takes long to load.
            rule = self._locale.plural_form(values["n"]) if self._locale else "other"
            text = text[0] if rule == "one" else text[-1]
        return text.format_map(values)

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def title(self, kind: str) -> str:
        """What happened, in two or three words, for an error's kind."""
        return self(f"error.{kind}.title")

    def sentence(
        self, kind: str, data: Mapping[str, Any], *, zone: tzinfo = UTC, about: str = "error"
    ) -> str:
        """What happened, what it means, what to do next; moments on the clock of `zone`.

        `kept` in the data: a picture came that the store did not take. `about` "describe" takes the words
        for a description that did not come, where they differ.
        """
        key = f"{about}.{kind}.say"
        if key not in self:
            key = f"error.{kind}.say"
        if "kept" in data:
            return self("error.kept" if data["kept"] else "error.lost")
        values = {name: value for name, value in data.items() if name not in ("over", "waits")}
        unknown = any(value is None for value in values.values()) or not values
        values |= {name: self._known(name, values[name]) for name in _KNOWN if name in values}
        if values.get("until"):
            until = datetime.fromisoformat(values["until"]).astimezone(zone)
            values["until"] = f"{until:%Y-%m-%d %H:%M}" + (" UTC" if zone is UTC else "")
        if unknown and data.get("waits") and f"{key}_waits" in self:
            key = f"{key}_waits"
        elif unknown and f"{key}_unknown" in self:
            key = f"{key}_unknown"
        elif data.get("over") and f"{key}_over" in self:
            key = f"{key}_over"
        return self(key, **values)

    def error(self, error: PackshotError) -> str:
        return self.sentence(error.kind, error.data)

    def _known(self, name: str, value: Any) -> str:
        key = f"{name}.{value}"
        return self(key) if key in self else str(value)
