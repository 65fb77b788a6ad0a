"""The dialog of an export: what leaves, under which names, and the link that loads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import streamlit as st

from core import export, studio
from core.checks.channels import channels
from core.errors import PackshotError
from core.export import Left, Outcome, Plan, Wanted
from core.model import Actor, PhotoRole
from core.studio import Studio
from pages.ui.trouble import harmless, sentence, show
from pages.ui.words import chosen, plain, spoken, t

_SHOWN = 200
"""Names in the dialog."""
_NAMED = 5
"""Pictures that stay behind, by name."""
_WIDE = 310
"""Pixels of a choice: two beside one another, on a phone one below the other."""
_WHAT = ("new", "since_day", "all")


def export_dialog(keys: Sequence[str] | None = None, *, channel: str | None = None) -> None:
    """Open it for pictures by key, or for what is approved; called in the run of the press.

    `channel` is the marketplace that is offered first.
    """
    state = st.session_state
    for name in [name for name in state if str(name).startswith("export-")]:
        del state[name]
    state["export-first"] = channel
    st.dialog(t("export.open"), width="medium")(lambda: _dialog(keys))()


def _dialog(keys: Sequence[str] | None) -> None:
    state, desk = st.session_state, studio.current()
    if error := state.pop("export-refused", None):
        show(error)
    if begun := state.get("export-begun"):
        _begun(desk, begun)
        return
    try:
        wanted, channel = _choice(desk, keys)
        plan = export.plan(desk, wanted, channel=channel)
    except PackshotError as error:
        show(error)
        return
    _summary(plan)
    if plan.items:
        _names(desk, plan)
        st.caption(t("export.each"))
    _behind(plan.left)
    st.button(
        t("export.make", n=len(plan.items)),
        icon=":material/archive:",
        type="primary",
        key="export-make",
        disabled=not plan.items,
        on_click=_begin,
        args=(wanted, plan),
    )


def _choice(desk: Studio, keys: Sequence[str] | None) -> tuple[Wanted, str | None]:
    """Which pictures, and for which marketplace. Raises PackshotError kinds."""
    state = st.session_state
    titles = {channel.name: channel.title for channel in channels(desk)}
    names = [None, *titles]
    what, day = "new", None
    with st.container(horizontal=True):
        if keys is None:
            what = st.selectbox(
                t("export.what"),
                _WHAT,
                format_func=lambda name: t(f"export.{name}"),
                key=spoken("export-what"),
                width=_WIDE,
            )
            if what == "since_day":
                today = datetime.now(desk.settings.zone).date()
                day = st.date_input(
                    t("export.since"),
                    value=today - timedelta(days=7),
                    max_value=today,
                    format="YYYY-MM-DD",
                    key="export-day",
                )
        channel = st.selectbox(
            t("export.channel"),
            names,
            index=names.index(state["export-first"]) if state["export-first"] in titles else 0,
            format_func=lambda name: titles[name] if name else t("export.channel.none"),
            key=spoken("export-channel"),
            width=_WIDE,
        )
    only = False
    if channel:
        title = plain(titles[channel])
        only = st.checkbox(t("export.only", channel=title), key="export-only")
        st.caption(t("export.channel.say", channel=title))
    since = datetime.combine(day, time.min, tzinfo=desk.settings.zone) if isinstance(day, date) else None
    wanted = Wanted(
        keys=keys,
        since=since,
        new_to=Actor.local().id if keys is None and what == "new" else None,
        only_for=only,
        roles=state.get("export-roles", {}),
    )
    return wanted, channel


def _summary(plan: Plan) -> None:
    if not plan.items:
        st.info(t("export.none"), icon=":material/check:")
        return
    number = len(plan.items)
    products = len({item.sku or item.name for item in plan.items})
    st.markdown(f"**{t('export.summary', n=number, skus=products)}**")
    if plan.channel and plan.approved_for < number:
        st.caption(t("export.others", n=number - plan.approved_for))
    if plan.more:
        st.warning(t("export.more", n=number), icon=":material/warning:")
    if unnamed := sum(not item.sku for item in plan.items):
        st.caption(t("export.unnamed", n=unnamed))


def _names(desk: Studio, plan: Plan) -> None:
    """The files, each with the role that it has in its listing, which may be changed."""
    shown = plan.items[:_SHOWN]
    rows = [
        {
            "picture": desk.link(item.thumb_key) if item.thumb_key else None,
            "name": item.name,
            "role": item.role.value,
        }
        for item in shown
    ]
    key = f"export-names-{hash(tuple(item.key for item in shown))}"

    def changed() -> None:
        roles = dict(st.session_state.get("export-roles", {}))
        for row, values in st.session_state[key]["edited_rows"].items():
            if values.get("role"):
                roles[shown[int(row)].key] = PhotoRole(values["role"])
        st.session_state["export-roles"] = roles

    st.data_editor(
        rows,
        key=key,
        on_change=changed,
        hide_index=True,
        row_height=44,
        height=min(320, 40 + 44 * len(rows)),
        column_config={
            "picture": st.column_config.ImageColumn(t("export.column.picture"), width=56),
            "name": st.column_config.TextColumn(t("export.column.name"), disabled=True),
            "role": st.column_config.SelectboxColumn(
                t("export.column.role"),
                options=[role.value for role in PhotoRole],
                format_func=lambda role: t(f"role.{role}"),
                required=True,
            ),
        },
    )
    if len(shown) < len(plan.items):
        st.caption(t("export.few", n=len(shown), all=len(plan.items)))


def _begin(wanted: Wanted, shown: Plan) -> None:
    state, desk = st.session_state, studio.current()
    # Those that were shown; their roles may have been changed in the moment of the press.
    keys = [item.key for item in shown.items] if wanted.keys is None else wanted.keys
    now = replace(wanted, keys=keys, roles=state.get("export-roles", {}))
    try:
        plan = export.plan(desk, now, channel=shown.channel)
        state["export-absent"] = export.absent(desk, plan)
        state["export-begun"] = export.begin(desk, plan, by=Actor.local(), language=chosen())
    except PackshotError as error:
        state["export-refused"] = error


def _begun(desk: Studio, plan: Plan) -> None:
    """The link, and what became of it."""
    _summary(plan)
    _behind((*plan.left, *st.session_state["export-absent"]))
    st.caption(t("export.made"))
    st.link_button(
        t("export.download"),
        desk.signer.export_link(str(plan.key)),
        icon=":material/download:",
        type="primary",
    )
    st.fragment(_status, run_every="1s")(str(plan.key))


def _status(key: str) -> None:
    state = st.session_state
    known: Outcome | None = state.get("export-outcome")
    try:
        outcome = known or export.outcome(studio.current(), key)
    except PackshotError as error:
        st.warning(sentence(error), icon=":material/cloud_off:")
        return
    if outcome.finished_at:
        state["export-outcome"] = outcome  # It is not asked for again.
        say = t("export.finished", n=outcome.count) if outcome.count else t("export.finished.none")
        (st.success if outcome.count else st.error)(say, icon=":material/check:" if outcome.count else None)
        _behind(outcome.left)
    elif outcome.error:
        st.error(t("export.broken", say=sentence(outcome.error)), icon=":material/error:")
    else:
        st.caption(t("export.waiting"))


def _behind(left: Sequence[Left]) -> None:
    """Who stays behind, and why."""
    if not left:
        return
    lines = [
        f"- **{plain(one.title)}**: {harmless(one.error.kind, one.error.data, about='export')}"
        for one in left[:_NAMED]
    ]
    if len(left) > _NAMED:
        lines.append(f"- {t('export.left_many', n=len(left) - _NAMED)}")
    st.warning("\n".join([t("export.left", n=len(left)), "", *lines]), icon=":material/block:")
