"""Rules, findings and steps as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.checks.judge import Finding, Result
from core.checks.rules import Rule

if TYPE_CHECKING:
    from core.checks.fix import Step
    from core.language import Words

_PRODUCT = ("fill", "subject", "margin", "background")


def wanted(say: Words, rule: Rule) -> str:
    """What a rule asks for."""
    kind, values = rule.kind, rule.values
    if kind in ("pixels", "subject"):
        return _range(say, _size(values, "min"), _size(values, "max"))
    if kind in ("longest_side", "shortest_side"):
        return _bounds(say, values, lambda n: f"{n} px")
    if kind == "bytes":
        return _bounds(say, values, size)
    if kind == "megapixels":
        return _bounds(say, values, lambda n: f"{n:g} MP")
    if kind == "dpi":
        return _bounds(say, values, lambda n: f"{n} dpi")
    if kind == "margin":
        return _bounds(say, values, share)
    if kind == "fill":
        return say(f"want.fill.{values['by']}", share=_bounds(say, values, share))
    if kind == "ratio":
        return f"{values['wide']}:{values['high']}"
    if kind == "format":
        return ", ".join(name.upper() for name in values["formats"])
    if kind == "background":
        key = "want.background_photo" if values.get("photo") else "want.background"
        return say(key, level=values["level"], border=share(values["border"]), ground=share(values["ground"]))
    if kind == "text":
        return say("want.text", cells=values["cells"]) if values["cells"] else say("want.text_none")
    if kind == "look":
        return say(f"want.look.{values['about']}")
    return say(f"want.{kind}")


def measured(say: Words, finding: Finding) -> str:
    """What was found."""
    kind, found = finding.rule.kind, finding.measured
    if finding.result is Result.NOT_MEASURED:
        return say(f"got.unknown.{'product' if kind in _PRODUCT else kind}")
    if kind in ("pixels", "subject", "ratio"):
        return f"{found['width']} × {found['height']} px"
    if kind in ("longest_side", "shortest_side"):
        return f"{found['side']} px"
    if kind == "bytes":
        return size(found["bytes"])
    if kind == "megapixels":
        return f"{found['megapixels']:g} MP"
    if kind == "dpi":
        return say("got.not_said") if found["dpi"] is None else f"{found['dpi']:g} dpi"
    if kind in ("fill", "margin"):
        return share(found[kind])
    if kind == "format":
        return str(found["format"]).upper()
    if kind == "extension":
        return f".{found['extension']} · {found['format'].upper()}"
    if kind == "background":
        return _background(say, found)
    if kind == "frame":
        sides = say("got.and").join(say(f"side.{side}") for side in found["sides"])
        return say("got.frame", sides=sides) if sides else say("got.none")
    if kind == "text":
        return say("got.text", n=found["cells"]) if found["cells"] else say("got.none")
    if kind == "profile":
        return say("got.no_profile") if found["profile"] == "none" else str(found["profile"])
    return str(found["type"] or say("got.not_said"))


def step(say: Words, done: Step) -> str:
    """What was done to a picture."""
    values: dict[str, Any] = dict(done.values)
    for name in ("format", "from", "to"):
        if name in values:
            values[name] = str(values[name]).upper()
    if done.kind == "encoded":
        values["size"] = size(values["bytes"])
        return say("step.encoded" if values["quality"] is None else "step.encoded_quality", **values)
    return say(f"step.{done.kind}", **values)


def size(count: int) -> str:
    """Bytes as people read them; thousands, as marketplaces count."""
    return f"{count / 1e6:.1f} MB" if count >= 1_000_000 else f"{count / 1e3:.1f} kB"


def share(value: float) -> str:
    """A share in per cent; what is not quite all never reads as 100%."""
    cent = value * 100
    if 99 < cent < 100:
        return f"{min(cent, 99.9):.1f}%"
    return f"{cent:.1f}%" if cent % 1 >= 0.05 and cent < 10 else f"{cent:.0f}%"


def _background(say: Words, found: Mapping[str, Any]) -> str:
    if found.get("photo"):
        return say("got.photo")
    if found["ground"] is None:
        return say("got.border", border=share(found["border"]))
    return say("got.background", border=share(found["border"]), ground=share(found["ground"]))


def _size(values: Mapping[str, Any], end: str) -> str | None:
    sides = (values.get(f"{end}_width"), values.get(f"{end}_height"))
    if sides == (None, None):
        return None
    wide, high = (side or "–" for side in sides)
    return f"{wide} × {high} px"


def _bounds(say: Words, values: Mapping[str, Any], form: Any) -> str:
    low, high = (form(values[name]) if name in values else None for name in ("min", "max"))
    return _range(say, low, high)


def _range(say: Words, low: str | None, high: str | None) -> str:
    if low is None:
        return say("want.at_most", high=high)
    if high is None:
        return say("want.at_least", low=low)
    return say("want.exactly", low=low) if low == high else say("want.between", low=low, high=high)
