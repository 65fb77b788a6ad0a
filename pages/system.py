"""System: is the desk well, and what to do where it is not."""

from __future__ import annotations

import streamlit as st

from core import clock, doctor, generation, intake, studio
from core.doctor import Finding
from core.errors import PackshotError
from core.model import Actor, Health
from pages.ui.channels import channels_card
from pages.ui.reconcile import reconcile_card
from pages.ui.retention import retention_card
from pages.ui.shell import title_row
from pages.ui.storage import storage_card
from pages.ui.trouble import harmless
from pages.ui.words import local, plain, provider_name, t, words

ICONS = {
    Health.OK: ":green[:material/check_circle:]",
    Health.WARNING: ":orange[:material/warning:]",
    Health.FAILED: ":red[:material/error:]",
}
COLORS = {Health.OK: "green", Health.WARNING: "orange", Health.FAILED: "red"}
ORDER = [Health.FAILED, Health.WARNING, Health.OK]


def draw(finding: Finding) -> None:
    data = {name: plain(value) if isinstance(value, str) else value for name, value in finding.data.items()}
    if f"store.{data.get('name')}" in words():
        data["name"] = t(f"store.{data['name']}")
    key = f"doctor.{finding.part}.{finding.code}"
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            st.markdown(f"{ICONS[finding.health]} **{t('doctor.' + finding.part)}**", width="stretch")
            st.badge(t(f"health.{finding.health}"), color=COLORS[finding.health])  # type: ignore[arg-type]
        say = words().title(finding.error) if finding.error else t(key, **data)
        parts = [say, str(data["detail"])] if finding.error and data.get("detail") else [say]
        st.caption(" · ".join([*parts, f"{finding.ms} ms"]))
        if finding.error:
            here = f"doctor.error.{finding.error}"
            st.markdown(t(here) if here in words() else harmless(finding.error, finding.data))
        elif f"{key}.remedy" in words():
            st.markdown(t(f"{key}.remedy", **data))


def resume(provider: str) -> None:
    """The button that lets a stopped provider go on."""
    st.button(
        t("system.resume", name=provider_name(provider)),
        icon=":material/play_arrow:",
        key=f"resume-{provider}",
        on_click=go_on,
        args=(provider,),
    )


def go_on(provider: str) -> None:
    generation.resume(studio.current(), provider, by=Actor.local())
    look(False)


def stops() -> dict[str, PackshotError]:
    try:
        return intake.stopped(studio.current())
    except PackshotError:
        return {}  # The database's own line says it.


def look(write: bool) -> None:
    findings = doctor.examine(studio.current(), write=write)
    st.session_state["checked"] = (clock.now(), findings)


with title_row(t("system.title")):
    st.button(
        t("system.check"),
        icon=":material/refresh:",
        type="primary",
        key="check",
        on_click=look,
        args=(False,),
    )
    st.button(t("system.write"), icon=":material/upload:", key="write", on_click=look, args=(True,))

if "checked" not in st.session_state:
    with st.spinner(t("system.looking"), show_time=True):
        look(False)
at, findings = st.session_state["checked"]
failed = sum(finding.health is Health.FAILED for finding in findings)
warned = sum(finding.health is Health.WARNING for finding in findings)
said = [t("system.problems", n=failed)] if failed else []
said += [t("system.warnings", n=warned)] if warned else []
verdict = t("system.found", what=t("system.and").join(said)) if said else t("system.well")
seconds = sum(finding.ms for finding in findings) / 1000
took = f"{seconds:.1f}" if seconds >= 0.1 else f"{max(seconds, 0.01):.2f}"
st.markdown(verdict + t("system.checked", time=f"{local(at):%H:%M}", seconds=took))
stopped = stops()
for finding in sorted(findings, key=lambda found: ORDER.index(found.health)):
    if finding.health is not Health.OK:
        with st.container(border=True):
            draw(finding)
            if finding.part == "provider" and stopped.pop(studio.current().settings.provider, None):
                resume(studio.current().settings.provider)
for provider, error in stopped.items():
    with st.container(border=True):
        st.markdown(f"{ICONS[Health.FAILED]} **{provider_name(provider)}**")
        st.markdown(harmless(error.kind, error.data))
        resume(provider)
fine = [finding for finding in findings if finding.health is Health.OK]
if fine:
    with st.container(border=True), st.grid(2, gap=("small", "large"), min_column_width=280):
        for finding in fine:
            draw(finding)
storage_card()
retention_card()
reconcile_card()
channels_card()
