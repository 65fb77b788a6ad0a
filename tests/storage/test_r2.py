"""What R2 says, and what the operator reads of it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from core import doctor, generation, language, studio
from core.errors import (
    BucketMissing,
    ObjectExists,
    ObjectMissing,
    StorageClockWrong,
    StorageDenied,
    StorageError,
    StorageKeyUnknown,
    StorageListDenied,
    StorageSecretWrong,
    StorageUnavailable,
)
from core.model import Health
from core.settings import load_settings
from core.storage.r2 import R2Store
from tests.browser import free_port
from tests.conftest import BY, order, upload
from tests.parts import certificate, moto_gate
from tests.parts.miniflare import Emulator
from tests.parts.moto_gate import CUT, LOST, Gate, Token
from tests.storage.conftest import BUCKET, GOOD, SECRET, TOKENS, r2

ACTS: dict[str, Callable[[R2Store], object]] = {
    "put": lambda store: store.put("input/t/new.jpg", b"x", "image/jpeg"),
    "get": lambda store: store.get("input/t/a.jpg"),
    "head": lambda store: store.head("input/t/a.jpg"),
    "list": lambda store: store.list("input/"),
    "delete": lambda store: store.delete(["input/t/none.jpg"]),
    "probe": lambda store: store.probe(),
}
STRANGER = Token(key="stranger-key", secret="stranger-secret")
WRONG = Token(key=GOOD.key, secret="wrong-secret")


def raised(act: Callable[[], object], *secrets: str) -> StorageError:
    """The error of an act, with nothing in it that is nobody's business."""
    with pytest.raises(StorageError) as caught:
        act()
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.data)
    for secret in (*secrets, "X-Amz-Signature", "AWS4-HMAC"):
        assert secret not in told
    return caught.value


def said(error: StorageError) -> str:
    """The sentence in English; the Chinese one is there and names the same variables."""
    english, chinese = (language.words(code).error(error) for code in ("en", "zh"))
    for name in ("R2_ACCESS_KEY", "R2_SECRET_KEY", "R2_BUCKET", "R2_ENDPOINT", ".env"):
        assert (name in english) == (name in chinese)
    return english


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("where", ["gate", "emulator"])
class TestEveryActSaysWhatIsWrong:
    @pytest.fixture
    def endpoint(self, where: str, request: pytest.FixtureRequest) -> str:
        server: Gate | Emulator = request.getfixturevalue(where)
        return server.url if isinstance(server, Gate) else server.endpoint

    def test_an_unknown_key(self, endpoint: str, act: str) -> None:
        error = raised(lambda: ACTS[act](r2(endpoint, STRANGER)), STRANGER.key, STRANGER.secret)
        assert type(error) is StorageKeyUnknown
        assert "Check key, scope and jurisdiction: `R2_ACCESS_KEY` and `R2_ENDPOINT`" in said(error)

    def test_a_wrong_secret(self, endpoint: str, act: str) -> None:
        error = raised(lambda: ACTS[act](r2(endpoint, WRONG)), WRONG.key, WRONG.secret)
        assert type(error) is StorageSecretWrong
        assert "`R2_SECRET_KEY`" in said(error)

    def test_a_missing_bucket(self, endpoint: str, where: str, act: str) -> None:
        token = TOKENS["admin"] if where == "gate" else GOOD
        error = raised(lambda: ACTS[act](r2(endpoint, token, bucket="hk-packshots")))
        assert type(error) is BucketMissing
        assert "no bucket “hk-packshots”" in said(error)
        assert "`R2_BUCKET` and `R2_ENDPOINT`" in said(error)


@pytest.mark.parametrize("act", ACTS)
def test_a_bucket_out_of_scope(gate: Gate, act: str) -> None:
    error = raised(lambda: ACTS[act](r2(gate.url, TOKENS["elsewhere"])), TOKENS["elsewhere"].secret)
    assert type(error) is StorageDenied
    assert "Check key, scope and jurisdiction" in said(error)


@pytest.mark.parametrize("act", ACTS)
def test_a_clock_that_is_wrong(gate: Gate, act: str) -> None:
    gate.clock_off = 20 * 60
    error = raised(lambda: ACTS[act](r2(gate.url)))
    assert type(error) is StorageClockWrong
    assert "20 minutes off" in said(error)


def test_a_token_that_only_reads(gate: Gate) -> None:
    r2(gate.url).put("input/read/a.jpg", b"x", "image/jpeg")
    store = r2(gate.url, TOKENS["read"])
    assert store.get("input/read/a.jpg") == b"x"
    store.probe()
    for act in (ACTS["put"], lambda store: store.delete(["input/read/a.jpg"])):
        assert type(raised(lambda act=act: act(store))) is StorageDenied  # type: ignore[misc]
    assert store.get("input/read/a.jpg") == b"x"


def test_a_token_that_may_not_list(gate: Gate) -> None:
    store = r2(gate.url, TOKENS["no_list"])
    store.put("input/no-list/a.jpg", b"x", "image/jpeg")
    assert store.get("input/no-list/a.jpg") == b"x"
    assert type(raised(store.list)) is StorageDenied
    error = raised(store.probe)
    assert type(error) is StorageListDenied
    assert "may not list" in said(error)


def test_a_busy_moment_is_gone_through(gate: Gate) -> None:
    gate.failures += [503, 500]
    r2(gate.url).put("input/busy/a.jpg", b"x", "image/jpeg")
    assert [seen.method for seen in gate.seen] == ["PUT"] * 3
    assert r2(gate.url).get("input/busy/a.jpg") == b"x"


def test_a_person_does_not_wait_for_a_store_that_is_down(gate: Gate) -> None:
    gate.failures += [503, 503]
    error = raised(r2(gate.url).probe)
    assert type(error) is StorageUnavailable
    assert "503 ServiceUnavailable" in said(error)
    error = raised(r2(f"http://127.0.0.1:{free_port()}").probe)
    assert type(error) is StorageUnavailable
    assert "can't be reached" in said(error)


def test_a_key_that_is_written_too_fast_is_waited_for(gate: Gate) -> None:
    gate.write_pause = 0.2
    store = r2(gate.url)
    store.put("input/fast/a.jpg", b"one", "image/jpeg")
    store.put("input/fast/a.jpg", b"one", "image/jpeg")
    assert sum(seen.method == "PUT" for seen in gate.seen) > 2, "one was answered by 429 and sent again"


@pytest.mark.parametrize("lost", [CUT, LOST])
def test_a_lost_answer_is_no_duplicate(gate: Gate, lost: int) -> None:
    """The PUT is sent again; where the first had reached the store, it meets its own success."""
    gate.failures.append(lost)
    store = r2(gate.url)
    store.put(f"input/lost/{-lost}.jpg", b"one", "image/jpeg")
    assert store.get(f"input/lost/{-lost}.jpg") == b"one"
    gate.failures.append(lost)
    with pytest.raises(ObjectExists):
        store.put(f"input/lost/{-lost}.jpg", b"two", "image/jpeg")


def test_an_object_that_can_not_be_deleted_is_said(gate: Gate) -> None:
    """DeleteObjects answers 200 and names what failed; nobody may take that for done."""
    gate.kept.add("input/kept/a.jpg")
    error = raised(lambda: r2(gate.url).delete(["input/kept/a.jpg"]))
    assert type(error) is StorageDenied


def test_another_server_at_the_endpoint(emulator: Emulator) -> None:
    """A web page that answers 200 to everything."""
    error = raised(r2(emulator.origin).probe)
    assert type(error) is StorageUnavailable


def test_the_bucket_of_a_missing_object_is_looked_at(emulator: Emulator) -> None:
    """A HEAD's 404 alone would make every object of a mistyped bucket look deleted."""
    with pytest.raises(BucketMissing):
        r2(emulator.endpoint, bucket="hk-packshots").head("input/t/a.jpg")
    assert r2(emulator.endpoint).head("input/t/none.jpg") is None


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


def test_what_this_machine_has_for_amazon_is_left_alone(
    gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-west-1\ns3 =\n    addressing_style = virtual\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "one that is not there")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    store = r2(gate.url)
    store.probe()
    assert httpx.get(store.link("input/none")).status_code == 404


def desk_on(endpoint: str, folder: Path, token: Token = GOOD, **values: Any) -> Any:
    settings = load_settings(
        database_url=f"sqlite:///{folder / 'packshot.db'}",
        upload_dir=folder / "media",
        app_secret=SECRET,
        **{
            "use_r2_storage": True,
            "r2_endpoint": endpoint,
            "r2_bucket": BUCKET,
            "r2_access_key": token.key,
            "r2_secret_key": token.secret,
            **values,
        },
    )
    return studio.open_studio(settings, work=False)


@pytest.mark.parametrize("bucket", ["hk-packshots", BUCKET])
def test_the_desk_opens_without_its_bucket_and_says_so(
    emulator: Emulator, tmp_path: Path, photo: bytes, bucket: str
) -> None:
    """A missing bucket, and a server that is not there."""
    away = bucket == BUCKET
    endpoint = f"http://127.0.0.1:{free_port()}" if away else emulator.endpoint
    with desk_on(endpoint, tmp_path, r2_bucket=bucket) as desk:
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
        with desk_on(emulator.endpoint, tmp_path, **values) as desk:
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
    with desk_on(gate.url, tmp_path) as desk:
        assert gate.seen == []
        with pytest.raises(ObjectMissing):
            desk.store.get("input/none")
        assert len(gate.seen) == 1
