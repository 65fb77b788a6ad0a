"""The card of System with the image rules of marketplaces, and an administrator's changes to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import streamlit as st

from core import channel_rules, studio
from core.checks import channels, words
from core.checks.rules import KINDS, Channel, Level, Rule, Value
from core.errors import ChannelsWrong, PackshotError
from core.model import Actor, Role
from pages.ui.trouble import show
from pages.ui.words import local, plain, spoken, t
from pages.ui.words import words as say


def channels_card() -> None:
    """Shut it is a title; its rules are read when it is opened."""
    with st.container(border=True, key="channels"):
        st.markdown(f"**{t('channel.title')}**")
        st.caption(t("channel.help"))
        more = st.expander(t("channel.open"), key="channels-open", on_change="rerun")
        if more.open:
            with more:
                st.fragment(_rules)()


def _rules() -> None:
    desk, by = studio.current(), Actor.local()
    if error := st.session_state.pop("channel-refused", None):
        show(error)
    try:
        found = channels.channels(desk)
    except ChannelsWrong as error:
        show(error)
        where, rule = error.data["where"], error.data["rule"]
        if rule != "-" and by.role.may(Role.ADMIN):
            _back(where, rule)
        return
    except PackshotError as error:
        show(error)
        return
    titles = {channel.name: channel.title for channel in found}
    name = st.selectbox(t("channel.pick"), list(titles), format_func=titles.__getitem__, key="channel-shown")
    channel = next(channel for channel in found if channel.name == name)
    st.caption(_sources(channel))
    st.table(_table(channel), border="horizontal")
    if not by.role.may(Role.ADMIN):
        st.caption(t("channel.admin_only"))
        return
    labels = {rule.id: _label(rule) for rule in channel.rules}
    chosen = st.selectbox(
        t("channel.edit"),
        list(labels),
        index=None,
        format_func=labels.__getitem__,
        placeholder=t("channel.which"),
        key=spoken(f"channel-rule-{channel.name}"),
    )
    if chosen:
        _edit(channel, channels.rule_of(channel, chosen))


def _label(rule: Rule) -> str:
    return f"{t(f'rule.{rule.kind}')} · {words.wanted(say(), rule)}"


def _table(channel: Channel) -> dict[str, list[str]]:
    rules = channel.rules
    return {
        t("channel.rule"): [t(f"rule.{rule.kind}") for rule in rules],
        t("channel.wanted"): [plain(_dated(rule)) for rule in rules],
        t("channel.level"): [plain(_sure(rule)) for rule in rules],
    }


def _sure(rule: Rule) -> str:
    """What it does when it is not met, and who says so."""
    level, known = t(f"channel.level.{rule.level}"), t(f"channel.confidence.{rule.confidence}")
    if rule.edit:
        return f"{level} · {known} · {_when(rule.edit.by, rule.edit.at)}"
    return f"{level} · {known}"


def _when(who: str, at: datetime) -> str:
    return t("channel.edited", who=who, time=f"{local(at):%Y-%m-%d %H:%M}")


def _sources(channel: Channel) -> str:
    """Each source once; the common ones have words of their own."""
    key = f"channel.source.{channel.name}"
    said: dict[str, None] = {}
    for rule in channel.rules:
        own = t(key) if key in say() and rule.source == channel.rules[0].source else rule.source
        said[plain(t("channel.checked", source=own, date=rule.checked_on))] = None
    return "  \n".join(said)


def _dated(rule: Rule) -> str:
    said = [words.wanted(say(), rule)]
    said += [t("channel.from", date=rule.starts)] if rule.starts else []
    said += [t("channel.until", date=rule.ends)] if rule.ends else []
    return " · ".join(said)


def _edit(channel: Channel, rule: Rule) -> None:
    # Another decision is another form: its fields show what counts now.
    edition = f"{channel.name}-{rule.id}-{rule.edit.at if rule.edit else 0}"
    fields = {
        name: f"channel-{edition}-{name}"
        for name, value in KINDS[rule.kind].items()
        if name in rule.values or value.type == "yes"
    }
    decided = spoken(f"channel-{edition}-decided")
    with st.form(f"channel-form-{edition}", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            for name, key in fields.items():
                _field(name, KINDS[rule.kind][name], rule.values.get(name), key)
            levels = ["published", *Level]
            kept = rule.edit.level if rule.edit and rule.edit.level else "published"
            st.selectbox(
                t("channel.level"),
                levels,
                index=levels.index(kept),
                format_func=lambda name: t(f"channel.level.{name}"),
                key=decided,
            )
        st.form_submit_button(
            t("channel.save"),
            type="primary",
            icon=":material/save:",
            on_click=_save,
            args=(channel.name, rule.id, fields, decided),
        )
    if rule.edit:
        _back(channel.name, rule.id)
    _history(channel.name, rule.id)


def _field(name: str, value: Value, now: Any, key: str) -> None:
    label = t(f"channel.value.{name}")
    if value.type == "yes":
        st.checkbox(label, value=bool(now), key=key)
    elif value.type == "choice":
        st.selectbox(
            label,
            list(value.choices),
            index=list(value.choices).index(now),
            format_func=lambda choice: t(f"channel.choice.{choice}"),
            key=key,
        )
    elif value.type == "choices":
        st.multiselect(label, list(value.choices), default=list(now), format_func=str.upper, key=key)
    elif value.type == "whole":
        st.number_input(label, int(value.low), int(value.high), value=int(now), key=key)
    else:
        st.number_input(label, float(value.low), float(value.high), value=float(now), step=0.01, key=key)


def _save(channel: str, rule: str, fields: dict[str, str], decided: str) -> None:
    state = st.session_state
    level = None if state[decided] == "published" else str(state[decided])
    values = {name: state[key] for name, key in fields.items()}
    try:
        channel_rules.edit(studio.current(), channel, rule, values, by=Actor.local(), level=level)
    except PackshotError as error:
        state["channel-refused"] = error


def _back(channel: str, rule: str) -> None:
    st.button(
        t("channel.revert"),
        icon=":material/undo:",
        key="channel-revert",
        on_click=_revert,
        args=(channel, rule),
    )


def _revert(channel: str, rule: str) -> None:
    try:
        channel_rules.revert(studio.current(), channel, rule, by=Actor.local())
    except PackshotError as error:
        st.session_state["channel-refused"] = error


def _history(channel: str, rule: str) -> None:
    lines = []
    for decision in channel_rules.history(studio.current(), channel, rule):
        key = "channel.reverted" if decision.body is None else "channel.edited"
        line = t(key, who=plain(decision.actor), time=f"{local(decision.at):%Y-%m-%d %H:%M}")
        values = (decision.body or {}).get("values") or {}
        told = ", ".join(f"{t(f'channel.value.{n}')}: {v}" for n, v in values.items())
        lines.append(f"- {line}" + (f" · {plain(told)}" if told else ""))
    st.caption("\n".join([f"**{t('channel.history')}**", "", *(lines or [t("channel.no_history")])]))
