"""One contract over the folder, moto behind a gate like R2, and Cloudflare's own emulator."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest

from core.errors import InvalidKey, ObjectExists, ObjectMissing, PackshotError
from core.storage import ObjectStore
from tests.storage.conftest import Place

HOUR = 3600
HOSTILE = [
    "", "/", "/etc/passwd", "../x", "input/../../x", "input//x", "input/./x", "a\\b", "a\0b", "C:/x", "con",
    "input/NUL.jpg", "input/x.", "input/x ", ".hidden", "input/.part-x", "a" * 1025, "茶.jpg", "a?b", "a#b",
    "a%2fb", "input/x\n",
]  # fmt: skip


def assert_stored(store: ObjectStore, key: str, size: int) -> None:
    """Head and listing say the same of a fresh object."""
    found = store.head(key)
    assert found is not None
    assert (found.key, found.bytes) == (key, size)
    assert abs((datetime.now(UTC) - found.modified).total_seconds()) < 60
    (listed,) = store.list(key).objects
    assert (listed.key, listed.bytes) == (key, size)
    assert abs((listed.modified - found.modified).total_seconds()) < 1, "HEAD tells whole seconds"


def test_what_is_put_comes_back(store: ObjectStore, area: str) -> None:
    data = bytes(range(256)) * 10
    store.put(f"{area}/a.jpg", data, "image/jpeg")
    assert store.get(f"{area}/a.jpg") == data
    assert_stored(store, f"{area}/a.jpg", 2560)


def test_an_empty_object_is_an_object(store: ObjectStore, area: str) -> None:
    store.put(f"{area}/empty.jpg", b"", "image/jpeg")
    assert store.get(f"{area}/empty.jpg") == b""
    assert_stored(store, f"{area}/empty.jpg", 0)


def test_what_is_not_there_is_said(store: ObjectStore, area: str) -> None:
    with pytest.raises(ObjectMissing) as caught:
        store.get(f"{area}/none.jpg")
    assert caught.value.data["key"] == f"{area}/none.jpg"
    assert store.head(f"{area}/none.jpg") is None
    assert store.list(f"{area}/").objects == ()


def test_the_same_bytes_again_are_fine(store: ObjectStore, area: str) -> None:
    store.put(f"{area}/a.jpg", b"one", "image/jpeg")
    store.put(f"{area}/a.jpg", b"one", "image/jpeg")
    assert store.get(f"{area}/a.jpg") == b"one"


@pytest.mark.parametrize("other", [b"two", b"longer than one", b""])
def test_other_bytes_never_replace(store: ObjectStore, area: str, other: bytes) -> None:
    store.put(f"{area}/a.jpg", b"one", "image/jpeg")
    with pytest.raises(ObjectExists):
        store.put(f"{area}/a.jpg", other, "image/jpeg")
    assert store.get(f"{area}/a.jpg") == b"one"


def test_a_listing_goes_page_by_page_in_key_order(store: ObjectStore, area: str) -> None:
    names = ["b/2", "a", "b.jpg", "b/10", "b-1", "c/d/e", "B"]
    for number, name in enumerate(names):
        store.put(f"{area}/{name}", b"x" * number, "image/jpeg")
    found, after, pages = [], None, 0
    while True:
        page = store.list(f"{area}/", after=after, limit=3)
        assert len(page.objects) <= 3
        found += page.objects
        pages += 1
        if page.after is None:
            break
        after = page.after
    assert [item.key for item in found] == sorted(f"{area}/{name}" for name in names)
    assert {item.key: item.bytes for item in found}[f"{area}/c/d/e"] == 5
    assert pages == 3


def test_a_full_last_page_has_no_next(store: ObjectStore, area: str) -> None:
    for name in "abcd":
        store.put(f"{area}/{name}", b"x", "image/jpeg")
    page = store.list(f"{area}/", limit=2)
    last = store.list(f"{area}/", after=page.after, limit=2)
    assert (len(last.objects), last.after) == (2, None)


def test_many_are_deleted_at_once_and_missing_ones_are_no_error(store: ObjectStore, area: str) -> None:
    keys = [f"{area}/{number:04}" for number in range(1100)]
    for key in keys[::100]:
        store.put(key, b"x", "image/jpeg")
    store.put(f"{area}/kept", b"x", "image/jpeg")
    store.delete(keys)
    store.delete([])
    assert [item.key for item in store.list(f"{area}/").objects] == [f"{area}/kept"]


@pytest.mark.parametrize("key", HOSTILE, ids=lambda key: repr(key[:20]))
def test_a_hostile_key_is_refused(store: ObjectStore, key: str) -> None:
    for act in (
        lambda: store.put(key, b"x", "image/jpeg"),
        lambda: store.get(key),
        lambda: store.head(key),
        lambda: store.delete([key]),
        lambda: store.link(key),
    ):
        with pytest.raises(InvalidKey):
            act()


def test_a_link_opens_without_credentials(place: Place, store: ObjectStore, area: str, photo: bytes) -> None:
    store.put(f"{area}/a.jpg", photo, "image/jpeg")
    answer = place.open(store.link(f"{area}/a.jpg"))
    assert (answer.status_code, answer.content) == (200, photo)
    assert answer.headers["content-type"] == "image/jpeg"
    assert "max-age" in answer.headers["cache-control"], "a browser loads a picture once"
    assert "content-disposition" not in answer.headers


@pytest.mark.parametrize("name", ["ramen cup.jpg", "出前一丁 #1 “杯” 100%.jpg", 'a"b;c.jpg'])
def test_a_download_has_its_name(place: Place, store: ObjectStore, area: str, name: str) -> None:
    store.put(f"{area}/a.jpg", b"picture", "image/jpeg")
    answer = place.open(store.link(f"{area}/a.jpg", download=name))
    assert (answer.status_code, answer.content) == (200, b"picture")
    if not place.names_downloads:
        return
    kind, _, said = answer.headers["content-disposition"].partition("filename*=UTF-8''")
    assert kind.strip() == "attachment;"
    assert unquote(said) == name


def test_a_link_is_the_same_all_hour_and_on_every_replica(place: Place, area: str) -> None:
    key = f"{area}/a.jpg"
    start = time.time() // HOUR * HOUR
    links = [
        place.make(clock=lambda at=at: at).link(key, download=name)
        for name in (None, "茶.jpg")
        for at in (start, start + 1, start + HOUR - 1, start + HOUR)
    ]
    for early, middle, late, later in (links[:4], links[4:]):
        assert early == middle == late
        assert later != early


def test_a_link_is_good_for_an_hour_after_its_own(place: Place, store: ObjectStore, area: str) -> None:
    """One that was made at the end of its hour still opens an hour later, and not for ever."""
    store.put(f"{area}/a.jpg", b"picture", "image/jpeg")
    now = datetime.now(UTC).timestamp()
    made = [place.make(clock=lambda ago=ago: now - ago).link(f"{area}/a.jpg") for ago in (HOUR, 3 * HOUR)]
    fresh, old = (place.open(link) for link in made)
    assert fresh.content == b"picture"
    assert old.status_code in (400, 403, 404)
    assert b"picture" not in old.content


def test_a_changed_link_opens_nothing(place: Place, store: ObjectStore, area: str) -> None:
    for name in ("a", "b"):
        store.put(f"{area}/{name}.jpg", b"secret picture", "image/jpeg")
    link = store.link(f"{area}/a.jpg")
    forged = link.replace("a.jpg", "b.jpg") if "a.jpg" in link else link[:-3] + "AAA"
    answer = place.open(forged)
    assert answer.status_code in (400, 403, 404)
    assert b"secret picture" not in answer.content


def test_a_large_object_goes_in_one_piece(store: ObjectStore, area: str) -> None:
    data = os.urandom(24_000_000)
    store.put(f"{area}/large.png", data, "image/png")
    assert store.get(f"{area}/large.png") == data
    store.delete([f"{area}/large.png"])


def test_sixteen_threads_put_and_get(store: ObjectStore, area: str) -> None:
    def both(number: int) -> bool:
        data = number.to_bytes(2, "big") * 5000
        store.put(f"{area}/{number}.jpg", data, "image/jpeg")
        return store.get(f"{area}/{number}.jpg") == data

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(both, range(96)))
    assert len(store.list(f"{area}/").objects) == 96


def test_of_sixteen_who_want_one_key_one_wins(store: ObjectStore, area: str) -> None:
    def put(number: int) -> int | None:
        try:
            store.put(f"{area}/one.jpg", bytes([number]) * 1000, "image/jpeg")
        except ObjectExists:
            return None
        return number

    with ThreadPoolExecutor(16) as pool:
        won = [number for number in pool.map(put, range(16)) if number is not None]
    assert len(won) == 1
    assert store.get(f"{area}/one.jpg") == bytes([won[0]]) * 1000


def test_a_probe_leaves_nothing(store: ObjectStore, area: str) -> None:
    before = store.list(limit=1000).objects
    store.probe()
    assert store.list(limit=1000).objects == before


def test_nothing_but_our_errors_comes_out(store: ObjectStore, area: str) -> None:
    """A key that is also a folder of other keys: fine on R2, an error of ours on a disk."""
    store.put(f"{area}/a/b.jpg", b"x", "image/jpeg")
    try:
        store.put(f"{area}/a", b"y", "image/jpeg")
    except PackshotError:
        assert store.head(f"{area}/a") is None
    else:
        assert store.get(f"{area}/a") == b"y"
    assert store.get(f"{area}/a/b.jpg") == b"x"
