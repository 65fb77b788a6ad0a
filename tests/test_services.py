"""The main job in a real browser, on the services that a merchant uses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import ROOT, Server, context, environment, serving, settled
from tests.parts.miniflare import Emulator, emulating
from tests.parts.models import KEY, ModelServer
from tests.parts.postgres import Postgres

KEYS = ("services-key", "services-secret")
BUCKET = "hk-packshots"

PICTURES = """() => [...document.querySelectorAll('*')]
    .flatMap(node => [...(node.shadowRoot?.querySelectorAll('.card img') ?? [])])"""
LOADED = (
    f"() => {{ const found = ({PICTURES})(); return found.length > 1 && found.every(i => i.naturalWidth) }}"
)


MODEL = "gemini-nano-banana-2.1"
PARTS = ["settings", "database", "migrations", "storage", "links", "provider", "clock", "disk", "write"]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulating(tmp_path_factory.mktemp("r2"), {BUCKET: KEYS}) as found:
        yield found


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with ModelServer() as found:
        yield found


@pytest.fixture(scope="module")
def services(emulator: Emulator, postgres: Postgres, model: ModelServer) -> dict[str, str]:
    """The settings of a desk on R2, Postgres and Gemini, as an operator writes them."""
    return on(
        emulator,
        DATABASE_URL=postgres.fresh(),
        IMAGE_PROVIDER="gemini",
        GEMINI_API_KEY=KEY,
        GOOGLE_GEMINI_BASE_URL=model.base,
    )


@pytest.fixture(scope="module")
def server(services: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("desk"), **services) as found:
        yield found


def on(emulator: Emulator, **values: str) -> dict[str, str]:
    """The settings of a desk on the emulator, as an operator writes them."""
    return {
        "USE_R2_STORAGE": "true",
        "R2_ENDPOINT": f"{emulator.endpoint}/{BUCKET}",
        "R2_BUCKET": BUCKET,
        "R2_ACCESS_KEY": KEYS[0],
        "R2_SECRET_KEY": KEYS[1],
        **values,
    }


def watched(browser: Any, url: str) -> tuple[Any, list[str], list[str]]:
    """A page, what it asks for, and what failed."""
    page = context(browser).new_page()
    asked: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
    page.goto(url)
    settled(page)
    return page, asked, failed


def make_two(page: Any, file: Path, *, price: str = "free", model: str = "Local cut-out") -> None:
    page.locator("input[type=file]").first.set_input_files(str(file))
    page.get_by_text("1 photo × ").wait_for()
    page.locator(".st-key-details summary").click()
    page.locator(f"input[aria-label=Model][value^='{model}']").wait_for()
    page.get_by_placeholder("SKU").fill("JP-RMN-0092")
    page.get_by_placeholder("SKU").press("Enter")
    page.get_by_role("radio", name="2", exact=True).click()
    page.get_by_text(f"1 photo × 2 = 2 pictures · {price}").wait_for()
    page.get_by_role("button", name="Generate 2 pictures").click()
    page.get_by_text("2 of 2 ready").wait_for(timeout=30_000)
    page.wait_for_function(LOADED)


def test_pictures_come_from_r2_and_none_through_the_desk(
    browser: Any, server: Server, emulator: Emulator, model: ModelServer, tmp_path: Path, photo: bytes
) -> None:
    file = tmp_path / "cup.jpg"
    file.write_bytes(photo)
    page, asked, failed = watched(browser, server.url)
    make_two(page, file, price="about US$0.0672", model=f"Gemini · {MODEL}")
    assert [call.path for call in model.asked] == [f"/v1beta/models/{MODEL}:generateContent"] * 2
    from_r2 = {url for url in asked if url.startswith(emulator.endpoint)}
    assert len({url for url in from_r2 if "/thumb/" in url}) >= 2, "each picture by its own link"
    assert all("X-Amz-Signature=" in url for url in from_r2)

    page.locator(".card .open").first.click()
    page.locator("dialog[open] .pane img").first.wait_for()
    page.wait_for_function(
        "() => [...document.querySelectorAll('*')].flatMap(n => "
        "[...(n.shadowRoot?.querySelectorAll('dialog[open] .pane img') ?? [])]).every(i => i.naturalWidth)"
    )
    page.keyboard.press("Escape")
    download = page.get_by_role("link", name="Download:").first.get_attribute("href")
    assert download.startswith(emulator.endpoint)
    assert "response-content-disposition=attachment" in download, "R2 names the file; the emulator does not"

    page.get_by_role("link", name="History").click()
    page.get_by_text("JP-RMN-0092").first.wait_for()
    page.wait_for_function(LOADED)
    page.locator(".card .open").first.click()
    page.get_by_text("Run again with changes").wait_for()
    drawer = page.locator("[role=dialog]")
    drawer.get_by_text("US$0.0369").first.wait_for()
    drawer.get_by_text("nb-2.1-2026-09").wait_for()
    drawer.get_by_text("resp-42").wait_for()
    assert [url for url in asked if "/pictures/" in url] == []
    assert failed == []


@pytest.fixture
def run(services: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`python -m core` in the services' environment."""

    def ran(*words: Any, **values: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "core", *map(str, words)],
            cwd=ROOT,
            env=environment(tmp_path, **{**services, **values}),
            capture_output=True,
            text=True,
            timeout=60,
        )

    return ran


def test_the_command_line_works_there_too(
    run: Callable[..., subprocess.CompletedProcess[str]], model: ModelServer, cup: Path
) -> None:
    before = len(model.asked)
    made = run("generate", cup, "--preset", "professional_photo", "--outputs", 2, "--sku", "CLI-7", "--json")
    assert made.returncode == 0, made.stderr
    answer = json.loads(made.stdout)
    assert len(model.asked) - before == 2
    for output in answer["outputs"]:
        assert (output["state"], output["provider"], output["model"]) == ("succeeded", "gemini", MODEL)
        assert output["cost_usd"] == pytest.approx(0.036882)
        assert output["object_key"].startswith("generated/")
    shown = run("show", answer["task"], "--json")
    assert (shown.returncode, json.loads(shown.stdout)) == (0, answer)
    found = run("history", "--text", "CLI-7", "--json")
    assert {entry["task_key"] for entry in json.loads(found.stdout)} == {answer["task"]}
    well = run("doctor", "--write", "--json")
    assert well.returncode == 0, well.stdout
    assert [finding["part"] for finding in json.loads(well.stdout)] == PARTS
    assert {finding["health"] for finding in json.loads(well.stdout)} == {"ok"}
    assert len(model.asked) - before == 2, "the doctor pays for nothing"
    compared = run("reconcile", "--deep", "--json")
    assert compared.returncode == 0, compared.stdout


def test_the_doctor_ends_with_one_and_says_what_to_do(
    run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    sick = run("doctor")
    assert sick.returncode == 0, "nothing is wrong at first"
    wrong = {"R2_SECRET_KEY": "wrong-secret", "GEMINI_API_KEY": "wrong-key"}
    sick = run("doctor", **wrong)
    assert (sick.returncode, sick.stdout) == (1, "")
    assert "R2_SECRET_KEY" in sick.stderr
    assert "key" in sick.stderr
    assert "wrong-" not in sick.stderr and "Traceback" not in sick.stderr


def test_a_network_that_shuts_r2_out_has_pictures_through_the_desk(
    browser: Any, emulator: Emulator, tmp_path: Path, photo: bytes
) -> None:
    file = tmp_path / "cup.jpg"
    file.write_bytes(photo)
    with serving(tmp_path / "desk", **on(emulator, MEDIA_DELIVERY="proxy")) as proxied:
        page, asked, failed = watched(browser, proxied.url)
        make_two(page, file)
        assert len({url for url in asked if "/pictures/" in url}) >= 2
        assert [url for url in asked if url.startswith(emulator.origin)] == []
        assert failed == []


def test_a_desk_without_its_bucket_opens_and_says_what_to_do(
    browser: Any, emulator: Emulator, tmp_path: Path
) -> None:
    with serving(
        tmp_path / "desk", **on(emulator, R2_ENDPOINT=emulator.endpoint, R2_BUCKET="not-there")
    ) as lost:
        page, _, _ = watched(browser, lost.url)
        page.get_by_role("button", name="Try a sample photo").click()
        page.get_by_role("button", name="Generate 1 picture").click()
        page.get_by_text("There is no bucket “not-there” at this endpoint").wait_for(timeout=30_000)
        page.get_by_role("link", name="System").click()
        page.get_by_text("Bucket not found").wait_for()
        page.get_by_text("correct R2_BUCKET and R2_ENDPOINT").wait_for()
