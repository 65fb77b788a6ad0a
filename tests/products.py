"""Products that look like a grocer's, drawn: their photos, and pictures that a model might make of them."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from functools import cache

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from tests.make_pictures import bowl, ground, leaves, product, put

Color = tuple[int, int, int]
NAMES = {
    "ramen": ("JP-RMN-0092", "Tonkotsu ramen 92 g"),
    "soy": ("JP-SOY-0500", "丸大豆醬油 500 毫升"),
    "matcha": ("JP-MTC-0100", "Uji matcha 100 g"),
    "mochi": ("JP-MCH-0006", "草莓大福 6 件"),
    "senbei": ("JP-SNB-0120", "Soy senbei 120 g"),
}


def photo(name: str) -> bytes:
    """As an operator's telephone takes it: on a table, a little warm and not quite straight."""
    scene = ground((232, 222, 206), (158, 126, 96), 390)
    draw = ImageDraw.Draw(scene)
    for x in (150, 400, 640):
        draw.line((x, 392, x - 50, 600), fill=(140, 110, 84), width=3)
    scene = scene.filter(ImageFilter.GaussianBlur(1.4))
    put(scene, item(name), height=330, x=380, y=500, turn=2.5, shadow=120)
    scene = Image.blend(scene, Image.new("RGB", scene.size, (255, 214, 150)), 0.08)
    grain = Image.frombytes("L", scene.size, random.Random(name).randbytes(scene.width * scene.height))
    grain = grain.point(lambda value: 124 + value // 32)
    return _jpeg(ImageChops.add(scene, Image.merge("RGB", (grain,) * 3), scale=1, offset=-128))


def white(name: str) -> bytes:
    scene = Image.new("RGB", (800, 800), "white")
    put(scene, item(name), height=640, x=400, y=720, shadow=50)
    return _jpeg(scene)


def written_on(picture: bytes, at: tuple[int, int], text: str) -> bytes:
    """A picture with small words that somebody added."""
    with Image.open(io.BytesIO(picture)) as image:
        changed = image.convert("RGB")
    _write(ImageDraw.Draw(changed), at, text, 30, (244, 240, 220))
    return _jpeg(changed)


def styled(name: str, seed: int) -> bytes:
    scene = ground((246, 230, 204), (176, 128, 88), 560).resize((800, 800))
    light = Image.new("RGBA", scene.size, (255, 250, 230, 0))
    ImageDraw.Draw(light).polygon([(0, 0), (380, 0), (60, 740), (0, 740)], fill=(255, 250, 230, 120))
    light = light.filter(ImageFilter.GaussianBlur(16))
    scene.paste(light, mask=light)
    leaves(scene, seed, (600, 40, 740, 300) if seed % 2 else (20, 60, 160, 260))
    bowl(scene, 130 if seed % 2 else 670, 660, 84)
    put(scene, item(name), height=470, x=420 if seed % 2 else 360, y=700, shadow=110)
    return _jpeg(scene)


def item(name: str) -> Image.Image:
    """The product on a clear ground."""
    return _ITEMS[name]()


@cache
def _cup() -> Image.Image:
    return product()


def _bottle() -> Image.Image:
    image, draw = _canvas(420, 900)
    draw.rounded_rectangle((150, 10, 270, 130), 18, fill=(172, 34, 30))
    draw.polygon([(160, 120), (260, 120), (380, 340), (40, 340)], fill=(56, 26, 16))
    draw.rounded_rectangle((30, 310, 390, 890), 46, fill=(48, 20, 12))
    draw.rectangle((30, 440, 390, 760), fill=(247, 239, 220))
    draw.rectangle((30, 440, 390, 456), fill=(172, 34, 30))
    _write(draw, (210, 545), "SOY", 96, (40, 22, 18))
    _write(draw, (210, 630), "WHOLE BEAN", 40, (160, 40, 30))
    _write(draw, (210, 705), "500 ml", 40, (70, 60, 50))
    return _rounded(image)


def _tin() -> Image.Image:
    image, draw = _canvas(460, 680)
    draw.rounded_rectangle((20, 60, 440, 670), 34, fill=(62, 100, 60))
    draw.ellipse((20, 8, 440, 122), fill=(204, 196, 168))
    draw.ellipse((42, 20, 418, 108), fill=(224, 218, 194))
    draw.rectangle((110, 210, 350, 590), fill=(248, 246, 236))
    _write(draw, (230, 310), "UJI", 92, (40, 72, 42))
    _write(draw, (230, 400), "MATCHA", 50, (40, 72, 42))
    draw.ellipse((190, 440, 270, 520), fill=(112, 150, 74))
    _write(draw, (230, 556), "100 g", 36, (84, 94, 74))
    return _rounded(image)


def _box() -> Image.Image:
    image, draw = _canvas(700, 560)
    draw.rounded_rectangle((10, 10, 690, 550), 40, fill=(240, 198, 208))
    draw.rounded_rectangle((10, 10, 690, 150), 40, fill=(220, 148, 168))
    draw.rectangle((10, 110, 690, 150), fill=(220, 148, 168))
    _write(draw, (350, 232), "DAIFUKU", 92, (120, 40, 60))
    for i, color in enumerate([(255, 252, 248), (206, 222, 178), (250, 214, 220)]):
        draw.ellipse((110 + i * 170, 300, 250 + i * 170, 440), fill=color, outline=(226, 196, 200), width=4)
    _write(draw, (350, 496), "STRAWBERRY · 6", 44, (120, 40, 60))
    return image


def _bag() -> Image.Image:
    image, draw = _canvas(560, 760)
    draw.polygon([(60, 10), (500, 10), (550, 750), (10, 750)], fill=(238, 196, 72))
    draw.polygon([(60, 10), (500, 10), (508, 120), (52, 120)], fill=(204, 66, 42))
    _write(draw, (280, 240), "SENBEI", 104, (110, 32, 20))
    draw.ellipse((150, 330, 410, 590), fill=(190, 116, 50))
    draw.ellipse((176, 356, 384, 564), fill=(206, 138, 70))
    draw.rectangle((238, 420, 322, 588), fill=(36, 46, 42))
    _write(draw, (280, 672), "SOY · 120 g", 48, (92, 42, 20))
    return image


_ITEMS: dict[str, Callable[[], Image.Image]] = {
    "ramen": _cup,
    "soy": _bottle,
    "matcha": _tin,
    "mochi": _box,
    "senbei": _bag,
}


def _canvas(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGBA", (width, height))
    return image, ImageDraw.Draw(image)


def _write(draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, color: Color) -> None:
    draw.text(at, text, font=ImageFont.load_default(size), fill=color, anchor="mm")


def _rounded(image: Image.Image) -> Image.Image:
    """Light from the left, dark rims, as on a cylinder."""
    shade = Image.new("L", (image.width, 1))
    for x in range(image.width):
        u = x / (image.width - 1)
        shade.putpixel((x, 0), round(255 * max(0.0, min(1.0, 0.62 + 1.3 * u * (1 - u) + 0.12 * (0.5 - u)))))
    light = Image.merge("RGB", (shade.resize(image.size),) * 3)
    lit = ImageChops.multiply(image.convert("RGB"), light)
    lit.putalpha(image.getchannel("A"))
    return lit


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()
