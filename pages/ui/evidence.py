"""What the fidelity check found of a picture: the verdict, the axes, the heat map and the worst places."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import streamlit as st

from core import checking, studio
from core.checking import Evidence
from core.errors import PackshotError
from core.history import Details
from core.model import ChecksState, Output, OutputState, Photo
from core.studio import Studio
from pages.ui.trouble import show
from pages.ui.words import t

_AXES = {"colour": "{:.1f}", "structure": "{:.0%}", "shape": "{:.1%}", "text": "{:.0%}"}
"""How a value is written; a picture altered by an axis is told by its name."""
_LEAST = 0.1
"""Of the picture: a crop shows the surroundings of a spot as well."""

Size = tuple[int, int]


def evidence(found: Details) -> None:
    """Draw it, in one element; nothing for an output without a picture."""
    output, photo = found.output, found.photo
    if output.state is not OutputState.SUCCEEDED or not output.object_key:
        return
    try:
        said = checking.evidence_of(studio.current(), output.id)
    except PackshotError as error:
        show(error)
        return
    title = html.escape(t("evidence.title"))
    if said is None:
        state = "failed" if output.checks is ChecksState.FAILED else "waiting"
        st.html(
            f'<section class="packshot-evidence"><p><b>{title}</b> {_text(f"evidence.{state}")}</p></section>'
        )
        return
    open_ = "" if said.result == "preserved" else " open"
    st.html(
        f'<details class="packshot-evidence"{open_}><summary><b>{title}</b> '
        f'<span class="packshot-verdict {said.result}">{_text(f"check.{said.result}")}</span></summary>'
        f"<p>{html.escape(_sentence(said))}</p>{_axes(said)}"
        f"{_pictures(studio.current(), said, output, photo)}</details>"
    )


def _text(key: str) -> str:
    return html.escape(t(key))


def _sentence(said: Evidence) -> str:
    if said.result == "could_not_compare":
        return f"{t(f'evidence.why.{said.why}')}{t('evidence.not_preserved')}"
    over = [t(f"evidence.axis.{name}") for name, axis in said.axes.items() if axis["score"] >= 1]
    return t(f"evidence.say.{said.result}", axes=t("evidence.and").join(over))


def _axes(said: Evidence) -> str:
    rows = []
    for name, axis in said.axes.items():
        value = t(f"evidence.unit.{name}", value=_AXES[name].format(axis["value"]))
        share = t("evidence.share", share=f"{axis['score']:.0%}")
        over = ' class="over"' if axis["score"] >= 1 else ""
        rows.append(
            f"<tr{over}><th scope=row>{_text(f'evidence.axis.{name}')}</th>"
            f"<td>{html.escape(value)}</td><td>{html.escape(share)}</td></tr>"
        )
    return f"<table>{''.join(rows)}</table>" if rows else ""


def _pictures(desk: Studio, said: Evidence, output: Output, photo: Photo) -> str:
    source, result = desk.link(photo.object_key), desk.link(output.object_key or "")
    parts = []
    if reading := said.reading:
        how = "changed" if reading["source"] and reading["result"] else "lost" if reading["source"] else "new"
        words = {name: reading[name] for name in ("source", "result")}
        parts.append(f"<p>{html.escape(t(f'evidence.reading.{how}', **words))}</p>")
    for place in said.places:
        name = t(f"evidence.axis.{place['axis']}")
        here = _crop(source, place["source"], (photo.width, photo.height), t("evidence.source"), name)
        there = _crop(
            result, place["result"], (output.width or 1, output.height or 1), t("evidence.result"), name
        )
        parts.append(f'<div class="pair">{here}{there}</div>')
    if said.heat:
        heat = html.escape(desk.link(said.heat), quote=True)
        thumb = html.escape(source, quote=True)
        parts.append(
            f'<div class="pair"><figure><img src="{thumb}" loading="lazy" alt="{_text("evidence.source")}">'
            f"<figcaption>{_text('evidence.source')}</figcaption></figure>"
            f'<figure><img src="{heat}" loading="lazy" alt="{_text("evidence.heat")}">'
            f"<figcaption>{_text('evidence.heat')}</figcaption></figure></div>"
        )
    return "".join(parts)


def _crop(link: str, box: Mapping[str, Any], size: Size, title: str, axis: str) -> str:
    """A part of a picture by its fractions, cut by the browser from what it has loaded."""
    width, height = max(_LEAST, 1.3 * box["width"]), max(_LEAST, 1.3 * box["height"])
    width, height = min(1.0, width), min(1.0, height)
    x = min(1 - width, max(0.0, box["x"] + (box["width"] - width) / 2))
    y = min(1 - height, max(0.0, box["y"] + (box["height"] - height) / 2))
    shape = f"{width * size[0]:.1f}/{height * size[1]:.1f}"
    place = (
        f"width:{100 / width:.2f}%;height:{100 / height:.2f}%;"
        f"left:{-100 * x / width:.2f}%;top:{-100 * y / height:.2f}%"
    )
    source, alt = html.escape(link, quote=True), html.escape(f"{title}: {axis}", quote=True)
    return (
        f'<figure><div class="crop" style="aspect-ratio:{shape}">'
        f'<img src="{source}" loading="lazy" alt="{alt}" style="{place}"></div>'
        f"<figcaption>{html.escape(title)} · {html.escape(axis)}</figcaption></figure>"
    )
