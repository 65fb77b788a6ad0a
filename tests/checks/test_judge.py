"""Each measurement against drawn pictures whose truth is known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageDraw, ImageFilter

from core import language
from core.checks import channels, frame, ground, text
from core.checks.judge import Finding, Result, Seen, judge
from core.checks.picture import open_picture
from core.checks.rules import Channel, Confidence, Level, Rule, checked
from core.checks.words import measured
from core.errors import BadImage
from core.images.metadata import TRAINED
from tests import products
from tests.checks.drawn import WHITE, block, cells, ink, jpeg, saved, shop, write
from tests.parts.needed import needed


def one(kind: str, how: Level = Level.BLOCK, /, **values: Any) -> Channel:
    rule = Rule(
        id="it",
        kind=kind,
        level=how,
        values=checked(kind, values),
        source="a test",
        checked_on="2026-11",
        confidence=Confidence.SECONDARY,
    )
    return Channel(name="shop", title="Shop", rules=(rule,))


def found(picture: Image.Image | bytes, kind: str, how: Level = Level.BLOCK, /, **values: Any) -> Finding:
    data = picture if isinstance(picture, bytes) else jpeg(picture)
    (finding,) = judge(data, one(kind, how, **values))
    return finding


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(8, 900), height=st.integers(8, 900), low=st.integers(1, 900), high=st.integers(1, 900)
)
def test_sizes_are_those_of_the_file(width: int, height: int, low: int, high: int) -> None:
    data = saved(Image.new("RGB", (width, height)), "PNG")
    low, high = sorted((low, high))
    for kind, side in (("longest_side", max(width, height)), ("shortest_side", min(width, height))):
        finding = found(data, kind, min=low, max=high)
        assert finding.measured == {"side": side}
        assert (finding.result is Result.MET) == (low <= side <= high)
    finding = found(data, "pixels", min_width=low, max_height=high)
    assert (finding.result is Result.MET) == (width >= low and height <= high)
    assert (found(data, "megapixels", max=0.2).result is Result.MET) == (width * height <= 200_000)
    ratio = found(data, "ratio", wide=4, high=5).result is Result.MET
    assert ratio == (abs(width / height / 0.8 - 1) <= 0.005)


def test_a_photo_on_its_side_is_measured_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = jpeg(Image.new("RGB", (300, 200)), exif=exif)
    assert found(data, "pixels", min_width=1).measured == {"width": 200, "height": 300}


def test_a_rule_that_warns_does_not_fail() -> None:
    small = Image.new("RGB", (100, 100))
    assert found(small, "longest_side", min=500).result is Result.FAILED
    assert found(small, "longest_side", Level.WARN, min=500).result is Result.WARNING


def test_format_bytes_and_dpi() -> None:
    picture = shop(size=(400, 400))
    for form in ("jpeg", "png", "webp", "gif", "tiff", "bmp"):
        finding = found(saved(picture, form.upper()), "format", formats=["png", "gif"])
        assert finding.measured == {"format": form}
        assert (finding.result is Result.MET) == (form in ("png", "gif"))
    data = jpeg(picture)
    assert found(data, "bytes", max=len(data)).result is Result.MET
    assert found(data, "bytes", max=len(data) - 1).result is Result.FAILED
    assert found(data, "bytes", min=len(data) + 1).result is Result.FAILED
    assert found(data, "dpi", min=72).measured == {"dpi": None}
    assert found(data, "dpi", min=72).result is Result.FAILED
    assert found(jpeg(picture, dpi=(72, 72)), "dpi", min=72).result is Result.MET
    assert found(jpeg(picture, dpi=(96, 60)), "dpi", min=72).result is Result.FAILED


def test_a_files_ending_is_known_only_at_export() -> None:
    data, channel = jpeg(Image.new("RGB", (50, 50))), one("extension")
    assert judge(data, channel)[0].result is Result.NOT_MEASURED
    for ending, result in (("jpg", "met"), ("JPEG", "met"), ("png", "failed")):
        assert judge(data, channel, extension=ending)[0].result == result


def test_colours_are_srgb_or_said_to_be_others() -> None:
    picture = Image.new("RGB", (50, 50), (200, 40, 40))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert found(jpeg(picture), "profile").result is Result.MET
    assert found(jpeg(picture, icc_profile=srgb), "profile").measured["profile"] == "sRGB"
    assert found(jpeg(picture, icc_profile=lab), "profile").result is Result.FAILED
    assert found(jpeg(picture.convert("CMYK")), "profile").result is Result.FAILED


def test_a_picture_by_a_model_says_so() -> None:
    from core.checks.encode import encode

    rgb, channel = open_picture(jpeg(Image.new("RGB", (50, 50)))).rgb, one("provenance")
    labelled, bare = encode(rgb, "jpeg", source_type=TRAINED).data, encode(rgb, "jpeg").data
    assert judge(labelled, channel)[0].measured == {"type": "trainedAlgorithmicMedia"}
    assert judge(labelled, channel)[0].result is Result.MET
    assert [judge(bare, channel, made=made)[0].result for made in (None, True, False)] == [
        "not_measured",
        "failed",
        "met",
    ]


# The background.

EXACT = {"level": 255, "border": 0.99, "ground": 0.95}


def test_pure_white_is_met_and_a_level_below_is_not() -> None:
    assert found(shop(), "background", **EXACT).result is Result.MET
    for level in (254, 248, 230):
        finding = found(shop(ground=(level,) * 3), "background", **EXACT)
        assert (finding.result, finding.measured["border"]) == (Result.FAILED, 0.0)
        assert found(shop(ground=(level,) * 3), "background", **{**EXACT, "level": level - 1}).result == "met"


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_the_share_of_white_is_the_drawn_one(share: float) -> None:
    """The right part of a white ground is a step darker; a block stands in the middle."""
    picture = block((1000, 1000), (400, 400, 600, 600))
    picture.paste((251, 251, 251), (round(1000 * (1 - share)), 0, 1000, 1000))
    picture.paste((40, 70, 60), (400, 400, 600, 600))
    finding = found(saved(picture, "PNG"), "background", **EXACT)
    ring = 1 - (2 * share + 1) / 4
    assert finding.measured["border"] == pytest.approx(ring, abs=0.01)
    # The block and a rim of 8/640 around it are no background.
    near = (0.2 + 2 * 8 / 640) ** 2
    dark = share if share < 0.5 else share - near / 2
    assert ground.shares(open_picture(saved(picture, "PNG")).rgb, Seen(open_picture(
        saved(picture, "PNG"))).ground, 255)[1] == pytest.approx(1 - dark / (1 - near), abs=0.01)  # fmt: skip


def test_a_scene_is_as_good_as_white_only_where_the_rule_says_so() -> None:
    scene = products.styled("soy", 1)
    assert found(scene, "background", **EXACT).result is Result.FAILED
    assert found(scene, "background", **EXACT, photo=True).measured["photo"] is True
    for drawn in ((250, 250, 250), (200, 220, 240)):
        assert found(shop(ground=drawn), "background", **EXACT, photo=True).result is Result.FAILED


# The product's place.


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    left=st.integers(20, 400),
    top=st.integers(20, 400),
    wide=st.integers(80, 560),
    high=st.integers(80, 560),
    quality=st.sampled_from([75, 92]),
)
def test_fill_margin_and_size_are_those_of_the_drawn_block(
    left: int, top: int, wide: int, high: int, quality: int
) -> None:
    data = jpeg(block((1000, 1000), (left, top, left + wide, top + high)), quality)
    seen = Seen(open_picture(data))
    assert seen.box is not None and seen.area is not None
    truth = (left / 1000, top / 1000, (left + wide) / 1000, (top + high) / 1000)
    assert seen.box == pytest.approx(truth, abs=0.007)
    assert seen.area == pytest.approx(wide * high / 1e6, abs=0.02)
    fills = {"axis": max(wide, high) / 1000, "box": wide * high / 1e6, "area": wide * high / 1e6}
    for by, fill in fills.items():
        assert found(data, "fill", by=by, min=0.1).measured["fill"] == pytest.approx(fill, abs=0.02)
    margin = min(left, top, 1000 - left - wide, 1000 - top - high) / 1000
    assert found(data, "margin", min=0.05).measured["margin"] == pytest.approx(margin, abs=0.007)
    subject = found(data, "subject", min_width=1).measured
    assert (subject["width"], subject["height"]) == pytest.approx((wide, high), abs=12)


@pytest.mark.parametrize("name", list(products.NAMES))
def test_a_photographed_product_fills_what_was_drawn(name: str) -> None:
    for shadow in (0, 60):
        fill = found(shop(name=name, fill=0.7, shadow=shadow), "fill", by="axis", min=0.65, max=0.75)
        assert fill.measured["fill"] == pytest.approx(0.7, abs=0.02), shadow


def test_a_set_of_three_is_one_product() -> None:
    picture = block((1000, 1000), (100, 400, 260, 640))
    picture.paste((120, 60, 30), (420, 380, 580, 640))
    picture.paste((30, 60, 120), (740, 420, 900, 640))
    assert found(picture, "fill", by="axis", min=0.7).measured["fill"] == pytest.approx(0.8, abs=0.01)
    assert found(picture, "text", cells=0).result is Result.MET


def test_a_white_product_on_white_is_found_by_its_outline() -> None:
    picture = Image.new("RGB", (1000, 1000), WHITE)
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((250, 250, 750, 750), 60, fill=(250, 250, 250), outline=(205, 205, 205), width=5)
    finding = found(picture.filter(ImageFilter.GaussianBlur(1)), "fill", by="axis", min=0.4)
    assert finding.measured["fill"] == pytest.approx(0.5, abs=0.02)


def test_in_a_scene_the_product_is_not_measured() -> None:
    for kind, values in (("fill", {"by": "axis", "min": 0.5}), ("margin", {"min": 0.1}),
                         ("subject", {"min_width": 10})):  # fmt: skip
        assert found(products.styled("soy", 1), kind, **values).result is Result.NOT_MEASURED


def test_nothing_is_never_called_filled() -> None:
    blank = Image.new("RGB", (600, 600), WHITE)
    assert found(blank, "fill", by="axis", min=0.0, max=1.0).result is Result.NOT_MEASURED
    assert found(blank, "text", cells=0).result is Result.MET


# Frames.

FRAMES = {
    "a band": lambda pen: pen.rectangle((0, 0, 1413, 1413), outline=(200, 0, 0), width=24),
    "a thin line": lambda pen: pen.rectangle((0, 0, 1413, 1413), outline=(40, 40, 40), width=2),
    "a line further in": lambda pen: pen.rectangle((60, 60, 1353, 1353), outline=(0, 90, 200), width=4),
    "round corners": lambda pen: pen.rounded_rectangle((20, 20, 1393, 1393), 80, outline=(0, 0, 0), width=6),
    "an L": lambda pen: (
        pen.rectangle((0, 0, 40, 1413), fill=(20, 120, 60)),
        pen.rectangle((0, 1373, 1413, 1413), fill=(20, 120, 60)),
    ),
    "a strip": lambda pen: pen.rectangle((0, 1330, 1413, 1413), fill=(0, 60, 200)),
}


@pytest.mark.parametrize("what", list(FRAMES))
def test_a_frame_is_seen(what: str) -> None:
    assert found(shop(FRAMES[what]), "frame").result is Result.FAILED


@pytest.mark.parametrize("name", list(products.NAMES))
def test_products_and_scenes_are_no_frames(name: str) -> None:
    for fill in (0.6, 0.86, 0.95, 0.99):
        assert found(shop(name=name, fill=fill), "frame").result is Result.MET, fill
    for picture in (products.photo(name), products.white(name), products.styled(name, 1)):
        assert found(picture, "frame").result is Result.MET


def test_a_box_that_fills_the_picture_is_no_frame() -> None:
    assert found(block((1000, 1000), (20, 20, 980, 980)), "frame").result is Result.MET
    assert frame.framed(open_picture(jpeg(Image.new("RGB", (60, 60), WHITE))).rgb, ground.find(
        open_picture(jpeg(Image.new("RGB", (60, 60), WHITE))).rgb)) == ()  # fmt: skip


# Text beside the product.

TEXTS = [("SALE 50%", (60, 80), 90), ("NEW ARRIVAL", (450, 1290), 64), ("Best price", (900, 40), 80)]


@pytest.mark.parametrize("reader", ["tesseract", "shape alone"])
@pytest.mark.parametrize(("words", "at", "height"), TEXTS)
def test_text_is_counted_by_the_cells_it_touches(
    words: str, at: tuple[int, int], height: int, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reader == "shape alone":
        monkeypatch.setattr(text, "languages", lambda: None)
    finding = found(shop(write(words, at, height)), "text", cells=0)
    assert finding.result is Result.FAILED
    assert finding.measured["cells"] == cells(ink(words, at, height), (1414, 1414))


def test_one_cell_more_than_allowed_is_too_much() -> None:
    picture = shop(write("SALE 50%", (60, 80)))
    count = found(picture, "text", cells=0).measured["cells"]
    assert found(picture, "text", cells=count).result is Result.MET
    assert found(picture, "text", cells=count - 1).result is Result.FAILED


@pytest.mark.parametrize("colour", [(235, 235, 235), (225, 215, 215), (60, 60, 60), (250, 200, 0)])
def test_faint_marks_are_seen(colour: tuple[int, int, int]) -> None:
    assert found(shop(write("watermark", (60, 60), 80, colour)), "text", cells=0).result is Result.FAILED


@pytest.mark.parametrize("name", list(products.NAMES))
def test_what_is_printed_on_the_product_is_no_text(name: str) -> None:
    for shadow in (0, 60):
        assert found(shop(name=name, shadow=shadow), "text", cells=0).result is Result.MET
    assert found(products.white(name), "text", cells=0).result is Result.MET


def test_in_a_scene_text_is_not_told_from_a_label() -> None:
    needed("Tesseract")
    assert found(products.styled("mochi", 1), "text", cells=0).result is Result.NOT_MEASURED


# What nobody can measure.


@pytest.mark.parametrize("about", ["props", "collage", "shadow"])
def test_what_needs_an_eye_is_never_met(about: str) -> None:
    assert found(shop(), "look", about=about).result is Result.NOT_MEASURED


def test_no_picture_is_refused() -> None:
    for data in (b"", b"no picture", jpeg(shop(size=(300, 300)))[:2000]):
        with pytest.raises(BadImage):
            judge(data, one("frame"))


@pytest.mark.parametrize("code", ["en", "zh"])
def test_every_finding_has_its_words(code: str) -> None:
    say = language.words(code)
    for picture in (jpeg(shop(write("SALE 50%", (60, 80)))), products.styled("mochi", 1)):
        for channel in channels.published():
            for finding in judge(picture, channel):
                assert measured(say, finding)
