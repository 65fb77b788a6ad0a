"""What an administrator does with a preset beside its text: copy, hide, go back; and the way to undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from core import preset_versions, studio
from core.errors import PackshotError
from core.language import LANGUAGES, words
from core.model import Actor, Preset
from core.preset_versions import Story
from core.presets.rules import LIMITS
from pages.ui import link
from pages.ui.trouble import show
from pages.ui.words import chosen, plain, t


@dataclass(frozen=True, kw_only=True)
class Said:
    """What came of the last act; with `back`, the version that counted before it."""

    text: str
    name: str = ""
    back: int | None = None


def said() -> None:
    """What the last act of this visit did, with the way back; or why it did nothing."""
    if st.session_state.get("came"):
        st.session_state.pop("preset-said", None)
    found = st.session_state.get("preset-said")
    if isinstance(found, PackshotError):
        show(found)
    elif isinstance(found, Said):
        with st.container(horizontal=True, vertical_alignment="center", key="preset-said-row"):
            st.success(found.text, icon=":material/check:", width="stretch")
            if found.back is not None:
                st.button(
                    t("presets.undo"),
                    key="preset-undo",
                    icon=":material/undo:",
                    on_click=use,
                    args=(found.name, found.back),
                )


def attempt(act: Callable[[], Said | None]) -> bool:
    """Do it and keep what there is to say of it for the page; False when it was refused."""
    try:
        st.session_state["preset-said"] = act()
    except PackshotError as error:
        st.session_state["preset-said"] = error
        return False
    return True


def use(name: str, version: int) -> None:
    """Let a version count."""

    def act() -> Said:
        back = preset_versions.activate(studio.current(), name, version, by=Actor.local())
        return Said(text=t("presets.now", version=version), name=name, back=back)

    attempt(act)


def _roll_back(name: str, now: int) -> None:
    def act() -> Said:
        version = preset_versions.roll_back(studio.current(), name, by=Actor.local())
        return Said(text=t("presets.now", version=version), name=name, back=now)

    attempt(act)


def _offer(name: str, shown: bool) -> None:
    attempt(lambda: preset_versions.offer(studio.current(), name, shown, by=Actor.local()))


def acts(story: Story) -> None:
    """The buttons beside a preset's name."""
    active = story.active.preset
    if story.former is not None:
        st.button(
            t("presets.roll_back", version=story.former),
            key="preset-back",
            icon=":material/undo:",
            on_click=_roll_back,
            args=(active.name, active.version),
        )
    drawer = st.popover(
        t("presets.copy"), icon=":material/content_copy:", key="preset-copy", on_change="rerun"
    )
    if drawer.open:
        with drawer:
            _copying(active)
    st.button(
        t("presets.show" if story.hidden else "presets.hide"),
        type="tertiary",
        key="preset-offer",
        icon=":material/visibility:" if story.hidden else ":material/visibility_off:",
        on_click=_offer,
        args=(active.name, story.hidden),
    )


def title_of(preset: Preset, code: str) -> str:
    """Its name in a language: its own, or the catalogue's."""
    return _own(preset.titles, code, f"preset.{preset.name}.name")


def help_of(preset: Preset, code: str) -> str:
    return _own(preset.helps, code, f"preset.{preset.name}.help")


def _own(texts: object, code: str, key: str) -> str:
    own = texts.get(code) if isinstance(texts, dict) else None
    return own or (words(code)(key) if key in words(code) else "")


def _copying(source: Preset) -> None:
    state = st.session_state
    keys = {code: f"preset-copy-{source.name}-{code}" for code in LANGUAGES}
    slug = f"preset-copy-{source.name}-name"
    st.caption(t("presets.copy_say"))
    for code, key in keys.items():
        state.setdefault(key, words(code)("presets.copy_of", name=title_of(source, code)))
        st.text_input(t(f"part.title.{code}"), state[key], key=key, max_chars=LIMITS["title"])
    state.setdefault(slug, f"{source.name}_2"[:48])
    st.text_input(t("part.name"), state[slug], key=slug, max_chars=48)

    def create() -> None:
        titles = {code: str(state[key] or "") for code, key in keys.items()}
        name = str(state[slug] or "").strip()

        def act() -> Said:
            preset_versions.copy(studio.current(), source.name, name, titles, by=Actor.local())
            return Said(text=t("presets.made", name=plain(titles[chosen()])))

        if attempt(act):
            state["preset-copy"] = False
            state["preset-view"] = "edit"
            link.write({"preset": [name]})

    st.button(t("presets.create"), key="preset-create", icon=":material/add:", on_click=create)
