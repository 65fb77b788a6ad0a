"""Compare the product of two pictures: find it, lay it on itself, measure each axis, show the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.checks.fidelity import (
    colour,
    evidence,
    frame,
    light,
    limits,
    register,
    silhouette,
    structure,
    wording,
)
from core.checks.fidelity.facts import Axis, Fidelity, Place, Verdict, Why

if TYPE_CHECKING:
    from numpy.typing import NDArray


def compare(source: bytes, result: bytes, *, words: bool = True) -> Fidelity:
    """Compare a photo with a picture made of it; both are encoded bytes.

    With `words` a spot of the label that is drawn differently is also read, where Tesseract is installed: a
    second or two more, for such pictures alone. Raises nothing on bad pictures.
    """
    import numpy as np

    ours, theirs = frame.read(source), frame.read(result)
    if ours is None or theirs is None:
        return _not(Why.UNREADABLE)
    if min(max(picture.shape[:2]) for picture in (ours, theirs)) < limits.LEAST_PRODUCT:
        return _not(Why.TOO_SMALL)
    mask, sure = frame.product(ours)
    if not sure and mask.all():
        return _not(Why.NO_PRODUCT)
    ys, xs = np.nonzero(mask)
    if max(np.ptp(xs), np.ptp(ys)) < limits.LEAST_PRODUCT:
        return _not(Why.TOO_SMALL)
    found = register.register(ours, theirs, mask)
    if found is None:
        return _not(Why.NOT_FOUND)
    mask = register.whole(mask, found.points)
    laid = frame.lay(ours, theirs, mask, found.matrix)
    if max(laid.mask.shape) < limits.LEAST_PRODUCT or laid.mask.mean() < 0.1:
        return _not(Why.TOO_SMALL)
    maps = _maps(laid)
    axes = (
        _worst("colour", maps["colour"], limits.COLOUR),
        _worst("structure", maps["structure"], limits.STRUCTURE),
        _axis("shape", silhouette.stretch(found.matrix, mask), limits.SHAPE),
    )
    scores = {"colour": maps["colour"] / limits.COLOUR, "structure": maps["structure"] / limits.STRUCTURE}
    places = evidence.places(laid, scores, ours, theirs)
    reading = _reading(laid, places) if words else None
    if reading and reading.errors is not None:
        axes = (*axes, _axis("text", reading.errors, limits.TEXT))
    altered = any(axis.score >= 1 for axis in axes)
    return Fidelity(
        verdict=Verdict.ALTERED if altered else Verdict.PRESERVED,
        axes=axes,
        places=places if altered else (),
        reading=reading,
        align=evidence.fractions(found.matrix, mask, ours, theirs),
        heat=evidence.heat(laid, scores, theirs),
    )


def _reading(laid: frame.Frame, places: tuple[Place, ...]) -> wording.Reading | None:
    """What the label says where it was drawn differently most."""
    spot = next((place.spot for place in places if place.axis == "structure"), None)
    if spot is None:
        return None
    left, top, right, bottom = spot
    return wording.compare(laid.source[top:bottom, left:right], laid.result[top:bottom, left:right])


def _maps(laid: frame.Frame) -> dict[str, NDArray[Any]]:
    import cv2
    import numpy as np

    lit = light.even_out(laid.source, laid.result, laid.mask)
    shown = laid.result.astype(np.float32) / 255
    height, width = laid.mask.shape
    scale = min(1.0, limits.COLOUR_SIDE / max(height, width))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in (lit, shown)]
    inside = cv2.resize(laid.mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    rim = 2 * max(3, round(0.016 * max(size))) + 1
    inside = cv2.erode(inside, np.ones((rim, rim), np.uint8))
    colours = colour.differences(small[0], small[1], inside > 0)
    return {
        "colour": cv2.resize(colours, (width, height), interpolation=cv2.INTER_LINEAR),
        "structure": structure.differences(lit, shown, laid.mask),
    }


def _worst(name: str, values: NDArray[Any], limit: float) -> Axis:
    return _axis(name, float(values.max()), limit)


def _axis(name: str, value: float, limit: float) -> Axis:
    return Axis(name=name, value=round(value, 4), score=round(value / limit, 4))


def _not(why: Why) -> Fidelity:
    return Fidelity(verdict=Verdict.COULD_NOT_COMPARE, why=why)
