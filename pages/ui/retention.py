"""The card of System with the rules of keeping: what holds, what would go, and the press that moves it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import streamlit as st

from core import retention, studio
from core.errors import PackshotError
from core.keeping import DESK
from core.model import Actor, Role
from core.retention import MOST_DAYS, Last, Preview, Rule, What
from pages.ui.storage import size
from pages.ui.trouble import show
from pages.ui.words import local, plain, t, together, when

Asked = Mapping[str, int | None]
_NOTHING = "–"


def retention_card() -> None:
    """Shut it tells what holds. Nothing when the database does not answer: its own line says it."""
    desk = studio.current()
    try:
        rules, last = retention.rules(desk), retention.last(desk)
    except PackshotError:
        return
    with st.container(border=True, key="retention"):
        st.markdown(f"**{t('retention.title')}**")
        st.caption(_said(rules, last))
        if told := st.session_state.pop("retention-told", None):
            st.success(told, icon=":material/check:")
        more = st.expander(t("retention.open"), key="retention-open", on_change="rerun")
        if more.open:
            with more:
                _form(rules)
    asked = st.session_state.get("retention-asked")
    if asked is not None:
        st.dialog(t("retention.dialog"), width="medium")(lambda: _dialog(asked))()


def _said(rules: tuple[Rule, ...], last: Last | None) -> str:
    desk = studio.current()
    ages = [t("retention.rule", name=t(f"retention.{rule.what}"), n=rule.days) for rule in rules if rule.days]
    said = [t("retention.all")]
    if ages:
        said = [" · ".join(ages) + "  \n" + t("retention.say", n=desk.settings.trash_days)]
    if last:
        who = t("retention.itself") if last.by == DESK else plain(last.by)
        run = t("retention.last", time=when(last.at), who=who, n=last.outputs, size=size(last.bytes))
        said.append(run)
    return together(said)


def _form(rules: tuple[Rule, ...]) -> None:
    desk = studio.current()
    st.caption(t("retention.help"))
    if days := desk.settings.retention_days:
        st.caption(plain(t("retention.setting", n=days)))
    if not Actor.local().role.may(Role.ADMIN):
        st.caption(t("retention.admin_only"))
        return
    # Other rules are another form: its fields show what counts now.
    edition = hash(tuple((rule.what, rule.days, rule.set_at) for rule in rules))
    fields = {rule.what: f"retention-{rule.what}-{edition}" for rule in rules}
    with st.form("retention-form", border=False, enter_to_submit=False):
        with st.grid(4, min_column_width=140):
            for rule in rules:
                # As `value`, a number would come back into the field that somebody empties.
                st.session_state.setdefault(fields[rule.what], rule.days)
                st.number_input(
                    t("retention.field", name=t(f"retention.{rule.what}")),
                    1,
                    MOST_DAYS,
                    value=None,
                    placeholder=t("retention.kept"),
                    key=fields[rule.what],
                )
        with st.container(horizontal=True):
            st.form_submit_button(
                t("retention.preview"), icon=":material/preview:", on_click=_ask, args=(fields,)
            )
            if any(rule.days for rule in rules):
                st.form_submit_button(
                    t("retention.now"), icon=":material/auto_delete:", on_click=_ask, args=({},)
                )


def _ask(fields: Mapping[What, str]) -> None:
    """Open the dialog, for what stands in the fields or for the rules as they are."""
    state = st.session_state
    state["retention-asked"] = {what.value: state[key] for what, key in fields.items()}


def _dialog(asked: Asked) -> None:
    desk, state = studio.current(), st.session_state
    state.pop("retention-asked", None)
    if agreed := state.pop("retention-agreed", None):
        _move(agreed)
    if "retention-told" in state:
        st.rerun()
    if error := state.pop("retention-refused", None):
        show(error)
    try:
        shown = retention.preview(desk, asked)
        rules = {rule.what.value: rule.days for rule in retention.rules(desk)}
    except PackshotError as error:
        show(error)
        return
    st.table(_table(shown), border="horizontal")
    total = t("retention.total", n=shown.outputs, size=size(shown.bytes))
    st.markdown(total if shown.outputs else t("retention.none"))
    changed = {**rules, **asked} != rules
    st.caption(t("retention.later" if changed else "retention.restorable", n=desk.settings.trash_days))
    if changed:
        st.button(
            t("retention.save"),
            type="primary",
            icon=":material/save:",
            key="retention-save",
            on_click=_save,
            args=(asked,),
        )
    elif shown.outputs:
        st.button(
            t("retention.move", n=shown.outputs),
            type="primary",
            icon=":material/delete:",
            key="retention-move",
            on_click=_agree,
            args=(asked, shown),
        )


def _save(asked: Asked) -> None:
    state = st.session_state
    try:
        retention.set_rules(studio.current(), asked, by=Actor.local())
        state["retention-told"] = t("retention.saved")
    except PackshotError as error:
        state["retention-refused"] = error
        state["retention-asked"] = asked


def _agree(asked: Asked, shown: Preview) -> None:
    """What was shown in the moment of the press is what may go."""
    st.session_state["retention-agreed"] = shown
    st.session_state["retention-asked"] = asked


def _move(shown: Preview) -> None:
    state = st.session_state
    with st.spinner(t("retention.moving"), show_time=True):
        try:
            report = retention.run(studio.current(), by=Actor.local(), shown=shown)
            state["retention-told"] = t("retention.done", n=report.outputs)
        except PackshotError as error:
            state["retention-refused"] = error


def _table(shown: Preview) -> dict[str, list[str]]:
    lines = shown.lines
    return {
        t("retention.what"): [t(f"retention.{line.what}") for line in lines],
        t("retention.after"): [
            t("retention.days", n=line.days) if line.days else t("retention.kept") for line in lines
        ],
        t("retention.number"): [f"{line.outputs:,}" if line.days else _NOTHING for line in lines],
        t("stored.size"): [size(line.bytes) if line.outputs else _NOTHING for line in lines],
        t("retention.oldest"): [_day(line.oldest) for line in lines],
    }


def _day(moment: datetime | None) -> str:
    return f"{local(moment):%Y-%m-%d}" if moment else _NOTHING
