"""A desk on R2: how it opens without its bucket, and where its pictures come from."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from core import doctor, generation
from core.errors import BucketMissing, ObjectMissing
from core.model import Health
from tests.browser import free_port
from tests.conftest import BY, order, upload
from tests.parts.miniflare import Emulator
from tests.parts.moto_gate import Gate
from tests.storage.conftest import BUCKET, on_r2, open_desk, r2


@pytest.mark.parametrize("bucket", ["hk-packshots", BUCKET])
def test_the_desk_opens_without_its_bucket_and_says_so(
    emulator: Emulator, tmp_path: Path, photo: bytes, bucket: str
) -> None:
    """A missing bucket, and a server that is not there."""
    away = bucket == BUCKET
    endpoint = f"http://127.0.0.1:{free_port()}" if away else emulator.endpoint
    with open_desk(tmp_path, **on_r2(endpoint, r2_bucket=bucket)) as desk:
        ready = doctor.readiness(desk)
        assert (ready["database"], ready["storage"]) == (Health.OK, Health.FAILED)
        finding = next(found for found in doctor.examine(desk) if found.part == "storage")
        assert finding.error == ("StorageUnavailable" if away else "BucketMissing")
        if not away:
            wanted = order(provider="local", model=desk.providers["local"].models()[0].name)
            with pytest.raises(BucketMissing):
                generation.submit(desk, [upload(photo)], wanted, by=BY)


def test_pictures_go_as_media_delivery_says(emulator: Emulator, tmp_path: Path, photo: bytes) -> None:
    key = "input/delivery/a.jpg"
    r2(emulator.endpoint).put(key, photo, "image/jpeg")
    public = emulator.public_url(BUCKET)
    cases = {
        "presigned": {"r2_public_url": public},
        "public": {"media_delivery": "public", "r2_public_url": public + "/"},
        "proxy": {"media_delivery": "proxy"},
        "ignored": {"media_delivery": "public", "r2_public_url": f"{emulator.endpoint}/{BUCKET}"},
    }
    links = {}
    for name, values in cases.items():
        with open_desk(tmp_path, **on_r2(emulator.endpoint, **values)) as desk:
            assert desk.store.name == f"r2:{BUCKET}"
            links[name] = desk.link(key)
            if name == "public":
                assert "response-content-disposition" in desk.link(key, download="茶.jpg")
            if name == "proxy":
                token = desk.signer.read(links[name].removeprefix("/pictures/"))
                assert desk.store.get(token.key) == photo
    assert links["public"] == f"{public}/{key}"
    assert links["presigned"] == links["ignored"]
    for name in ("public", "presigned"):
        answer = httpx.get(links[name])
        assert (answer.status_code, answer.content) == (200, photo)
        assert answer.headers["content-type"] == "image/jpeg"


def test_nothing_is_asked_before_it_is_needed(gate: Gate, tmp_path: Path) -> None:
    with open_desk(tmp_path, **on_r2(gate.url)) as desk:
        assert gate.seen == []
        with pytest.raises(ObjectMissing):
            desk.store.get("input/none")
        assert len(gate.seen) == 1
