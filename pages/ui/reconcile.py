"""The card that compares storage and records; the work goes on in the background."""

from __future__ import annotations

import streamlit as st

from core import comparing, studio
from core.differences import Kind, Report
from pages.ui.trouble import sentence
from pages.ui.words import local, plain, t

COMMAND = "python -m core reconcile --fix"
_SHOWN = 3


def reconcile_card() -> None:
    """Button, progress, counts and the first examples; looks again by itself while it goes on."""
    going = comparing.latest(studio.current())
    every = "700ms" if going and not going.done.is_set() else None
    with st.container(border=True, key="reconcile"):
        st.fragment(_card, run_every=every)()


def _card() -> None:
    desk = studio.current()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{t('reconcile.title')}**", width="stretch")
        pressed = st.button(t("reconcile.start"), icon=":material/compare_arrows:", key="compare")
    if pressed:
        comparing.begin(desk)
        st.session_state["comparing"] = True
        st.rerun()
    comparison = comparing.latest(desk)
    if comparison is None:
        st.caption(t("reconcile.help"))
    elif not comparison.done.is_set():
        st.session_state["comparing"] = True
        st.caption(t("reconcile.going", n=comparison.report.objects))
    else:
        if st.session_state.pop("comparing", False):
            st.rerun()  # The fragment stops looking.
        if comparison.error:
            st.error(sentence(comparison.error), icon=":material/error:")
        elif comparison.report.finished_at is None:
            st.error(t("reconcile.stopped"), icon=":material/error:")
        else:
            _report(comparison.report)


def _report(report: Report) -> None:
    number = report.number
    color = "orange[:material/warning:]" if number else "green[:material/check_circle:]"
    say = (
        t("reconcile.differ", n=number, objects=report.objects)
        if number
        else t("reconcile.clean", n=report.objects)
    )
    st.markdown(f":{color} {say}")
    seconds = ((report.finished_at or report.started_at) - report.started_at).total_seconds()
    said = [t("reconcile.at", time=f"{local(report.started_at):%H:%M}", seconds=f"{seconds:.1f}")]
    asides = {name: getattr(report, name) for name in ("young", "foreign", "known", "leaving")}
    said += [t(f"reconcile.aside.{name}", n=n) for name, n in asides.items() if n]
    st.caption(" · ".join(said))
    for kind in Kind:
        if not report.found[kind]:
            continue
        examples = [item for item in report.examples if item.kind is kind][:_SHOWN]
        lines = [t(f"reconcile.{kind}", n=report.found[kind])]
        lines += [f"- {plain(item.key)}" + (f" ({plain(item.row)})" if item.row else "") for item in examples]
        if (more := report.found[kind] - len(examples)) > 0:
            lines.append(f"- {t('reconcile.more', n=more)}")
        st.markdown("\n".join(lines))
    if report.sums:
        st.markdown(t("reconcile.sums", n=report.sums))
    if number:
        st.caption(t("reconcile.fix"))
        st.code(COMMAND, language=None)
