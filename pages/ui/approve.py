"""How a channel would judge a picture, what the fix changes, and the approval for it."""

from __future__ import annotations

import base64
import html
import io
from dataclasses import dataclass

import streamlit as st

from core import approval, review, studio
from core.approval import Look
from core.checks import channels, words
from core.checks.judge import Finding, Result
from core.errors import PackshotError
from core.model import Actor, Role
from pages.ui.trouble import show
from pages.ui.words import plain, t
from pages.ui.words import words as say

_SIGNS = {
    Result.FAILED: ":red[:material/block:]",
    Result.WARNING: ":orange[:material/warning:]",
    Result.NOT_MEASURED: ":gray[:material/visibility:]",
    Result.MET: ":green[:material/check_circle:]",
}
_ORDER = (Result.FAILED, Result.WARNING, Result.NOT_MEASURED)


@dataclass(frozen=True)
class _Shown:
    """What a session keeps of a look while its dialog is open: no bytes but a small picture."""

    output: str
    channel: str
    title: str
    size: tuple[int, int]
    before: tuple[int | None, int | None]
    source: str
    small: str
    findings: tuple[Finding, ...]
    steps: tuple[str, ...]
    refused: int
    seen: int | None


def approve_section(output_key: str) -> None:
    """In a drawer: shut it is one line."""
    more = st.expander(t("approve.open"), key=f"approve-{output_key}", on_change="rerun")
    if more.open:
        with more:
            _panel(output_key)


def _panel(output_key: str) -> None:
    state = st.session_state
    titles = {channel.name: channel.title for channel in channels.published()}
    name = st.selectbox(
        t("channel.pick"),
        list(titles),
        index=None,
        format_func=titles.__getitem__,
        key=f"approve-channel-{output_key}",
    )
    if error := state.pop("approve-refused", None):
        show(error)
    if name is None:
        st.caption(t("approve.pick"))
        return
    try:
        if _done(output_key, name):
            st.success(t("approve.done", channel=plain(titles[name])), icon=":material/check_circle:")
        found = _look(output_key, name)
    except PackshotError as error:
        show(error)
        return
    _verdict(found)
    _pictures(found)
    _findings(found.findings)
    _press(found)


def _done(output_key: str, name: str) -> bool:
    """It was approved here for this channel, and nobody has said anything since."""
    output, channel, number = st.session_state.get("approve-done") or (None, None, 0)
    if (output, channel) != (output_key, name):
        return False
    return review.history_of(studio.current(), output_key)[-1].id == number


def _look(output_key: str, name: str) -> _Shown:
    """A look costs a decode and an encode: it is kept while the same one is shown."""
    state = st.session_state
    kept = state.get("approve-look")
    if isinstance(kept, _Shown) and (kept.output, kept.channel) == (output_key, name):
        return kept
    desk = studio.current()
    found = approval.look(desk, output_key, name)
    reviews = review.history_of(desk, output_key)
    source = found.output.thumb_key or found.output.object_key or ""
    state["approve-look"] = made = _Shown(
        output=output_key,
        channel=name,
        title=found.channel.title,
        size=(found.prepared.width, found.prepared.height),
        before=(found.output.width, found.output.height),
        source=desk.link(source),
        small=_small(found),
        findings=found.prepared.findings,
        steps=tuple(words.step(say(), step) for step in found.prepared.steps),
        refused=len(found.refused),
        seen=reviews[-1].id if reviews else None,
    )
    return made


def _small(found: Look) -> str:
    from PIL import Image

    from core.images.thumbnail import thumbnail

    with Image.open(io.BytesIO(found.prepared.data)) as picture:
        made = thumbnail(picture.convert("RGB"))
    return "data:image/webp;base64," + base64.b64encode(made).decode()


def _verdict(found: _Shown) -> None:
    if found.refused:
        st.error(t("approve.blocked", n=found.refused), icon=":material/block:")
    else:
        st.markdown(f"{_SIGNS[Result.MET]} {t('approve.ready')}")


def _pictures(found: _Shown) -> None:
    """Both in one row on the mat, so that a white picture shows its edges."""
    both = (("before", found.source, found.before), ("after", found.small, found.size))
    parts = []
    for name, source, (width, height) in both:
        title = html.escape(t(f"approve.{name}"), quote=True)
        size = html.escape(t("approve.size", width=width, height=height))
        picture = f'<img src="{html.escape(source, quote=True)}" alt="{title}">'
        parts.append(f"<figure>{picture}<figcaption>{title} · {size}</figcaption></figure>")
    st.html(f'<div class="packshot-both">{"".join(parts)}</div>')
    lines = [f"- {plain(line)}" for line in found.steps] or [t("approve.unchanged")]
    st.caption("\n".join(lines))


def _findings(findings: tuple[Finding, ...]) -> None:
    lines = []
    for result in _ORDER:
        lines += [_line(finding) for finding in findings if finding.result is result]
    met = [finding for finding in findings if finding.result is Result.MET]
    names = t("got.and").join(dict.fromkeys(t(f"rule.{finding.rule.kind}") for finding in met))
    lines.append(f"{_SIGNS[Result.MET]} {t('approve.passed', n=len(met))} · {plain(names)}")
    st.markdown("\n\n".join(lines))


def _line(finding: Finding) -> str:
    kind = finding.rule.kind
    wanted, measured = words.wanted(say(), finding.rule), words.measured(say(), finding)
    head = f"{_SIGNS[finding.result]} **{t(f'rule.{kind}')}** · {t(f'finding.{finding.result}')}"
    both = f"{t('channel.measured')}: {plain(measured)} · {t('channel.wanted')}: {plain(wanted)}"
    if finding.rule.starts and finding.result is Result.WARNING:
        both += f" · {t('channel.from', date=plain(finding.rule.starts))}"
    why = f"  \n{t(f'unmet.{kind}')}" if finding.result in (Result.FAILED, Result.WARNING) else ""
    return f"{head}  \n{both}{why}"


def _press(found: _Shown) -> None:
    by, key = Actor.local(), f"approve-why-{found.output}"
    if found.refused:
        if not by.role.may(Role.ADMIN):
            st.caption(t("approve.needs_admin"))
            return
        st.text_input(t("approve.override"), max_chars=approval.MAX_OVERRIDE, key=key)
    label = "approve.override_press" if found.refused else "approve.press"
    st.button(
        t(label, channel=plain(found.title)),
        type="primary",
        icon=":material/verified:",
        key=f"approve-now-{found.output}",
        disabled=bool(found.refused and not str(st.session_state.get(key) or "").strip()),
        on_click=_approve,
        args=(found, key),
    )


def _approve(found: _Shown, key: str) -> None:
    state, desk = st.session_state, studio.current()
    override = str(state.get(key) or "") if found.refused else ""
    state.pop("approve-look", None)
    try:
        made = approval.approve(
            desk, found.output, found.channel, by=Actor.local(), override=override, seen=found.seen
        )
        state["approve-done"] = (found.output, found.channel, made.review.id)
    except PackshotError as error:
        state["approve-refused"] = error
