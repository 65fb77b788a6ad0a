"""A picture in another shape than asked: what is done with it, and what is said."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from core.errors import BadImage
from core.images.fit import Fit, fit
from core.providers.sizes import RATIOS, SIZES, expected, number

RED, BLUE = (200, 30, 30), (30, 30, 200)


def made(size: tuple[int, int], form: str = "PNG", mode: str = "RGB", **options: object) -> bytes:
    """Left half red, right half blue."""
    picture = Image.new("RGB", size, RED)
    picture.paste(BLUE, (size[0] // 2, 0, *size))
    out = io.BytesIO()
    picture.convert(mode).save(out, form, **options)
    return out.getvalue()


def fitted(data: bytes, ratio: str, *, plain: bool = False, size: str = "1K") -> Fit:
    with Image.open(io.BytesIO(data)) as picture:
        return fit(data, picture.size, ratio=number(ratio), asked=expected(ratio, size), plain=plain)


def opened(found: Fit) -> Image.Image:
    assert found.data is not None
    return Image.open(io.BytesIO(found.data))


@pytest.mark.parametrize("size", SIZES[:2])
@pytest.mark.parametrize("ratio", [*RATIOS, "1:4", "4:1", "1:8", "8:1"])
def test_the_models_own_sizes_are_right_as_they_are(ratio: str, size: str) -> None:
    found = fitted(made(expected(ratio, size), "JPEG"), ratio, size=size)
    assert (found.data, found.notes) == (None, {})


def test_a_little_off_is_cropped_at_the_centre() -> None:
    found = fitted(made((1100, 1024)), "1:1")
    assert found.notes == {"fitted": "cropped", "returned": [1100, 1024]}
    with opened(found) as picture:
        assert (picture.size, picture.format) == ((1024, 1024), "PNG")
        assert picture.getpixel((0, 0)) == RED and picture.getpixel((1023, 1023)) == BLUE
        assert picture.getpixel((511, 500)) == RED and picture.getpixel((512, 500)) == BLUE
    tall = fitted(made((1000, 1080)), "1:1")
    with opened(tall) as picture:
        assert picture.size == (1000, 1000)


def test_further_off_is_padded_and_nothing_is_lost() -> None:
    for plain, left, right in ((True, (255,) * 3, (255,) * 3), (False, RED, BLUE)):
        found = fitted(made((800, 1200)), "1:1", plain=plain)
        assert found.notes["fitted"] == "padded"
        with opened(found) as picture:
            assert picture.size == (1200, 1200)
            assert picture.getpixel((5, 600)) == left and picture.getpixel((1190, 600)) == right
            assert picture.getpixel((201, 600)) == RED and picture.getpixel((998, 600)) == BLUE
    with opened(fitted(made((1600, 800)), "4:5", plain=True)) as picture:
        assert picture.size == (1600, 2000)
        assert picture.getpixel((800, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("form", "mode", "kept"),
    [
        ("JPEG", "RGB", "JPEG"), ("JPEG", "L", "JPEG"), ("JPEG", "CMYK", "JPEG"), ("PNG", "RGBA", "PNG"),
        ("PNG", "P", "PNG"), ("PNG", "L", "PNG"), ("WEBP", "RGB", "JPEG"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("width", [1080, 1400])
def test_every_kind_of_picture_is_fitted(form: str, mode: str, kept: str, width: int) -> None:
    with opened(fitted(made((width, 1024), form, mode), "1:1")) as picture:
        assert picture.format == kept
        assert picture.width == picture.height


def test_colours_keep_their_profile() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with opened(fitted(made((1400, 1024), "JPEG", icc_profile=profile), "1:1")) as picture:
        assert picture.info["icc_profile"] == profile


def test_smaller_than_asked_is_said_and_never_enlarged() -> None:
    found = fitted(made((1024, 1024)), "1:1", size="4K")
    assert found.data is None
    assert found.notes == {"smaller": True, "returned": [1024, 1024], "asked": [4096, 4096]}
    assert fitted(made((2048, 2048)), "1:1").notes == {}, "larger is fine"


def test_a_shape_that_cannot_be_mended_is_refused() -> None:
    with pytest.raises(BadImage):
        fitted(made((2000, 100)), "9:16")
    with pytest.raises(BadImage):
        fitted_bytes = made((1400, 1024))
        fit(fitted_bytes[:2000], (1400, 1024), ratio=1, asked=(1024, 1024), plain=True)
