"""What happened to a picture, as a small timeline."""

from __future__ import annotations

import html

import streamlit as st

from core.lineage import Lineage, Step
from pages.ui.words import local, money, t, words


def timeline(found: Lineage) -> None:
    """Text of people and models stands in it as text."""
    st.html(f'<ol class="packshot-steps">{"".join(map(_step, found.steps))}</ol>')


def _step(step: Step) -> str:
    said = html.escape(_title(step))
    if more := _more(step):
        said += f" <span>{html.escape(more)}</span>"
    when = f"{local(step.at):%Y-%m-%d %H:%M:%S}"
    small = html.escape(" · ".join(part for part in (when, step.who) if part))
    return f"<li><b>{said}</b><small>{small}</small></li>"


def _title(step: Step) -> str:
    say = words()
    if step.kind == "answered":
        outcome = step.data["outcome"]
        title = "picture" if outcome == "picture" else outcome or ""
        return t("step.picture") if title == "picture" else _kind(title)
    if step.kind == "reviewed" and f"verdict.{step.data['verdict']}" in say:
        return t(f"verdict.{step.data['verdict']}")
    key = f"step.{step.kind}"
    return t(key) if key in say else step.kind


def _kind(kind: str) -> str:
    return words().title(kind) if f"error.{kind}.title" in words() else kind


def _more(step: Step) -> str:
    say, data = words(), step.data
    parts = [data.get(name) for name in ("name", "model", "channel", "result") if data.get(name)]
    if step.kind == "checked":
        parts = [
            t(key) if (key := f"check.{data[name]}") in say else data[name] for name in ("name", "result")
        ]
    if rule := data.get("rule"):
        parts.append(t("retention.rule", name=t(f"retention.{rule}"), n=data["days"]))
    if reason := data.get("reason"):
        parts.append(t(f"reason.{reason}") if f"reason.{reason}" in say else reason)
    parts += [f"“{data[name]}”" for name in ("override", "note") if data.get(name)]
    if data.get("cost_micros") is not None:
        parts.append(money(data["cost_micros"]))
    if kind := data.get("kind") or data.get("error"):
        parts.append(_kind(str(kind)))
    return " · ".join(map(str, parts))
