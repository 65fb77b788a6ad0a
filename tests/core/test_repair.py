"""Whatever happened to a store, and the command that sets it right."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from PIL import Image

from core import reconcile, repair
from core.settings import load_settings
from core.studio import open_studio
from tests.browser import ROOT, environment
from tests.conftest import BY, Scripted
from tests.differing import file_of, found, lose_end, made, put, row, task_key


def _small() -> bytes:
    made = io.BytesIO()
    Image.linear_gradient("L").resize((256, 192)).convert("RGB").save(made, "JPEG")
    return made.getvalue()


SMALL = _small()


def test_the_command_says_and_fixes(tmp_path: Path, photo: bytes) -> None:
    values = {"DATABASE_URL": f"sqlite:///{tmp_path / 'packshot.db'}", "UPLOAD_DIR": str(tmp_path / "media")}
    file = tmp_path / "cup.jpg"
    file.write_bytes(photo)

    def run(*arguments: str) -> tuple[int, Any, str]:
        done = subprocess.run(
            [sys.executable, "-m", "core", *arguments],
            cwd=ROOT,
            env=environment(tmp_path, **values),
            capture_output=True,
            text=True,
        )
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    assert run("generate", str(file), "--preset", "white_bg_front", "--json")[0] == 0
    code, clean, _ = run("reconcile", "--json", "--deep")
    assert (code, clean["objects"], clean["left"]) == (0, 4, 0)
    for thumb in (tmp_path / "media" / "thumb").rglob("*.webp"):
        thumb.unlink()
    code, _, said = run("reconcile")
    assert code == 1 and "Thumbnails or heat maps missing: 2" in said and "photo_thumb 1" in said
    code, fixed, _ = run("reconcile", "--fix", "--json")
    assert (code, fixed["left"], fixed["differences"]["thumb"]["fixed"]) == (0, 0, 2)
    assert run("reconcile", "--json")[0] == 0
    assert run("reconcile", "--anyway")[0] == 2
    assert run("reconcile", "--nonsense")[0] == 2


ACTS = some.lists(
    some.tuples(
        some.sampled_from(["lose", "cut", "thumb", "orphan", "young", "end", "photo"]),
        some.integers(0, 3),
    ),
    max_size=8,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_whatever_happened_no_row_lies_after(scripted: Scripted, acts: list[tuple[str, int]]) -> None:
    scripted.picture = SMALL
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        configured = load_settings(
            database_url=f"sqlite:///{folder}/packshot.db",
            upload_dir=Path(folder) / "media",
            app_secret="a secret for tests",
        )
        opened = stack.enter_context(open_studio(configured, providers={"gemini": scripted}))
        outputs = made(opened, SMALL, 4)
        young = []
        for act, number in acts:
            output = outputs[number]
            path = file_of(opened, output.object_key)
            if act == "lose":
                path.unlink(missing_ok=True)
            elif act == "cut" and path.exists():
                path.write_bytes(SMALL[: len(SMALL) // 2])
            elif act == "thumb":
                opened.store.delete([output.thumb_key or ""])
            elif act == "orphan":
                put(opened, f"thumb/gone/{number}.webp")
            elif act == "young":
                young.append(put(opened, f"input/new/{number}.jpg", age=timedelta(minutes=1)))
            elif act == "end":
                lose_end(opened, output)
            elif act == "photo":
                opened.store.delete(
                    [item.key for item in opened.store.list(f"input/{task_key(opened)}/").objects]
                )
        repair.fix(opened, by=BY, deep=True, anyway=True)
        again = reconcile.compare(opened, deep=True)
        assert again.left == 0, found(again)
        for output in outputs:
            now = row(opened, output)
            if now.state == "succeeded":
                assert opened.store.get(now.object_key) == SMALL
                assert opened.store.head(now.thumb_key)
            else:
                assert now.error_kind
        assert all(opened.store.head(key) for key in young)
