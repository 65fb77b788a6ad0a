"""System as a visitor reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.studio import Studio
from tests.pages.conftest import Open, said

Desk = Callable[..., Studio]


def test_all_is_well(desk: Desk, page: Open) -> None:
    desk(work=False)
    app = page("system")
    assert not app.exception
    assert "**All is well.** Checked" in said(app)
    assert "The folder can be read" in said(app)


def test_a_problem_comes_first_with_its_remedy(desk: Desk, page: Open, tmp_path: Path) -> None:
    desk(work=False).engine.dispose()
    (tmp_path / "packshot.db").write_bytes(b"no database at all" * 100)
    for path in tmp_path.glob("packshot.db-*"):
        path.unlink()
    app = page("system", locale="zh-HK")
    assert not app.exception
    text = said(app)
    assert "個問題" in text
    heads = [m.value for m in app.markdown if "material/" in m.value and "**" in m.value]
    assert ":red[" in heads[0] and ":green[" in heads[-1]
    assert "資料庫檔案損壞或不是資料庫，未有更改。請還原備份" in text


def test_the_write_test_is_a_press(desk: Desk, page: Open, tmp_path: Path) -> None:
    desk(work=False)
    app = page("system")
    assert "Write test" not in [m.value for m in app.markdown]
    app.button(key="write").click().run()
    assert not app.exception
    assert any("**Write test**" in m.value for m in app.markdown)
    assert [path for path in (tmp_path / "media").rglob("*") if path.is_file()] == []
