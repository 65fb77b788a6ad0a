"""Exports as whoever gets the zip sees them: names, pictures, lists, and what stays behind."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image

from core import clock, export, review
from core.database.engine import writing
from core.database.schema import events, outputs
from core.errors import (
    NotAllowed,
    NotFound,
    NothingToExport,
    OrderRefused,
    StorageUnavailable,
)
from core.export import Plan, Wanted
from core.images import metadata
from core.manifest import COLUMNS, LISTING, NAMES
from core.model import Actor, PhotoRole, Role
from core.studio import Studio
from tests.conftest import BY, Scripted, on_both
from tests.parts.approving import judge, made

Desk = Callable[..., Studio]
BOSS = Actor(id="boss@shop.hk", name="Boss", role=Role.ADMIN)
FIELD = "XMP-iptcExt:DigitalSourceType"


def sent(desk: Studio, plan: Plan) -> zipfile.ZipFile:
    """The whole zip, as a browser has it."""
    return zipfile.ZipFile(io.BytesIO(b"".join(export.stream(desk, plan, by=BY))))


def planned(desk: Studio, keys: list[str], **values: Any) -> Plan:
    return export.plan(desk, Wanted(keys=keys, **values))


def pictures(archive: zipfile.ZipFile) -> list[str]:
    return [name for name in archive.namelist() if name not in NAMES]


def lines(archive: zipfile.ZipFile, name: str = "manifest.csv") -> list[dict[str, str]]:
    text = archive.read(name).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def verbs(desk: Studio) -> list[str]:
    with desk.engine.connect() as connection:
        found = connection.execute(sa.select(events.c.verb).order_by(events.c.id)).scalars().all()
    return [verb for verb in found if verb.startswith("export")]


@on_both
def test_approved_pictures_leave_with_names_lineage_and_origin(desk: Desk, photo: bytes) -> None:
    opened = desk()
    front = made(opened, photo, ["茶-1", "茶-1", "B/2"])
    side = made(opened, photo, ["茶-1"], preset="white_bg_45")
    judge(opened, [*front, *side])
    archive = sent(opened, planned(opened, [*front, *side]))
    assert archive.testzip() is None
    assert pictures(archive) == [
        "B_2_mainPhoto_1.jpg",
        "茶-1_mainPhoto_1.jpg",
        "茶-1_otherProductPhoto_1.jpg",
        "茶-1_otherProductPhoto_2.jpg",
    ]
    found = lines(archive)
    assert tuple(found[0]) == COLUMNS
    with opened.engine.connect() as connection:
        rows = {row.key: row for row in connection.execute(sa.select(outputs))}
    for line in found:
        data = archive.read(line["file"])
        assert metadata.source_type(data) == metadata.TRAINED == line["digital_source_type"]
        assert line["sha256"] == hashlib.sha256(data).hexdigest()
        assert int(line["bytes"]) == len(data)
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == (int(line["width"]), int(line["height"]))
        assert line["source_sha256"] == hashlib.sha256(photo).hexdigest()
        assert line["picture_sha256"] == rows[line["output"]].sha256
        assert "Product photo for an online shop" in line["prompt"]
        known = {
            "exported": "yes", "reviewer": "Mei", "review_note": "good", "preset_version": "1",
            "model": "scripted", "model_version": "s-1", "provider": "gemini", "cost_usd": "0.0336",
            "request_id": "req-1", "exported_by": "local", "reason": "", "ratio": "4:3", "size": "1K",
        }  # fmt: skip
        assert {name: line[name] for name in known} == known
        assert line["source_file"].startswith("photo_")
        assert line["reviewed_at"] and line["made_at"] and line["exported_at"]
    listing = lines(archive, "hktvmall.csv")
    assert tuple(listing[0]) == LISTING
    assert listing[1] == {
        "sku": "茶-1",
        "mainPhoto": "茶-1_mainPhoto_1.jpg",
        "otherProductPhoto[]": "茶-1_otherProductPhoto_1.jpg,茶-1_otherProductPhoto_2.jpg",
        "otherPhoto[]": "",
        "advertisingPhoto": "",
    }
    assert verbs(opened) == ["export.begun", "export.finished"]


@on_both
def test_what_was_exported_is_not_new_to_the_same_person(desk: Desk, photo: bytes) -> None:
    opened = desk()
    keys = made(opened, photo, ["A", "B", "C"])
    before = clock.now()
    judge(opened, keys[:1], at=before - timedelta(days=2))
    judge(opened, keys[1:2])

    def offered(**values: Any) -> list[str]:
        return [item.sku for item in export.plan(opened, Wanted(**values)).items]

    assert offered() == ["A", "B"]
    assert offered(since=before) == ["B"]
    assert offered(sku="b") == ["B"]
    sent(opened, planned(opened, keys[:1]))
    assert offered(new_to="local") == ["B"], "an export by hand takes nothing else with it"
    assert offered(new_to="mei@shop.hk") == ["A", "B"], "each person has her own"
    assert offered() == ["A", "B"]
    judge(opened, keys[:1], "rejected")
    assert offered(new_to="mei@shop.hk") == ["B"]
    judge(opened, keys[:1], at=clock.now())
    assert offered(new_to="local") == ["A", "B"], "approved anew"
    half = export.stream(opened, export.plan(opened, Wanted()), by=BY)
    next(half)
    half.close()
    assert offered(new_to="local") == ["A", "B"], "a download that broke off is none"


@on_both
def test_only_what_is_approved_leaves(desk: Desk, photo: bytes) -> None:
    opened = desk()
    keys = made(opened, photo, ["A", "B"])
    with pytest.raises(NothingToExport):
        list(export.stream(opened, planned(opened, keys), by=BY))
    judge(opened, keys)
    plan = planned(opened, [keys[0], "no-such-key", keys[0], "\ud800\x00"])
    assert [item.key for item in plan.items] == keys[:1]
    assert [left.error.kind for left in plan.left] == ["NotFound", "NotFound"]
    with pytest.raises(NotAllowed):
        export.begin(opened, plan, by=Actor(id="v", name="v", role=Role.VIEWER))
    with pytest.raises(OrderRefused):
        export.plan(opened, Wanted(), channel="no such channel")
    with pytest.raises(NotFound):
        export.resume(opened, "no-such-export")
    assert verbs(opened) == []
    keys += made(opened, photo, ["C"])
    judge(opened, keys)
    begun = export.begin(opened, planned(opened, keys), by=BY)
    judge(opened, keys[1:2], "rejected")
    with writing(opened.engine) as connection:
        gone = sa.update(outputs).where(outputs.c.key == keys[2])
        connection.execute(gone.values(deleted_at=clock.now()))
    archive = sent(opened, begun)
    assert pictures(archive) == ["A_mainPhoto_1.jpg"]
    assert [(line["exported"], line["reason"][:29]) for line in lines(archive)] == [
        ("yes", ""),
        ("no", "This picture is not approved."),
        ("no", "This picture is not here any "),
    ]
    assert [item.sku for item in export.plan(opened, Wanted()).items] == ["A"]
    assert [left.error.kind for left in planned(opened, keys).left] == ["NotFound", "NotApproved"]


@on_both
def test_pictures_that_cannot_leave_are_named_and_the_others_go_on(
    desk: Desk, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = desk()
    keys = made(opened, photo, ["GONE", "OTHER", "BAD", "LOST", "GOOD"])
    judge(opened, keys)
    with writing(opened.engine) as connection:
        rows = {row.key: row for row in connection.execute(sa.select(outputs))}
        gone, other, bad = (rows[key] for key in keys[:3])
        folder = opened.settings.upload_dir
        (folder / gone.object_key).unlink()
        (folder / other.object_key).write_bytes(photo + b"another")
        (folder / bad.object_key).write_bytes(b"\xff\xd8\xff no picture")
        torn = hashlib.sha256(b"\xff\xd8\xff no picture").hexdigest()
        connection.execute(sa.update(outputs).where(outputs.c.key == bad.key).values(sha256=torn))
    plan = export.begin(opened, planned(opened, keys), by=BY, language="zh")
    (missing,) = export.absent(opened, plan)
    assert (missing.key, missing.error.kind) == (keys[0], "ObjectMissing")

    read, number = metadata.source_type, iter(range(9))

    def forgetful(data: bytes) -> str | None:
        return None if next(number) == 1 else read(data)

    # One after another, so that the second that is read back is LOST: a file whose mark did not last.
    monkeypatch.setattr("core.export.AHEAD", 1)
    monkeypatch.setattr(metadata, "source_type", forgetful)
    archive = sent(opened, plan)
    found = {line["sku"]: line for line in lines(archive)}
    assert pictures(archive) == ["GOOD_mainPhoto_1.jpg"]
    assert {sku: line["exported"] for sku, line in found.items()} == {
        "GONE": "no", "OTHER": "no", "BAD": "no", "LOST": "no", "GOOD": "yes"
    }  # fmt: skip
    assert found["GONE"]["reason"] == "已儲存的檔案不存在，未有匯出。請重新生成。"
    assert "來源標記" in found["LOST"]["reason"]
    assert [line["sku"] for line in lines(archive, "hktvmall.csv")] == ["GOOD"]
    outcome = export.outcome(opened, str(plan.key))
    assert outcome.finished_at and outcome.count == 1
    assert {left.error.kind for left in outcome.left} == {
        "ObjectMissing", "ObjectDiffers", "BadImage", "MetadataLost"
    }  # fmt: skip
    assert [item.sku for item in export.plan(opened, Wanted(new_to="local")).items] == [
        "BAD",
        "GONE",
        "LOST",
        "OTHER",
    ], "what stayed behind is offered again"


@on_both
def test_a_store_that_goes_away_leaves_no_zip_that_opens(
    desk: Desk, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = desk()
    keys = made(opened, photo, ["A", "B", "C"])
    judge(opened, keys)
    plan = export.begin(opened, planned(opened, keys), by=BY)
    monkeypatch.setattr("core.export.AHEAD", 1)
    pieces = export.stream(opened, plan, by=BY)
    got = next(pieces)
    with opened.engine.connect() as connection:
        row = connection.execute(sa.select(outputs).where(outputs.c.key == keys[1])).one()
    file = opened.settings.upload_dir / row.object_key
    kept = file.read_bytes()
    file.unlink()
    file.symlink_to(file.name)  # A loop: neither there nor missing.
    with pytest.raises(StorageUnavailable):
        got += b"".join(pieces)
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(got))
    outcome = export.outcome(opened, str(plan.key))
    assert outcome.finished_at is None and outcome.error and outcome.error.kind == "StorageUnavailable"
    file.unlink()
    file.write_bytes(kept)
    again, by = export.resume(opened, str(plan.key))
    assert by.id == "local"
    assert len(pictures(sent(opened, again))) == 3
    assert export.outcome(opened, str(plan.key)).error is None
    assert verbs(opened) == ["export.begun", "export.failed", "export.finished"]


def test_work_and_memory_are_bounded(
    desk: Desk, photo: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = tmp_path / "temporary"
    folders.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folders))
    opened = desk()
    keys = made(opened, photo, [f"S{n:02}" for n in range(12)])
    judge(opened, keys)
    asked: list[str] = []

    class Counting:
        name = opened.store.name

        def get(self, key: str) -> bytes:
            asked.append(key)
            return opened.store.get(key)

    counting = replace(opened, store=Counting())  # type: ignore[arg-type]
    plan = export.begin(opened, planned(opened, keys), by=BY)
    pieces = export.stream(counting, plan, by=BY)
    next(pieces)
    assert len(asked) <= export.AHEAD + 1
    assert list(folders.iterdir())
    pieces.close()
    assert len(asked) <= export.AHEAD + 1, "nobody listens any more"
    assert not list(folders.iterdir())


HOSTILE = [
    "../../etc/passwd", "CON", "con.a", "LPT¹", "a\\b", "=1+1", "-rf", "@SUM(A1)", "＝1", "C:x", "a<b>c|d?*",
    "茶" * 100, "x" * 128, ".", "..", ". .", "a.", "\u200bz", "é", "e\u0301", "É", "🍵", "a,b;c", "#N/A", "~",
    "",
]  # fmt: skip


@on_both
def test_hostile_names_stay_names(desk: Desk, photo: bytes, tmp_path: Path) -> None:
    opened = desk(provider_concurrency=8)
    keys = made(opened, photo, HOSTILE)
    judge(opened, keys)
    archive = sent(opened, planned(opened, keys))
    names = pictures(archive)
    assert len(names) == len(HOSTILE)
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert len(name.encode()) <= 200
        assert name == name.strip(" .") and not set(name) & set('<>:"/\\|?*,;')
        assert name.split(".")[0].rstrip().casefold() not in ("con", "lpt¹")
        assert name[0] not in "=+-@＝"
    out = tmp_path / "out"
    archive.extractall(out)
    assert {path.name for path in out.iterdir()} == {*names, *NAMES}
    for line in lines(archive):
        assert line["file"] in names
        for value in line.values():
            assert value[:1] not in {*"=+-@＝＋－＠\t\r"} or not value, value
    assert {line["sku"] for line in lines(archive)} >= {"'=1+1", "'@SUM(A1)", "'＝1", "'-rf", "茶" * 100}


def test_spreadsheets_open_the_lists(desk: Desk, photo: bytes, tmp_path: Path) -> None:
    import openpyxl
    import pandas

    opened = desk()
    keys = made(opened, photo, ["=cmd|' /C calc'!A0", "#N/A", "007"])
    judge(opened, keys)
    long = "=HYPERLINK(1)\x07\ufffe" + "詞" * 40_000
    with writing(opened.engine) as connection:
        connection.execute(sa.text("UPDATE photos SET prompt = :long"), {"long": long})
    archive = sent(opened, planned(opened, keys))
    archive.extractall(tmp_path)
    raw = archive.read("manifest.csv")
    assert raw.startswith(b"\xef\xbb\xbffile,"), "Excel takes it for UTF-8"
    frame = pandas.read_csv(tmp_path / "manifest.csv", dtype=str, keep_default_na=False)
    assert list(frame.columns) == list(COLUMNS)
    assert frame["prompt"][0] == "'=HYPERLINK(1)\ufffd\ufffd" + "詞" * 40_000
    book = openpyxl.load_workbook(tmp_path / "manifest.xlsx")
    assert book.sheetnames == ["manifest", "hktvmall"]
    kinds = {cell.data_type for sheet in book for row in sheet for cell in row}
    assert kinds <= {"s", "inlineStr", "n"}, "no formula, no error value"
    sheet = pandas.read_excel(tmp_path / "manifest.xlsx", sheet_name=None, keep_default_na=False)
    assert list(sheet["manifest"].columns) == list(COLUMNS)
    assert list(sheet["hktvmall"].columns) == list(LISTING)
    assert list(sheet["manifest"]["sku"]) == list(frame["sku"]) == ["#N/A", "007", "'=cmd|' /C calc'!A0"]
    assert sheet["manifest"]["cost_usd"][0] == 0.0336
    assert len(sheet["manifest"]["prompt"][0]) == 32_767


def test_exiftool_reads_the_origin(desk: Desk, photo: bytes, tmp_path: Path) -> None:
    opened = desk()
    keys = [*made(opened, photo, ["A"]), *made(opened, photo, ["B"], provider="local", model="cutout")]
    judge(opened, keys)
    sent(opened, planned(opened, keys)).extractall(tmp_path)
    words = ["exiftool", "-json", "-n", "-G1", f"-{FIELD}", "-ICC_Profile:ProfileDescription", "-validate"]
    ran = subprocess.run(
        [*words, *sorted(tmp_path.glob("*.jpg"))], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    assert [found[FIELD] for found in json.loads(ran.stdout)] == [metadata.TRAINED, metadata.COMPOSITE]
    assert [found["ExifTool:Validate"] for found in json.loads(ran.stdout)] == ["0 0 0", "0 0 0"]


def test_a_listing_has_one_main_photo(desk: Desk, photo: bytes) -> None:
    opened = desk()
    keys = made(opened, photo, ["A", "A", "a", "B"])
    judge(opened, keys)

    def names(**roles: PhotoRole) -> list[str]:
        chosen = {keys[int(name[1:])]: role for name, role in roles.items()}
        return [item.name for item in planned(opened, keys, roles=chosen).items]

    other = "otherProductPhoto"
    assert names() == ["A_mainPhoto_1.jpg", f"A_{other}_1.jpg", f"a_{other}_2.jpg", "B_mainPhoto_1.jpg"]
    assert names(p1=PhotoRole.MAIN, p3=PhotoRole.ADVERTISING) == [
        f"A_{other}_1.jpg",
        "A_mainPhoto_1.jpg",
        f"a_{other}_2.jpg",
        "B_advertisingPhoto_1.jpg",
    ]
    begun = export.begin(opened, planned(opened, keys, roles={keys[2]: PhotoRole.OTHER}), by=BY)
    resumed, _ = export.resume(opened, str(begun.key))
    assert resumed.items == begun.items


def box() -> bytes:
    """A grained box on white, large enough for every marketplace."""
    picture = Image.new("RGB", (1200, 1200), "white")
    picture.paste(Image.effect_noise((1040, 1040), 25).convert("RGB"), (80, 80))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def noise() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((1200, 1200), 90).convert("RGB").save(out, "PNG")
    return out.getvalue()


def test_pictures_are_fitted_to_a_channel_or_named_with_its_rules(
    desk: Desk, photo: bytes, scripted: Scripted
) -> None:
    opened = desk()
    scripted.script = [box()]
    keys = made(opened, photo, ["GOOD"], ratio="1:1")
    scripted.script = [noise()]
    keys += made(opened, photo, ["NOISE"], ratio="1:1")
    judge(opened, keys)
    begun = export.begin(opened, export.plan(opened, Wanted(keys=keys), channel="taobao"), by=BY)
    archive = sent(opened, begun)
    good, bad = lines(archive)
    assert pictures(archive) == [good["file"]] == ["GOOD_mainPhoto_1.jpg"]
    assert good["channel"] == bad["channel"] == "taobao"
    data = archive.read(good["file"])
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (800, 800) == (int(good["width"]), int(good["height"]))
    assert "800" in good["steps"], "what was done is said"
    assert metadata.source_type(data) == metadata.TRAINED
    assert bad["exported"] == "no" and "Taobao" in bad["reason"]
    assert "background failed" in bad["findings"]
    assert [left.error.kind for left in export.outcome(opened, str(begun.key)).left] == ["ChannelRefused"]
    again = export.plan(opened, Wanted(new_to="local"), channel="taobao")
    assert [item.sku for item in again.items] == ["NOISE"]
    assert len(export.plan(opened, Wanted(new_to="local"), channel="amazon").items) == 2, "for each its own"
    plain = sent(opened, planned(opened, keys))
    assert len(pictures(plain)) == 2


@on_both
def test_an_approval_for_a_channel_counts_there(desk: Desk, photo: bytes, scripted: Scripted) -> None:
    opened = desk()
    scripted.picture = noise()
    keys = made(opened, photo, ["FOR", "ELSE", "OVER"], ratio="1:1")
    judge(opened, keys[:1], channel="taobao")
    judge(opened, keys[1:2], channel="amazon")
    failed = [{"rule": rule, "result": "failed"} for rule in ("background", "bytes")]
    over = {"override": "the client wants it so", "findings": failed}
    judge(opened, keys[2:], channel="taobao", **over)

    def planned_for(**values: Any) -> Plan:
        return export.plan(opened, Wanted(**values), channel="taobao")

    assert (len(planned_for().items), planned_for().approved_for) == (3, 2)
    assert [item.sku for item in planned_for(only_for=True).items] == ["FOR", "OVER"]
    named = planned_for(keys=keys, only_for=True)
    assert [item.sku for item in named.items] == ["FOR", "OVER"]
    assert [(left.key, left.error.data) for left in named.left] == [(keys[1], {"channel": "Taobao / Tmall"})]
    archive = sent(opened, planned_for())
    found = {line["sku"]: line for line in lines(archive)}
    assert pictures(archive) == ["OVER_mainPhoto_1.jpg"], "a rule that blocks gives way to that alone"
    assert found["OVER"]["override"] == "the client wants it so"
    assert "background failed" in found["OVER"]["findings"]
    assert [found[sku]["approved_for"] for sku in ("FOR", "ELSE", "OVER")] == ["taobao", "amazon", "taobao"]


def test_an_approval_that_was_taken_back_counts_no_more(desk: Desk, photo: bytes) -> None:
    opened = desk()
    (key,) = made(opened, photo, ["A"])
    first = review.decide(opened, key, review.Verdict.APPROVED, by=BY)
    amazon = {"channel": "amazon", "override": "the shop asked for it"}
    second = review.decide(opened, key, review.Verdict.APPROVED, by=BOSS, seen=first.id, **amazon)
    wanted = Wanted(only_for=True)
    assert [item.sku for item in export.plan(opened, wanted, channel="amazon").items] == ["A"]
    review.undo(opened, key, by=BOSS, seen=second.id)
    assert export.plan(opened, wanted, channel="amazon").items == ()
    (line,) = lines(sent(opened, planned(opened, [key])))
    assert (line["reviewer"], line["approved_for"], line["override"]) == (BY.name, "", "")
