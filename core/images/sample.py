"""A photo-like picture of a product, drawn here: a first try needs no photo of one's own."""

from __future__ import annotations

import io
import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

_WIDE, _HIGH = 1600, 1200


def sample_photo() -> bytes:
    """A JPEG of a ramen cup on a table by a wall, 1600x1200, always the same bytes."""
    scene = _room()
    cup, shadow = _cup()
    scene.paste((52, 38, 30), mask=shadow)
    scene.paste(cup, mask=cup.getchannel("A"))
    rng = random.Random(92)
    grain = Image.frombytes("L", (_WIDE // 2, _HIGH // 2), rng.randbytes(_WIDE * _HIGH // 4))
    grain = grain.resize((_WIDE, _HIGH)).point(lambda value: 124 + value // 32)
    scene = ImageChops.add(scene, Image.merge("RGB", (grain,) * 3), scale=1, offset=-128)
    out = io.BytesIO()
    scene.save(out, "JPEG", quality=88)
    return out.getvalue()


def _slope(size: tuple[int, int], top: tuple[int, int, int], bottom: tuple[int, int, int]) -> Image.Image:
    mask = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, bottom), Image.new("RGB", size, top), mask)


def _room() -> Image.Image:
    scene = Image.new("RGB", (_WIDE, _HIGH))
    scene.paste(_slope((_WIDE, 720), (236, 228, 214), (214, 203, 186)), (0, 0))
    scene.paste(_slope((_WIDE, 480), (176, 150, 122), (198, 172, 142)), (0, 720))
    draw = ImageDraw.Draw(scene)
    rng = random.Random(7)
    for _ in range(240):
        y = rng.randrange(724, _HIGH)
        x = rng.randrange(-200, _WIDE)
        tone = rng.randrange(-7, 8)
        base = 160 + (y - 720) * 24 // 480
        draw.line(
            (x, y, x + rng.randrange(120, 700), y),
            fill=(base + 14 + tone, base - 12 + tone, base - 38 + tone),
        )
    return scene.filter(ImageFilter.GaussianBlur(3))


def _cup() -> tuple[Image.Image, Image.Image]:
    """The cup on a clear ground, and the mask of its shadow."""
    layer = Image.new("RGBA", (_WIDE, _HIGH))
    body = Image.new("L", (_WIDE, _HIGH))
    ImageDraw.Draw(body).polygon([(540, 330), (1060, 330), (985, 975), (615, 975)], fill=255)
    ImageDraw.Draw(body).ellipse((615, 935, 985, 1015), fill=255)
    paint = Image.new("RGB", (_WIDE, _HIGH), (190, 38, 34))
    draw = ImageDraw.Draw(paint)
    draw.rectangle((500, 430, 1100, 452), fill=(246, 226, 190))
    draw.rectangle((500, 890, 1100, 912), fill=(246, 226, 190))
    draw.ellipse((655, 500, 945, 790), fill=(250, 243, 226))
    draw.ellipse((671, 516, 929, 774), outline=(190, 38, 34), width=5)
    large, small = ImageFont.load_default(62), ImageFont.load_default(38)
    draw.text((800, 610), "RAMEN", font=large, fill=(70, 24, 18), anchor="mm")
    draw.text((800, 690), "TONKOTSU", font=small, fill=(170, 40, 30), anchor="mm")
    draw.text((800, 845), "NET 92 g", font=small, fill=(255, 240, 220), anchor="mm")
    # Light from the left: bright quarter, dark rims, as on a cylinder.
    shade = Image.new("L", (520, 1))
    for x in range(520):
        u = x / 519
        shade.putpixel((x, 0), round(255 * max(0.0, min(1.0, 0.42 + 1.5 * (u * (1 - u)) + 0.18 * (0.5 - u)))))
    light = Image.new("L", (_WIDE, _HIGH), 128)
    light.paste(shade.resize((520, 700)), (540, 320))
    paint = ImageChops.multiply(paint, Image.merge("RGB", (light,) * 3))
    paint = paint.point(lambda value: min(255, round(value * 1.22)))
    layer.paste(paint, mask=body)
    draw = ImageDraw.Draw(layer)
    draw.ellipse((522, 270, 1078, 392), fill=(214, 204, 190, 255))
    draw.ellipse((522, 262, 1078, 382), fill=(246, 241, 231, 255))
    draw.ellipse((560, 274, 1040, 366), fill=(252, 249, 243, 255))
    draw.ellipse((742, 302, 858, 336), fill=(190, 38, 34, 255))
    layer = layer.filter(ImageFilter.GaussianBlur(0.8))
    shadow = Image.new("L", (_WIDE, _HIGH))
    ImageDraw.Draw(shadow).ellipse((600, 950, 1230, 1050), fill=150)
    shadow = shadow.filter(ImageFilter.GaussianBlur(30))
    return layer, shadow
