"""Pictures of every kind as the JPEG that leaves the desk."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image, ImageCms

from core.errors import BadImage
from core.images.metadata import TRAINED, source_type
from core.images.plain import Plain, plain_jpeg


def as_file(picture: Image.Image, kind: str = "JPEG", **values: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **values)
    return out.getvalue()


def opened(made: Plain) -> Image.Image:
    assert source_type(made.data) == TRAINED
    picture = Image.open(io.BytesIO(made.data))
    picture.load()
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (made.width, made.height))
    return picture


def halves() -> Image.Image:
    picture = Image.new("RGB", (64, 32), "red")
    picture.paste("blue", (32, 0, 64, 32))
    return picture


def near(picture: Image.Image, at: tuple[int, int], colour: tuple[int, int, int]) -> bool:
    found: Any = picture.getpixel(at)
    return max(abs(a - b) for a, b in zip(found, colour, strict=True)) < 8


def test_only_the_mark_of_origin_goes_with_the_pixels() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    exif[0x0112] = 6
    made = plain_jpeg(
        as_file(halves(), exif=exif, comment=b"secret", xmp=b"<x>secret</x>"), source_type=TRAINED
    )
    picture = opened(made)
    assert picture.size == (32, 64), "upright"
    assert near(picture, (16, 8), (254, 0, 0)) and near(picture, (16, 56), (0, 0, 254))
    assert not picture.getexif() and "comment" not in picture.info
    assert b"secret" not in made.data and b"at home" not in made.data


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparent_parts_are_laid_on_white(kind: str) -> None:
    made = plain_jpeg(as_file(Image.new("RGBA", (20, 10), (9, 9, 9, 0)), kind), source_type=TRAINED)
    assert made.flattened
    assert near(opened(made), (5, 5), (255, 255, 255))


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGB", "1"])
def test_other_ways_to_keep_colours_become_rgb(mode: str) -> None:
    kind = "JPEG" if mode in ("L", "CMYK", "RGB") else "PNG"
    made = plain_jpeg(as_file(Image.new("RGB", (20, 10), "white").convert(mode), kind), source_type=TRAINED)
    assert near(opened(made), (5, 5), (255, 255, 255))
    assert not made.flattened


def test_colours_of_another_profile_are_converted_and_srgb_is_kept() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = plain_jpeg(as_file(halves(), icc_profile=srgb), source_type=TRAINED)
    assert opened(made).info["icc_profile"] == srgb and not made.converted
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    other = plain_jpeg(as_file(halves(), icc_profile=lab), source_type=TRAINED)
    assert other.converted and "icc_profile" not in opened(other).info


@pytest.mark.parametrize("data", [b"", b"no picture", as_file(halves())[:300], as_file(halves(), "GIF")])
def test_what_can_not_be_read_is_said(data: bytes) -> None:
    with pytest.raises(BadImage):
        plain_jpeg(data, source_type=TRAINED)
