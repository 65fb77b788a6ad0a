"""Screenshots of every page into var/shots: two widths, light and dark, both languages.

Arguments choose: beginnings of pages ("history"), widths, "light" or "dark", "en" or "zh". With "readme" the
small pictures of docs/ are made as well.
"""

from __future__ import annotations

import io
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from core import checking, clock, generation, insights, preset_versions, presets
from core.errors import Blocked, NoImage, OutcomeUnknown
from core.model import OutputState
from core.presets.record import body_of
from core.providers import ImageAnswer, ImageRequest
from core.settings import load_settings
from core.studio import Studio, open_studio
from tests import products
from tests.browser import ROOT, chromium, context, pick, serving, settled
from tests.conftest import BY, Scripted, order, upload
from tests.parts.approving import judge
from tests.parts.many import fill

OUT = ROOT / "var" / "shots"
README = {"generate_done": "generate", "review": "review", "history": "history", "system_trouble": "system"}


class Model(Scripted):
    """Makes a picture of what the prompt names; `never` lets some wait until the end."""

    name = "gateway"

    def __init__(self) -> None:
        super().__init__(b"")
        self.hold = threading.Event()
        self.answers: dict[tuple[str, int], Any] = {}

    def generate(self, request: ImageRequest) -> ImageAnswer:
        name = next(name for name, (_, product) in products.NAMES.items() if product in request.prompt)
        answer = self.answers.get((name, request.variant))
        if isinstance(answer, Exception):
            raise answer
        if answer == "wait":
            self.hold.wait()
        plain = "white" in request.prompt
        data = products.white(name) if plain else products.styled(name, request.variant)
        if plain and name == "matcha":
            data = products.written_on(data, (400, 262), "NEW!")
        return ImageAnswer(
            data=data, cost_micros=33_600, model_version="nano-banana-2.1", request_id="r-8f3c"
        )


def tray(page: Any) -> None:
    files = [
        {"name": f"{name}.jpg", "mimeType": "image/jpeg", "buffer": products.photo(name)}
        for name in products.NAMES
    ]
    page.locator("input[type=file]").set_input_files(files)
    page.locator(".tray .item").nth(4).wait_for()
    page.get_by_role("radio", name="2", exact=True).click()
    page.mouse.move(0, 0)
    page.evaluate(
        "document.querySelectorAll('*').forEach(node => { if (node.scrollTop) node.scrollTop = 0 })"
    )


def options(page: Any) -> None:
    tray(page)
    page.locator(".st-key-details summary").click()
    page.locator(".st-key-details [role=radiogroup]").first.wait_for()
    page.locator(".st-key-details").scroll_into_view_if_needed()


def large(page: Any) -> None:
    page.locator(".card .open").first.click()
    page.locator("dialog[open] .pane img").first.wait_for()


def details(page: Any) -> None:
    page.locator(".card .open").first.click()
    page.locator("[role=dialog] [data-testid=stTableStyledTable]").wait_for()


def export(page: Any) -> None:
    page.locator(".st-key-export button").click()
    page.locator("[role=dialog] canvas").first.wait_for()


def exported(page: Any) -> None:
    export(page)
    page.locator(".st-key-export-make button").click()
    page.locator("[role=dialog] a[href*=exports]").wait_for()


def rules(page: Any) -> None:
    page.locator(".st-key-channels summary").click()
    page.locator(".st-key-channels table").wait_for()
    page.locator(".st-key-channels").scroll_into_view_if_needed()


def keeping(page: Any) -> None:
    page.locator(".st-key-retention summary").click()
    page.locator(".st-key-retention input").nth(3).wait_for()
    for field, days in enumerate(("30", "60")):
        page.locator(".st-key-retention input").nth(field).fill(days)
    page.locator(".st-key-retention").scroll_into_view_if_needed()


def keeping_preview(page: Any) -> None:
    keeping(page)
    page.locator(".st-key-retention [data-testid=stFormSubmitButton] button").first.click()
    page.locator("[role=dialog] [data-testid=stTableStyledTable]").wait_for()


def approval(page: Any) -> None:
    details(page)
    page.locator("[role=dialog] [class*=st-key-approve-] summary").click()
    box = page.locator("[role=dialog] [class*=st-key-approve-channel] input")
    box.wait_for()
    settled(page)
    pick(box, "Amazon")
    page.locator("[role=dialog] .packshot-both img").nth(1).wait_for()
    page.locator("[role=dialog] .packshot-both").scroll_into_view_if_needed()


def evidence(page: Any) -> None:
    shown = page.locator("[role=dialog] details.packshot-evidence")
    shown.wait_for()
    shown.evaluate("node => { node.open = true; node.scrollIntoView() }")
    page.locator("[role=dialog] .packshot-evidence img").last.evaluate(
        "async image => { image.loading = 'eager'; await image.decode() }"
    )


def review(page: Any) -> None:
    page.wait_for_selector(".stage .b img.result[src]")


def slider(page: Any) -> None:
    review(page)
    page.keyboard.press("v")


def why(page: Any) -> None:
    review(page)
    page.keyboard.press("x")
    page.locator(".why .chip").first.wait_for()


def edited(page: Any) -> None:
    field = page.locator("[class*=st-key-preset-draft] textarea").first
    text = field.input_value()
    field.fill(text.replace("warm", "soft").replace("Keep the product", "Keep the product and its label"))
    field.blur()
    page.locator(".packshot-diff ins").first.wait_for()


def versions(page: Any) -> None:
    page.locator(".st-key-preset-view button").nth(1).click()
    page.locator(".packshot-diff").first.wait_for()


def selected(page: Any) -> None:
    for number in (5, 7):
        page.locator(".card").nth(number).get_by_role("checkbox").check()
    page.locator(".st-key-bulk-approve").wait_for()


def rejecting(page: Any) -> None:
    selected(page)
    page.locator(".st-key-bulk-reject button").click()
    page.locator("[role=dialog] .st-key-bulk-do").wait_for()


def tagged(page: Any) -> None:
    selected(page)
    page.locator("[class*=st-key-bulk-more] button").click()
    page.get_by_role("menuitem").first.click()
    field = page.get_by_role("dialog").get_by_role("combobox")
    field.fill("moon festival")
    field.press("Enter")
    page.locator("[role=dialog] .st-key-bulk-do button").click()
    page.locator(".st-key-bulk-over").wait_for()


def filters(page: Any) -> None:
    page.locator(".st-key-filters button").first.click()
    page.locator(".st-key-flagged").wait_for()


def table(page: Any) -> None:
    page.locator(".st-key-view button").nth(1).click()
    page.locator("[data-testid=stDataFrame]").wait_for()


PAGES: dict[str, tuple[str, Callable[[Any], None] | None]] = {
    "generate_empty": ("/", None),
    "generate_tray": ("/", tray),
    "generate_options": ("/", options),
    "generate_running": ("/?task={running}", None),
    "generate_done": ("/?task={done}", tray),
    "generate_large": ("/?task={done}", large),
    "review": ("/review", review),
    "review_slider": ("/review", slider),
    "review_why": ("/review", why),
    "review_none": ("/review?sku=nothing", None),
    "history": ("/history", None),
    "history_table": ("/history", table),
    "history_filters": ("/history", filters),
    "history_selected": ("/history", selected),
    "history_rejecting": ("/history", rejecting),
    "history_tagged": ("/history", tagged),
    "history_details": ("/history", details),
    "history_altered": ("/history?output={altered}", evidence),
    "history_preserved": ("/history?output={preserved}", evidence),
    "history_export": ("/history", export),
    "history_exported": ("/history", exported),
    "history_none": ("/history?text=nothing", None),
    "presets": ("/presets?preset=professional_photo", None),
    "presets_edited": ("/presets?preset=professional_photo", edited),
    "presets_versions": ("/presets?preset=white_bg_front", versions),
    "insights": ("/insights", None),
    "insights_none": ("/insights?days=2020-01-01&days=2020-01-02", None),
    "history_approval": ("/history", approval),
    "system": ("/system", None),
    "system_rules": ("/system", rules),
    "system_keeping": ("/system", keeping),
    "system_keeping_preview": ("/system", keeping_preview),
    "system_trouble": ("/system", None),
}


def main(arguments: list[str]) -> int:
    readme = "readme" in arguments
    names = [a for a in arguments if any(page.startswith(a) for page in PAGES)]
    chosen = [a for a in arguments if a in ("390", "1440", "light", "dark", "en", "zh")]
    if unknown := set(arguments) - {*names, *chosen, "readme"}:
        sys.stderr.write(f"No such page: {', '.join(unknown)}. There are: {', '.join(PAGES)}.\n")
        return 2
    wanted = [page for page in PAGES if not names or any(page.startswith(name) for name in names)]
    if readme:
        wanted, chosen = list(README), ["1440", "light", "en"]
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, seeded(Path(folder)) as tasks, chromium() as browser:
        broken = {"USE_R2_STORAGE": "true", "R2_BUCKET": "hk-packshots", "R2_ACCESS_KEY": "a-key",
                  "R2_ENDPOINT": "http://127.0.0.1:9", "R2_SECRET_KEY": "a-secret",
                  "R2_PUBLIC_URL": "http://127.0.0.1:9/hk-packshots"}  # fmt: skip
        with (
            serving(Path(folder)) as well,
            serving(Path(folder), **broken) as unwell,
            serving(months(Path(folder) / "months"), DAILY_BUDGET_USD="2.5") as busy,
        ):
            others = {"system_trouble": unwell, "system_keeping_preview": busy, "insights": busy}
            for width in (1440, 390):
                for theme in ("light", "dark"):
                    for language in ("en", "zh"):
                        parts = {str(width), theme, language}
                        if any(not parts & group for group in _groups(chosen)):
                            continue
                        page = context(
                            browser, width=width, dark=theme == "dark", language=language
                        ).new_page()
                        for name in wanted:
                            path, act = PAGES[name]
                            if act is table and width < 640:
                                continue
                            server = others.get(name, well)
                            page.goto(server.url + path.format(**tasks))
                            settled(page)
                            if act:
                                act(page)
                            time.sleep(1)
                            file = OUT / f"{name}_{width}_{theme}_{language}.png"
                            shot = page.screenshot(path=file, animations="disabled", caret="hide")
                            print(file.relative_to(ROOT))
                            if readme:
                                small(shot, README[name])
                        page.context.close()
    return 0


def months(folder: Path) -> Path:
    """A desk with the pictures of three months, without their files."""
    settings = load_settings(
        database_url=f"sqlite:///{folder / 'packshot.db'}",
        upload_dir=folder / "media",
        app_secret="a secret for tests",
    )
    folder.mkdir()
    with open_studio(settings, work=False) as studio:
        fill(studio.engine, outputs=4000, days=90, until=clock.now())
        insights.rebuild(studio, by=BY)
    return folder


def versioned(studio: Studio) -> None:
    """Another text for a preset, and a preset of the desk's own."""
    mei, preset = replace(BY, id="mei@shop.hk"), presets.find(studio, "white_bg_front")
    prompt = preset.prompt.replace("even studio light", "soft daylight from the left")
    values = {**body_of(preset), "prompt": prompt, "ratio": "4:5"}
    preset_versions.save(
        studio, preset.name, values, seen=1, note="Daylight looks fresher", use=False, by=mei
    )
    insights.rebuild(studio, by=BY)
    titles = {"en": "Mid-Autumn", "zh": "中秋節"}
    preset_versions.copy(studio, "seasonal", "mid_autumn", titles, by=mei)


def _groups(chosen: list[str]) -> list[set[str]]:
    kinds = ({"390", "1440"}, {"light", "dark"}, {"en", "zh"})
    return [kind & set(chosen) for kind in kinds if kind & set(chosen)]


def small(shot: bytes, name: str) -> None:
    """A picture for the README."""
    (ROOT / "docs").mkdir(exist_ok=True)
    with Image.open(io.BytesIO(shot)) as image:
        image.convert("RGB").save(ROOT / "docs" / f"{name}.webp", quality=82, method=6)


@contextmanager
def seeded(folder: Path) -> Iterator[dict[str, str]]:
    """Tasks of a model whose process lives as long as the pictures are taken: one of them is at work."""
    settings = load_settings(
        database_url=f"sqlite:///{folder / 'packshot.db'}",
        upload_dir=folder / "media",
        app_secret="a secret for tests",
        provider_concurrency=3,
    )
    uploads = [
        upload(products.photo(name), f"IMG_{i}.jpg", sku=sku, product_name=product)
        for i, (name, (sku, product)) in enumerate(products.NAMES.items(), 2041)
    ]
    model = Model()
    with open_studio(settings, providers={"gateway": model}) as studio:
        tasks = {}
        for name, preset, outputs in (("white", "white_bg_front", 1), ("done", "professional_photo", 2)):
            wanted = order(preset=preset, outputs=outputs, provider="gateway", ratio="1:1")
            tasks[name] = generation.submit(studio, uploads, wanted, by=BY)
            while generation.view(studio, tasks[name]).pending:
                time.sleep(0.1)
        for output in generation.view(studio, tasks["white"]).outputs:
            found = checking.check(studio, output.id, stopping=threading.Event())
            if found:
                tasks[found.verdict] = output.key
        judge(studio, [output.key for output in generation.view(studio, tasks["white"]).outputs])
        versioned(studio)
        model.answers = {
            ("soy", 2): OutcomeUnknown(),
            ("matcha", 2): "wait",
            ("mochi", 1): Blocked("picture", "IMAGE_SAFETY"),
            ("mochi", 2): NoImage("Here is a picture of *your* mochi."),
            ("senbei", 1): "wait",
            ("senbei", 2): "wait",
        }
        wanted = order(preset="lifestyle_scene", outputs=2, provider="gateway", ratio="1:1")
        tasks["running"] = generation.submit(studio, uploads, wanted, by=BY)
        while generation.view(studio, tasks["running"]).count(OutputState.RUNNING) < 3:
            time.sleep(0.1)
        yield tasks
        model.hold.set()
        while generation.view(studio, tasks["running"]).pending:
            time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
