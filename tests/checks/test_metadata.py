"""IPTC's DigitalSourceType: written, read back, and seen by exiftool."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.checks.encode import encode, srgb
from core.errors import BadImage
from core.images.metadata import COMPOSITE, TRAINED, read_xmp, source_type, source_type_of, xmp_packet
from tests.parts.needed import needed

RGB = np.full((60, 80, 3), 200, np.uint8)


def test_local_pictures_keep_the_photos_pixels_and_models_make_new_ones() -> None:
    assert source_type_of("local") == COMPOSITE
    assert {source_type_of(name) for name in ("gemini", "gateway", "openai")} == {TRAINED}


@pytest.mark.parametrize("form", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("kind", [TRAINED, COMPOSITE])
def test_it_is_written_and_read_back(form: str, kind: str) -> None:
    assert source_type(encode(RGB, form, source_type=kind).data) == kind
    assert source_type(encode(RGB, form).data) is None


@pytest.mark.parametrize("form", ["jpeg", "png", "webp"])
def test_exiftool_shows_it(form: str, tmp_path: Path) -> None:
    needed("exiftool")
    file = tmp_path / f"picture.{form}"
    file.write_bytes(encode(RGB, form, dpi=72, source_type=TRAINED).data)
    found = subprocess.run(["exiftool", "-json", "-G1", "-n", file], capture_output=True, check=True)
    (tags,) = json.loads(found.stdout)
    assert tags["XMP-iptcExt:DigitalSourceType"] == TRAINED
    assert "sRGB" in tags["ICC_Profile:ProfileDescription"]
    assert "ExifTool:Warning" not in tags and "ExifTool:Error" not in tags


def test_pillow_alone_loses_it() -> None:
    """Why the export reads it back."""
    data = encode(RGB, "jpeg", source_type=TRAINED).data
    with Image.open(io.BytesIO(data)) as picture:
        out = io.BytesIO()
        picture.convert("RGB").save(out, "JPEG")
    assert source_type(out.getvalue()) is None


def element(body: str, head: str = "") -> str:
    return (
        f'{head}<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<r:Description xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">{body}</r:Description></r:RDF>'
        "</x:xmpmeta>"
    )


def test_other_programs_spellings_are_read() -> None:
    assert read_xmp(element(f"<e:DigitalSourceType>{TRAINED}</e:DigitalSourceType>")) == TRAINED
    assert read_xmp(element(f'<e:DigitalSourceType r:resource="{COMPOSITE}"/>').encode()) == COMPOSITE


@pytest.mark.parametrize(
    "packet",
    [
        "",
        "<",
        "no xml",
        element("<e:DigitalSourceType>AI</e:DigitalSourceType>"),
        element("<e:DigitalSourceType>&t;</e:DigitalSourceType>", f'<!DOCTYPE x [<!ENTITY t "{TRAINED}">]>'),
        element(f"<e:DigitalSourceType>{TRAINED}</e:DigitalSourceType>" + " " * 1_000_001),
        b"\xff\xfe\x00broken",
    ],
)
def test_what_is_not_safe_or_not_true_says_nothing(packet: str | bytes) -> None:
    assert read_xmp(packet) is None


def test_only_terms_of_the_vocabulary_are_written() -> None:
    for wrong in ("", "trainedAlgorithmicMedia", TRAINED + '"/><x', "http://example.com/x"):
        with pytest.raises(ValueError, match="no digital source type"):
            xmp_packet(wrong)
    with pytest.raises(BadImage):
        source_type(b"no picture")


def test_the_profile_is_the_same_every_day() -> None:
    assert srgb()[24:36] == bytes.fromhex("07d000010001000000000000")
    assert encode(RGB, "jpeg").data == encode(RGB, "jpeg").data
