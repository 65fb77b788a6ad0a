"""The versions of a preset: who saved each and why, how its pictures fare, and what differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.figures import Made
from core.preset_versions import SHOWN, Story, Version
from core.presets.compare import changes
from core.presets.shipped import BY
from pages.ui import navigation
from pages.ui.preset_acts import use
from pages.ui.preset_diff import differences
from pages.ui.preset_edit import begin
from pages.ui.words import local, plain, spoken, t

Rates = Mapping[tuple[str, int], Made[tuple[str, int]]]


def rate(made: Made[Any] | None) -> str:
    """How many of its pictures people approved."""
    if made is None or not made.outcomes:
        return t("presets.unused")
    if made.approval is None:
        return t("presets.unjudged", n=f"{made.pictures:,}")
    return t("presets.rate", share=f"{made.approval:.0%}", n=f"{made.judged:,}")


def who(actor: str) -> str:
    return t("presets.packshot") if actor == BY else actor


def versions(story: Story, rates: Rates, *, may: bool) -> None:
    """The list at the left, what differs at the right."""
    left, right = st.columns([4, 5], gap="medium")
    with left:
        chosen = _list(story, rates)
    with right:
        _chosen(story, chosen, may=may)


def _list(story: Story, rates: Rates) -> Version:
    state, name = st.session_state, story.active.preset.name
    by_number = {version.preset.version: version for version in story.versions}
    kept, key = f"preset-version-{name}", spoken(f"preset-radio-{name}")
    if state.get(kept) not in by_number:
        state[kept] = story.newest
    state[key] = state[kept]

    def label(number: int) -> str:
        mark = f" :green-badge[{t('presets.active')}]" if by_number[number].active else ""
        return f"**{t('presets.version', version=number)}**{mark}"

    st.radio(
        t("presets.view.versions"),
        list(by_number),
        format_func=label,
        captions=[_caption(version, rates.get((name, number))) for number, version in by_number.items()],
        key=key,
        on_change=lambda: state.update({kept: state[key]}),
        label_visibility="collapsed",
    )
    if len(by_number) >= SHOWN:
        st.caption(t("presets.more", n=SHOWN))
    return by_number[state[kept]]


def _caption(version: Version, made: Made[Any] | None) -> str:
    told = [who(version.by), f"{local(version.at):%Y-%m-%d %H:%M}", rate(made), version.note]
    return plain(" · ".join(part for part in told if part))


def _chosen(story: Story, version: Version, *, may: bool) -> None:
    preset = version.preset
    others = {one.preset.version: one for one in story.versions if one is not version}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if may and not version.active:
            st.button(
                t("presets.activate", version=preset.version),
                type="primary",
                icon=":material/check_circle:",
                key="preset-use",
                on_click=use,
                args=(preset.name, preset.version),
            )
        if may:
            st.button(
                t("presets.from", version=preset.version),
                icon=":material/edit:",
                key="preset-from",
                on_click=begin,
                args=(preset.name, preset.version),
            )
        st.page_link(
            navigation.page("history"),
            label=t("presets.pictures", version=preset.version),
            icon=":material/photo_library:",
            query_params={"preset": preset.name, "version": str(preset.version)},
        )
    if not others:
        st.caption(t("presets.one"))
        return
    numbers = list(others)
    usual = (
        numbers.index(story.active.preset.version) if not version.active else _before(numbers, preset.version)
    )
    against = st.selectbox(
        t("presets.against"),
        numbers,
        index=usual,
        format_func=lambda number: t("presets.version", version=number),
        key=spoken(f"preset-against-{preset.name}-{preset.version}-{story.active.preset.version}"),
        width=220,
    )
    found = changes(others[against].preset, preset)
    if found:
        differences(found)
    else:
        st.caption(t("presets.same"))


def _before(numbers: list[int], number: int) -> int:
    """The place of the next lower number, else of the first."""
    lower = [other for other in numbers if other < number]
    return numbers.index(max(lower)) if lower else 0
