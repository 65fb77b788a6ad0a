"""The house plan: what may import what, and what stands where."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from core import language
from core.database.migrate import HEAD
from core.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
MODULES = [ROOT / "app.py", *sorted((ROOT / "core").rglob("*.py")), *sorted((ROOT / "pages").rglob("*.py"))]
HEAVY = {"cv2", "skimage", "pandas", "alembic", "celery", "openpyxl", "pillow_heif"}
ONLY_IN = {
    "streamlit": ("app.py", "pages"),
    "sqlalchemy": ("core/database",),
    "alembic": ("core/database",),
    "boto3": ("core/storage/r2.py",),
    "botocore": ("core/storage/r2.py", "core/storage/presigned.py"),
    "httpx": ("core/providers", "core/storage", "core/people.py"),
    "pandas": ("core/history.py", "core/batch.py", "core/insights.py"),
}


def imports(path: Path) -> list[tuple[str, bool, bool]]:
    """(module, at the top level, for type checking only)"""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            typing |= {child for part in node.body for child in ast.walk(part)}
    found = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        found += [(name, node in tree.body, node in typing) for name in names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_keeps_to_its_room(path: Path) -> None:
    where = path.relative_to(ROOT).as_posix()
    for name, top, typing in imports(path):
        package = name.split(".")[0]
        if package in ONLY_IN and not typing:
            assert where.startswith(ONLY_IN[package]), f"{where} imports {package}"
        if where.startswith("core"):
            assert not name.startswith("pages"), f"{where} looks up to pages"
            migration = where.startswith("core/database/migrations")
            assert package not in HEAVY or not top or migration, f"{package} at the top of {where}"
    # The tree of errors stands in one file, a class for each reason: a list, however long.
    listed = "__main__" in where or where == "core/errors.py"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 290 or listed


def test_the_stylesheet_names_whole_classes() -> None:
    """By a part of a name, a browser looks through the page whenever any class changes: at each click."""
    assert "[class*=" not in (ROOT / "pages" / "ui" / "shell.css").read_text(encoding="utf-8")


def test_the_lowest_rooms_look_nowhere() -> None:
    for name, allowed in (("model", set()), ("errors", {"core.model"})):
        for module, _, _ in imports(ROOT / "core" / f"{name}.py"):
            if module.startswith("core"):
                assert any(module.startswith(a) for a in allowed), module
    for folder in ("storage", "providers", "images", "database"):
        for path in (ROOT / "core" / folder).rglob("*.py"):
            for module, _, typing in imports(path):
                if module.startswith("core.") and not typing:
                    below = ("core.model", "core.errors", "core.settings", "core.clock", "core.search")
                    shared = ("core.images", "core.storage", "core.providers", f"core.{folder}")
                    assert module.startswith((*below, *shared)), f"{path} imports {module}"


def test_only_what_belongs_stands_at_the_top() -> None:
    allowed = {
        "app.py", "pages", "core", "tests", "requirements.txt", "README.md", "dev.py", "pyproject.toml",
        "docs", "Dockerfile", "compose.yaml", "LICENSE", "var",
    }  # fmt: skip
    assert {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} <= allowed | {
        "__pycache__"
    }


def test_old_pythons_can_read_the_sentence() -> None:
    ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"), feature_version=(3, 7))


def test_both_languages_have_every_word() -> None:
    english, chinese = (language.read_catalogue(name) for name in ("en", "zh_Hant_HK"))
    keys = [{str(m.id) for m in catalogue if m.id} for catalogue in (english, chinese)]
    assert keys[0] == keys[1]
    for catalogue in (english, chinese):
        for message in catalogue:
            texts = message.string if isinstance(message.string, tuple) else (message.string,)
            assert not message.id or all(texts), f"{message.id} has no text"
            assert not message.fuzzy or not message.id
    for message in chinese:
        if message.id and isinstance(message.string, str):
            assert not any(mark in message.string for mark in ("里面", "这", "裡")), message.string


def test_no_word_stands_twice() -> None:
    for name in ("en", "zh_Hant_HK"):
        path = ROOT / "core/locale" / name / "LC_MESSAGES/packshot.po"
        keys = re.findall(r'^msgid "(.+)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
        assert [key for key, times in Counter(keys).items() if times > 1] == []


def test_every_error_has_its_words() -> None:
    from core import errors

    words = language.words("zh")
    kinds = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.PackshotError)]
    groups = {kind.__mro__[1] for kind in kinds}
    for kind in kinds:
        if kind not in groups:
            assert f"error.{kind.__name__}.title" in words, kind
            assert f"error.{kind.__name__}.say" in words, kind


def test_every_setting_is_documented() -> None:
    documented = {
        line.split("=")[0].lstrip("# ")
        for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
        if "=" in line
    }
    assert {name.upper() for name in Settings.model_fields} == documented


def test_the_newest_migration_is_known() -> None:
    versions = sorted(path.stem[:4] for path in (ROOT / "core/database/migrations/versions").glob("0*.py"))
    assert versions[-1] == HEAD


def test_tests_run_with_what_the_desk_runs_with() -> None:
    pins = [
        set(re.findall(r"^[a-z0-9_.\[\]-]+==\S+", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("requirements.txt", "tests/requirements.txt")
    ]
    assert pins[0] - pins[1] == set()
