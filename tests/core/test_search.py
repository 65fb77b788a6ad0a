"""Text search: the same answers on both databases, and never an error, whatever is typed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import history
from core.clock import now
from core.database import schema, search
from core.database.engine import reading, writing
from core.history import Filter
from core.search import folded, question, search_tokens
from core.studio import Studio
from tests.conftest import on_both
from tests.database.rows import add_task

Desk = Callable[..., Studio]
SIGNS = "豚骨拉麵抹茶大福もちラーメンｶﾞせ々〇ーab1éß2-_ ・\n"
TEXTS = st.text(st.sampled_from(SIGNS), max_size=12)


def found(desk: Studio, text: str) -> list[int]:
    return [entry.id for entry in history.page(desk, Filter(text=text)).entries]


def told(text: str, row: str) -> bool:
    """What a question means, said plainly: each word is there, or its beginning; each run in one piece."""
    asked = question(text)
    tokens = set(search_tokens(row))
    return bool(
        asked
        and tokens.issuperset(asked.words)
        and all(any(token.startswith(one) for token in tokens) for one in asked.beginnings)
        and all(run in folded(row) for run in asked.runs)
    )


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("JP-RMN-0092", ("jp", "rmn", "0092")),
        ("豚骨拉麵 92g", ("豚", "骨", "拉", "麵", "豚骨", "骨拉", "拉麵", "92g")),
        ("茶", ("茶",)),
        ("ﾗｰﾒﾝ", ("ラ", "ー", "メ", "ン", "ラー", "ーメ", "メン")),
        ("ＡＢＣ Straße 𠮷野家", ("abc", "strasse", "𠮷", "野", "家", "𠮷野", "野家")),
        ("IMG_2041.jpg", ("img", "2041", "jpg")),
        ("500ml入り", ("500ml", "入", "り", "入り")),
        ("\0\ud800 !?「」・，", ()),
        ("x" * 70, ("x" * 64,)),
    ],
)
def test_text_is_taken_apart(text: str, tokens: tuple[str, ...]) -> None:
    assert search_tokens(text) == tokens


@on_both
def test_every_text_that_was_written_is_found(desk: Desk) -> None:
    opened = desk(work=False)
    engine = opened.engine
    (ramen,) = add_task(engine, outputs=1, sku="JP-RMN-0092", product_name="豚骨ラーメン 92 克")
    (soy,) = add_task(engine, outputs=1, sku="JP-SOY-0500", product_name="丸大豆醬油", style="on a 木 table")
    (other,) = add_task(engine, outputs=1, product_name="ラーメンと豚。骨")
    for text, ids in {
        "豚": [other, ramen], "豚骨": [ramen], "骨": [other, ramen], "ラーメン": [other, ramen],
        "豚骨ラーメン": [ramen], "rmn": [ramen], "jp-rm": [], "JP RMN 0092": [ramen], "JP-S": [],
        "soy": [soy],         "0500 醬油": [soy], "醬油 0500 rmn": [], "木": [soy], "tab": [soy], "able": [],
        "ﾗｰﾒﾝ": [other, ramen],
        "cup.jpg": [other, soy, ramen], "p": [], "!!!": [],
    }.items():  # fmt: skip
        assert found(opened, text) == ids, text
    with writing(engine) as connection:
        review = {"output_id": soy, "at": now(), "actor": "a", "verdict": "rejected", "key": "r"}
        connection.execute(sa.insert(schema.reviews).values(**review, note="標籤有錯字"))
        search.reindex(connection, [soy, ramen, soy])
    assert found(opened, "標籤有錯字") == [soy]
    with writing(engine) as connection:
        connection.execute(sa.delete(schema.reviews))
        search.reindex(connection, [soy])
        search.forget(connection, [other])
    assert found(opened, "標籤有錯字") == [] and found(opened, "ラーメン") == [ramen]


@on_both
@pytest.mark.parametrize(
    "text",
    ['"', "'", "' OR 1=1 --", "a AND", "NOT b", "NEAR(a b)", "a* b*", "*", "(", ":*", "a:b", "& | !", "%",
     "_", "\\", "\0",
     "a\0b", "\ud800", "x" * 5_000, "字" * 5_000, "a " * 3_000, "{}[]^$", "-a", "{words}: x"],
)  # fmt: skip
def test_a_hostile_text_is_only_text(desk: Desk, text: str) -> None:
    opened = desk(work=False)
    add_task(opened.engine, outputs=1, product_name="nothing like it")
    assert found(opened, text) == []
    assert history.count(opened, Filter(text=text)).number == 0
    for sort in history.Sort:
        history.page(opened, Filter(text=text, preset="white_bg_front", sort=sort), after=1)


@on_both
def test_both_databases_give_what_the_words_mean(desk: Desk) -> None:
    opened = desk(work=False)
    rows: dict[int, str] = {}

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(name=TEXTS, sku=TEXTS, asked=TEXTS, start=st.integers(0, 8), length=st.integers(1, 6))
    def look(name: str, sku: str, asked: str, start: int, length: int) -> None:
        (number,) = add_task(opened.engine, outputs=1, sku=sku, product_name=name)
        rows[number] = "\n".join((sku, name, "cup.jpg", ""))
        for text in filter(str.strip, (asked, name[start : start + length])):
            wanted = sorted((n for n, row in rows.items() if told(text, row)), reverse=True)
            assert found(opened, text) == wanted[:48], text
            if question(text):
                assert history.count(opened, Filter(text=text)) == history.Count(
                    number=len(wanted), exact=True
                )

    look()
    with reading(opened.engine) as connection:
        kept = connection.execute(sa.select(schema.search_texts.c.output_id)).scalars().all()
    assert sorted(kept) == sorted(rows)
