"""The local cut-out: product on white, on this computer, without a key and without AI."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.errors import BadRequest
from core.providers import ImageAnswer, ImageRequest, ModelInfo
from core.providers.sizes import RATIOS, SIZES, pixels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SURE = 0.7
"""Confidence from which a cut-out is called sure; below, people are asked to look."""

# (change of fill, shadow turned over) of the first variant, the second, ...
_VARIANTS = ((0.0, False), (0.0, True), (-0.1, False), (-0.1, True), (0.05, False), (0.05, True))


class LocalCutout:
    """Parameters: `fill` (0.3 to 1.0, the share of the frame that the product takes) and `shadow`.

    The first variant is as asked; the next turns the shadow over, then the product is smaller, then larger.
    """

    name = "local"

    def models(self) -> tuple[ModelInfo, ...]:
        return (ModelInfo(name="cutout", ratios=RATIOS, sizes=SIZES),)

    def estimate(self, model: str, size: str) -> int | None:
        return 0

    def probe(self) -> Mapping[str, Any]:
        import cv2

        return {"opencv": cv2.__version__}

    def close(self) -> None:
        """There is nothing to give back."""

    def generate(self, request: ImageRequest) -> ImageAnswer:
        import cv2
        import numpy as np
        from PIL import Image

        fill, shadow = _choices(request)
        try:
            with Image.open(io.BytesIO(request.photos[0])) as photo:
                rgb = photo.convert("RGB")
        except (OSError, SyntaxError, ValueError) as exc:
            raise BadRequest("the photo can't be read") from exc
        frame = pixels(request.ratio, request.size)
        product, alpha, notes = _product(np.asarray(rgb), frame, fill)
        canvas = np.full((frame[1], frame[0], 3), 255, np.uint8)
        height, width = alpha.shape
        top, left = (frame[1] - height) // 2, (frame[0] - width) // 2
        cover = np.zeros((frame[1], frame[0]), np.float32)
        cover[top : top + height, left : left + width] = alpha
        place = canvas[top : top + height, left : left + width]
        if shadow:
            canvas[:] = _shadow(cover, max(frame))
        mixed = product * alpha[..., None] + place * (1 - alpha[..., None])
        place[:] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
        out = io.BytesIO()
        Image.fromarray(canvas).save(out, "JPEG", quality=95, subsampling=0)
        return ImageAnswer(
            data=out.getvalue(),
            cost_micros=0,
            model_version=f"cutout-1 opencv-{cv2.__version__}",
            notes={"method": "cutout", "fill": round(fill, 3), "shadow": shadow, **notes},
        )


def _choices(request: ImageRequest) -> tuple[float, bool]:
    if unknown := request.parameters.keys() - {"fill", "shadow"}:
        raise BadRequest(f"{min(unknown)} is no choice of the local cut-out")
    fill, shadow = request.parameters.get("fill", 0.85), request.parameters.get("shadow", False)
    if not isinstance(fill, (int, float)) or isinstance(fill, bool) or not 0.3 <= fill <= 1.0:
        raise BadRequest("fill should be a number from 0.3 to 1.0")
    if not isinstance(shadow, bool):
        raise BadRequest("shadow should be true or false")
    if request.ratio not in RATIOS or request.size not in SIZES:
        raise BadRequest("no such ratio or size")
    change, turned = _VARIANTS[(request.variant - 1) % len(_VARIANTS)]
    return min(1.0, max(0.3, fill + change)), shadow != turned


def _product(
    image: NDArray[np.uint8], frame: tuple[int, int], fill: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], dict[str, Any]]:
    """The product alone, upright and scaled, with its alpha, and what was done to it."""
    import cv2
    import numpy as np

    from core.images.cutout import cut_out

    # Twice the frame is enough for sharp edges and keeps large photos quick.
    scale = min(1.0, 2 * max(frame) / max(image.shape[:2]))
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
    cut = cut_out(image)
    picture, alpha = image.astype(np.float32), cut.alpha
    tilt = _tilt(alpha) if cut.confidence >= SURE else 0.0
    if tilt:
        picture, alpha = _rotated(picture, alpha, tilt)
    ys, xs = np.where(alpha > 0.5)
    if len(xs):
        box = slice(max(0, ys.min() - 2), ys.max() + 3), slice(max(0, xs.min() - 2), xs.max() + 3)
        picture, alpha = picture[box], alpha[box]
    factor = fill * min(frame[0] / alpha.shape[1], frame[1] / alpha.shape[0])
    size = (
        min(frame[0], max(1, round(alpha.shape[1] * factor))),
        min(frame[1], max(1, round(alpha.shape[0] * factor))),
    )
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LANCZOS4
    picture = cv2.resize(picture, size, interpolation=way).astype(np.float32)
    alpha = np.clip(cv2.resize(alpha, size, interpolation=way), 0, 1).astype(np.float32)
    notes: dict[str, Any] = {
        "cutout_confidence": cut.confidence,
        "sure": cut.confidence >= SURE,
        "rotated_degrees": round(tilt, 1),
    }
    if factor * scale > 1.02:
        notes["enlarged"] = round(factor * scale, 2)
    return np.clip(picture, 0, 255), alpha, notes


def _tilt(alpha: NDArray[np.float32]) -> float:
    """Degrees to turn so that the product stands upright; 0 unless the shape says so clearly (1 to 8)."""
    import cv2
    import numpy as np

    contours, _ = cv2.findContours((alpha > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return 0.0
    contour = max(contours, key=cv2.contourArea)
    (_, (w, h), angle) = cv2.minAreaRect(contour)
    angle = (angle + 45) % 90 - 45
    boxy = cv2.contourArea(contour) / max(1.0, w * h)
    return float(angle) if 1.0 <= abs(angle) <= 8.0 and boxy > 0.93 else 0.0


def _rotated(
    picture: NDArray[np.float32], alpha: NDArray[np.float32], degrees: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    import cv2
    import numpy as np

    height, width = alpha.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    turned = cv2.warpAffine(
        picture, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    mask = cv2.warpAffine(alpha, turn, (width, height), flags=cv2.INTER_LINEAR)
    return turned.astype(np.float32), mask.astype(np.float32)


def _shadow(cover: NDArray[np.float32], side: int) -> NDArray[np.uint8]:
    """A white frame with a soft shadow a little below what `cover` covers."""
    import cv2
    import numpy as np

    low = np.roll(cover, round(0.012 * side), axis=0)
    small = cv2.resize(low, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), max(1.0, 0.012 * side / 4))
    soft = cv2.resize(soft, (cover.shape[1], cover.shape[0]), interpolation=cv2.INTER_LINEAR)
    dark = 255 - 70 * np.clip(soft, 0, 1)
    return np.repeat(dark[..., None], 3, axis=2).round().astype(np.uint8)
