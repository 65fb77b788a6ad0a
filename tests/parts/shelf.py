"""A million outputs as a desk has them after a year, with their search index, written in bulk."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from core.database.engine import make_engine
from core.database.migrate import migrate
from core.database.url import normal
from core.search import folded, search_tokens

END = datetime(2026, 11, 25, 4, tzinfo=UTC)
DAYS = 400
KINDS = (
    ("RMN", "拉麵", "ラーメン", "ramen"),
    ("SOY", "醬油", "しょうゆ", "soy sauce"),
    ("MTC", "抹茶", "抹茶", "matcha"),
    ("MCH", "大福", "もち", "mochi"),
    ("SNB", "仙貝", "せんべい", "senbei"),
    ("UDN", "烏冬", "うどん", "udon"),
    ("CRY", "咖喱", "カレー", "curry"),
    ("MIS", "味噌", "みそ", "miso"),
    ("TEA", "煎茶", "緑茶", "green tea"),
    ("SAK", "清酒", "日本酒", "sake"),
    ("PLM", "梅子", "梅干し", "plum"),
    ("RIC", "米餅", "おかき", "rice cracker"),
)
"""The code in a SKU, and the name in three languages."""
TASTES = ("豚骨", "特級", "北海道", "宇治", "草莓", "辛口", "有機", "京都", "柚子", "黑糖", "濃厚", "無添加")
STYLES = (
    "warm morning light",
    "和風木桌，柔和自然光",
    "on a marble table",
    "夏祭り、提灯の光",
    "studio, soft shadow",
)
PRESETS = ("white_bg_front", "professional_photo", "lifestyle_scene", "flat_lay", "in_use", "white_bg_45",
           "seasonal", "group_bundle", "white_bg_topview")  # fmt: skip
MODELS = (("gemini", "gemini-nano-banana-2.1", 36_882), ("gateway", "nano-banana-2", 33_600),
          ("openai", "gpt-image-2", 52_000), ("local", "cutout", 0))  # fmt: skip
NOTES = ("標籤文字有錯", "colour is off", "ロゴが違う", "cropped too tight")
PHOTOS, VARIANTS = 4, 4
_AT_ONCE = 5_000
"""Tasks of one batch."""

Batch = dict[str, list[dict[str, Any]]]


def batches(outputs: int, *, seed: int = 11) -> Iterator[Batch]:
    """Rows by table, oldest first: four photos of a task, four outputs of a photo."""
    random = Random(seed)
    tasks = outputs // (PHOTOS * VARIANTS)
    made: Batch = {name: [] for name in ("tasks", "photos", "outputs", "search_texts")}
    for task in range(1, tasks + 1):
        _task(random, task, END - timedelta(days=DAYS) * (1 - task / tasks), task / tasks, made)
        if task % _AT_ONCE == 0 or task == tasks:
            yield made
            made = {name: [] for name in made}


def _task(random: Random, task: int, at: datetime, age: float, made: Batch) -> None:
    preset = PRESETS[min(int(random.expovariate(0.45)), len(PRESETS) - 1)]
    version = 1 + int(age * 2.99)
    provider, model, cost = random.choices(MODELS, (55, 30, 10, 5))[0]
    who = f"user-{min(int(random.expovariate(0.4)), 11)}@shop.hk"
    style = random.choice(STYLES) if random.random() < 0.3 else ""
    made["tasks"].append({
        "id": task, "key": _key(random), "created_at": at, "created_by": who, "preset": preset,
        "preset_version": version, "style": style, "ratio": "1:1", "size": "1K", "outputs": VARIANTS,
        "provider": provider, "model": model, "parameters": "{}", "unpriced_ok": False,
    })  # fmt: skip
    for position in range(1, PHOTOS + 1):
        photo = (task - 1) * PHOTOS + position
        item = min(int(random.paretovariate(0.6)), 20_000)
        code, chinese, japanese, english = KINDS[item % len(KINDS)]
        taste = TASTES[item // 12 % len(TASTES)]
        if 0.75 < age < 0.8 and random.random() < 0.3:
            code, chinese, japanese, english = (
                "MCK",
                "月餅",
                "月餅",
                "mooncake",
            )  # A season's, and no other's.
        name = (f"{taste}{chinese} {item % 900 + 50} 克", f"{taste}{japanese} {item % 900 + 50}g",
                f"{english} {item % 900 + 50} g")[item // 12 % 3]  # fmt: skip
        sku, file = f"JP-{code}-{item:05}", f"IMG_{photo % 10_000:04}.jpg"
        made["photos"].append({
            "id": photo, "key": _key(random), "task_id": task, "position": position, "sku": sku,
            "product_name": name, "prompt": f"Photograph {name} on plain white. {style}", "store": "folder",
            "object_key": f"input/{task}/{photo}.jpg", "thumb_key": f"thumb/{task}/{photo}.webp",
            "width": 1600, "height": 1200, "bytes": 410_000, "sha256": f"{photo:064x}", "flattened": False,
            "original_name": file, "original_type": "image/jpeg", "original_bytes": 2_410_000,
            "original_sha256": f"{photo:064x}",
        })  # fmt: skip
        text = "\n".join((sku, name, file, style))
        found = (folded(text), search_tokens(text))
        for variant in range(1, VARIANTS + 1):
            number = (photo - 1) * VARIANTS + variant
            row = _output(random, number, at, age, cost)
            row |= {
                "task_id": task,
                "photo_id": photo,
                "variant": variant,
                "provider": provider,
                "model": model,
            }
            row |= {"preset": preset, "preset_version": version, "created_by": who}
            made["outputs"].append(row)
            words = found
            if row["review"] == "rejected" and random.random() < 0.15:
                noted = f"{text}\n{random.choice(NOTES)}"
                words = (folded(noted), search_tokens(noted))
            made["search_texts"].append({"output_id": number, "text": words[0], "words": words[1]})


def _output(random: Random, number: int, at: datetime, age: float, cost: int) -> dict[str, Any]:
    state = random.choices(("succeeded", "failed", "blocked", "unknown"), (930, 42, 18, 10))[0]
    made = state == "succeeded"
    judged = random.choices(("approved", "rejected", "to_review"), (70, 15, 15 if age < 0.97 else 400))[0]
    key = _key(random)
    return {
        "id": number, "key": key, "state": state, "review": judged if made else "to_review", "checks": "done",
        "store": "folder", "request_key": "", "attempts": 1, "created_at": at, "started_at": at,
        "finished_at": at + timedelta(seconds=9), "notes": "{}", "error_data": "{}",
        "error_kind": None if made else "NoImage", "object_key": f"generated/1/{key}.png" if made else None,
        "thumb_key": f"thumb/1/{key}.webp" if made else None, "content_type": "image/png" if made else None,
        "width": 1024 if made else None, "height": 1024 if made else None,
        "bytes": 1_300_000 if made else None,
        "cost_micros": cost + (random.randrange(-900, 900) if cost else 0) if made else None,
        "latency_ms": 9_000 if made else None,
        "deleted_at": at + timedelta(days=1) if random.random() < 0.005 else None,
    }  # fmt: skip


def _key(random: Random) -> str:
    return str(uuid.UUID(int=random.getrandbits(128)))


def fill(url: str, outputs: int) -> None:
    """Fill a database that was just migrated; indexes are made after the rows."""
    (_fill_sqlite if url.startswith("sqlite") else _fill_postgres)(url, outputs)


def fresh(url: str) -> None:
    engine = make_engine(normal(url, Path()), pool_size=1)
    migrate(engine)
    engine.dispose()


def _fill_sqlite(url: str, outputs: int) -> None:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -400000")
    asked = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN "
    indexes = connection.execute(asked + "('tasks', 'photos', 'outputs')").fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    for batch in batches(outputs):
        connection.execute("BEGIN")
        for name, rows in batch.items():
            if name == "search_texts":
                for row in rows:
                    row["words"] = f" {' '.join(row['words'])} "
                say = [(row["output_id"], row["words"]) for row in rows]
                connection.executemany("INSERT INTO search_words (rowid, words) VALUES (?, ?)", say)
            columns = list(rows[0])
            marks = ", ".join("?" * len(columns))
            insert = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
            connection.executemany(insert, ([_plain(row[c]) for c in columns] for row in rows))
        connection.execute("COMMIT")
    for _, statement in indexes:
        connection.execute(statement)
    connection.close()


def _plain(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


def _fill_postgres(url: str, outputs: int) -> None:
    with psycopg.connect(url) as connection:
        asked = """SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
            AND indexname LIKE 'ix_%' AND tablename IN ('tasks', 'photos', 'outputs', 'search_texts')"""
        indexes = connection.execute(asked).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")  # type: ignore[arg-type]
        for batch in batches(outputs):
            for name, rows in batch.items():
                _copy(connection, name, rows)
            connection.commit()
        for _, statement in indexes:
            connection.execute(statement)
        for name in ("tasks", "photos", "outputs"):
            connection.execute(f"SELECT setval('{name}_id_seq', (SELECT max(id) FROM {name}))")  # type: ignore[arg-type]  # noqa: S608
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _copy(connection: psycopg.Connection[Any], name: str, rows: Sequence[dict[str, Any]]) -> None:
    columns = list(rows[0])
    statement = f"COPY {name} ({', '.join(columns)}) FROM STDIN"
    with connection.cursor().copy(statement) as copy:  # type: ignore[arg-type]
        for row in rows:
            if name == "search_texts":
                row["words"] = " ".join(f"'{word}'" for word in row["words"])
            copy.write_row([row[c] for c in columns])
