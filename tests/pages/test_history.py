"""History and its drawer as a visitor reads them."""

from __future__ import annotations

import html
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import generation, views
from core.clock import now
from core.database import walk
from core.database.engine import writing
from core.database.schema import output_tags, outputs, reviews
from core.errors import NoImage
from core.studio import Studio
from pages.ui.results import archive
from tests.conftest import BY, Scripted, finished, order, upload
from tests.pages.conftest import Open, cards, counted, headings, said

Desk = Callable[..., Studio]
NASTY = "*a* <b>b</b> `c` :material/home: $x$ [l](http://l)"


def made(desk: Studio, photo: bytes, skus: list[str], **changes: Any) -> list[str]:
    """One finished picture for each SKU; returns the outputs' keys."""
    uploads = [upload(photo, sku=sku, product_name=f"Cup {sku}") for sku in skus]
    view = finished(desk, generation.submit(desk, uploads, order(**changes), by=BY))
    return [output.key for output in view.outputs]


def captions(app: Any) -> list[str]:
    return [card["caption"] for card in cards(app)]


def test_an_empty_desk_says_so(desk: Desk, page: Open) -> None:
    desk(work=False)
    app = page("history")
    assert "Nothing was made yet" in said(app)
    assert "0 pictures" in said(app)


def test_filters_stand_in_the_link(desk: Desk, page: Open, scripted: Scripted, photo: bytes) -> None:
    opened = desk(provider_concurrency=1)
    made(opened, photo, ["JP-1"])
    made(opened, photo, ["JP-2"], preset="flat_lay")
    scripted.script = [NoImage("no")]
    made(opened, photo, ["HK-3"])
    assert captions(page("history")) == ["Cup HK-3", "Cup JP-2", "Cup JP-1"]
    assert captions(page("history", text="jp")) == ["Cup JP-2", "Cup JP-1"]
    assert captions(page("history", preset="flat_lay")) == ["Cup JP-2"]
    assert captions(page("history", show="failed")) == ["Cup HK-3"]
    assert captions(page("history", show=["failed", "to_review"], text="JP-1")) == ["Cup JP-1"]
    app = page("history", days=["2020-01-01", "2020-01-02"], locale="zh-HK")
    assert "沒有符合的圖片。請清除篩選。" in said(app)
    app.button(key="clear-all").click().run()
    assert len(cards(app)) == 3
    assert "days" not in app.query_params


def test_a_changed_filter_is_written_into_the_link(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk()
    made(opened, photo, ["JP-1", "HK-2"])
    app = page("history", before="999")
    app.text_input(key="text").set_value("HK").run()
    app.button_group(key="show").set_value(["to_review"]).run()
    app.selectbox(key="preset-en").select("white_bg_front").run()
    assert captions(app) == ["Cup HK-2"]
    wanted = {"text": "HK", "show": "to_review", "preset": "white_bg_front"}
    assert {name: app.query_params.get(name) for name in (*wanted, "before")} == wanted | {"before": None}
    app.button_group(key="language").set_value("zh").run()
    assert captions(app) == ["Cup HK-2"], "another language is no other filter"
    app.switch_page("system.py").run()
    app.switch_page("history.py").run()
    assert captions(app) == ["Cup HK-2"]


@pytest.mark.parametrize(
    "link",
    [
        {"show": "nonsense", "days": "xx", "preset": "zzz", "view": "abc", "text": "\x00", "before": "-1"},
        {"days": ["9999-12-31", "0001-01-01"], "after": "9" * 30, "show": ["failed", "failed"]},
        {"days": ["2030-01-01", "2026-01-01", "x"], "before": "1", "text": "%" * 1000},
        {"output": "../../etc"},
        {"output": "\x00'; DROP TABLE outputs; --"},
        {"view": ["table", "gallery"], "show": "<b>", "preset": "\ufffe"},
    ],
)
def test_a_malformed_link_shows_the_page(desk: Desk, page: Open, photo: bytes, link: dict[str, Any]) -> None:
    opened = desk()
    made(opened, photo, ["JP-1"])
    app = page("history", **link)
    assert not app.exception
    assert headings(app)[0] == "History"
    if "output" in link:
        assert "There is no such picture here" in app.error[0].value
        assert "output" not in app.query_params


def test_pages_turn_by_the_link(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk()
    made(opened, photo, ["A"])
    with writing(opened.engine) as connection:
        row = dict(connection.execute(sa.select(outputs)).mappings().one())
        more = [row | {"id": i, "key": f"k{i}", "variant": i} for i in range(2, 101)]
        connection.execute(sa.insert(outputs), more)
    app = page("history")
    numbers = [card["id"] for card in cards(app)]
    assert app.button(key="newer").disabled and not app.button(key="older").disabled
    app.button(key="older").click().run()
    numbers += [card["id"] for card in cards(app)]
    link = dict(app.query_params)
    app.button(key="older").click().run()
    numbers += [card["id"] for card in cards(app)]
    assert len(numbers) == len(set(numbers)) == 100
    assert app.button(key="older").disabled
    app.button(key="newer").click().run()
    assert [card["id"] for card in cards(app)] == numbers[48:96]
    assert [card["id"] for card in cards(page("history", **link))] == numbers[48:96]


def test_the_drawer_opens_by_link_and_escapes(
    desk: Desk, page: Open, scripted: Scripted, photo: bytes
) -> None:
    opened = desk()
    scripted.script = [NoImage(NASTY)]
    uploads = [upload(photo, name=NASTY.replace("/", "_"), sku=NASTY, product_name=NASTY)]
    view = finished(opened, generation.submit(opened, uploads, order(), by=BY))
    app = page("history", output=view.outputs[0].key)
    assert not app.exception
    assert "Only text came back" in app.error[0].value
    for raw in ("*a*", "<b>", ":material/home:", "$x$", "`c`"):
        assert raw not in app.error[0].value
        assert raw not in str(app.table[0].value)
    assert NASTY in view.photos[0].prompt and view.photos[0].prompt in [c.value for c in app.code], (
        "code shows text as is"
    )
    app.run()
    assert app.error, "it stays while the page is drawn again"


def test_an_image_s_name_is_no_html(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk()
    uploads = [upload(photo, product_name='"><script>x</script>')]
    view = finished(opened, generation.submit(opened, uploads, order(), by=BY))
    app = page("history", output=view.outputs[0].key)
    pictures = [element.value for element in app.html if "<img" in element.value]
    assert pictures and html.escape('"><script>x</script>', quote=True) in pictures[0]


def test_run_again_makes_a_task_and_shows_it(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk()
    (key,) = made(opened, photo, ["JP-1"])
    app = page("history", output=key)
    app.button(key="again-now").click().run()
    assert not app.exception
    assert headings(app)[0] == "Generate"
    view = finished(opened, app.query_params["task"])
    assert [p.sku for p in view.photos] == ["JP-1"] and len(view.outputs) == 1


def test_run_again_with_changes_fills_the_page(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk()
    (key,) = made(opened, photo, ["JP-1"], preset="professional_photo", ratio="4:5", style="a red cloth")
    app = page("history", output=key)
    app.button(key="again-changed").click().run()
    assert not app.exception
    assert headings(app)[0] == "Generate"
    assert app.text_area(key="style").value == "a red cloth"
    assert app.selectbox(key="model-en").value == "gemini scripted"
    assert app.button_group(key="ratio").value == "4:5"
    assert "**1 photo × 1 = 1 picture**" in said(app)
    app.button(key="press").click().run()
    view = generation.view(opened, app.query_params["task"])
    assert (view.task.preset, view.task.ratio, view.task.style) == (
        "professional_photo",
        "4:5",
        "a red cloth",
    )
    assert view.photos[0].sku == "JP-1"


def test_the_database_away_is_told_and_the_button_looks_again(
    desk: Desk, page: Open, photo: bytes, tmp_path: Path
) -> None:
    opened = desk(work=False)
    generation.submit(opened, [upload(photo, sku="JP-1", product_name="Cup")], order(), by=BY)
    opened.engine.dispose()
    for path in tmp_path.glob("packshot.db-*"):
        path.unlink()
    file = tmp_path / "packshot.db"
    file.rename(tmp_path / "away.db")
    file.mkdir()
    app = page("history")
    assert not app.exception
    assert "database" in app.error[0].value
    opened.engine.dispose()
    file.rmdir()
    (tmp_path / "away.db").rename(file)
    app.button(key="trouble-again").click().run()
    assert captions(app) == ["Cup"]


def test_few_statements_for_a_rerun(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk()
    made(opened, photo, ["A", "B", "C"])
    app = page("history")
    with counted(opened) as statements:
        app.run()
    # Four for the page; five for what the open filters offer.
    assert len(statements) <= 9, statements


def test_the_table_shows_the_same(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk()
    made(opened, photo, ["JP-1", "JP-2"])
    app = page("history", view="table", locale="zh-HK")
    assert list(app.dataframe[0].value["sku"]) == ["JP-2", "JP-1"]
    assert set(app.dataframe[0].value["state"]) == {"待審核"}


def test_names_in_the_archive_are_harmless(desk: Desk, photo: bytes) -> None:
    opened = desk()
    uploads = [upload(photo, sku="../../etc/x"), upload(photo, sku="豚骨 92g"), upload(photo, name="CON.jpg")]
    view = finished(opened, generation.submit(opened, uploads, order(), by=BY))
    with zipfile.ZipFile(io.BytesIO(archive(view))) as found:
        assert found.namelist() == ["______etc_x_1_1.jpg", "豚骨_92g_2_1.jpg", "CON_3_1.jpg"]
        assert found.read("CON_3_1.jpg") == photo


EVERY = {
    "text": "cup", "show": ["to_review", "failed"], "preset": "white_bg_front", "version": "1",
    "provider": "gemini", "model": "scripted", "operator": "local", "days": ["2020-01-01", "2099-01-01"],
    "cost": ["0.01", "any"], "sort": "oldest", "view": "table", "tag": "moon", "flagged": "yes",
}  # fmt: skip


def test_every_filter_stands_in_the_link_and_in_its_widget(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk()
    made(opened, photo, ["JP-1", "JP-2"])
    with writing(opened.engine) as connection:
        connection.execute(sa.update(outputs).values(flagged=True))
        tagged = sa.select(outputs.c.id, sa.literal("moon"))
        connection.execute(sa.insert(output_tags).from_select(["output_id", "tag"], tagged))
    app = page("history", **EVERY)
    assert not app.exception and not app.error
    assert list(app.dataframe[0].value["sku"]) == ["JP-1", "JP-2"], "oldest first"
    assert app.text_input(key="text").value == "cup"
    assert app.selectbox(key="version-en").value == "1"
    assert app.selectbox(key="operator-en").value == "local"
    assert app.selectbox(key="tag-en").value == "moon" and app.checkbox(key="flagged").value
    assert app.number_input(key="cost_from").value == 0.01
    assert app.selectbox(key="sort-en").value == "oldest"
    app.number_input(key="cost_to").set_value(0.02).run()
    assert "No pictures match" in said(app)
    assert app.query_params["cost"] == ["0.01", "0.02"]
    app.selectbox(key="preset-en").select("flat_lay").run()
    assert "version" not in app.query_params, "a version is of one look"
    app.button(key="clear").click().run()
    assert app.query_params.get("view") == "table" and "cost" not in app.query_params
    assert list(app.dataframe[0].value["sku"]) == ["JP-2", "JP-1"]


def test_what_a_link_gets_wrong_is_left_out_and_said(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk()
    made(opened, photo, ["JP-1"])
    app = page(
        "history", days="soon", cost=["-1", "many"], sort="random", version="x", operator="a\0", text="JP"
    )
    assert "it was left out: Version · Operator · Days · Cost · Order" in said(app).replace("\n", " ")
    assert captions(app) == ["Cup JP-1"]
    app.button_group(key="show").set_value(["to_review"]).run()
    assert "left out" not in said(app) and app.query_params["text"] == "JP"
    app = page("history", text="。！", locale="zh-HK")
    assert "沒有可搜尋的文字" in said(app)


def test_views_are_saved_applied_renamed_and_deleted(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk()
    made(opened, photo, ["JP-1"])
    made(opened, photo, ["HK-2"])
    app = page("history", text="JP", show="to_review")
    app.text_input(key="view-name").set_value("日本").run()
    app.button(key="view-save").click().run()
    assert not app.exception and app.selectbox(key="saved-en").value == "日本"
    other = page("history")
    other.selectbox(key="saved-en").select("日本").run()
    assert captions(other) == ["Cup JP-1"] and other.query_params["text"] == "JP"
    other.text_input(key="view-name").set_value("Japan").run()
    other.button(key="view-rename").click().run()
    assert other.selectbox(key="saved-en").options == ["Japan"]
    app = page("history", text="HK")
    app.text_input(key="view-name").set_value("Japan").run()
    app.button(key="view-save").click().run()
    assert "a saved view named Japan already" in app.warning[0].value
    app.text_input(key="view-name").set_value("  ").run()
    app.button(key="view-save").click().run()
    assert "needs a name" in app.warning[0].value
    app.selectbox(key="saved-en").select("Japan").run()
    app.button(key="view-delete").click().run()
    assert not app.exception and captions(app) == ["Cup JP-1"], "the filters stay"
    assert [view.name for view in views.every(opened, by=BY)] == []


def test_how_far_was_searched_is_said_with_the_way_on(
    desk: Desk, page: Open, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = desk()
    made(opened, photo, ["A"])
    with writing(opened.engine) as connection:
        row = dict(connection.execute(sa.select(outputs)).mappings().one())
        more = [row | {"id": i, "key": f"k{i}", "variant": i} for i in range(2, 6)]
        more += [row | {"id": i, "key": f"k{i}", "variant": i, "model": "other"} for i in range(6, 11)]
        more[4:] = [one | {"preset": "flat_lay"} for one in more[4:]]
        connection.execute(sa.insert(outputs), more)
    monkeypatch.setattr(walk, "CANDIDATES", 4)
    app = page("history", model="scripted", preset="flat_lay")
    assert "Searched back to" in said(app) and "0+ pictures" in said(app)
    assert "No pictures match" not in said(app)
    app.button(key="go-on").click().run()
    assert "No pictures match" in said(app) and app.query_params["before"] == "2"
    app.button(key="newer").click().run()
    assert "Searched" in said(app)


def test_the_drawer_tells_what_happened_and_steps_on(
    desk: Desk, page: Open, scripted: Scripted, photo: bytes
) -> None:
    opened = desk()
    first, second = made(opened, photo, ["JP-1", "JP-2"])
    with writing(opened.engine) as connection:
        (number,) = connection.execute(sa.select(outputs.c.id).where(outputs.c.key == first)).one()
        review = {"key": "r", "output_id": number, "actor": "amy", "verdict": "rejected", "reason": "colour"}
        connection.execute(sa.insert(reviews).values(**review, at=now(), note="<b>標籤</b>"))
    app = page("history", output=first)
    told = next(element.value for element in app.html if "<ol" in element.value)
    order_of = [told.index(word) for word in ("Uploaded", "Asked", "Picture came", "amy")]
    assert order_of == sorted(order_of)
    assert "&lt;b&gt;標籤&lt;/b&gt;" in told and "US$0.0336" in told
    assert not app.button(key="drawer-previous").disabled and app.button(key="drawer-next").disabled
    app.button(key="drawer-previous").click().run()
    assert app.query_params["output"] == second and not app.exception


def test_a_result_is_used_as_input(desk: Desk, page: Open, photo: bytes) -> None:
    opened = desk()
    (key,) = made(opened, photo, ["JP-1"])
    app = page("history", output=key)
    app.button(key="as-input").click().run()
    assert not app.exception and headings(app)[0] == "Generate"
    assert "**1 photo × 1 = 1 picture**" in said(app)
    app.button(key="press").click().run()
    view = finished(opened, app.query_params["task"])
    assert (view.photos[0].sku, view.photos[0].original_name) == ("JP-1", "JP-1_1_1.jpg")
    app.switch_page("history.py").run()
    assert headings(app)[0] == "History", "it is left once"
