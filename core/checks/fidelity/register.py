"""Lay the source's product on the result's: features, a robust homography, then a smooth local flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.checks.fidelity import limits
from core.images.cutout import between

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """`matrix`: 3x3, pixels of the source to pixels of the result. `points`: Nx2, all features
    of the source's product."""

    matrix: NDArray[np.float64]
    points: NDArray[np.float32]


def register(
    source: NDArray[np.uint8], result: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> Alignment | None:
    """Find the product of an RGB picture in another one; None when no placing is believable.

    `mask` is 1 where the source shows the product. SIFT (Lowe 2004) with the Hellinger distance (Arandjelovic
    and Zisserman 2012), MAGSAC++ for the homography (Barath and others 2020). A second try stretches the
    contrast of pale pictures.
    """
    import cv2
    import numpy as np

    reach = max(9, round(0.02 * max(mask.shape))) | 1
    near = cv2.dilate(between(mask), np.ones((reach, reach), np.uint8)) * 255
    ys, xs = np.nonzero(near)
    left, top = int(xs.min()), int(ys.min())
    around = slice(top, int(ys.max()) + 1), slice(left, int(xs.max()) + 1)
    scale = min(1.0, limits.FEATURE_SIDE / max(result.shape[:2]))
    small = (
        cv2.resize(result, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else result
    )
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (source[around], small)]
    for pale in (False, True):
        seen = [cv2.createCLAHE(4.0, (8, 8)).apply(picture) for picture in grey] if pale else grey
        threshold = 0.015 if pale else 0.03
        points, ours = _features(seen[0], near[around], threshold)
        others, theirs = _features(seen[1], None, threshold)
        found = _homography((points + np.float32([left, top]), ours), (others / np.float32(scale), theirs))
        if found is not None and believable(found, mask):
            return Alignment(matrix=found, points=points + np.float32([left, top]))
    return None


def whole(mask: NDArray[np.uint8], points: NDArray[np.float32]) -> NDArray[np.uint8]:
    """`mask` with those gaps between its parts in which something is drawn: `points` are all features there,
    found again or not, so that a label that was lost is looked for."""
    import cv2
    import numpy as np

    count, gaps = cv2.connectedComponents(between(mask) & (1 - mask))
    xs, ys = points.round().astype(int).T
    height, width = mask.shape
    inside = np.bincount(gaps[ys.clip(0, height - 1), xs.clip(0, width - 1)], minlength=count)
    wanted = [index for index in range(1, count) if inside[index] >= limits.FEATURES_OF_A_GAP]
    filled = mask | np.isin(gaps, wanted).astype(np.uint8)
    return cv2.morphologyEx(filled, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))


def _features(grey: NDArray[Any], mask: NDArray[Any] | None, contrast: float) -> tuple[Any, Any]:
    import cv2
    import numpy as np

    sift = cv2.SIFT_create(  # type: ignore[attr-defined]
        nfeatures=limits.FEATURES, contrastThreshold=contrast
    )
    points, found = sift.detectAndCompute(grey, mask)
    if found is None:
        return np.empty((0, 2), np.float32), np.empty((0, 128), np.float32)
    found = np.sqrt(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-6))
    return np.array([point.pt for point in points], np.float32), found


def _homography(ours: tuple[Any, Any], theirs: tuple[Any, Any]) -> NDArray[np.float64] | None:
    import cv2

    if min(len(ours[0]), len(theirs[0])) < limits.LEAST_MATCHES:
        return None
    matcher = cv2.BFMatcher(cv2.NORM_L2)
    kept = [
        pair[0]
        for pair in matcher.knnMatch(ours[1], theirs[1], k=2)
        if len(pair) == 2 and pair[0].distance < 0.82 * pair[1].distance
    ]
    if len(kept) < limits.LEAST_MATCHES:
        return None
    a = ours[0][[match.queryIdx for match in kept]]
    b = theirs[0][[match.trainIdx for match in kept]]
    matrix, inliers = cv2.findHomography(a, b, cv2.USAC_MAGSAC, 3.0, maxIters=3000, confidence=0.999)
    if matrix is None:
        return None
    good = inliers.ravel() > 0
    # The same spot matched again and again is one point.
    distinct = len({(round(x / 4), round(y / 4)) for x, y in a[good]})
    if distinct < limits.LEAST_MATCHES or good.mean() < limits.LEAST_AGREEING:
        return None
    return matrix / matrix[2, 2]


def jacobian(matrix: NDArray[np.float64], x: float, y: float) -> NDArray[np.float64]:
    """2x2: how a homography moves neighbours of a point."""
    import numpy as np

    u, v, w = matrix @ np.array([x, y, 1.0])
    return np.array(
        [
            [matrix[0, 0] * w - u * matrix[2, 0], matrix[0, 1] * w - u * matrix[2, 1]],
            [matrix[1, 0] * w - v * matrix[2, 0], matrix[1, 1] * w - v * matrix[2, 1]],
        ]
    ) / (w * w)


def believable(matrix: NDArray[np.float64], mask: NDArray[np.uint8]) -> bool:
    """Not mirrored, not folded, neither tiny nor torn apart anywhere on the product."""
    import numpy as np

    ys, xs = np.nonzero(mask)
    left, right, top, bottom = xs.min(), xs.max(), ys.min(), ys.max()
    spots = [
        (left, top),
        (right, top),
        (right, bottom),
        (left, bottom),
        ((left + right) / 2, (top + bottom) / 2),
    ]
    sizes = []
    for x, y in spots:
        if matrix[2] @ np.array([x, y, 1.0]) <= 0:
            return False
        local = jacobian(matrix, float(x), float(y))
        if np.linalg.det(local) <= 0:
            return False
        large, small = np.linalg.svd(local, compute_uv=False)
        if large / small > limits.MOST_UNEVEN:
            return False
        sizes.append(float(np.sqrt(large * small)))
    return min(sizes) > limits.LEAST_SIZE and max(sizes) < limits.MOST_SIZE and max(sizes) / min(sizes) < 2.5


def flow(
    ours: NDArray[np.uint8], theirs: NDArray[np.uint8], inside: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """HxWx2: by how many pixels each place of `ours` lies elsewhere in `theirs`, smooth over a tenth of the
    picture: what a plane can't say of a round or bent product, but no letter.

    Dense inverse search (Kroeger and others 2016) on greys with their local light taken out, averaged by how
    much there is to see.
    """
    import cv2
    import numpy as np

    def flat(grey: NDArray[np.uint8]) -> NDArray[Any]:
        value = grey.astype(np.float32)
        value -= cv2.GaussianBlur(value, (0, 0), 12)
        return np.clip(127 + value * 1.5, 0, 255).astype(np.uint8)

    a, b = flat(ours), flat(theirs)
    search = cv2.DISOpticalFlow_create(  # type: ignore[attr-defined]
        cv2.DISOPTICAL_FLOW_PRESET_FAST
    )
    moved = search.calc(a, b, None)
    slope = cv2.magnitude(cv2.Sobel(a, cv2.CV_32F, 1, 0), cv2.Sobel(a, cv2.CV_32F, 0, 1))
    weight = np.minimum(slope, 200) * inside
    weight[np.hypot(moved[..., 0], moved[..., 1]) > limits.MOST_FLOW] = 0
    wide = 0.06 * max(a.shape)
    total = cv2.GaussianBlur(weight, (0, 0), wide) + 1.0
    smooth = cv2.GaussianBlur(moved * weight[..., None], (0, 0), wide) / total[..., None]
    return smooth.astype(np.float32)
