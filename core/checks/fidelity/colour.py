"""How far colours lie apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def differences(
    ours: NDArray[np.float32], theirs: NDArray[np.float32], inside: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """HxW: CIEDE2000 around each place, 0 where nothing could be told.

    Both are RGB from 0 to 1 under the same light. Lightness is weighed half (kL = 2, CIE 142-2001's ratio for
    rough surfaces): shades differ more than paint. Edges are left out, since a pixel's shift changes them,
    and what is left is averaged over a fiftieth of the product.
    """
    import cv2
    import numpy as np
    from skimage.color import deltaE_ciede2000

    a, b = (cv2.GaussianBlur(picture, (0, 0), 1.2) for picture in (ours, theirs))
    plain = inside & ~_edges(a) & ~_edges(b)
    lab = [cv2.cvtColor(picture, cv2.COLOR_RGB2LAB) for picture in (a, b)]
    apart = deltaE_ciede2000(*lab, kL=2.0).astype(np.float32)  # type: ignore[no-untyped-call]
    # Where one is burnt out, its colour is lost to the light and not to a brush.
    burnt = (theirs.max(axis=2) > 0.985) & (ours.max(axis=2) > 0.8)
    apart[burnt] *= 0.6
    wide = max(2.0, 0.02 * max(inside.shape))
    weight = cv2.GaussianBlur(plain.astype(np.float32), (0, 0), wide)
    near = cv2.GaussianBlur(np.where(plain, apart, 0).astype(np.float32), (0, 0), wide)
    told: NDArray[np.float32] = np.where(inside & (weight > 0.12), near / np.maximum(weight, 0.12), 0)
    return told.astype(np.float32)


def _edges(picture: NDArray[np.float32]) -> NDArray[np.bool_]:
    import cv2
    import numpy as np

    grey = picture.mean(axis=2)
    slope = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    edge = (slope > 0.16).astype(np.uint8)
    return cv2.dilate(edge, np.ones((5, 5), np.uint8)) > 0
