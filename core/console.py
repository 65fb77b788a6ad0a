"""What the command line says and waits for: JSON on standard output, words on standard error."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import typer

from core import describing, generation, language, telemetry
from core.doctor import Finding
from core.errors import DatabaseUnavailable, PackshotError, SettingsWrong
from core.model import Actor, Output, OutputState, Upload
from core.settings import load_settings
from core.studio import Studio, open_studio
from core.text import clean

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


def described(studio: Studio, uploads: list[Upload], *, unpriced: bool) -> list[Upload]:
    """The photos with what the model says of them; a failure is told and ends it with exit 1."""
    ask = partial(describing.describe, studio, by=Actor.local(), unpriced_ok=unpriced)
    asked = [studio.asking.submit(ask, upload) for upload in uploads]
    found, failed = [], False
    for upload, future in zip(uploads, asked, strict=True):
        try:
            found.append(replace(upload, description=asdict(future.result())))
        except PackshotError as error:
            failed = True
            text = words.sentence(error.kind, error.data, zone=studio.settings.zone, about="describe")
            say(words("command.describe", name=upload.name, title=words.title(error.kind), say=text))
    if failed:
        say(words("command.without"))
        raise typer.Exit(1)
    return found


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


def agreed(studio: Studio) -> bool:
    provider = studio.providers[studio.settings.provider]
    model = provider.models()[0]
    micros = provider.estimate(model.name, model.nearest("1:1", "1K")[1])
    price = words("price.free") if micros == 0 else words("price.unknown")
    if micros:
        price = f"US${micros / 1_000_000:.4f}"
    say(words("command.price", provider=provider.name, model=model.name, price=price))
    if confirmed():
        return True
    say(words("command.stopped"))
    return False


def confirmed() -> bool:
    """Ask on the terminal; no answer is a no."""
    sys.stderr.write("[y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def said(finding: Finding) -> Mapping[str, str | None]:
    """A finding in words."""
    if finding.error:
        return {"say": words.title(finding.error), "remedy": words.sentence(finding.error, finding.data)}
    key = f"doctor.{finding.part}.{finding.code}"
    remedy = words(f"{key}.remedy", **finding.data) if f"{key}.remedy" in words else None
    return {"say": words(key, **finding.data), "remedy": remedy}
