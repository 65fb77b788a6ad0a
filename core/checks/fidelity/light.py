"""Put the source under the result's light: one exposure, one contrast, a small tint and a smooth slope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_TINT = 0.16
"""Natural logarithm: how far one channel may leave the others. More is paint, not light."""
_MOST_CHANGE = 0.75
"""Of the exposure; 0.7 is one stop."""
_DARK = 0.03


def even_out(
    source: NDArray[np.uint8], result: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The source (HxWx3 RGB) as it would look under the result's light, 0 to 1, both already on one another.

    A diagonal model in linear light (von Kries), fitted to cells by consensus: of all the lights that a cell
    could stand for, the one under which most of the product agrees, refined by reweighted least squares. What
    no light explains stays: a body in another colour can't buy itself a light.
    """
    import cv2
    import numpy as np

    ours, theirs = (np.log(_linear(picture) + _DARK) for picture in (source, result))
    side = max(6, round(max(mask.shape) / 40))
    size = max(4, mask.shape[1] // side), max(4, mask.shape[0] // side)
    weight = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    a, b = (cv2.resize(value, size, interpolation=cv2.INTER_AREA) for value in (ours, theirs))
    ys, xs = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    xs, ys = xs / size[0] - 0.5, ys / size[1] - 0.5
    inside = weight > 0.8
    if inside.sum() < 12:
        return np.asarray(_linear(source) ** (1 / 2.2), np.float32)
    change = b[inside] - a[inside]
    # A cell that is clipped in the result says nothing about the light.
    clipped = (b[inside] > np.log(0.93 + _DARK)).any(axis=1)
    bright, x, y = a[inside].mean(axis=1), xs[inside], ys[inside]
    # A dark channel of a strong colour says little: a breath of haze or of noise changes it by half.
    sees = (np.exp(np.minimum(a, b)[inside]) ** 0.45).clip(0.15, 1.0)
    starts = change[~clipped] if (~clipped).sum() > 8 else change
    middle = np.clip(np.median(starts, axis=1, keepdims=True), -_MOST_CHANGE, _MOST_CHANGE)
    lights = middle + np.clip(starts - middle, -_MOST_TINT, _MOST_TINT)
    off = (np.abs(change[None] - lights[:, None]) * sees).max(axis=2)
    light = lights[np.argmax(np.where(off < 0.22, 1 - 0.5 * off, 0).sum(axis=1))]
    terms = np.stack([np.ones_like(x), bright - bright.mean(), x, y, x * x, y * y, x * y], axis=1)
    ridge = np.diag([1e-3, 2.0, 0.5, 0.5, 4.0, 4.0, 4.0])
    tint = light - light.mean()
    fit = np.zeros(7)
    fit[0] = light.mean()
    for step in range(5):
        rest = change - (terms @ fit)[:, None] - tint
        off = (np.abs(rest) * sees).max(axis=1)
        trust = 1 / (1 + (off / (0.16 if step < 2 else 0.09)) ** 2) ** 2 * np.where(clipped, 0.3, 1.0)
        share = trust[:, None] * sees**2
        tint = ((change - (terms @ fit)[:, None]) * share).sum(axis=0) / (share.sum(axis=0) + 1.0)
        tint -= tint.mean()
        tint = np.clip(tint, -_MOST_TINT, _MOST_TINT)
        wanted = ((change - tint) * sees).sum(axis=1) / sees.sum(axis=1)
        fit = np.linalg.solve(
            terms.T @ (terms * trust[:, None]) + ridge,
            terms.T @ (wanted * trust) + ridge @ (fit * [1, *[0] * 6]),
        )
        fit[0] = np.clip(fit[0], -_MOST_CHANGE, _MOST_CHANGE)
        fit[1] = np.clip(fit[1], -0.3, 0.3)
        fit[2:] = np.clip(fit[2:], -0.8, 0.8)
    height, width = mask.shape
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    xs, ys = xs / width - 0.5, ys / height - 0.5
    field: Any = fit[0] + fit[2] * xs + fit[3] * ys + fit[4] * xs**2 + fit[5] * ys**2 + fit[6] * xs * ys
    grey = cv2.blur(ours.mean(axis=2), (5, 5)) - bright.mean()
    lit = np.exp(ours + (field + fit[1] * grey)[..., None] + tint) - _DARK
    return np.clip(lit, 0, 1).astype(np.float32) ** np.float32(1 / 2.2)


def _linear(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    import numpy as np

    table = ((np.arange(256) / 255) ** 2.2).astype(np.float32)
    return table[picture]
