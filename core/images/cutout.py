"""Cut a product out of its background with OpenCV, and say how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WORK = 448
"""Longest side in pixels at which GrabCut runs: 0.3 s; edges are refined above that."""


@dataclass(frozen=True, kw_only=True)
class Cutout:
    """`alpha`: HxW float32, 0 is background and 1 is product. `confidence`: 0 to 1."""

    alpha: NDArray[np.float32]
    confidence: float


def cut_out(image: NDArray[np.uint8]) -> Cutout:
    """Find the product in an RGB photo (HxWx3).

    The border's colours are taken for the background, GrabCut decides from there. Where nothing can be
    told apart, the whole picture is kept with confidence 0.
    """
    import cv2
    import numpy as np

    height, width = image.shape[:2]
    scale = min(1.0, _WORK / max(height, width))
    small = cv2.resize(
        image, (max(8, round(width * scale)), max(8, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    mask, confidence = product_mask(small)
    if not confidence and mask.all():
        return Cutout(alpha=np.ones((height, width), np.float32), confidence=0.0)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)
    alpha = cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC)
    alpha = _refine(image, np.clip(alpha, 0, 1))
    return Cutout(alpha=alpha, confidence=confidence)


def product_mask(small: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """Which pixels of a small RGB picture (HxWx3, about 300 to 500 on its longest side) show the product: 1,
    else 0; and how sure that is, 0 to 1. All 1 and 0.0 where nothing can be told apart."""
    import numpy as np

    nothing = np.ones(small.shape[:2], np.uint8), 0.0
    distance = _from_background(small)
    seed = (distance > 1.0).astype(np.uint8)
    if not 0.004 < seed.mean() < 0.97:
        return nothing
    whole = _main_part(_grab(small, distance))
    bare = _without_shadow(small, whole)
    mask = _main_part(_with_labels(small, bare))
    if not 0.005 < float(mask.mean()) < 0.97:
        return nothing
    return mask, max(0.0, round(_confidence(small, mask, seed) - _bitten(small, whole, bare), 3))


def _from_background(small: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How far each pixel is from what the border looks like; about 1 is the edge of "different"."""
    import cv2
    import numpy as np

    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)
    height, width = lab.shape[:2]
    edge = max(3, round(0.03 * max(height, width)))
    frame = np.zeros((height, width), bool)
    frame[:edge] = frame[-edge:] = True
    frame[:, :edge] = frame[:, -edge:] = True
    # A smooth background model: colour as a quadratic surface over the place, fitted to the border.
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    xs, ys = xs / width - 0.5, ys / height - 0.5
    terms = np.stack([np.ones_like(xs), xs, ys, xs * ys, xs * xs, ys * ys], axis=-1)
    a, b = terms[frame], lab[frame]
    keep = np.ones(len(a), bool)
    for _ in range(4):
        fit, *_ = np.linalg.lstsq(a[keep], b[keep], rcond=None)
        error = np.linalg.norm(b - a @ fit, axis=1)
        keep = error < max(6.0, 2.5 * float(np.median(error)))
    surface = np.linalg.norm(lab - terms @ fit, axis=2)
    spread = max(5.0, 2.5 * float(np.percentile(error, 80)))
    # Several backgrounds (table and wall): the nearest of a few border colours counts as well.
    samples = b[:: max(1, len(b) // 4000)]
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    cv2.setRNGSeed(1)
    _, labels, centres = cv2.kmeans(samples, 4, None, criteria, 2, cv2.KMEANS_PP_CENTERS)
    nearest = np.full(surface.shape, np.inf, np.float32)
    for index, centre in enumerate(centres):
        own = np.linalg.norm(samples[labels.ravel() == index] - centre, axis=1)
        reach = max(7.0, 2.5 * float(np.percentile(own, 90))) if len(own) else 7.0
        nearest = np.minimum(nearest, np.linalg.norm(lab - centre, axis=2) / reach)
    distance: NDArray[np.float32] = np.minimum(surface / spread, nearest).astype(np.float32)
    distance[_shadows(small, distance, centres)] *= 0.3
    return cv2.GaussianBlur(distance, (0, 0), 1.0).astype(np.float32)


def _shadows(
    small: NDArray[np.uint8], distance: NDArray[np.float32], centres: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Where the background is only darker, of the same hue, and fades in softly."""
    import cv2
    import numpy as np

    rgb = small.astype(np.float32)
    lab = centres.reshape(-1, 1, 3).astype(np.uint8)
    candidate = np.zeros(distance.shape, bool)
    for ground in cv2.cvtColor(lab, cv2.COLOR_LAB2RGB).reshape(-1, 3).astype(np.float32):
        share = rgb @ ground / float(ground @ ground)
        rest = np.linalg.norm(rgb - share[..., None] * ground, axis=2)
        candidate |= (share > 0.4) & (share < 1.05) & (rest < 14)
    grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (0, 0), 1.2)
    slope = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    candidate &= distance > 0.9
    count, labels, _, _ = cv2.connectedComponentsWithStats(candidate.astype(np.uint8))
    ground_near = cv2.dilate((distance <= 0.9).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    found = np.zeros(distance.shape, bool)
    for index in range(1, count):
        part = labels == index
        rim = part & ground_near
        if rim.any() and float(np.percentile(slope[rim], 75)) < 40:
            found |= part
    return found


def _grab(small: NDArray[np.uint8], distance: NDArray[np.float32]) -> NDArray[np.uint8]:
    import cv2
    import numpy as np

    height, width = distance.shape
    trimap = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    trimap[distance > 1.0] = cv2.GC_PR_FGD
    filled = cv2.morphologyEx((distance > 1.6).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    trimap[cv2.erode(filled, np.ones((7, 7), np.uint8)) > 0] = cv2.GC_FGD
    trimap[distance < 0.35] = cv2.GC_PR_BGD
    edge = max(2, round(0.012 * max(height, width)))
    trimap[:edge] = trimap[-edge:] = cv2.GC_BGD
    trimap[:, :edge] = trimap[:, -edge:] = cv2.GC_BGD
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(1)
    if not ((trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)).any():
        return (distance > 1.0).astype(np.uint8)
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    cv2.grabCut(bgr, trimap, None, background, foreground, 4, cv2.GC_INIT_WITH_MASK)
    return ((trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)).astype(np.uint8)


def _main_part(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The parts that belong together, their holes closed: labels are often of the background's colour."""
    import cv2
    import numpy as np

    side = max(mask.shape)
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    if count < 2:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    wanted = [index + 1 for index, area in enumerate(areas) if area >= 0.12 * areas.max()]
    kept = np.isin(labels, wanted).astype(np.uint8)
    kept = cv2.morphologyEx(kept, cv2.MORPH_CLOSE, np.ones((max(3, side // 60) | 1,) * 2, np.uint8))
    contours, _ = cv2.findContours(kept, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled: NDArray[np.uint8] = cv2.drawContours(np.zeros_like(kept), contours, -1, 1, cv2.FILLED)
    return filled


def between(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`mask` with what lies between its parts in a row or in a column: a label of the ground's colour is
    often missed, and stands between the parts that were not."""
    import numpy as np

    filled = mask > 0
    for axis in (0, 1):
        before = np.maximum.accumulate(mask, axis=axis)
        after = np.flip(np.maximum.accumulate(np.flip(mask, axis), axis=axis), axis)
        filled |= (before & after) > 0
    return filled.astype(np.uint8)


def _with_labels(small: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A mask with those gaps between its parts that are written on."""
    import cv2
    import numpy as np

    count, gaps, stats, _ = cv2.connectedComponentsWithStats(between(mask) & (1 - mask))
    drawn = (_slope(small) > 60) & (cv2.erode(1 - mask, np.ones((5, 5), np.uint8)) > 0)
    wanted = [
        index
        for index in range(1, count)
        if stats[index, cv2.CC_STAT_AREA] > 0.01 * mask.sum() and drawn[gaps == index].mean() > 0.02
    ]
    return mask | np.isin(gaps, wanted).astype(np.uint8)


def _slope(small: NDArray[np.uint8]) -> NDArray[np.float32]:
    import cv2

    grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (0, 0), 1.0)
    return cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))


def _without_shadow(picture: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A mask without the rim that is only the ground beside it, or the ground in shade: a shadow stays behind
    when the product moves to another picture. At most an eighth of the product's breadth is taken away."""
    import cv2
    import numpy as np

    value = picture.astype(np.float32)
    outside = cv2.erode(1 - mask, np.ones((3, 3), np.uint8)).astype(np.float32)
    ys, xs = np.nonzero(mask)
    breadth = min(np.ptp(xs), np.ptp(ys))
    wide = max(3.0, 0.06 * breadth)
    weight = cv2.GaussianBlur(outside, (0, 0), wide)
    ground = cv2.GaussianBlur(value * outside[..., None], (0, 0), wide) / (weight + 1e-3)[..., None]
    shade = (value * ground).sum(axis=2) / np.maximum((ground * ground).sum(axis=2), 1)
    shade = np.clip(shade, 0.55, 1.1)
    off = np.linalg.norm(value - shade[..., None] * ground, axis=2)
    like = (off < 0.05 * np.linalg.norm(ground, axis=2)) & (weight > 0.01)
    deep = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    shaded = (mask > 0) & like & (deep < 0.125 * breadth)
    # Only what the outside reaches: a pale label within the product stays.
    _, labels = cv2.connectedComponents((shaded | (mask == 0)).astype(np.uint8))
    reached = np.unique(labels[mask == 0])
    kept = ((mask > 0) & ~(shaded & np.isin(labels, reached))).astype(np.uint8)
    kept = cv2.morphologyEx(kept, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return kept if kept.sum() > 0.7 * mask.sum() else mask


def _bitten(small: NDArray[np.uint8], whole: NDArray[np.uint8], bare: NDArray[np.uint8]) -> float:
    """How much what was taken for shadow looks like product, 0 and up: a shadow ends softly, and a product of
    the ground's own hue where the picture has an edge."""
    import cv2
    import numpy as np

    taken = (whole > 0) & (bare == 0)
    rim = taken & (cv2.erode(whole, np.ones((3, 3), np.uint8)) == 0)
    if not rim.any():
        return 0.0
    sharp = float((cv2.dilate(_slope(small), np.ones((3, 3), np.uint8))[rim] > 60).mean())
    return 2.5 * sharp * float(taken.sum()) / float(whole.sum())


def _confidence(small: NDArray[np.uint8], mask: NDArray[np.uint8], seed: NDArray[np.uint8]) -> float:
    """Agreement of the two views, an outline that lies on edges, and a product that is whole."""
    import cv2
    import numpy as np

    filled = _main_part(seed)
    agreement = float((mask & filled).sum()) / float(max(1, (mask | filled).sum()))
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    slope = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    slope = cv2.dilate(slope, np.ones((5, 5), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = np.zeros_like(mask)
    cv2.drawContours(outline, contours, -1, 1, 1)
    on_edge = float((slope[outline > 0] > 40).mean())
    margin = max(4, round(0.02 * max(mask.shape)))
    rim = np.concatenate(
        [mask[:margin].ravel(), mask[-margin:].ravel(), mask[:, :margin].ravel(), mask[:, -margin:].ravel()]
    )
    cut_off = float(rim.mean()) * 6
    hull = sum(cv2.contourArea(cv2.convexHull(c)) for c in contours)
    solid = min(1.0, float(mask.sum()) / max(1.0, hull))
    score = min(1.0, agreement / 0.9) * min(1.0, 0.25 + on_edge) * min(1.0, solid / 0.85) - cut_off
    return round(float(np.clip(score, 0, 1)), 3)


def _refine(image: NDArray[np.uint8], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """Let the soft edge follow the picture: a guided filter over grey levels (He, Sun, Tang 2010)."""
    import cv2
    import numpy as np

    radius = max(2, round(max(alpha.shape) / 350))
    guide = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    size = (2 * radius + 1, 2 * radius + 1)
    mean_i, mean_p = cv2.blur(guide, size), cv2.blur(alpha, size)
    variance = cv2.blur(guide * guide, size) - mean_i * mean_i
    a = (cv2.blur(guide * alpha, size) - mean_i * mean_p) / (variance + 1e-3)
    b = mean_p - a * mean_i
    refined = cv2.blur(a, size) * guide + cv2.blur(b, size)
    sharpened: NDArray[np.float32] = np.clip((refined - 0.5) * 1.8 + 0.5, 0, 1).astype(np.float32)
    return sharpened
