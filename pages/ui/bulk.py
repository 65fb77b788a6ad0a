"""Acts on what is selected: the bar, the dialog that names the number, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from core import bulk, history, studio, tags
from core.bulk import Act, Frozen, Job
from core.choosing import MOST
from core.errors import PackshotError
from core.history import Count
from core.model import Actor
from core.review import MAX_NOTE
from core.verdicts import Reason
from pages.ui import link, selection
from pages.ui.export import export_dialog
from pages.ui.selection import Selection
from pages.ui.trouble import show
from pages.ui.words import money, plain, spoken, t, together, words

_ICONS: dict[str, str] = {
    Act.APPROVE: ":material/check:",
    Act.REJECT: ":material/close:",
    Act.TAG: ":material/sell:",
    Act.UNTAG: ":material/label_off:",
    Act.RETRY: ":material/refresh:",
    Act.DELETE: ":material/delete:",
    "export": ":material/archive:",
}
_MORE: tuple[str, ...] = (Act.TAG, Act.UNTAG, "export", Act.RETRY, Act.DELETE)
_JOB, _ASKED, _LIST, _REFUSED = "bulk-job", "bulk-asked", "bulk-list", "bulk-refused"
_PRESSED = "bulk-pressed"


def bar(mine: Selection, count: Count) -> None:
    """What is selected and what can be done to it; nothing is drawn where nothing is selected or goes on."""
    state = st.session_state
    asked = state.pop(_PRESSED, None)
    if state.get("came") and _JOB not in state:
        _take_up()
    if not mine and not {_JOB, _REFUSED} & set(state):
        return
    if not mine or link.one("output"):
        state.pop(_ASKED, None)
    with st.bottom, st.container(key="bar", gap="small"):
        if _ASKED not in state and (refused := state.pop(_REFUSED, None)):
            show(refused)
        if _JOB in state:
            _progress(state[_JOB])
        if mine:
            _acts(mine, count)
    if mine and asked == "export":
        _export(mine)
        return
    if mine and asked:
        _forget()
        state[_ASKED] = asked
    if act := state.get(_ASKED):
        # Until it is closed: an act that ends meanwhile draws the page anew.
        st.dialog(t(f"bulk.{act}"), width="small", on_dismiss=_forget)(lambda: _dialog(mine, Act(act)))()


def _acts(mine: Selection, count: Count) -> None:
    """What is selected, and the buttons."""
    number = count.number if mine.every else len(mine.keys)
    with st.container(horizontal=True, vertical_alignment="center", key="bulk-bar"):
        many = mine.every and not count.exact
        st.markdown(f"**{t('bulk.selected_many' if many else 'bulk.selected', n=number)}**", width="content")
        if not mine.every and (count.number > number or not count.exact):
            label = t("bulk.every" if count.exact else "bulk.every_many", n=count.number)
            st.button(label, type="tertiary", key="pick-every", on_click=selection.choose_every)
        st.button(t("bulk.clear"), type="tertiary", key="pick-none", on_click=selection.clear)
        st.space("stretch")
        # Together: on a phone they stand below.
        with st.container(horizontal=True, width="content"):
            for act in (Act.APPROVE, Act.REJECT):
                st.button(t(f"bulk.{act}"), icon=_ICONS[act], key=f"bulk-{act}", on_click=_press, args=(act,))
            key = spoken("bulk-more")
            st.menu_button(
                t("bulk.more"),
                _MORE,
                icon=":material/more_horiz:",
                key=key,
                format_func=lambda act: f"{_ICONS[act]} {t(f'bulk.{act}')}",
                on_click=lambda: _press(st.session_state[key]),
            )


def _press(act: str | None) -> None:
    """In a callback: a tick that comes with the press draws the page anew, and the button would forget it."""
    st.session_state[_PRESSED] = act


def _chosen(mine: Selection) -> Any:
    return mine.of.wanted() if mine.every else mine.keys


def _export(mine: Selection) -> None:
    """What is approved of all that match, or what is selected: its dialog says what is not approved."""
    desk, by = studio.current(), Actor.local()
    if not mine.every:
        export_dialog(mine.keys)
        return
    try:
        with st.spinner(t("bulk.counting")):
            frozen = bulk.freeze(desk, _chosen(mine), by=by)
            keys = bulk.approved(desk, frozen.key, by=by, limit=MOST + 1)
            bulk.forget(desk, frozen.key, by=by)
    except PackshotError as error:
        show(error)
        return
    if len(keys) < frozen.total:
        st.toast(t("bulk.only_approved", n=len(keys), all=frozen.total), icon=":material/info:")
    export_dialog(keys)


def _forget() -> None:
    st.session_state.pop(_ASKED, None)
    frozen: Frozen | None = st.session_state.pop(_LIST, None)
    if frozen:
        try:
            bulk.forget(studio.current(), frozen.key, by=Actor.local())
        except PackshotError:
            return  # It is forgotten within the hour.


def _dialog(mine: Selection, act: Act) -> None:
    state, desk, by = st.session_state, studio.current(), Actor.local()
    if refused := state.pop(_REFUSED, None):
        show(refused)
    elif _ASKED not in state:
        st.rerun()  # It was begun: the page shows how far it is.
    try:
        if _LIST not in state:
            with st.spinner(t("bulk.counting")):
                state[_LIST] = bulk.freeze(desk, _chosen(mine), by=by)
        frozen: Frozen = state[_LIST]
        number = bulk.changed_by(desk, frozen.key, by=by)[act]
        st.markdown(f"**{t('bulk.frozen', n=frozen.total)}**")
        if number < frozen.total:
            st.caption(t(f"bulk.unfit.{act}", n=frozen.total - number))
        values = _values(act, frozen.key)
    except PackshotError as error:
        show(error)
        return
    st.button(
        t(f"bulk.do.{act}", n=number),
        icon=_ICONS[act],
        type="primary",
        key="bulk-do",
        disabled=not number,
        on_click=_begin,
        args=(frozen, act, values),
    )


def _values(act: Act, key: str) -> Callable[[], Mapping[str, Any]]:
    """Draw what an act asks for beside its pictures; returns how to read it at the press."""
    state, desk = st.session_state, studio.current()
    if act is Act.REJECT:
        reasons = spoken("bulk-reason")
        st.pills(
            t("bulk.why"),
            list(Reason),
            format_func=lambda reason: t(f"reason.{reason}"),
            key=reasons,
            wrap=True,
        )
        st.text_area(t("compare.note"), key="bulk-note", max_chars=MAX_NOTE, height=68)
        return lambda: {"reason": state.get(reasons), "note": state.get("bulk-note") or ""}
    if act in (Act.TAG, Act.UNTAG):
        known, box = history.offered(desk).tags, spoken(f"bulk-{act}-name")
        st.selectbox(
            t("filter.tag"),
            known,
            index=None,
            key=box,
            accept_new_options=act is Act.TAG,
            placeholder=t("bulk.tag_new" if act is Act.TAG else "bulk.tag_which"),
        )
        if act is Act.TAG:
            st.caption(t("bulk.tag_say", n=tags.LONGEST))
        return lambda: {"tag": state.get(box) or ""}
    if act is Act.RETRY:
        price = bulk.price(desk, key, by=Actor.local())
        said = [t("bulk.price", price=plain(money(price.micros)))] if price.pictures > price.unpriced else []
        if price.unpriced:
            said.append(t("bulk.unpriced", n=price.unpriced))
        st.markdown(together([*said, t("bulk.for_good")]))
    elif act is Act.DELETE:
        st.markdown(t("bulk.trash", n=desk.settings.trash_days))
    return dict


def _begin(frozen: Frozen, act: Act, values: Callable[[], Mapping[str, Any]]) -> None:
    state = st.session_state
    try:
        job = bulk.begin(studio.current(), frozen.key, act, by=Actor.local(), number=frozen.total, **values())
    except PackshotError as error:
        state[_REFUSED] = error
        return
    state.pop(_LIST, None)
    state.pop(_ASKED, None)
    state[_JOB] = job.key
    selection.clear()


def _take_up() -> None:
    """What goes on since an earlier visit."""
    try:
        found = bulk.going_on(studio.current(), by=Actor.local())
    except PackshotError:
        return  # The page itself says that the database is away.
    if found:
        st.session_state[_JOB] = found.key


def _progress(key: str) -> None:
    try:
        job = bulk.job(studio.current(), key)
    except PackshotError as error:
        show(error)
        return
    if job.over:
        _over(job)
    else:
        st.fragment(_going_on, run_every="1s")(key)


def _going_on(key: str) -> None:
    try:
        job = bulk.job(studio.current(), key)
    except PackshotError as error:
        show(error)
        return
    if job.over:
        st.rerun()
    gone = job.done + job.left
    with st.container(horizontal=True, vertical_alignment="center", key="bulk-going"):
        text = t(f"bulk.doing.{job.act}", d=gone, n=job.total)
        st.progress(min(1.0, gone / job.total) if job.total else 1.0, text=text)
        st.button(
            t("bulk.stop"),
            icon=":material/stop_circle:",
            key="bulk-stop",
            on_click=_do,
            args=(bulk.stop, key),
        )


def _over(job: Job) -> None:
    """What became of it, what stayed as it was and why, and the way back."""
    icon = {"finished": "check_circle", "stopped": "stop_circle"}.get(job.state, "error")
    said = [t(f"bulk.done.{job.act}", n=job.done)]
    if job.state != "finished":
        said.append(t(f"bulk.{job.state}"))
    with st.container(horizontal=True, vertical_alignment="center", key="bulk-over"):
        st.markdown(f":material/{icon}: {together(said)}", width="content")
        if job.left:
            with st.popover(t("bulk.left", n=job.left), type="tertiary"):
                st.markdown("\n".join(f"- {_why(kind, n)}" for kind, n in sorted(job.skipped.items())))
        st.space("stretch")
        if job.takes_back:
            st.button(
                t("bulk.undo"),
                icon=":material/undo:",
                key="bulk-undo",
                on_click=_do,
                args=(bulk.undo, job.key),
            )
        st.button(t("gallery.close"), type="tertiary", key="bulk-close", on_click=_close)


def _why(kind: str, number: int) -> str:
    key = f"bulk.why.{kind}"
    return t(key if key in words() else "bulk.why.other", n=number)


def _do(verb: Callable[..., Job], key: str) -> None:
    try:
        st.session_state[_JOB] = verb(studio.current(), key, by=Actor.local()).key
    except PackshotError as error:
        st.session_state[_REFUSED] = error


def _close() -> None:
    st.session_state.pop(_JOB, None)
