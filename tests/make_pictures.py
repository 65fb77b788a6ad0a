"""Draw the small pictures of pages/ui/looks, the logo and the icon: `python -m tests.make_pictures`."""

from __future__ import annotations

import io
import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from core.images.sample import sample_photo
from core.providers import ImageRequest
from core.providers.local import LocalCutout

UI = Path("pages/ui")
W, H = 800, 600


def product() -> Image.Image:
    """The sample's cup on a clear ground."""
    with Image.open(io.BytesIO(sample_photo())) as photo:
        scene = photo.convert("RGBA")
    from core.images.sample import _cup

    cup, _ = _cup()
    return Image.composite(scene, Image.new("RGBA", scene.size), cup.getchannel("A")).crop(
        (520, 255, 1080, 1020)
    )


def jar(body: tuple[int, int, int], lid: tuple[int, int, int]) -> Image.Image:
    image = Image.new("RGBA", (420, 620))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((30, 90, 390, 610), 46, fill=body)
    draw.rounded_rectangle((60, 20, 360, 110), 22, fill=lid)
    draw.rounded_rectangle((30, 230, 390, 480), 8, fill=(248, 242, 226))
    draw.ellipse((150, 285, 270, 405), fill=body)
    draw.rectangle((110, 425, 310, 440), fill=lid)
    shade = Image.new("RGBA", image.size)
    ImageDraw.Draw(shade).rectangle((60, 100, 105, 600), fill=(255, 255, 255, 70))
    ImageDraw.Draw(shade).rectangle((330, 100, 390, 600), fill=(0, 0, 0, 50))
    image = Image.alpha_composite(
        image, Image.composite(shade, Image.new("RGBA", image.size), image.getchannel("A"))
    )
    return image


def lid() -> Image.Image:
    image = Image.new("RGBA", (560, 560))
    draw = ImageDraw.Draw(image)
    draw.ellipse((10, 10, 550, 550), fill=(214, 204, 190))
    draw.ellipse((22, 22, 538, 538), fill=(250, 246, 238))
    draw.ellipse((90, 90, 470, 470), fill=(190, 38, 34))
    draw.ellipse((180, 180, 380, 380), fill=(250, 243, 226))
    draw.ellipse((230, 230, 330, 330), fill=(222, 150, 60))
    return image


def put(
    scene: Image.Image, item: Image.Image, *, height: int, x: int, y: int, turn: float = 0, shadow: int = 90
) -> None:
    """Place an item with its middle at x and its foot at y."""
    item = item.resize((round(item.width * height / item.height), height), Image.Resampling.LANCZOS)
    if turn:
        item = item.rotate(turn, Image.Resampling.BICUBIC, expand=True)
    left, top = x - item.width // 2, y - item.height
    dark = Image.new("L", scene.size)
    dark.paste(item.getchannel("A").point(lambda v: v * shadow // 255), (left + 10, top + 14))
    scene.paste((30, 22, 18), mask=dark.filter(ImageFilter.GaussianBlur(14)))
    scene.paste(item, (left, top), item)


def ground(wall: tuple[int, int, int], table: tuple[int, int, int], line: int = 400) -> Image.Image:
    scene = Image.new("RGB", (W, H), wall)
    draw = ImageDraw.Draw(scene)
    rng = random.Random(3)
    for y in range(line, H, 3):
        tone = rng.randrange(-6, 7)
        draw.line((0, y, W, y), fill=tuple(c + tone for c in table), width=3)
    return scene


def leaves(
    scene: Image.Image,
    seed: int,
    area: tuple[int, int, int, int],
    color: tuple[int, int, int] = (98, 138, 90),
) -> None:
    layer = Image.new("RGBA", scene.size)
    draw = ImageDraw.Draw(layer)
    rng = random.Random(seed)
    for _ in range(14):
        x, y = rng.randrange(area[0], area[2]), rng.randrange(area[1], area[3])
        draw.ellipse((x, y, x + 84, y + 38), fill=(*color, 225))
    layer = layer.filter(ImageFilter.GaussianBlur(3))
    scene.paste(layer, mask=layer)


def bowl(scene: Image.Image, x: int, y: int, r: int = 120) -> None:
    draw = ImageDraw.Draw(scene)
    draw.chord((x - r, y - r, x + r, y + r), 0, 180, fill=(52, 62, 84))
    draw.ellipse((x - r, y - r // 3, x + r, y + r // 3), fill=(236, 232, 222))
    draw.ellipse((x - r + 12, y - r // 3 + 8, x + r - 12, y + r // 3 - 8), fill=(214, 160, 84))
    draw.ellipse((x - 30, y - 22, x + 22, y + 8), fill=(250, 240, 220))
    draw.ellipse((x - 16, y - 14, x + 6, y + 2), fill=(240, 170, 50))


def looks() -> dict[str, Image.Image]:
    cup, green, soy = product(), jar((70, 108, 68), (40, 66, 42)), jar((56, 26, 16), (170, 34, 30))
    white = Image.new("RGB", (W, H), "white")
    made = {
        name: white.copy() for name in ("white_bg_topview", "white_bg_front", "white_bg_45", "group_bundle")
    }
    put(made["white_bg_topview"], lid(), height=500, x=400, y=550, shadow=60)
    put(made["white_bg_front"], cup, height=510, x=400, y=560, shadow=50)
    tilted = cup.transform(
        cup.size,
        Image.Transform.QUAD,
        (0, 0, 60, cup.height, cup.width - 20, cup.height - 70, cup.width, 40),
        Image.Resampling.BICUBIC,
    )
    put(made["white_bg_45"], tilted, height=500, x=400, y=560, turn=-9, shadow=70)
    made["group_bundle"] = ground((238, 236, 232), (226, 222, 214), 430)
    put(made["group_bundle"], soy, height=400, x=210, y=520)
    put(made["group_bundle"], green, height=360, x=590, y=520)
    put(made["group_bundle"], cup, height=350, x=400, y=560)
    styled = ground((244, 226, 196), (172, 124, 84))
    light = Image.new("RGBA", styled.size, (255, 248, 222, 0))
    ImageDraw.Draw(light).polygon([(0, 0), (360, 0), (60, 400), (0, 400)], fill=(255, 248, 222, 130))
    light = light.filter(ImageFilter.GaussianBlur(20))
    styled.paste(light, mask=light)
    leaves(styled, 5, (600, 40, 760, 260))
    put(styled, cup, height=430, x=400, y=530)
    bowl(styled, 150, 500, 84)
    made["professional_photo"] = styled
    home = ground((222, 230, 226), (206, 178, 146), 430)
    draw = ImageDraw.Draw(home)
    draw.rectangle((90, 50, 430, 340), fill=(246, 250, 250), outline=(180, 188, 184), width=10)
    draw.line((260, 50, 260, 340), fill=(180, 188, 184), width=8)
    home = home.filter(ImageFilter.GaussianBlur(4))
    leaves(home, 8, (20, 200, 150, 420))
    put(home, green, height=330, x=470, y=520)
    put(home, cup, height=270, x=630, y=545)
    made["lifestyle_scene"] = home
    use = ground((236, 222, 204), (150, 108, 74), 360)
    put(use, cup, height=330, x=590, y=470)
    bowl(use, 280, 430, 160)
    draw = ImageDraw.Draw(use)
    draw.line((120, 560, 400, 330), fill=(90, 54, 34), width=11)
    draw.line((150, 575, 425, 345), fill=(90, 54, 34), width=11)
    steam = Image.new("RGBA", use.size, (255, 255, 255, 0))
    for i in range(3):
        ImageDraw.Draw(steam).arc(
            (190 + i * 60, 150, 290 + i * 60, 400), 90, 270, fill=(255, 255, 255, 170), width=16
        )
    steam = steam.filter(ImageFilter.GaussianBlur(9))
    use.paste(steam, mask=steam)
    made["in_use"] = use
    festive = ground((150, 26, 30), (110, 20, 24), 430)
    draw = ImageDraw.Draw(festive)
    for x, y in ((120, 130), (680, 110), (570, 60), (230, 60)):
        draw.line((x, 0, x, y), fill=(226, 178, 84), width=4)
        draw.ellipse((x - 48, y - 10, x + 48, y + 74), fill=(214, 52, 40), outline=(236, 190, 92), width=5)
    festive = festive.filter(ImageFilter.GaussianBlur(3))
    leaves(festive, 2, (20, 380, 160, 560), (240, 150, 160))
    put(festive, cup, height=420, x=400, y=550)
    made["seasonal"] = festive
    flat = Image.new("RGB", (W, H), (228, 218, 202))
    draw = ImageDraw.Draw(flat)
    for i in range(0, W, 8):
        draw.line((i, 0, i, H), fill=(222, 211, 194))
        draw.line((0, i, W, i), fill=(232, 223, 208))
    leaves(flat, 4, (40, 40, 200, 180))
    put(flat, green, height=430, x=400, y=515, turn=14)
    for x, y in ((640, 140), (690, 210), (610, 470), (170, 440), (210, 500)):
        draw = ImageDraw.Draw(flat)
        draw.ellipse((x, y, x + 56, y + 48), fill=(190, 120, 60))
        draw.ellipse((x + 8, y + 6, x + 34, y + 26), fill=(208, 144, 84))
    made["flat_lay"] = flat
    return made


def main() -> None:
    (UI / "looks").mkdir(exist_ok=True)
    for name, image in looks().items():
        image.resize((320, 240), Image.Resampling.LANCZOS).save(
            UI / "looks" / f"{name}.webp", quality=78, method=6
        )
    photo = sample_photo()
    with Image.open(io.BytesIO(photo)) as before:
        before.crop((300, 100, 1300, 1100)).resize((300, 300)).save(UI / "looks" / "before.webp", quality=80)
    made = LocalCutout().generate(
        ImageRequest(
            model="cutout",
            prompt="",
            photos=(photo,),
            ratio="1:1",
            size="1K",
            variant=1,
            parameters={"shadow": True},
        )
    )
    with Image.open(io.BytesIO(made.data)) as after:
        after.resize((300, 300)).save(UI / "looks" / "after.webp", quality=80)
    icon = Image.new("RGBA", (256, 256))
    draw = ImageDraw.Draw(icon)
    blue = (91, 123, 213)
    for x, y, dx, dy in ((24, 24, 1, 1), (232, 24, -1, 1), (24, 232, 1, -1), (232, 232, -1, -1)):
        draw.line((x, y + dy * 52, x, y, x + dx * 52, y), fill=blue, width=20, joint="curve")
    draw.polygon([(72, 104), (128, 72), (184, 104), (184, 160), (128, 192), (72, 160)], fill=blue)
    draw.line((72, 104, 128, 136, 184, 104), fill="white", width=12)
    draw.line((128, 136, 128, 188), fill="white", width=12)
    icon.resize((128, 128), Image.Resampling.LANCZOS).save(UI / "looks" / "icon.png")


if __name__ == "__main__":
    main()
