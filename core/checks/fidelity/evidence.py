"""What a person looks at: the worst places, and the result with them tinted."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.checks.fidelity import frame, limits, register
from core.checks.fidelity.facts import Place

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_PLACES = 4
_HEAT_SIDE = 768


def places(
    laid: frame.Frame, scores: Mapping[str, NDArray[Any]], source: NDArray[Any], result: NDArray[Any]
) -> tuple[Place, ...]:
    """Connected spots that are doubtful or worse, the worst first; `scores` are maps of the frame where 1 is
    the limit."""
    import cv2
    import numpy as np

    worst = np.max(list(scores.values()), axis=0)
    found = []
    spots, labels, stats, _ = cv2.connectedComponentsWithStats((worst >= limits.DOUBTFUL).astype(np.uint8))
    for index in range(1, spots):
        left, top, width, height, _ = (int(value) for value in stats[index])
        part = labels[top : top + height, left : left + width] == index
        peaks = {
            name: float(values[top : top + height, left : left + width][part].max())
            for name, values in scores.items()
        }
        axis = max(peaks, key=lambda name: peaks[name])
        margin = max(6, round(0.02 * max(worst.shape)))
        spot = (
            max(0, left - margin), max(0, top - margin),
            min(worst.shape[1], left + width + margin), min(worst.shape[0], top + height + margin),
        )  # fmt: skip
        there, here = frame.boxes(laid, spot, source, result)
        found.append(Place(axis=axis, score=round(peaks[axis], 3), result=there, source=here, spot=spot))
    return tuple(sorted(found, key=lambda place: -place.score)[:_MOST_PLACES])


def heat(laid: frame.Frame, scores: Mapping[str, NDArray[Any]], result: NDArray[np.uint8]) -> bytes:
    """The result at most 768 px large as a WebP: greyed and lightened, red where the product differs most.

    Full red is twice the limit; half the limit and less is not tinted.
    """
    import cv2
    import numpy as np
    from PIL import Image

    scale = min(1.0, _HEAT_SIDE / max(result.shape[:2]))
    size = max(1, round(result.shape[1] * scale)), max(1, round(result.shape[0] * scale))
    picture = cv2.resize(result, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    worst = np.max(list(scores.values()), axis=0).astype(np.float32)
    back = np.diag([scale, scale, 1.0]) @ np.linalg.inv(laid.from_result)
    seen = cv2.warpPerspective(worst, back, size, flags=cv2.INTER_LINEAR)
    strength = np.clip((seen - 0.5) / 1.5, 0, 1)[..., None]
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None]
    pale = 0.75 * (0.5 * picture + 0.5 * grey) + 0.25 * 255
    # From amber to red, as the limit is passed.
    tint = np.array([255, 176, 32]) * (1 - strength) + np.array([214, 24, 24]) * strength
    share = np.where(strength > 0, 0.35 + 0.5 * strength, 0)
    shown = pale * (1 - share) + tint * share
    out = io.BytesIO()
    Image.fromarray(np.clip(shown, 0, 255).astype(np.uint8)).save(out, "WEBP", quality=80, method=2)
    return out.getvalue()


def fractions(
    matrix: NDArray[np.float64], mask: NDArray[np.uint8], source: NDArray[Any], result: NDArray[Any]
) -> tuple[float, ...]:
    """The homography as an affine map about the middle of the product, in fractions of both pictures."""
    import numpy as np

    ys, xs = np.nonzero(mask)
    x, y = float(xs.mean()), float(ys.mean())
    u, v, w = matrix @ np.array([x, y, 1.0])
    local = register.jacobian(matrix, x, y)
    (high, wide), (high2, wide2) = source.shape[:2], result.shape[:2]
    part = local * np.array([[wide / wide2, high / wide2], [wide / high2, high / high2]])
    at = np.array([u / w / wide2, v / w / high2]) - part @ np.array([x / wide, y / high])
    values = part[0, 0], part[0, 1], at[0], part[1, 0], part[1, 1], at[1]
    return tuple(round(float(value), 6) for value in values)
