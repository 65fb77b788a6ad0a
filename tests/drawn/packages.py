"""Packages drawn from a description, with labels in English, Chinese and Japanese."""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

Color = tuple[int, int, int]

TUNED_SHAPES = ("bottle", "tin", "box", "bag")
HELD_SHAPES = ("jar", "tube", "carton", "can")
TUNED_NAMES = ("抹茶", "醬油", "RAMEN", "せんべい", "烏龍茶", "MISO", "柚子", "GINGER", "海苔", "AMAZAKE")
HELD_NAMES = ("蜂蜜", "花生醬", "SESAME", "ほうじ茶", "黑豆", "PLUM", "芝麻糊", "CURRY", "わさび", "豆腐乳")
TUNED_LINES = (
    "宇治 · 京都",
    "100 g",
    "無添加",
    "WHOLE BEAN",
    "500 毫升",
    "国産 大豆",
    "NET 92 g",
    "特級",
    "有機栽培",
)
HELD_LINES = (
    "家庭裝 300 克",
    "380 g",
    "香港製造",
    "ROASTED",
    "北海道産",
    "低糖",
    "NO. 8",
    "冷藏保存",
    "伝統の味",
)
TUNED_NOTES = ("新裝", "限定", "25% OFF", "NEW", "買一送一", "期間限定")
HELD_NOTES = ("加量", "特價", "FREE", "お買得", "2 件裝", "SALE")
LOGOS = ("star", "ring", "leaf", "wave", "crown", "cross")
PRINT = "成分：大豆、小麥、食鹽。請存放於陰涼處。Keep in a cool dry place. 開封後要冷蔵 "
WIDE, HIGH = 640, 960


@dataclass(frozen=True, kw_only=True)
class Package:
    """What a package looks like; an altered one is a copy with another value."""

    shape: str
    body: Color
    label: Color
    ink: Color
    accent: Color
    logo: str
    name: str
    lines: tuple[str, ...]
    note: str = ""
    """Small text that somebody added."""
    note_at: tuple[float, float] = (0.5, 0.5)
    part: bool = True
    """Its cap, seal or window is there."""


def invent(seed: int, *, held: bool) -> Package:
    """A package of the set that is tuned on, or of the one that is held out."""
    rng = Random(f"package {seed} {held}")
    hue = rng.random()
    return Package(
        shape=rng.choice(HELD_SHAPES if held else TUNED_SHAPES),
        body=_color(hue, rng.uniform(0.35, 0.85), rng.uniform(0.25, 0.85)),
        label=_color(rng.random(), rng.uniform(0.02, 0.2), rng.uniform(0.85, 0.99)),
        ink=_color(rng.random(), rng.uniform(0.3, 0.9), rng.uniform(0.1, 0.35)),
        accent=_color(hue + rng.uniform(0.25, 0.75), rng.uniform(0.5, 0.9), rng.uniform(0.45, 0.85)),
        logo=rng.choice(LOGOS),
        name=rng.choice(HELD_NAMES if held else TUNED_NAMES),
        lines=tuple(rng.sample(HELD_LINES if held else TUNED_LINES, 3)),
        note_at=rng.choice(((rng.uniform(0.2, 0.8), 0.07), (rng.uniform(0.6, 0.8), 0.93))),
    )


def _color(hue: float, saturation: float, value: float) -> Color:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def other_hue(color: Color, turn: float) -> Color:
    """The same colour with its hue turned by `turn` of the circle, never grey."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(part / 255 for part in color))
    return _color(hue + turn, max(0.35, saturation), max(0.3, value))


@cache
def font(size: int, serif: bool = False) -> Any:
    """Noto CJK where it is installed."""
    try:
        return ImageFont.truetype(f"Noto{'Serif' if serif else 'Sans'}CJK-Bold.ttc", size)
    except OSError:
        return ImageFont.load_default(size)


def draw(package: Package) -> Image.Image:
    """The package on a clear ground, 640x960 RGBA."""
    image = Image.new("RGBA", (WIDE, HIGH))
    pen = ImageDraw.Draw(image)
    label = _bodies(pen, package)
    _label(pen, package, label)
    if package.shape not in ("box", "bag", "carton"):
        image = _rounded(image)
    return image


def _bodies(pen: ImageDraw.ImageDraw, p: Package) -> tuple[int, int, int, int]:
    """Draw the body with its part; returns the box of the label."""
    dark = tuple(round(0.72 * part) for part in p.body)
    match p.shape:
        case "bottle":
            if p.part:
                pen.rounded_rectangle((240, 10, 400, 130), 18, fill=p.accent)
            pen.polygon([(255, 100), (385, 100), (540, 330), (100, 330)], fill=p.body)
            pen.rounded_rectangle((90, 300, 550, 950), 46, fill=p.body)
            return 90, 420, 550, 860
        case "tin":
            pen.rounded_rectangle((60, 110, 580, 945), 34, fill=p.body)
            if p.part:
                pen.ellipse((60, 30, 580, 190), fill=p.accent)
                pen.ellipse((100, 50, 540, 160), fill=p.label)
            return 120, 270, 520, 870
        case "box":
            pen.rectangle((20, 60, 620, 940), fill=p.body)
            pen.rectangle((20, 60, 620, 150), fill=dark)
            if p.part:
                pen.ellipse((470, 90, 610, 230), fill=p.accent)
                pen.text((540, 160), "QC", font=font(50), fill=p.label, anchor="mm")
            return 80, 260, 560, 880
        case "bag":
            pen.polygon([(90, 20), (550, 20), (620, 940), (20, 940)], fill=p.body)
            if p.part:
                pen.polygon([(90, 20), (550, 20), (562, 180), (78, 180)], fill=p.accent)
            return 110, 250, 530, 850
        case "jar":
            pen.rounded_rectangle((40, 170, 600, 950), 90, fill=p.body)
            if p.part:
                pen.rounded_rectangle((90, 60, 550, 190), 24, fill=p.accent)
                for x in range(110, 550, 22):
                    pen.line((x, 70, x, 180), fill=dark, width=4)
            return 70, 330, 570, 860
        case "tube":
            pen.polygon([(110, 20), (530, 20), (500, 820), (140, 820)], fill=p.body)
            pen.rectangle((110, 20, 530, 70), fill=dark)
            if p.part:
                pen.rounded_rectangle((190, 815, 450, 950), 20, fill=p.accent)
            return 160, 140, 480, 720
        case "carton":
            pen.polygon([(140, 20), (500, 20), (590, 200), (50, 200)], fill=dark)
            pen.rectangle((50, 200, 590, 945), fill=p.body)
            if p.part:
                pen.ellipse((390, 60, 500, 170), fill=p.accent)
                pen.ellipse((415, 85, 475, 145), fill=p.label)
            return 100, 290, 540, 880
        case _:
            pen.rounded_rectangle((80, 40, 560, 950), 60, fill=p.body)
            pen.ellipse((110, 20, 530, 110), fill=(196, 198, 202))
            if p.part:
                pen.rectangle((80, 130, 560, 215), fill=p.accent)
            return 110, 270, 530, 900


def _label(pen: ImageDraw.ImageDraw, p: Package, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    wide, high, middle = right - left, bottom - top, (left + right) / 2
    pen.rectangle(box, fill=p.label)
    pen.rectangle((left, top + 0.13 * high, right, top + 0.145 * high), fill=p.accent)
    pen.rectangle((left, top + 0.87 * high, right, top + 0.885 * high), fill=p.accent)
    _logo(pen, p.logo, middle, top + 0.28 * high, 0.1 * high, p.accent)
    size = min(0.2 * high, 0.86 * wide / max(2.0, _breadth(p.name)))
    pen.text((middle, top + 0.5 * high), p.name, font=font(round(size), True), fill=p.ink, anchor="mm")
    for place, line in zip((0.655, 0.735), p.lines, strict=False):
        pen.text((middle, top + place * high), line, font=font(round(0.06 * high)), fill=p.ink, anchor="mm")
    small = font(15)
    for row in range(2):
        start = 17 * row
        text = (PRINT * 2)[start : start + round(wide / 13)]
        pen.text((middle, top + (0.79 + 0.04 * row) * high), text, font=small, fill=p.ink, anchor="mm")
    pen.text((left + 0.15 * wide, top + 0.925 * high), p.lines[2], font=font(22), fill=p.ink, anchor="lm")
    if p.note:
        x, y = p.note_at
        pen.text((left + x * wide, top + y * high), p.note, font=font(26), fill=p.ink, anchor="mm")


def _breadth(text: str) -> float:
    """In squares of the font."""
    return sum(1.0 if ord(letter) > 0x2E80 else 0.72 for letter in text)


def _logo(pen: ImageDraw.ImageDraw, name: str, x: float, y: float, r: float, color: Color) -> None:
    match name:
        case "star":
            points = [
                (x + (r if n % 2 == 0 else 0.45 * r) * math.sin(n * math.pi / 5),
                 y - (r if n % 2 == 0 else 0.45 * r) * math.cos(n * math.pi / 5))
                for n in range(10)
            ]  # fmt: skip
            pen.polygon(points, fill=color)
        case "ring":
            pen.ellipse((x - r, y - r, x + r, y + r), outline=color, width=round(0.3 * r))
            pen.ellipse((x - 0.3 * r, y - 0.3 * r, x + 0.3 * r, y + 0.3 * r), fill=color)
        case "leaf":
            pen.chord((x - 1.4 * r, y - r, x + 0.6 * r, y + r), 270, 90, fill=color)
            pen.line((x - 0.8 * r, y + r, x + 0.4 * r, y - 0.4 * r), fill=color, width=round(0.12 * r))
        case "wave":
            for n in range(3):
                for side in (-0.5, 0.5):
                    box = (
                        x + side * 2 * r - r,
                        y - r + 0.6 * r * n,
                        x + side * 2 * r + r,
                        y + r + 0.6 * r * n,
                    )
                    pen.arc(box, 200, 340, fill=color, width=round(0.18 * r))
        case "crown":
            pen.polygon(
                [(x - r, y + 0.7 * r), (x - r, y - 0.5 * r), (x - 0.5 * r, y + 0.1 * r), (x, y - 0.8 * r),
                 (x + 0.5 * r, y + 0.1 * r), (x + r, y - 0.5 * r), (x + r, y + 0.7 * r)],
                fill=color,
            )  # fmt: skip
        case _:
            pen.rectangle((x - r, y - 0.3 * r, x + r, y + 0.3 * r), fill=color)
            pen.rectangle((x - 0.3 * r, y - r, x + 0.3 * r, y + r), fill=color)


def _rounded(image: Image.Image) -> Image.Image:
    """Light from the left and dark rims, as on a cylinder."""
    shade = Image.new("L", (image.width, 1))
    for x in range(image.width):
        u = x / (image.width - 1)
        shade.putpixel((x, 0), round(255 * max(0.0, min(1.0, 0.62 + 1.3 * u * (1 - u) + 0.12 * (0.5 - u)))))
    lit = ImageChops.multiply(image.convert("RGB"), Image.merge("RGB", (shade.resize(image.size),) * 3))
    lit.putalpha(image.getchannel("A"))
    return lit


def soft(image: Image.Image, radius: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(radius))
