"""What the doctor finds about a store."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from core import doctor, language
from core.doctor import Finding
from core.model import Health
from core.storage import ObjectStore
from core.studio import Studio
from tests.parts.miniflare import Emulator
from tests.parts.moto_gate import Gate
from tests.storage.conftest import BUCKET, TOKENS, on_r2, open_desk, r2


def found(desk: Studio, part: str) -> tuple[Health, str, str]:
    """Health, code or error, and the words of one part after a write test."""
    findings = {finding.part: finding for finding in doctor.examine(desk, write=True)}
    finding = findings[part]
    return finding.health, finding.error or finding.code, words(finding)


def words(finding: Finding) -> str:
    text = []
    for code in ("zh", "en"):
        language_words = language.words(code)
        if finding.error:
            text.append(language_words.sentence(finding.error, finding.data))
        else:
            key = f"doctor.{finding.part}.{finding.code}"
            text.append(language_words(key, **finding.data))
            if finding.health is not Health.OK:
                text[-1] += " " + language_words(f"{key}.remedy", **finding.data)
    return text[-1]


def left(store: ObjectStore) -> list[str]:
    return [item.key for item in store.list("input/doctor/").objects]


def test_a_folder_is_well_and_stays_empty(tmp_path: Path) -> None:
    with open_desk(tmp_path) as opened:
        assert not (tmp_path / "media").exists()
        opened.store.probe()
        assert not (tmp_path / "media").exists(), "a look makes nothing"
        assert found(opened, "storage")[:2] == (Health.OK, "ok")
        assert found(opened, "write")[:2] == (Health.OK, "ok")
        assert left(opened.store) == []
        assert "links" not in {finding.part for finding in doctor.examine(opened)}


def test_a_bucket_is_well_and_stays_as_it_was(emulator: Emulator, tmp_path: Path) -> None:
    with open_desk(tmp_path, **on_r2(emulator.endpoint)) as opened:
        assert found(opened, "storage") == (Health.OK, "ok", f"r2:{BUCKET} can be read")
        assert found(opened, "links")[:2] == (Health.OK, "presigned")
        assert found(opened, "write")[:2] == (Health.OK, "ok")
        assert left(opened.store) == []


@pytest.mark.parametrize("delivery", [None, "public"])
def test_a_public_address_is_opened(emulator: Emulator, tmp_path: Path, delivery: str | None) -> None:
    values = on_r2(emulator.endpoint, media_delivery=delivery)
    with open_desk(tmp_path, **values, r2_public_url=emulator.public_url(BUCKET)) as opened:
        assert found(opened, "write")[:2] == (Health.OK, "ok")
        assert found(opened, "links")[:2] == (Health.OK, delivery or "presigned")
    with open_desk(tmp_path, **values, r2_public_url=emulator.public_url("another")) as opened:
        health, code, said = found(opened, "write")
        assert (health, code) == (Health.FAILED if delivery else Health.WARNING, "public")
        assert "did not show the picture (HTTP 404)" in said
        assert left(opened.store) == []


@pytest.mark.parametrize(
    "url", ["{endpoint}", "{endpoint}/packshot", "https://1234.eu.r2.cloudflarestorage.com"]
)
def test_a_public_url_at_the_s3_endpoint_is_called_out(gate: Gate, tmp_path: Path, url: str) -> None:
    values = on_r2(gate.url, media_delivery="public", r2_public_url=url.format(endpoint=gate.url))
    with open_desk(tmp_path, **values) as opened:
        health, code, said = found(opened, "links")
        assert (health, code) == (Health.WARNING, "s3")
        assert said.startswith("R2_PUBLIC_URL points at the S3 endpoint Public previews would fail.")
        assert "X-Amz-Signature" in opened.link("input/a.jpg"), "links are signed instead"
        assert found(opened, "write")[:2] == (Health.OK, "ok")


@pytest.mark.parametrize(
    ("token", "storage", "write"),
    [
        ("read", (Health.OK, "ok"), (Health.FAILED, "StorageDenied")),
        ("no_list", (Health.WARNING, "no_list"), (Health.WARNING, "no_list")),
        ("elsewhere", (Health.FAILED, "StorageDenied"), (Health.FAILED, "StorageDenied")),
    ],
)
def test_what_a_token_may_do_is_told_apart(
    gate: Gate, tmp_path: Path, token: str, storage: tuple[Health, str], write: tuple[Health, str]
) -> None:
    with open_desk(tmp_path, **on_r2(gate.url, TOKENS[token])) as opened:
        assert found(opened, "storage")[:2] == storage
        assert found(opened, "write")[:2] == write
        assert "Object Read & Write" in found(opened, "write")[2]
    assert left(r2(gate.url)) == []


@pytest.mark.parametrize(
    ("minutes", "health", "code", "said"),
    [
        (0, Health.OK, "ok", "can be read"),
        (-5, Health.WARNING, "skew", "its clock is 300 s away"),
        (20, Health.FAILED, "StorageClockWrong", "20 minutes off"),
    ],
)
def test_a_clock_is_compared_with_the_stores(
    gate: Gate, tmp_path: Path, minutes: float, health: Health, code: str, said: str
) -> None:
    gate.clock_off = minutes * 60
    with open_desk(tmp_path, **on_r2(gate.url)) as opened:
        result = found(opened, "storage")
        assert result[:2] == (health, code)
        assert said in result[2].replace("299 s", "300 s").replace("301 s", "300 s")


def test_a_link_that_does_not_open_is_told(gate: Gate, tmp_path: Path) -> None:
    """The keys write and read; only the links are of another time."""
    store = r2(gate.url, clock=lambda: time.time() - 10_000)
    with open_desk(tmp_path, store=store, **on_r2(gate.url)) as opened:
        health, code, said = found(opened, "write")
        assert (health, code) == (Health.FAILED, "link")
        assert "did not open (HTTP 403)" in said
        assert left(opened.store) == []
