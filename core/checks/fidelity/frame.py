"""Both products in one frame: upright as in the source, at the coarser of both resolutions."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.checks.fidelity import limits, register
from core.checks.fidelity.facts import Box

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Frame:
    """HxW in pixels. `source` and `result`: HxWx3 uint8 RGB, the product laid on itself; `mask`: HxW bool,
    the source's product where both pictures show it. `from_source` and `from_result`: 3x3 from the pixels of
    the worked pictures to those of the frame. `flow`: HxWx2, what was bent beyond the homography."""

    source: NDArray[np.uint8]
    result: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    from_source: NDArray[np.float64]
    from_result: NDArray[np.float64]
    flow: NDArray[np.float32]


def read(data: bytes) -> NDArray[np.uint8] | None:
    """A picture as RGB, at most SIDE on its longest side, transparent parts on white; None when it can't be
    decoded."""
    import numpy as np
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as picture:
            picture.draft("RGB", (limits.SIDE, limits.SIDE))
            picture.load()
            if picture.has_transparency_data:
                clear = picture.convert("RGBA")
                shown = Image.new("RGB", clear.size, "white")
                shown.paste(clear, mask=clear.getchannel("A"))
            else:
                shown = picture.convert("RGB")
    except (OSError, SyntaxError, ValueError, IndexError, EOFError, Image.DecompressionBombError):
        return None
    shown.thumbnail((limits.SIDE, limits.SIDE), Image.Resampling.BOX, reducing_gap=None)
    return np.asarray(shown)


def product(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """Where a picture shows its product: HxW of 0 and 1, and how sure that is."""
    import cv2

    from core.images.cutout import product_mask

    height, width = picture.shape[:2]
    scale = min(1.0, limits.MASK_SIDE / max(height, width))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small, sure = product_mask(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), sure


def lay(
    source: NDArray[np.uint8],
    result: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    matrix: NDArray[np.float64],
) -> Frame:
    """`matrix`: from pixels of the source to pixels of the result."""
    import cv2
    import numpy as np

    ys, xs = np.nonzero(mask)
    left, top, right, bottom = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
    # At the coarser resolution, so that no letter is compared with what could not be seen there.
    local = register.jacobian(matrix, (left + right) / 2, (top + bottom) / 2)
    coarser = min(1.0, float(np.sqrt(np.linalg.det(local))))
    scale = min(coarser, limits.FRAME / max(right - left, bottom - top))
    size = max(16, round((right - left) * scale)), max(16, round((bottom - top) * scale))
    from_source = np.array([[scale, 0, -left * scale], [0, scale, -top * scale], [0, 0, 1.0]])
    from_result = from_source @ np.linalg.inv(matrix)
    ours = _warp(source, from_source, size, scale)
    theirs = _warp(
        result,
        from_result,
        size,
        scale / coarser if coarser < 1 else scale / float(np.sqrt(np.linalg.det(local))),
    )
    inside = cv2.warpPerspective(mask, from_source, size, flags=cv2.INTER_NEAREST) > 0
    seen = cv2.warpPerspective(
        np.ones(result.shape[:2], np.uint8), from_result, size, flags=cv2.INTER_NEAREST
    )
    inside &= seen > 0
    inside[:1] = inside[-1:] = False  # Beyond the frame there is no product: rims are taken off here as well.
    inside[:, :1] = inside[:, -1:] = False
    moved = register.flow(
        cv2.cvtColor(ours, cv2.COLOR_RGB2GRAY), cv2.cvtColor(theirs, cv2.COLOR_RGB2GRAY), inside
    )
    xs, ys = np.meshgrid(np.arange(size[0], dtype=np.float32), np.arange(size[1], dtype=np.float32))
    theirs = cv2.remap(
        theirs, xs + moved[..., 0], ys + moved[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return Frame(
        source=ours, result=theirs, mask=inside, from_source=from_source, from_result=from_result, flow=moved
    )


def _warp(picture: NDArray[np.uint8], matrix: Any, size: tuple[int, int], scale: float) -> NDArray[np.uint8]:
    """Smoothed first where it gets smaller, so that nothing flickers."""
    import cv2

    if scale < 0.9:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.45 * (1 / scale - 1) + 0.3)
    return cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def boxes(frame: Frame, spot: tuple[int, int, int, int], source: Any, result: Any) -> tuple[Box, Box]:
    """A rectangle of the frame (left, top, right, bottom) in the result and in the source."""
    import cv2
    import numpy as np

    left, top, right, bottom = spot
    corners = np.array([[[left, top]], [[right, top]], [[right, bottom]], [[left, bottom]]], np.float64)
    height, width = frame.mask.shape
    middle = frame.flow[min(height - 1, (top + bottom) // 2), min(width - 1, (left + right) // 2)]
    found = []
    for matrix, picture, moved in (
        (frame.from_result, result, middle), (frame.from_source, source, np.zeros(2))
    ):  # fmt: skip
        seen = cv2.perspectiveTransform(corners + moved, np.linalg.inv(matrix)).reshape(-1, 2)
        seen = np.clip(seen / (picture.shape[1], picture.shape[0]), 0, 1)
        (x0, y0), (x1, y1) = seen.min(axis=0), seen.max(axis=0)
        values = (float(round(v, 4)) for v in (x0, y0, x1 - x0, y1 - y0))
        found.append(Box(**dict(zip(("x", "y", "width", "height"), values, strict=True))))
    return found[0], found[1]
