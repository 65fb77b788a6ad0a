"""What is drawn on the product: structure that was lost, or is new, however small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_GRAIN = 9.0**2
"""Variance, of 255 levels, below which a difference is noise or a JPEG's blocks."""
_SHIFTS = tuple((x, y) for y in (-1, 0, 1) for x in (-1, 0, 1))


def differences(
    ours: NDArray[np.float32], theirs: NDArray[np.float32], inside: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """HxW: 0 where both show the same, towards 1 where one has what the other has not.

    The contrast and structure terms of SSIM (Wang and others 2004) on lightness, in a window of a small
    letter, best of a pixel's shift each way, averaged over a few letters. Small text on a plain label stands
    alone in its window, so it can't hide behind the rest of the picture.
    """
    import cv2
    import numpy as np

    a, b = (_light(picture) for picture in (ours, theirs))
    a, b = equally_sharp(a, b, inside)
    best = np.full(a.shape, -1.0, np.float32)
    mean_b, square_b = _mean(b), _mean(b * b)
    var_b = np.maximum(square_b - mean_b * mean_b, 0)
    for x, y in _SHIFTS:
        moved = np.roll(a, (y, x), axis=(0, 1)) if x or y else a
        mean_a = _mean(moved)
        var_a = np.maximum(_mean(moved * moved) - mean_a * mean_a, 0)
        both = _mean(moved * b) - mean_a * mean_b
        np.maximum(best, (2 * both + _GRAIN) / (var_a + var_b + _GRAIN), out=best)
    rim = max(4, round(0.02 * max(inside.shape)))
    core = cv2.erode(inside.astype(np.uint8), np.ones((2 * rim + 1, 2 * rim + 1), np.uint8)) > 0
    apart = np.where(core, 1 - best, 0).astype(np.float32)
    wide = float(np.clip(max(inside.shape) / 160, 2.0, 4.0))
    near: NDArray[np.float32] = cv2.GaussianBlur(apart, (0, 0), wide)
    return near


def _light(picture: NDArray[np.float32]) -> NDArray[Any]:
    import cv2

    return cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)[..., 0] * 2.55


def _mean(values: NDArray[Any]) -> NDArray[Any]:
    import cv2

    return cv2.GaussianBlur(values, (0, 0), 2.5)


def equally_sharp(
    a: NDArray[np.float32], b: NDArray[np.float32], inside: NDArray[np.bool_]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both as sharp as the softer one: a lens or a JPEG is no change of the product."""
    import cv2
    import numpy as np

    def detail(picture: NDArray[Any]) -> float:
        fine = picture - cv2.GaussianBlur(picture, (0, 0), 1.5)
        return float(np.mean(np.minimum(np.abs(fine[inside]), 40)))

    a, b = (cv2.GaussianBlur(picture, (0, 0), 0.8) for picture in (a, b))
    soft, sharp = (a, b) if detail(a) < detail(b) else (b, a)
    wanted, steps = detail(soft), (0.0, 0.5, 0.8, 1.1, 1.5, 2.0)
    trial = [sharp if not step else cv2.GaussianBlur(sharp, (0, 0), step) for step in steps]
    nearest = min(trial, key=lambda picture: abs(detail(picture) - wanted))
    return (a, nearest) if sharp is b else (nearest, b)
