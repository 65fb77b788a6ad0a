"""The gate before moto answers as R2 does, and what our store sends passes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.parts import certificate, moto_gate
from tests.parts.miniflare import Emulator
from tests.parts.moto_gate import Gate, Token
from tests.storage.conftest import BUCKET, GOOD, STRANGER, TOKENS, WRONG, r2


def plain(endpoint: str, token: Token = GOOD, **config: Any) -> Any:
    """boto3 as it comes, but for what every S3 that is not Amazon's needs."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=token.key,
        aws_secret_access_key=token.secret,
        config=Config(
            region_name="auto", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, **config
        ),
    )


RAW: dict[str, Callable[[Any], object]] = {
    "missing key": lambda s3: s3.get_object(Bucket=BUCKET, Key="input/none"),
    "taken key": lambda s3: [
        s3.put_object(Bucket=BUCKET, Key="input/taken", Body=b"x", IfNoneMatch="*") for _ in range(2)
    ],
    "tagging": lambda s3: s3.get_object_tagging(Bucket=BUCKET, Key="input/none"),
    "grant": lambda s3: s3.put_object(Bucket=BUCKET, Key="input/g", Body=b"x", GrantRead="id=1"),
}


@pytest.mark.parametrize("act", RAW)
def test_the_gate_answers_as_cloudflares_code_does(gate: Gate, emulator: Emulator, act: str) -> None:
    answers = []
    for endpoint in (gate.url, emulator.endpoint):
        with pytest.raises(ClientError) as caught:
            RAW[act](plain(endpoint))
        answer = caught.value.response
        answers.append((answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]))
    assert answers[0] == answers[1]


def test_the_gate_refuses_requests_as_cloudflares_code_does(gate: Gate, emulator: Emulator) -> None:
    def answers(endpoint: str) -> list[tuple[int, str]]:
        links = [
            f"{endpoint}/{BUCKET}/input/a.jpg",
            r2(endpoint, STRANGER).link("input/a.jpg"),
            r2(endpoint, WRONG).link("input/a.jpg"),
            r2(endpoint, clock=lambda: 1_700_000_000.0).link("input/a.jpg"),
        ]
        found = [httpx.get(link) for link in links]
        return [(a.status_code, a.text.partition("<Code>")[2].partition("</Code>")[0]) for a in found]

    wanted = [(400, "InvalidArgument"), (401, "Unauthorized"), (403, "SignatureDoesNotMatch")]
    assert answers(gate.url)[:3] == answers(emulator.endpoint)[:3] == wanted
    assert [answers(where)[3][1] for where in (gate.url, emulator.endpoint)] == ["ExpiredRequest"] * 2


def test_an_objects_token_is_kept_from_what_is_the_accounts(gate: Gate) -> None:
    s3 = plain(gate.url)
    for act in (
        lambda: s3.list_buckets(),
        lambda: s3.head_bucket(Bucket=BUCKET),
        lambda: s3.get_bucket_cors(Bucket=BUCKET),
        lambda: s3.delete_bucket(Bucket=BUCKET),
    ):
        with pytest.raises(ClientError) as caught:
            act()
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    plain(gate.url, TOKENS["admin"]).list_buckets()


def test_over_tls_no_checksum_trailer_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo: bytes
) -> None:
    """boto3 sends its trailer over https alone, and R2 refuses it."""
    files = certificate.make(tmp_path)
    monkeypatch.setenv("AWS_CA_BUNDLE", files[0])
    with moto_gate.serving(GOOD, buckets=["tls-bucket"], tls=files) as gate:
        gate.tokens[:] = [Token(key=GOOD.key, secret=GOOD.secret, buckets=("tls-bucket",))]
        with pytest.raises(ClientError) as caught:
            plain(gate.url).put_object(Bucket="tls-bucket", Key="input/a.jpg", Body=photo)
        assert caught.value.response["Error"]["Code"] == "NotImplemented", "boto3 as it comes is refused"
        assert "expect" in gate.seen[0].headers
        gate.seen.clear()

        store = r2(gate.url, bucket="tls-bucket")
        store.put("input/a.jpg", photo, "image/jpeg")
        assert store.get("input/a.jpg") == photo
        store.delete(["input/a.jpg"])
        assert [seen.method for seen in gate.seen] == ["PUT", "GET", "POST"]
        for seen in gate.seen:
            assert not {"x-amz-trailer", "content-encoding", "expect", "x-amz-acl"} & seen.headers.keys()
            assert not seen.headers["x-amz-content-sha256"].startswith("STREAMING")
