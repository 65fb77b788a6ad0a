"""Words of a page in the language of the person who reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import streamlit as st

from core import language, presets, studio
from core.language import Words
from core.model import Preset

_ICON = re.compile(r":(?=[\w+/-]+:)")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")


_language: ContextVar[str | None] = ContextVar("language", default=None)


def listen() -> None:
    """Called first in every run of the router: which language is read is looked up once from there on."""
    _language.set(None)


def chosen() -> str:
    """The language of this session: chosen, else the browser's."""
    found = _language.get()
    if found is None:
        found = str(st.session_state.get("language") or language.from_browser(st.context.locale))
        _language.set(found)
    return found


def words() -> Words:
    return language.words(chosen())


def t(key: str, /, **values: Any) -> str:
    """A sentence of the catalogue. Values that people or models wrote go through `plain` first."""
    return words()(key, **values)


def together(sentences: Iterable[str]) -> str:
    """Sentences one after another; the Chinese full stop needs no space."""
    return "".join(text if text.endswith("。") else f"{text} " for text in sentences).strip()


def spoken(name: str) -> str:
    """A key for a widget whose browser side keeps the words of an option: another language is another one."""
    return f"{name}-{chosen()}"


def plain(text: object) -> str:
    """Text as it is, where Markdown would be read."""
    # Streamlit looks for icons, emoji and addresses after Markdown has taken its backslashes away: a word
    # joiner keeps ":material/home:" and "me@shop.hk" apart.
    apart = _ICON.sub(":\u2060", str(text)).replace("@", "\u2060@")
    return _MARKDOWN.sub(r"\\\1", apart).replace("\n", " ")


def money(micros: int | None) -> str:
    """US dollars; unknown is said, free is said."""
    if micros is None:
        return t("price.unknown")
    if micros == 0:
        return t("price.free")
    return dollars(micros) if micros >= 100_000 else f"US${micros / 1_000_000:.4f}"


def dollars(micros: int) -> str:
    """An amount to the cent."""
    return f"US${micros / 1_000_000:.2f}"


def estimate(micros: int | None) -> str:
    """A price before the press."""
    said = money(micros)
    return t("price.about", price=said) if micros else said


def local(moment: datetime) -> datetime:
    """A moment on the operators' clock."""
    return moment.astimezone(studio.current().settings.zone)


def when(moment: datetime) -> str:
    """Today as a time, else as day and time."""
    here = local(moment)
    today = datetime.now(here.tzinfo).date()
    return f"{here:%H:%M}" if here.date() == today else f"{here:%Y-%m-%d %H:%M}"


def provider_name(provider: str) -> str:
    key = f"provider.{provider}"
    return t(key) if key in words() else provider


def preset_name(preset: Preset | str) -> str:
    """What the desk calls it, as text: in Markdown it goes through `plain`."""
    found = preset if isinstance(preset, Preset) else presets.known(studio.current(), preset)
    name = found.name if found else str(preset)
    key = f"preset.{name}.name"
    own = found.titles.get(chosen()) if found else None
    return own or (t(key) if key in words() else name)


def preset_help(preset: Preset) -> str:
    """What it is good for, as text; may be empty."""
    key = f"preset.{preset.name}.help"
    return preset.helps.get(chosen()) or (t(key) if key in words() else "")
