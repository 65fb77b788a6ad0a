"""The command line: `python -m core --help`. JSON on standard output, words on standard error."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from core import doctor as doctors
from core import generation, language, presets, repair, telemetry
from core import history as histories
from core import reconcile as reconciling
from core.doctor import Finding
from core.errors import DatabaseUnavailable, PackshotError, SettingsWrong
from core.intake import clean
from core.model import Actor, Health, Order, Output, OutputState, Upload
from core.settings import load_settings
from core.studio import Studio, open_studio

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

Json = Annotated[bool, typer.Option("--json", help="Machine-readable answer on standard output.")]
words = language.words("en")


def say(text: str) -> None:
    """One line; a name or a model's text can't speak to the terminal."""
    sys.stderr.write(clean(text) + "\n")


def give(value: Any) -> None:
    sys.stdout.write(json.dumps(value, default=str) + "\n")


@contextmanager
def desk(*, work: bool) -> Iterator[Studio]:
    """The Studio, or a sentence and exit 1."""
    try:
        settings = load_settings()
        telemetry.configure(settings, level=logging.WARNING)
        with open_studio(settings, work=work) as studio:
            yield studio
    except SettingsWrong as error:
        for variable, sentence in error.problems:
            say(f"{variable} {sentence}.")
        raise typer.Exit(1) from None
    except PackshotError as error:
        say(f"{words.title(error.kind)}: {words.error(error)}")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def shown(studio: Studio, key: str) -> dict[str, Any]:
    """A task as JSON has it."""
    view = generation.view(studio, key)
    by_photo = {photo.id: photo for photo in view.photos}
    return {
        "task": view.task.key,
        "preset": view.task.preset,
        "preset_version": view.task.preset_version,
        "created_at": view.task.created_at.isoformat(),
        "outputs": [picture(output, by_photo[output.photo_id].original_name) for output in view.outputs],
    }


def picture(output: Output, name: str) -> dict[str, Any]:
    values: dict[str, Any] = {
        "key": output.key,
        "photo": name,
        "variant": output.variant,
        "state": output.state.value,
        "provider": output.provider,
        "model": output.model,
        "object_key": output.object_key,
        "width": output.width,
        "height": output.height,
        "cost_usd": None if output.cost_micros is None else output.cost_micros / 1_000_000,
        "latency_ms": output.latency_ms,
        "notes": dict(output.notes),
    }
    if output.error_kind:
        sentence = words.sentence(output.error_kind, output.error_data)
        values["error"] = {"kind": output.error_kind, "sentence": sentence}
    return values


def follow(studio: Studio, key: str, *, as_json: bool) -> None:
    """Wait for a task's end and report it. Ctrl-C stops what was not sent and waits for what was."""
    try:
        wait(studio, key)
    except KeyboardInterrupt:
        stopped = generation.stop_waiting(studio, key, by=Actor.local())
        say(words("command.interrupted", n=stopped))
        wait(studio, key)
        with suppress(typer.Exit):
            report(studio, key, as_json=as_json)
        raise typer.Exit(130) from None
    report(studio, key, as_json=as_json)


def read(path: Path, limit: int) -> bytes:
    """A photo's bytes, one more than `limit` at most: enough to see that it is too large."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as exc:
        raise typer.BadParameter(f"{clean(path.name)} can't be read: {exc.strerror}") from exc


def wait(studio: Studio, key: str) -> None:
    """Say how far a task is until nothing of it is pending; a database that went away is waited for."""
    said = -1
    away = False
    while True:
        try:
            view = generation.view(studio, key)
        except DatabaseUnavailable as error:
            if not away:
                say(f"{words.title(error.kind)}: {words.error(error)}")
            away = True
            time.sleep(0.5)
            continue
        if not view.pending:
            return
        if (ready := view.count(OutputState.SUCCEEDED)) != said or away:
            said, away = ready, False
            say(f"{ready} of {len(view.outputs)} ready")
        time.sleep(0.1)


def report(studio: Studio, key: str, *, as_json: bool) -> None:
    found = shown(studio, key)
    if as_json:
        give(found)
    else:
        say(f"Task {key}")
        for output in found["outputs"]:
            end = output["object_key"] or output.get("error", {}).get("sentence", "")
            say(f"  {output['photo']} {output['variant']}: {output['state']}  {end}")
    if any(output["state"] != OutputState.SUCCEEDED for output in found["outputs"]):
        raise typer.Exit(1)


@app.command()
def generate(
    photos: Annotated[list[Path], typer.Argument(help="Photo files.", exists=True, dir_okay=False)],
    preset: Annotated[str, typer.Option(help="A preset's name, such as white_bg_front.")],
    outputs: Annotated[int | None, typer.Option(min=1, max=10, help="Pictures per photo.")] = None,
    sku: Annotated[str, typer.Option(help="Stock-keeping unit.")] = "",
    style: Annotated[str, typer.Option(help="Style notes.")] = "",
    provider: Annotated[str | None, typer.Option(help="Instead of the configured one.")] = None,
    model: Annotated[str | None, typer.Option(help="Instead of the provider's first.")] = None,
    as_json: Json = False,
) -> None:
    """Make pictures of photos and wait for them."""
    with desk(work=True) as studio:
        chosen = presets.find(preset)
        asked = studio.providers.get(provider or studio.settings.provider)
        models = asked.models() if asked else ()
        wanted = next((found for found in models if found.name == model), models[0] if models else None)
        ratio, size = chosen.ratio, chosen.size
        if wanted:
            ratio, size = wanted.nearest(ratio, size)
        order = Order(
            preset=chosen.name,
            outputs=outputs or chosen.outputs,
            ratio=ratio,
            size=size,
            provider=provider or studio.settings.provider,
            model=model or (wanted.name if wanted else ""),
            style=style,
        )
        limit = studio.settings.max_bytes
        uploads = [Upload(name=path.name, data=read(path, limit), sku=sku) for path in photos]
        key = generation.submit(studio, uploads, order, by=Actor.local())
        follow(studio, key, as_json=as_json)


@app.command()
def show(task: Annotated[str, typer.Argument(help="A task's key.")], as_json: Json = False) -> None:
    """What became of a task."""
    with desk(work=False) as studio:
        report(studio, task, as_json=as_json)


@app.command()
def retry(task: Annotated[str, typer.Argument(help="A task's key.")], as_json: Json = False) -> None:
    """Make the failed pictures of a task again, and wait for them."""
    with desk(work=True) as studio:
        number = generation.retry(studio, task, by=Actor.local())
        say(f"{number} asked for again")
        follow(studio, task, as_json=as_json)


@app.command()
def history(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    sku: Annotated[str | None, typer.Option(help="The beginning of a SKU.")] = None,
    preset: Annotated[str | None, typer.Option(help="Only this preset.")] = None,
    as_json: Json = False,
) -> None:
    """The newest pictures."""
    with desk(work=False) as studio:
        page = histories.page(studio, histories.Filter(sku=sku, preset=preset), limit=limit)
        if as_json:
            give([{**asdict(entry), "created_at": entry.created_at.isoformat()} for entry in page.entries])
            return
        for entry in page.entries:
            name = entry.product_name or entry.original_name
            when = f"{entry.created_at:%Y-%m-%d %H:%M}"
            say(f"{when}  {entry.state:9}  {entry.sku:12}  {name}  {entry.task_key}")


@app.command()
def doctor(
    write: Annotated[bool, typer.Option("--write", help="Store, read back and remove a picture.")] = False,
    make: Annotated[bool, typer.Option("--generate", help="Make one real picture; may cost.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: Json = False,
) -> None:
    """Look at every part of the desk."""
    with desk(work=make) as studio:
        findings = doctors.examine(studio, write=write)
        if make and (yes or agreed(studio)):
            findings.append(doctors.generate_once(studio, by=Actor.local()))
        if as_json:
            give([{**asdict(f), "health": f.health.value, **said(f)} for f in findings])
        else:
            for finding in findings:
                text = said(finding)
                say(f"{finding.health.value:8} {finding.part:11} {text['say']} ({finding.ms} ms)")
                if text["remedy"]:
                    say(f"{'':21}{text['remedy']}")
        if any(finding.health is Health.FAILED for finding in findings):
            raise typer.Exit(1)


@app.command()
def reconcile(
    fix: Annotated[bool, typer.Option("--fix", help="Set right what can be.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Read every file and compare hashes.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Also when most files are gone.")] = False,
    as_json: Json = False,
) -> None:
    """Compare storage with the records; nothing is changed without --fix."""
    if anyway and not fix:
        raise typer.BadParameter("--anyway is for --fix")
    with desk(work=False) as studio:
        if fix:
            found = repair.fix(studio, by=Actor.local(), deep=deep, anyway=anyway)
        else:
            found = reconciling.compare(studio, deep=deep)
        if as_json:
            give(found.as_dict())
        else:
            for line in found.lines(words):
                say(line)
        if found.left:
            raise typer.Exit(1)


def agreed(studio: Studio) -> bool:
    provider = studio.providers[studio.settings.provider]
    model = provider.models()[0]
    micros = provider.estimate(model.name, model.nearest("1:1", "1K")[1])
    price = words("price.free") if micros == 0 else words("price.unknown")
    if micros:
        price = f"US${micros / 1_000_000:.4f}"
    say(words("command.price", provider=provider.name, model=model.name, price=price))
    sys.stderr.write("[y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if answer.strip().lower() in ("y", "yes"):
        return True
    say(words("command.stopped"))
    return False


def said(finding: Finding) -> Mapping[str, str | None]:
    """A finding in words."""
    if finding.error:
        return {"say": words.title(finding.error), "remedy": words.sentence(finding.error, finding.data)}
    key = f"doctor.{finding.part}.{finding.code}"
    remedy = words(f"{key}.remedy", **finding.data) if f"{key}.remedy" in words else None
    return {"say": words(key, **finding.data), "remedy": remedy}


if __name__ == "__main__":
    app()
