"""What R2 says, and what the operator reads of it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from core import language
from core.errors import (
    BucketMissing,
    ObjectExists,
    StorageClockWrong,
    StorageDenied,
    StorageError,
    StorageKeyUnknown,
    StorageListDenied,
    StorageSecretWrong,
    StorageUnavailable,
)
from core.storage.r2 import R2Store
from tests.browser import free_port
from tests.parts.miniflare import Emulator
from tests.parts.moto_gate import CUT, LOST, Gate
from tests.storage.conftest import GOOD, STRANGER, TOKENS, WRONG, r2

ACTS: dict[str, Callable[[R2Store], object]] = {
    "put": lambda store: store.put("input/t/new.jpg", b"x", "image/jpeg"),
    "get": lambda store: store.get("input/t/a.jpg"),
    "head": lambda store: store.head("input/t/a.jpg"),
    "list": lambda store: store.list("input/"),
    "delete": lambda store: store.delete(["input/t/none.jpg"]),
    "probe": lambda store: store.probe(),
}


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
    assert error.data["detail"] == "503 ServiceUnavailable"
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
