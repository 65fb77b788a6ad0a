"""Decoding by content, refusals by name, the cut-out."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw

from core.errors import (
    Animated,
    BadImage,
    BadRequest,
    FileTooLarge,
    NotAnImage,
    PhotoRefused,
    TooManyPixels,
    Truncated,
    Unsupported,
)
from core.images.cutout import cut_out
from core.images.decode import Decoded, decode
from core.images.picture import read_picture
from core.providers import ImageRequest
from core.providers.local import SURE, LocalCutout
from core.providers.sizes import RATIOS, pixels


def taken(data: bytes, **limits: int) -> Decoded:
    return decode(
        data,
        name="x",
        max_bytes=limits.get("max_bytes", 20_000_000),
        max_pixels=limits.get("max_pixels", 50_000_000),
    )


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)  # type: ignore[arg-type]
    return out.getvalue()


def corners(size: tuple[int, int] = (60, 40)) -> Image.Image:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle((0, 0, 14, 14), fill=(255, 0, 0))
    return image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_each_type_is_taken_by_its_bytes(kind: str) -> None:
    if kind == "HEIF":
        from pillow_heif import register_heif_opener

        register_heif_opener()
    found = taken(saved(corners((64, 48)), kind))
    assert (found.width, found.height) == (64, 48)
    with Image.open(io.BytesIO(found.jpeg)) as stored:
        assert stored.format == "JPEG"
        red, green, _ = stored.convert("RGB").getpixel((4, 4))  # type: ignore[misc]
        assert red > 200 and green < 80


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_upright(orientation: int) -> None:
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = corners()
    kept = upright.transpose(turn[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = taken(saved(kept, "JPEG", quality=95, exif=exif))
    with Image.open(io.BytesIO(found.jpeg)) as stored:
        assert stored.size == (60, 40)
        assert stored.getpixel((5, 5))[1] < 90, "the red corner is at the top left"  # type: ignore[index]


def test_place_and_camera_are_dropped() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Secret Camera"
    exif.get_ifd(0x8825)[2] = (22.0, 18.0, 0.0)
    found = taken(saved(corners(), "JPEG", exif=exif, comment=b"home address"))
    assert b"Secret Camera" not in found.jpeg
    assert b"home address" not in found.jpeg
    with Image.open(io.BytesIO(found.jpeg)) as stored:
        assert not stored.getexif()


def test_transparency_is_laid_on_white_and_said() -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 255, 0))
    found = taken(saved(image, "PNG"))
    assert found.flattened
    with Image.open(io.BytesIO(found.jpeg)) as stored:
        assert min(stored.getpixel((20, 20))) > 250  # type: ignore[type-var]
    assert not taken(saved(Image.new("RGBA", (40, 40), (0, 0, 255, 255)), "PNG")).flattened


def test_colours_come_in_srgb() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    red = Image.new("RGB", (30, 30), (200, 40, 40))
    in_lab = ImageCms.profileToProfile(red, srgb, lab, outputMode="LAB")
    assert in_lab is not None
    plain = taken(saved(red, "PNG", icc_profile=srgb.tobytes()))
    with Image.open(io.BytesIO(plain.jpeg)) as stored:
        assert "icc_profile" not in stored.info
        assert abs(stored.getpixel((9, 9))[0] - 200) < 4  # type: ignore[index]
    broken = taken(saved(red, "PNG", icc_profile=b"not a profile"))
    assert broken.width == 30


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
def test_every_mode_is_read(mode: str) -> None:
    image = Image.new("L", (20, 20), 128).convert("RGB")
    if mode == "I;16":
        data = saved(Image.fromarray(np.full((20, 20), 32768, np.uint16)), "PNG")
    else:
        shown = image.quantize(4) if mode == "P" else image.convert(mode)
        data = saved(shown, "JPEG" if mode == "CMYK" else "PNG")
    with Image.open(io.BytesIO(taken(data).jpeg)) as stored:
        expected = 255 if mode == "1" else 128
        if mode != "1":
            assert abs(stored.getpixel((5, 5))[0] - expected) < 6  # type: ignore[index]


def test_refusals_name_their_reason(photo: bytes) -> None:
    frames = [Image.new("RGB", (9, 9), color) for color in ("red", "blue")]
    cases: list[tuple[type[PhotoRefused], bytes]] = [
        (NotAnImage, b""),
        (NotAnImage, b"%PDF-1.7 not a picture"),
        (Truncated, photo[: len(photo) // 2]),
        (Animated, saved(frames[0], "GIF", save_all=True, append_images=frames[1:])),
        (Animated, saved(frames[0], "PNG", save_all=True, append_images=frames[1:])),
        (Animated, saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])),
        (Unsupported, saved(frames[0], "GIF")),
        (Unsupported, saved(frames[0], "TIFF")),
        (Unsupported, saved(frames[0], "BMP")),
    ]
    for kind, data in cases:
        with pytest.raises(kind):
            taken(data)
    with pytest.raises(FileTooLarge):
        taken(photo, max_bytes=1000)


def test_a_bomb_is_refused_by_its_header() -> None:
    out = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(out, "PNG")
    with pytest.raises(TooManyPixels):
        taken(out.getvalue())


def test_damage_of_any_kind_is_a_refusal(photo: bytes) -> None:
    rng = random.Random(5)
    with Image.open(io.BytesIO(photo)) as image:
        small = image.resize((64, 48))
    files = [saved(small, kind) for kind in ("JPEG", "PNG", "WEBP", "AVIF")]
    for _ in range(300):
        data = bytearray(rng.choice(files))
        for _ in range(rng.randrange(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        cut = bytes(data[: rng.randrange(1, len(data) + 1)])
        try:
            taken(cut)
        except PhotoRefused:
            continue


def test_a_returned_picture_is_read_whole(photo: bytes) -> None:
    assert read_picture(photo).width == 1600
    for bad in (b"", b"{}", photo[:2000], saved(corners(), "GIF")):
        with pytest.raises(BadImage):
            read_picture(bad)


def drawn(seed: int, background: tuple[int, int, int] = (235, 235, 232)) -> tuple[np.ndarray, np.ndarray]:
    """A product on a plain background, with the truth of where it is."""
    rng = random.Random(seed)
    image = Image.new("RGB", (900, 700), background)
    truth = Image.new("L", image.size)
    left, top = rng.randrange(150, 300), rng.randrange(80, 180)
    right, bottom = left + rng.randrange(240, 420), top + rng.randrange(260, 460)
    color = tuple(rng.randrange(20, 200) for _ in range(3))
    for target, paint in ((image, color), (truth, 255)):
        draw = ImageDraw.Draw(target)
        if seed % 2:
            draw.rounded_rectangle((left, top, right, bottom), 40, fill=paint)
        else:
            draw.polygon([(left, top), (right, top), (right - 50, bottom), (left + 50, bottom)], fill=paint)
    box = (left + 70, top + 90, right - 70, bottom - 120)
    ImageDraw.Draw(image).rectangle(box, fill=background)
    noise = np.random.default_rng(seed).normal(0, 4, (700, 900, 3))
    return np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8), np.asarray(truth) > 0


def test_cut_outs_on_plain_ground_are_close_to_the_truth() -> None:
    found = []
    for seed in range(20):
        image, truth = drawn(seed)
        cut = cut_out(image)
        mask = cut.alpha > 0.5
        found.append((float((mask & truth).sum() / (mask | truth).sum()), cut.confidence))
    assert float(np.median([iou for iou, _ in found])) >= 0.95
    assert all(confidence < 0.7 for iou, confidence in found if iou < 0.8), found


def test_a_product_in_the_grounds_own_hue_is_called_unsure() -> None:
    """Its sides are the ground in shade, as a shadow is; but they end sharply."""
    image = Image.new("RGB", (480, 600), (126, 204, 160))
    paint = ImageDraw.Draw(image)
    paint.rounded_rectangle((110, 120, 370, 540), 30, fill=(80, 130, 102))
    paint.rectangle((128, 200, 352, 500), fill=(205, 160, 170))
    paint.rectangle((160, 80, 320, 130), fill=(120, 30, 130))
    cut = cut_out(np.asarray(image))
    truth = np.zeros((600, 480), bool)
    truth[120:541, 110:371] = truth[80:131, 160:321] = True
    found = cut.alpha > 0.5
    assert (found & truth).sum() / (found | truth).sum() < 0.95, "it was bitten"
    assert cut.confidence < SURE


def test_nothing_to_cut_out_is_said() -> None:
    cut = cut_out(np.full((300, 400, 3), 200, np.uint8))
    assert cut.confidence == 0
    assert cut.alpha.min() == 1


def wanted(photo: bytes, **changes: object) -> ImageRequest:
    values: dict[str, object] = {
        "model": "cutout",
        "prompt": "",
        "photos": (photo,),
        "ratio": "1:1",
        "size": "1K",
    }
    return ImageRequest(**{**values, "variant": 1, **changes})  # type: ignore[arg-type]


def test_the_local_picture_is_centred_filled_and_on_white(photo: bytes) -> None:
    answer = LocalCutout().generate(wanted(photo, parameters={"fill": 0.8}))
    with Image.open(io.BytesIO(answer.data)) as made:
        pixel = np.asarray(made.convert("RGB"))
    assert pixel.shape == (1024, 1024, 3)
    ink = (pixel < 245).any(axis=2)
    ys, xs = np.where(ink)
    assert abs((ys.max() - ys.min() + 1) / 1024 - 0.8) < 0.015
    assert abs((xs.min() + xs.max()) / 2 - 511.5) < 8
    assert (pixel[:60] == 255).all() and (pixel[-60:] == 255).all()
    assert answer.cost_micros == 0
    assert answer.notes["sure"] is True
    assert answer.notes["method"] == "cutout"


@pytest.mark.parametrize("ratio", RATIOS)
def test_the_local_picture_has_the_asked_size(photo: bytes, ratio: str) -> None:
    found = read_picture(LocalCutout().generate(wanted(photo, ratio=ratio)).data)
    assert (found.width, found.height) == pixels(ratio, "1K")


def test_the_same_request_gives_the_same_picture(photo: bytes) -> None:
    local = LocalCutout()
    assert local.generate(wanted(photo, variant=2)).data == local.generate(wanted(photo, variant=2)).data
    assert local.generate(wanted(photo, variant=2)).data != local.generate(wanted(photo, variant=1)).data


@pytest.mark.parametrize("parameters", [{"fill": 2}, {"fill": "big"}, {"shadow": 1}])
def test_wrong_parameters_are_refused(photo: bytes, parameters: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        LocalCutout().generate(wanted(photo, parameters=parameters))
