"""Pictures with known truth: a product before white, and what may be wrong with them."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from tests import products

Draw = Callable[[ImageDraw.ImageDraw], object]
Color = tuple[int, int, int]
WHITE: Color = (255, 255, 255)


def shop(
    *draws: Draw,
    size: tuple[int, int] = (1414, 1414),
    ground: Color = WHITE,
    fill: float = 0.8,
    name: str = "mochi",
    shadow: int = 0,
) -> Image.Image:
    """A product in the middle, its longer axis at `fill` of the frame, with a photo's soft grain on it."""
    picture = Image.new("RGB", size, ground)
    item = products.item(name)
    scale = min(size[0] * fill / item.width, size[1] * fill / item.height)
    item = item.resize((round(item.width * scale), round(item.height * scale)), Image.Resampling.LANCZOS)
    place = ((size[0] - item.width) // 2, (size[1] - item.height) // 2)
    if shadow:
        dark = Image.new("L", size)
        dark.paste(item.getchannel("A").point(lambda v: v * shadow // 255), (place[0], place[1] + 20))
        picture.paste((0, 0, 0), mask=dark.filter(ImageFilter.GaussianBlur(size[0] // 35)))
    grain = Image.effect_noise(item.size, 14).convert("RGB")
    picture.paste(Image.blend(item.convert("RGB"), grain, 0.1), place, item.getchannel("A"))
    pen = ImageDraw.Draw(picture)
    for draw in draws:
        draw(pen)
    return picture


def block(size: tuple[int, int], box: Sequence[int], colour: Color = (40, 70, 60)) -> Image.Image:
    """A plain rectangle on white: its box is left, top, right and bottom, exclusive."""
    picture = Image.new("RGB", size, WHITE)
    picture.paste(colour, tuple(box))  # type: ignore[call-overload]
    return picture


def jpeg(picture: Image.Image, quality: int = 92, **options: Any) -> bytes:
    return saved(picture, "JPEG", quality=quality, **options)


def saved(picture: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def write(text: str, at: tuple[int, int], height: int = 90, colour: Color = (190, 20, 20)) -> Draw:
    font = ImageFont.load_default(height)
    return lambda pen: pen.text(at, text, font=font, fill=colour)


def ink(text: str, at: tuple[int, int], height: int = 90) -> tuple[float, float, float, float]:
    """Where `write` leaves colour."""
    return ImageDraw.Draw(Image.new("L", (8, 8))).textbbox(at, text, font=ImageFont.load_default(height))


def cells(box: Sequence[float], size: tuple[int, int]) -> int:
    """Cells of a grid of 10 by 10 that a box touches."""
    across = int((box[2] - 1e-6) * 10 / size[0]) - int(box[0] * 10 / size[0]) + 1
    down = int((box[3] - 1e-6) * 10 / size[1]) - int(box[1] * 10 / size[1]) + 1
    return across * down
