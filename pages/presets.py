"""Presets: what each asks the models for, its versions, and what people think of their pictures."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from core import figures, preset_versions, presets, studio
from core.errors import PackshotError
from core.figures import Made
from core.model import Actor, Role
from core.preset_versions import Story
from core.shelf import Standing
from pages.ui import link, looks
from pages.ui.preset_acts import acts, said
from pages.ui.preset_edit import edit
from pages.ui.preset_story import rate, versions
from pages.ui.shell import heading, section
from pages.ui.trouble import show
from pages.ui.words import plain, preset_help, preset_name, t

_VIEWS = ("edit", "versions")
_FRESH = 5.0
"""Seconds for which sums are taken as they are: each field that she leaves draws the page again."""

Rates = dict[tuple[str, int], Made[tuple[str, int]]]


def asked(names: list[str]) -> str:
    """The preset of the address; a visit to another page leaves it as it was."""
    state = st.session_state
    wanted = link.one("preset")
    if wanted is not None and wanted not in names:
        st.caption(f":material/info: {t('presets.ignored', name=plain(wanted[:64]))}")
    found = wanted if wanted in names else state.get("preset-shown")
    name = str(found) if found in names else names[0]
    state["preset-shown"] = name
    if wanted != name:
        link.write({"preset": [name]})
    return name


def shelf(every: tuple[Standing, ...], name: str, rates: Rates) -> None:
    """All presets as cards, with what people think of each."""

    def chosen() -> None:
        link.write({"preset": [st.session_state["preset-shelf"]["value"]]})
        st.session_state.pop("preset-said", None)

    cards = [card(one, rates.get((one.preset.name, one.preset.version))) for one in every]
    looks.choose(cards, name, key="preset-shelf", label=t("presets.title"), on_change=chosen)


def card(one: Standing, made: Made[Any] | None) -> dict[str, Any]:
    preset, thumb = one.preset, None
    if preset.picture != preset.name and (key := preset_versions.picture(desk, preset.name)):
        thumb = desk.link(key)
    small = t("presets.short", version=preset.version)
    if made and made.approval is not None:
        small = t("presets.rate_short", version=preset.version, share=f"{made.approval:.0%}")
    if one.hidden:
        small = f"{small} · {t('presets.hidden')}"
    return looks.card(preset, small=small, thumb=thumb)


def head(story: Story, rates: Rates, *, may: bool) -> None:
    """Its name, how its active version fares, and what can be done with it."""
    active = story.active.preset
    with st.container(horizontal=True, vertical_alignment="center"):
        section(preset_name(active), width="content")
        st.badge(t("presets.in_use", version=active.version), color="gray")
        if story.hidden:
            st.badge(t("presets.hidden"), icon=":material/visibility_off:", color="orange")
        st.caption(plain(rate(rates.get((active.name, active.version)))), width="stretch")
        if may:
            acts(story)
    if help_ := preset_help(active):
        st.caption(plain(help_))
    if not may:
        st.info(t("presets.admin_only"), icon=":material/lock:")
    elif story.hidden:
        st.caption(f":material/visibility_off: {t('presets.hidden_say')}")


def waits(story: Story) -> None:
    """A version that came with an upgrade and was not taken."""
    state, name, number = st.session_state, story.active.preset.name, story.waiting

    def look() -> None:
        state["preset-view"], state[f"preset-version-{name}"] = "versions", number

    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(t("presets.waiting", version=number), icon=":material/new_releases:", width="stretch")
        st.button(t("presets.look"), key="preset-waiting", icon=":material/difference:", on_click=look)


def rated() -> Rates:
    """How the pictures of each version fare: sums over all days, which a session reads now and then."""
    now = time.monotonic()
    at, found = st.session_state.get("preset-rates", (0.0, None))
    if found is None or now - at > _FRESH:
        found = figures.by_version(desk)
        st.session_state["preset-rates"] = now, found
    rates: Rates = found
    return rates


def main() -> None:
    may = Actor.local().role.may(Role.ADMIN)
    every = presets.every(desk)
    name = asked([one.preset.name for one in every])
    try:
        rates = rated()
        story = preset_versions.story(desk, name)
        left, right = st.columns([4, 9], gap="medium")
        with left:
            shelf(every, name, rates)
    except PackshotError as error:
        show(error)
        return
    with right:
        said()
        head(story, rates, may=may)
        if story.waiting and may:
            waits(story)
        st.session_state.setdefault("preset-view", _VIEWS[0])
        view = st.segmented_control(
            t("presets.view"),
            _VIEWS,
            format_func=lambda view: t(f"presets.view.{view}"),
            required=True,
            label_visibility="collapsed",
            key="preset-view",
            default=st.session_state["preset-view"],
            persist_state="session",
        )
        if view == "versions":
            versions(story, rates, may=may)
        else:
            edit(story, may=may)


desk = studio.current()
heading(t("presets.title"))
with st.container(key="presets"):
    main()
