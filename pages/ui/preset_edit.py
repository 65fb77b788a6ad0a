"""The text of a preset as it is edited, beside the prompt that comes of it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import preset_versions, presets, studio
from core.errors import PresetChanged, PresetRefused
from core.language import LANGUAGES
from core.model import Actor, PhotoRole, Preset
from core.preset_versions import Story, Version
from core.presets.compare import changes
from core.presets.record import body_of
from core.presets.rules import LIMITS, MOST_OUTPUTS
from core.providers.sizes import RATIOS, SIZES
from pages.ui.preset_acts import Said, attempt, help_of, title_of
from pages.ui.preset_diff import differences, value_of
from pages.ui.trouble import sentence
from pages.ui.words import plain, spoken, t

_PLAIN = ("prompt", "default_style", "ratio", "size", "outputs", "role", "plain_background", "describe")


def begin(name: str, version: int) -> None:
    """Edit from this version from now on."""
    state = st.session_state
    state[f"preset-base-{name}"], state["preset-view"] = version, "edit"


class Draft:
    """What is typed for a preset, from the version `base` on: kept in the session until it is saved, also
    while another preset or page is looked at."""

    def __init__(self, story: Story) -> None:
        state, name = st.session_state, story.active.preset.name
        by_number = {version.preset.version: version for version in story.versions}
        self._held = f"preset-held-{name}"
        chosen: int = state.get(self._held) or state.get(f"preset-base-{name}") or 0
        self.base = by_number.get(chosen, story.active).preset
        self.story = story
        self._stem = f"preset-draft-{name}-{self.base.version}"
        self.seen: int = state.setdefault(f"{self._stem}-seen", story.newest)

    def key(self, part: str) -> str:
        return f"{self._stem}-{part}"

    def was(self, part: str) -> Any:
        """What the base says."""
        kind, _, code = part.partition(".")
        if kind in ("title", "help"):
            return (title_of if kind == "title" else help_of)(self.base, code)
        value = getattr(self.base, part)
        return str(value) if part == "role" else value

    def now(self, part: str) -> Any:
        value = st.session_state.get(self.key(part), self.was(part))
        return "" if value is None else value

    def values(self) -> dict[str, Any]:
        own = {part: self.now(part) for part in _PLAIN}
        texts = {kind: {code: self.now(f"{kind}.{code}") for code in LANGUAGES} for kind in ("title", "help")}
        return {**own, "picture": self.base.picture, "titles": texts["title"], "helps": texts["help"]}

    def hold(self, changed: bool) -> None:
        """What was begun stays on its version, whatever is decided meanwhile; what was not follows."""
        if changed:
            st.session_state[self._held] = self.base.version
        else:
            st.session_state.pop(self._held, None)
            self.saw(self.story.newest)

    def saw(self, version: int) -> None:
        """She was told of this version: saving now passes over it knowingly."""
        st.session_state[f"{self._stem}-seen"] = version

    def drop(self) -> None:
        state = st.session_state
        state.pop(self._held, None)
        for key in [key for key in state if str(key).startswith(f"{self._stem}-")]:
            del state[key]


def edit(story: Story, *, may: bool) -> None:
    """The fields at the left, what comes of them at the right, Save below."""
    draft = Draft(story)
    left, right = st.columns([5, 4], gap="medium")
    with left:
        _fields(draft, may=may)
    found: Preset | None
    refused: PresetRefused | None
    try:
        found, refused = preset_versions.checked(draft.base.name, draft.values()), None
    except PresetRefused as error:
        found, refused = None, error
    with right:
        _preview(draft, found, refused)
    if may:
        changed = found is None or body_of(found) != body_of(draft.base)
        draft.hold(changed)
        with st.bottom:
            _bar(draft, changed=changed)


def _fields(draft: Draft, *, may: bool) -> None:
    off = not may
    _area(draft, "prompt", height=330, disabled=off)
    st.caption(t("presets.places"))
    if "{style" in draft.now("prompt"):
        _area(draft, "default_style", height=68, disabled=off)
    settings = st.expander(
        t("presets.settings"), icon=":material/tune:", key="preset-settings", on_change="rerun"
    )
    if settings.open:
        with settings:
            _settings(draft, disabled=off)
    names = st.expander(
        t("presets.names"), icon=":material/translate:", key="preset-names", on_change="rerun"
    )
    if names.open:
        with names:
            for code in LANGUAGES:
                for kind in ("title", "help"):
                    key = _begun(draft, f"{kind}.{code}")
                    st.text_input(
                        t(f"part.{kind}.{code}"),
                        st.session_state[key],
                        key=key,
                        max_chars=LIMITS[kind],
                        disabled=off,
                        persist_state="session",
                    )


def _settings(draft: Draft, *, disabled: bool) -> None:
    offered: dict[str, tuple[Any, ...]] = {
        "ratio": RATIOS, "size": SIZES, "outputs": tuple(range(1, MOST_OUTPUTS + 1))
    }  # fmt: skip
    for part, choices in offered.items():
        st.segmented_control(
            t(f"part.{part}"), choices, required=True, key=_begun(draft, part), disabled=disabled,
            default=draft.now(part), wrap=True, persist_state="session",
        )  # fmt: skip
    kept, key = _begun(draft, "role"), spoken(draft.key("role-picked"))
    state = st.session_state
    state[key] = state[kept]

    def picked() -> None:
        # A click that was on its way when the draft was saved: there is nothing left to pick for.
        if key in state:
            state[kept] = state[key]

    st.selectbox(
        t("part.role"),
        [str(role) for role in PhotoRole],
        format_func=lambda role: value_of("role", role),
        key=key,
        on_change=picked,
        disabled=disabled,
    )
    for part in ("plain_background", "describe"):
        key = _begun(draft, part)
        st.toggle(t(f"part.{part}"), draft.now(part), key=key, disabled=disabled, persist_state="session")


def _area(draft: Draft, part: str, *, height: int, disabled: bool) -> None:
    key = _begun(draft, part)
    st.text_area(
        t(f"part.{part}"), draft.now(part), height=height, max_chars=LIMITS[part], key=key, disabled=disabled,
        persist_state="session",
    )  # fmt: skip


def _begun(draft: Draft, part: str) -> str:
    """The key of a field, which begins with what the base says."""
    key = draft.key(part)
    st.session_state.setdefault(key, draft.was(part))
    return key


def _preview(draft: Draft, found: Preset | None, refused: PresetRefused | None) -> None:
    state = st.session_state
    st.markdown(f"**{t('presets.preview')}**")
    if found is None:
        if refused:
            st.warning(sentence(refused), icon=":material/edit_off:")
        return
    with st.container(horizontal=True):
        state.setdefault("preset-product", t("presets.sample"))
        product = st.text_input(
            t("presets.product"), state["preset-product"], key="preset-product", max_chars=300, live=True,
            persist_state="session",
        )  # fmt: skip
        style = ""
        if found.takes_style:
            style = st.text_input(
                t("presets.style"), key="preset-style", max_chars=2000, live=True, persist_state="session",
                placeholder=found.default_style,
            )  # fmt: skip
    prompt = presets.render(found, style=style or "", product_name=product or "")
    st.code(prompt, language=None, wrap_lines=True)
    if differs := changes(draft.base, found):
        st.markdown(f"**{t('presets.changes', version=draft.base.version)}**")
        differences(differs)


def _bar(draft: Draft, *, changed: bool) -> None:
    state, story = st.session_state, draft.story
    base, newest = draft.base, story.newest
    if newest > draft.seen:
        last: Version = next(one for one in story.versions if one.preset.version == newest)
        say = t("presets.meanwhile", who=plain(last.by), version=newest)
        st.warning(say, icon=":material/group:")
    use_key, note_key = draft.key("use"), draft.key("note")
    state.setdefault(use_key, True)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right", key="bar"):
        if not changed:
            st.markdown(t("presets.unchanged", version=base.version), width="stretch")
        else:
            st.text_input(
                t("presets.note"), placeholder=t("presets.note"), label_visibility="collapsed", key=note_key,
                max_chars=LIMITS["note"], persist_state="session",
            )  # fmt: skip
            st.button(t("presets.begin"), key="preset-begin", type="tertiary", on_click=draft.drop)
            st.checkbox(t("presets.use"), bool(state[use_key]), key=use_key, persist_state="session")
        st.button(
            t("presets.save", version=newest + 1),
            type="primary",
            icon=":material/save:",
            disabled=not changed,
            key="preset-save",
            on_click=_save,
            args=(draft,),
        )


def _save(draft: Draft) -> None:
    state, base = st.session_state, draft.base
    use, note = bool(state.get(draft.key("use"), True)), str(state.get(draft.key("note")) or "")
    active = draft.story.active.preset.version

    def act() -> Said:
        made = preset_versions.save(
            studio.current(), base.name, draft.values(), seen=draft.seen, note=note, use=use, by=Actor.local()
        )
        draft.drop()
        # What is in use is followed from here on, also to a version of somebody else.
        state[f"preset-base-{base.name}"] = None if use else made.version
        if use:
            return Said(text=t("presets.now", version=made.version), name=base.name, back=active)
        return Said(text=t("presets.saved", version=made.version, active=active))

    if not attempt(act) and isinstance(error := state["preset-said"], PresetChanged):
        draft.saw(error.data["version"])
