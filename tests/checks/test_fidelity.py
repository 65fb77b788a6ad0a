"""The fidelity check on drawn pairs: what it finds, where, and what it says when it can't."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from core.checks.fidelity import Box, Fidelity, Verdict, Why, compare
from core.checks.fidelity.wording import error_rate
from core.images.sample import sample_photo
from core.providers import ImageRequest
from core.providers.local import LocalCutout
from tests import products
from tests.checks.drawn import saved
from tests.drawn.pairs import ALTERED, KEPT, Pair, pair
from tests.parts.needed import needed


def judged(drawn: Pair, *, words: bool = False) -> Fidelity:
    return compare(drawn.source, drawn.result, words=words)


def overlap(box: Box, place: tuple[float, float, float, float]) -> float:
    """Share of `place` that the box covers."""
    x, y, width, height = place
    wide = min(box.x + box.width, x + width) - max(box.x, x)
    high = min(box.y + box.height, y + height) - max(box.y, y)
    return max(0.0, wide) * max(0.0, high) / (width * height)


@pytest.mark.parametrize("kind", KEPT)
def test_a_product_that_is_kept_is_preserved(kind: str) -> None:
    found = judged(pair(kind, 101))
    assert found.verdict is Verdict.PRESERVED, found.axes
    assert found.places == () and found.heat and found.align


@pytest.mark.parametrize("kind", ALTERED)
def test_each_alteration_is_found_where_it_is(kind: str) -> None:
    drawn = pair(kind, 102)
    found = judged(drawn)
    assert found.verdict is Verdict.ALTERED, found.axes
    over = {axis.name for axis in found.axes if axis.score >= 1}
    if kind == "stretch":
        assert "shape" in over
        return
    assert drawn.place
    best = max(overlap(place.result, drawn.place) for place in found.places)
    # A body in another colour is found with the label left out.
    assert best > (0.3 if kind in ("recolour", "part") else 0.6), (found.places, drawn.place)
    assert ("colour" if kind == "recolour" else "structure") in over or "colour" in over


def test_the_same_place_is_shown_of_the_photo() -> None:
    drawn = pair("small_text", 103)
    (place, *_) = judged(drawn).places
    with Image.open(io.BytesIO(drawn.source)) as photo, Image.open(io.BytesIO(drawn.result)) as result:
        cuts = [
            image.crop(
                (
                    round((box.x + 0.3 * box.width) * image.width),
                    round((box.y + 0.35 * box.height) * image.height),
                    round((box.x + 0.7 * box.width) * image.width),
                    round((box.y + 0.65 * box.height) * image.height),
                )
            )
            for image, box in ((photo, place.source), (result, place.result))
        ]  # fmt: skip
    plain, written = (np.asarray(cut.convert("L"), float).std() for cut in cuts)
    assert written > 2 * plain, "there the photo is plain and the picture has words"


def test_points_of_the_photo_lie_on_those_of_the_picture() -> None:
    drawn = pair("rotation", 104)
    a, b, c, d, e, f = judged(drawn).align or (0.0,) * 6
    # The middle of the product, to which both were drawn.
    assert abs(a * 0.5 + b * 0.52 + c - 0.5) < 0.02
    assert abs(d * 0.5 + e * 0.52 + f - 0.5) < 0.02


def test_the_heat_map_is_the_picture_and_warm_only_where_it_differs() -> None:
    drawn = pair("text", 105)
    found = judged(drawn)
    assert found.heat and drawn.place
    with Image.open(io.BytesIO(found.heat)) as image:
        assert (image.format, image.size) == ("WEBP", (768, 768))
        shown = np.asarray(image.convert("RGB"), float)
    warm = (shown[..., 0] - shown[..., 2]) > 90
    x, y, width, height = (round(768 * part) for part in drawn.place)
    assert warm[y : y + height, x : x + width].mean() > 3 * warm.mean()
    assert warm[:40].mean() == 0, "nothing is tinted beside the product"


def test_the_local_cutout_keeps_its_product() -> None:
    for photo in (sample_photo(), products.photo("senbei")):
        request = ImageRequest(
            model="cutout", prompt="", photos=(photo,), ratio="1:1", size="1K", variant=1, parameters={}
        )
        found = compare(photo, LocalCutout().generate(request).data)
        assert found.verdict is Verdict.PRESERVED, found.axes


def noise(size: tuple[int, int] = (500, 500)) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 255, (*size, 3)).astype(np.uint8))


def test_what_cannot_be_compared_is_never_preserved() -> None:
    photo = pair("scale", 1).source
    plain = saved(Image.new("RGB", (600, 600), "white"), "JPEG")
    tiny = saved(Image.new("RGB", (20, 20), "red"), "PNG")
    other = products.photo("soy")
    cases = [
        (photo, plain, Why.NOT_FOUND),
        (plain, photo, Why.NO_PRODUCT),
        (plain, plain, Why.NO_PRODUCT),
        (photo, b"", Why.UNREADABLE),
        (b"garbage" * 50, photo, Why.UNREADABLE),
        (photo, photo[: len(photo) // 3], Why.UNREADABLE),
        (photo, tiny, Why.TOO_SMALL),
        (tiny, photo, Why.TOO_SMALL),
        (photo, other, Why.NOT_FOUND),
        (photo, saved(noise(), "PNG"), Why.NOT_FOUND),
    ]
    for source, result, why in cases:
        found = compare(source, result)
        assert (found.verdict, found.why) == (Verdict.COULD_NOT_COMPARE, why)
        assert found.score == 1.0 and not found.axes and found.heat is None and found.align is None


def test_the_mirrored_product_is_not_the_product() -> None:
    drawn = pair("scale", 2)
    with Image.open(io.BytesIO(drawn.result)) as image:
        turned = saved(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "JPEG", quality=92)
    assert compare(drawn.source, turned).verdict is not Verdict.PRESERVED


@pytest.mark.parametrize("way", ["alpha", "grey", "palette", "large", "small", "wide"])
def test_any_picture_of_the_product_is_taken(way: str) -> None:
    drawn = pair("scale", 3)
    with Image.open(io.BytesIO(drawn.result)) as image:
        image.load()
        source, result = drawn.source, drawn.result
        if way == "alpha":
            clear = image.convert("RGBA")
            white = np.asarray(image.convert("L")) > 250
            clear.putalpha(Image.fromarray(np.where(white, 0, 255).astype(np.uint8)))
            result = saved(clear, "PNG")
        elif way == "grey":
            with Image.open(io.BytesIO(drawn.source)) as photo:
                source, result = saved(photo.convert("L"), "PNG"), saved(image.convert("L"), "PNG")
        elif way == "palette":
            result = saved(image.quantize(256), "PNG")
        elif way == "large":
            result = saved(image.resize((5200, 5200), Image.Resampling.BICUBIC), "JPEG", quality=90)
        elif way == "small":
            result = saved(image.resize((420, 420), Image.Resampling.LANCZOS), "JPEG", quality=92)
        else:
            wide = Image.new("RGB", (2400, 1024), "white")
            wide.paste(image, (1300, 0))
            result = saved(wide, "JPEG", quality=92)
    assert compare(source, result).verdict is Verdict.PRESERVED


def test_a_grey_picture_of_a_coloured_product_is_altered() -> None:
    drawn = pair("scale", 4)
    with Image.open(io.BytesIO(drawn.result)) as image:
        grey = saved(image.convert("L").convert("RGB"), "JPEG", quality=92)
    found = compare(drawn.source, grey)
    assert found.verdict is Verdict.ALTERED
    assert {axis.name for axis in found.axes if axis.score >= 1} >= {"colour"}


def test_the_same_pictures_always_get_the_same_answer() -> None:
    drawn = pair("combined", 5)
    assert judged(drawn) == judged(drawn)


def test_changed_words_are_read() -> None:
    needed("Tesseract")
    drawn = next(made for n in itertools.count() if (made := pair("text", n)).place and made.place[3] > 0.05)
    found = judged(drawn, words=True)
    assert found.reading and found.reading.source != found.reading.result
    assert found.reading.errors is None or found.reading.errors > 0.35


def test_errors_are_counted_by_character() -> None:
    assert error_rate("100 g", "100g") == 0
    assert error_rate("NET 92 g", "NET 97 g") == pytest.approx(1 / 6)
    assert error_rate("抹茶", "MISO") == 1
    assert error_rate("", "") == 0
