"""Fix for channel: what can be mended is, what can't stays with its reason, twice is the same as once."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from core import language
from core.checks import channels
from core.checks.encode import QUALITY, encode
from core.checks.fix import prepare
from core.checks.judge import Result, blocking, judge
from core.checks.picture import open_picture
from core.checks.rules import Channel, Level, Rule
from core.checks.words import step
from core.errors import BadImage
from core.images.metadata import TRAINED, source_type
from tests import products
from tests.checks.drawn import block, jpeg, saved, shop, write
from tests.checks.test_judge import FRAMES, one

DAY = date(2026, 11, 25)
CHANNELS = [channels.on(channel, DAY) for channel in channels.published()]
every_channel = pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)


def kinds(steps: Any) -> list[str]:
    return [done.kind for done in steps]


@every_channel
@pytest.mark.parametrize("name", ["mochi", "soy"])
def test_a_photo_that_can_be_fixed_meets_every_rule_that_blocks(channel: Channel, name: str) -> None:
    """Off-white, not square, too small in its frame, with a soft shadow, and 3 MP."""
    data = jpeg(shop(size=(2000, 1500), ground=(240, 238, 234), fill=0.6, name=name, shadow=40))
    made = prepare(data, channel, source_type=TRAINED)
    assert [(f.rule.id, dict(f.measured)) for f in blocking(made.findings)] == []
    assert not made.upscaled
    if name == "mochi":  # A tall product can't fill 60% of a square.
        warned = [f.rule.id for f in made.findings if f.result is Result.WARNING]
        # More pixels than the photo has are advised, and it is not enlarged for advice.
        assert [w for w in warned if w not in ("advised", "size")] == []
    assert source_type(made.data) == TRAINED
    assert judge(made.data, channel, extension=made.extension, made=True) == made.findings
    again = prepare(made.data, channel, source_type=TRAINED)
    assert (again.data, again.steps) == (made.data, ())


WRONG = {
    "text": shop(write("SALE 50%", (60, 80)), write("NEW ARRIVAL TODAY", (60, 1180)), fill=0.7,
                 size=(1414, 1414)),
    "frame": shop(FRAMES["a band"]),
    "background": Image.open(io.BytesIO(products.styled("soy", 1))),
}  # fmt: skip


@every_channel
def test_one_that_cannot_be_fixed_keeps_its_reasons(channel: Channel) -> None:
    for kind, picture in WRONG.items():
        rules = [rule for rule in channel.of(kind) if not rule.values.get("photo")]
        made = prepare(jpeg(picture.convert("RGB")), channel, source_type=TRAINED)
        for rule in rules:
            if rule.values.get("cells"):
                continue  # Up to 20 cells are fine: the next test.
            (finding,) = [f for f in made.findings if f.rule is rule]
            failed = Result.FAILED if rule.level is Level.BLOCK else Result.WARNING
            assert finding.result in (failed, Result.NOT_MEASURED), (kind, rule.id, finding.measured)
            assert finding.result is not Result.NOT_MEASURED or kind == "frame"


def test_too_much_text_is_refused_where_some_is_fine() -> None:
    lines = [write("SALE 50% TODAY ONLY", (40, y), 100) for y in (40, 180, 1180, 1300)]
    for name in ("rakuten", "yahoo_jp"):
        channel = next(channel for channel in CHANNELS if channel.name == name)
        refused = [f.rule.kind for f in blocking(prepare(jpeg(shop(*lines, fill=0.5)), channel).findings)]
        assert refused == ["text"]


def test_small_pictures_are_enlarged_only_for_rules_that_block_and_never_silently() -> None:
    small = jpeg(shop(size=(400, 400), fill=0.9))
    for channel in CHANNELS:
        made = prepare(small, channel)
        assert made.upscaled == ("enlarged" in kinds(made.steps)) == (made.width > 400)
    grown = {channel.name: prepare(small, channel).width for channel in CHANNELS}
    assert {name: width for name, width in grown.items() if width > 400} == {
        "amazon": 500, "lazada": 500, "taobao": 800, "tiktok": 600,
    }  # fmt: skip


def test_only_the_background_becomes_white() -> None:
    data = saved(shop(ground=(238, 238, 238), shadow=50), "PNG")
    channel = next(channel for channel in CHANNELS if channel.name == "yahoo_jp")
    made = prepare(data, channel)
    before, after = (open_picture(d).rgb.astype(int) for d in (data, made.data))
    inside = slice(500, 900), slice(300, 1100)
    assert np.abs(before[inside] - after[inside]).mean() < 2
    assert (after[:200] == 255).all() and "whitened" in kinds(made.steps)


def test_a_grey_background_stays_and_says_so() -> None:
    channel = next(channel for channel in CHANNELS if channel.name == "amazon")
    made = prepare(jpeg(shop(ground=(150, 150, 150))), channel)
    assert "background" in [f.rule.kind for f in blocking(made.findings)]
    assert "whitened" not in kinds(made.steps)


def test_bytes_are_kept_within_their_limits() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (1200, 1200, 3), np.uint8)
    data = encode(noise, "jpeg").data
    for most in (900_000, 400_000, 60_000):
        made = prepare(data, one("bytes", max=most))
        assert len(made.data) <= most and made.findings[0].result is Result.MET
        assert made.steps[-1].values["quality"] >= 60
    least = prepare(data, _both(one("bytes", max=60_000), one("pixels", min_width=1000, min_height=1000)))
    assert [f.rule.kind for f in blocking(least.findings)] == ["bytes"], "it says that it can't"
    plain = jpeg(block((800, 800), (200, 200, 600, 600)), quality=50)
    grown = prepare(plain, one("bytes", min=len(encode(open_picture(plain).rgb, "jpeg").data) + 200))
    assert grown.findings[0].result is Result.MET and grown.steps[-1].values["quality"] > QUALITY


def _both(*made: Channel) -> Channel:
    rules: list[Rule] = [rule for channel in made for rule in channel.rules]
    return Channel(name="shop", title="Shop", rules=tuple(rules))


def test_format_colours_and_transparency() -> None:
    channel = one("format", formats=["jpeg"])
    clear = Image.new("RGBA", (300, 300), (255, 0, 0, 0))
    clear.paste((20, 90, 40, 255), (100, 100, 200, 200))
    made = prepare(saved(clear, "PNG"), channel)
    assert (made.content_type, made.extension) == ("image/jpeg", "jpg")
    assert kinds(made.steps) == ["flattened", "format", "encoded"]
    assert open_picture(made.data).rgb[0, 0].tolist() == [255, 255, 255]
    made = prepare(jpeg(Image.new("CMYK", (300, 300), (0, 200, 200, 0))), channel)
    assert "srgb" in kinds(made.steps) and open_picture(made.data).profile == "sRGB"
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    assert open_picture(prepare(jpeg(shop(size=(300, 300)), icc_profile=lab), channel).data).srgb
    exif = Image.Exif()
    exif[0x0112] = 6
    made = prepare(jpeg(Image.new("RGB", (300, 200)), exif=exif), channel)
    assert (made.width, made.height, kinds(made.steps)[0]) == (200, 300, "upright")


def test_what_is_fine_keeps_its_bytes() -> None:
    for form in ("JPEG", "PNG"):
        data = saved(shop(), form)
        made = prepare(data, one("format", formats=["jpeg", "png"]))
        assert (made.data, made.steps) == (data, ())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    width=st.integers(40, 900),
    height=st.integers(40, 900),
    low=st.integers(50, 500),
    room=st.integers(0, 700),
    wide=st.integers(1, 4),
    high=st.integers(1, 4),
)
def test_any_size_comes_into_any_limits(
    width: int, height: int, low: int, room: int, wide: int, high: int
) -> None:
    """Sizes and ratio together are met whenever they can be, for any picture."""
    high_limit = low * 4 + room
    channel = _both(
        one("shortest_side", min=low), one("longest_side", max=high_limit), one("ratio", wide=wide, high=high)
    )
    picture = Image.effect_noise((width, height), 60).convert("RGB")
    made = prepare(jpeg(picture), channel)
    assert min(made.width, made.height) >= low and max(made.width, made.height) <= high_limit
    assert abs(made.width * high / (made.height * wide) - 1) <= 0.02
    assert made.upscaled == ("enlarged" in kinds(made.steps))


def test_no_picture_is_refused() -> None:
    with pytest.raises(BadImage):
        prepare(b"no picture", CHANNELS[0])


@pytest.mark.parametrize("code", ["en", "zh"])
def test_every_step_has_its_words(code: str) -> None:
    say = language.words(code)
    seen = set()
    for picture in (shop(size=(400, 500), ground=(240, 240, 240)), shop(size=(2400, 1400))):
        for channel in CHANNELS:
            for done in prepare(saved(picture, "PNG"), channel, source_type=TRAINED).steps:
                assert step(say, done)
                seen.add(done.kind)
    assert seen >= {"whitened", "cropped", "padded", "scaled", "enlarged", "format", "dpi", "provenance"}
