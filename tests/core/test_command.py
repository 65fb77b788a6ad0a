"""The command line as a shell runs it: real processes on a temporary database and folder."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from core.__main__ import app
from tests.browser import environment
from tests.parts.model_rules import FACTS, TEXT
from tests.parts.models import KEY, ModelServer, Reply, chat_answer

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(house: Path, tmp_path: Path) -> Run:
    def ran(*words: Any, stdin: str = "", **values: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "core", *map(str, words)],
            cwd=house,
            env=environment(tmp_path, NO_COLOR="1", COLUMNS="200", **values),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return ran


def stored(folder: Path) -> list[str]:
    return [path.name for path in (folder / "media").rglob("*") if path.is_file()]


def tasks(folder: Path) -> int:
    with sqlite3.connect(folder / "packshot.db") as connection:
        found = int(connection.execute("SELECT count(*) FROM tasks").fetchone()[0])
    connection.close()
    return found


def test_photos_become_pictures_that_are_shown_and_found(run: Run, tmp_path: Path, cup: Path) -> None:
    other = tmp_path / "茶 杯.jpg"
    other.write_bytes(cup.read_bytes())
    made = run("generate", cup, other, "--preset", "white_bg_front", "--outputs", 2, "--sku", "A1", "--json")
    assert made.returncode == 0, made.stderr
    (line,) = made.stdout.splitlines()
    answer = json.loads(line)
    assert [(o["photo"], o["variant"], o["state"]) for o in answer["outputs"]] == [
        ("cup.jpg", 1, "succeeded"),
        ("cup.jpg", 2, "succeeded"),
        ("茶 杯.jpg", 1, "succeeded"),
        ("茶 杯.jpg", 2, "succeeded"),
    ]
    assert "4 ready" in made.stderr
    for output in answer["outputs"]:
        assert (tmp_path / "media" / output["object_key"]).read_bytes()[:2] == b"\xff\xd8"
    shown = run("show", answer["task"], "--json")
    assert (shown.returncode, json.loads(shown.stdout)) == (0, answer)
    found = json.loads(run("history", "--text", "A1", "--json").stdout)
    assert {entry["task_key"] for entry in found} == {answer["task"]}
    assert json.loads(run("history", "--text", "B2", "--json").stdout) == []
    words = run("history", "--limit", 1)
    assert (words.stdout, len(words.stderr.splitlines())) == ("", 1)
    again = run("retry", answer["task"], "--json")
    assert (again.returncode, json.loads(again.stdout)) == (0, answer)
    assert "0 asked for again" in again.stderr


def test_a_picture_is_judged_and_wrong_words_change_nothing(run: Run, cup: Path) -> None:
    made = run("generate", cup, "--preset", "white_bg_front", "--outputs", 1, "--json")
    key = json.loads(made.stdout)["outputs"][0]["key"]
    done = run("review", key, "reject", "--reason", "label_text", "--note", "字體不同", "--json")
    assert done.returncode == 0, done.stderr
    kept = json.loads(done.stdout)
    assert (kept["verdict"], kept["reason"], kept["note"]) == ("rejected", "label_text", "字體不同")
    (entry,) = json.loads(run("history", "--json").stdout)
    assert entry["review"] == "rejected"
    words = run("review", key, "approve")
    assert (words.returncode, words.stdout, words.stderr) == (0, "", "Approved\n")
    for wrong, code, said in (
        (("nothing", "approve"), 1, "Not found: There is no such picture here: nothing."),
        ((key, "perhaps"), 2, "perhaps"),
        ((key, "approve", "--reason", "crop"), 2, "--reason"),
        ((key, "reject", "--reason", "ugly"), 2, "ugly"),
        ((key, "reject", "--note", "x" * 2001), 1, "2,000"),
    ):
        refused = run("review", *wrong)
        assert (refused.returncode, refused.stdout) == (code, ""), refused.stderr
        assert said in refused.stderr.replace("2000", "2,000"), refused.stderr
    (entry,) = json.loads(run("history", "--json").stdout)
    assert entry["review"] == "approved"


def test_refused_photos_are_named_and_nothing_is_kept(run: Run, tmp_path: Path, cup: Path) -> None:
    from PIL import Image

    text, short, moving = (tmp_path / name for name in ("notes.jpg", "short.jpg", "moving.png"))
    text.write_text("hello")
    short.write_bytes(cup.read_bytes()[:3000])
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "blue")]
    frames[0].save(moving, save_all=True, append_images=frames[1:])
    for file, sentence in (
        (text, "Not an image: notes.jpg is not an image."),
        (short, "Damaged: short.jpg is damaged or was cut off."),
        (moving, "Moving picture: moving.png has several frames."),
    ):
        done = run("generate", cup, file, "--preset", "white_bg_front", "--json")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(sentence)
    large = run("generate", cup, "--preset", "white_bg_front", MAX_UPLOAD_MB="0.001")
    assert (large.returncode, large.stderr.split(". ")[0]) == (1, "Too large: cup.jpg is over 0.001 MB")
    assert stored(tmp_path) == []
    assert tasks(tmp_path) == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--preset", "nope"], "“nope” can't be used for preset."),
        (["--preset", "white_bg_front", "--provider", "nope"], "“nope” can't be used for provider."),
        (["--preset", "white_bg_front", "--model", "nope"], "“nope” can't be used for model."),
        (["--preset", "white_bg_front", "--sku", "x" * 129], "sku has 129 characters, at most 128 are kept."),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(
    run: Run, tmp_path: Path, cup: Path, words: list[str], sentence: str
) -> None:
    done = run("generate", cup, *words)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert (stored(tmp_path), tasks(tmp_path)) == ([], 0)


def test_wrong_use_ends_with_two(run: Run, tmp_path: Path, cup: Path) -> None:
    assert run("draw").returncode == 2
    assert run().returncode == 2
    for words, said in (
        (["draw"], "No such command 'draw'"),
        (["generate", cup], "Missing option '--preset'"),
        (["generate", "--preset", "white_bg_front"], "Missing argument"),
        (["generate", tmp_path / "gone.jpg", "--preset", "p"], "does not exist"),
        (["generate", tmp_path, "--preset", "p"], "is a directory"),
        (["generate", cup, "--preset", "p", "--outputs", "11"], "--outputs"),
        (["history", "--limit", "0"], "--limit"),
    ):
        done = CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "200"})
        assert done.exit_code == 2, words
        assert said in done.stderr


def test_a_photo_that_may_not_be_read_is_named(
    house: Path, tmp_path: Path, cup: Path, as_somebody: list[str]
) -> None:
    cup.chmod(0)
    done = subprocess.run(
        [*as_somebody, sys.executable, "-m", "core", "generate", str(cup), "--preset", "white_bg_front"],
        cwd=house,
        env=environment(tmp_path, NO_COLOR="1", COLUMNS="200"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "is not readable" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_task_is_a_sentence(run: Run) -> None:
    for command, key in (("show", "nope"), ("retry", "x" * 5000), ("show", os.fsdecode(b"\xff"))):
        done = run(command, key, "--json")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("Not found: There is no such task here")


def test_a_file_name_cannot_speak_to_the_terminal(run: Run, tmp_path: Path, cup: Path) -> None:
    names = ["a\x1b[31m\nb\x9b2J\x7f.jpg", "left\u202egpj.exe", os.fsdecode(b"bad\xff.jpg")]
    files = [tmp_path / name for name in names]
    for file in files:
        file.write_bytes(cup.read_bytes())
    made = run("generate", *files, "--preset", "white_bg_front", "--sku", "S\x1b[2J")
    assert made.returncode == 0, made.stderr
    told = made.stderr + run("history").stderr + run("history", "--json").stdout
    assert told.isprintable() or not set(told) & {"\x1b", "\x9b", "\x7f", "\u202e", "\r"}
    assert len(told.splitlines()) == len(made.stderr.splitlines()) + len(names) + 1
    broken = tmp_path / names[0].replace("a", "b", 1)
    broken.write_bytes(b"no picture")
    refused = run("generate", broken, "--preset", "white_bg_front")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    assert "\x1b" not in refused.stderr


def test_ctrl_c_ends_with_what_is_true(house: Path, tmp_path: Path, cup: Path) -> None:
    words = ["generate", str(cup), str(cup), "--preset", "white_bg_front", "--outputs", "10", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "core", *words],
        cwd=house,
        env=environment(tmp_path, PROVIDER_CONCURRENCY="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr and process.stdout
        for line in process.stderr:
            if line.startswith("1 of 20"):
                process.send_signal(signal.SIGINT)
                break
        said = process.stderr.read()
        answer = json.loads(process.stdout.read())
        assert process.wait(30) == 130
    assert "waiting pictures were stopped, nothing was charged" in said
    assert "Traceback" not in said
    states = [output["state"] for output in answer["outputs"]]
    assert set(states) == {"succeeded", "failed"}
    kinds = {output["error"]["kind"] for output in answer["outputs"] if output["state"] == "failed"}
    assert kinds == {"Stopped"}


def test_a_reader_that_goes_away_is_no_accident(run: Run, house: Path, tmp_path: Path, cup: Path) -> None:
    assert run("generate", cup, "--preset", "white_bg_front").returncode == 0
    python, log = sys.executable, tmp_path / "err"
    for line in (
        f"'{python}' -m core history --json 2>'{log}' | true",
        f"{{ '{python}' -m core doctor; echo $? >'{log}'; }} 2>&1 | true",
    ):
        subprocess.run(["sh", "-c", line], cwd=house, env=environment(tmp_path), check=False)
        assert not {"Traceback", "BrokenPipeError"} & set(log.read_text().replace(":", " ").split()), line


def test_the_doctor_answers_in_json(run: Run, tmp_path: Path) -> None:
    done = run("doctor", "--write", "--json")
    assert done.returncode == 0, done.stdout
    findings = json.loads(done.stdout)
    parts = ["settings", "database", "migrations", "storage", "provider", "clock", "disk", "write"]
    assert [finding["part"] for finding in findings] == parts
    assert all(finding["say"] and finding["ms"] >= 0 for finding in findings)
    assert stored(tmp_path) == []


def test_a_real_picture_is_asked_for_first(run: Run, tmp_path: Path) -> None:
    asked = run("doctor", "--generate", stdin="")
    assert "One real picture with local (cutout): free. Go on?" in asked.stderr
    assert "Nothing was sent." in asked.stderr
    assert tasks(tmp_path) == 0
    agreed = run("doctor", "--generate", "--json", stdin="y\n")
    assert json.loads(agreed.stdout)[-1]["part"] == "generate", agreed.stdout
    assert tasks(tmp_path) == 1
    unasked = run("doctor", "--generate", "--yes", "--json")
    assert json.loads(unasked.stdout)[-1]["health"] == "ok"
    assert "Go on?" not in unasked.stderr


def test_help_says_what_everything_is() -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(app, words, env={"COLUMNS": "200"})

    whole = run("--help").stdout
    for command in ("generate", "show", "retry", "history", "doctor"):
        assert command in whole
        lines = run(command, "--help").stdout.splitlines()
        for line in lines:
            if " --" in line:
                words = line.replace("│", " ").split()
                assert any(word[0].isupper() for word in words[1:]), f"{command}: {line} says nothing"


def test_photos_are_described_first_or_nothing_is_generated(run: Run, tmp_path: Path, cup: Path) -> None:
    made = ("generate", cup, "--preset", "white_bg_front", "--describe", "--json")
    refused = run(*made)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert (
        "cup.jpg. No describing model: No model for descriptions is set. Nothing was sent." in refused.stderr
    )
    with ModelServer() as server:
        keys = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{server.base}/v1", "GEMINI_THINKING_MODEL": TEXT}
        server.script = [Reply(body=chat_answer("A cup."))]
        refused = run(*made, IMAGE_PROVIDER="local", **keys)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "Leave out --describe to go on without." in refused.stderr
        assert (tasks(tmp_path), stored(tmp_path)) == (0, [])
        found = run(*made, IMAGE_PROVIDER="local", **keys)
        assert found.returncode == 0, found.stderr
        assert len(server.asked) == 2
    with sqlite3.connect(tmp_path / "packshot.db") as connection:
        ((prompt, facts),) = connection.execute("SELECT prompt, description FROM photos")
    connection.close()
    assert "The product: Jasmine rice." in prompt
    assert json.loads(facts)["headline"] == FACTS["headline"]


def test_presets_and_their_versions_are_listed(run: Run) -> None:
    every = json.loads(run("presets", "--json").stdout)
    assert {"name": "white_bg_front", "version": 1, "title": "White, front", "hidden": False,
            "pictures": 0, "judged": 0, "approval": None} in every  # fmt: skip
    (only,) = json.loads(run("presets", "white_bg_front", "--json").stdout)
    assert (only["version"], only["active"], only["by"]) == (1, True, "packshot")
    assert "{product}" in only["prompt"]
    people = run("presets", "white_bg_front")
    assert people.returncode == 0 and "* v1" in people.stderr
    wrong = run("presets", "none")
    assert wrong.returncode == 1 and "no such preset here" in wrong.stderr
