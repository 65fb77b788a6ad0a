"""`python -m core export`: an export as a file that is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import date, datetime, time, tzinfo
from pathlib import Path
from typing import Any

import typer

from core import export
from core.console import give, say, words
from core.exported import reason
from core.model import Actor
from core.studio import Studio
from core.text import clean


def since(text: str | None, zone: tzinfo) -> datetime | None:
    """A day or a moment as it is typed; days begin in `zone`. Raises typer.BadParameter."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as exc:
            raise typer.BadParameter("--since takes a day as 2026-11-25, or 2026-11-25T14:00") from exc
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return datetime.combine(day, time.min, tzinfo=zone)


def check_place(out: Path, *, force: bool) -> None:
    """Raises typer.BadParameter where `out` can't become a new file."""
    if not out.parent.is_dir():
        raise typer.BadParameter(f"There is no folder {out.parent}")
    if out.is_dir() or (out.exists() and not force):
        raise typer.BadParameter(f"{out} is there already; --force writes over it")


def save(studio: Studio, plan: export.Plan, out: Path, *, force: bool, as_json: bool) -> None:
    """Write the zip and tell what is in it; exit 1 when something stays behind."""
    by = Actor.local()
    begun = export.begin(studio, plan, by=by)
    try:
        handle, part = tempfile.mkstemp(prefix=".packshot-", dir=out.parent)
    except OSError as exc:
        raise _unwritable(out, exc) from exc
    try:
        Path(part).chmod(0o644)
        with os.fdopen(handle, "wb") as file, closing(export.stream(studio, begun, by=by)) as pieces:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        _move(Path(part), out, force=force)
    except OSError as exc:
        raise _unwritable(out, exc) from exc
    finally:
        with suppress(FileNotFoundError):
            Path(part).unlink()
    outcome = export.outcome(studio, str(begun.key))
    left = (*plan.left, *outcome.left)
    if as_json:
        give(_as_json(begun, outcome, left, out))
    else:
        say(words("command.export", n=outcome.count, file=out))
    _tell(plan, left)
    if left:
        raise typer.Exit(1)


def _unwritable(out: Path, why: OSError) -> typer.BadParameter:
    return typer.BadParameter(f"{clean(str(out))} can't be written: {why.strerror}")


def _move(part: Path, out: Path, *, force: bool) -> None:
    if force:
        part.replace(out)
        return
    try:
        out.hardlink_to(part)  # The one rename that writes over nothing.
    except FileExistsError as exc:
        raise typer.BadParameter(f"{out} is there already; --force writes over it") from exc


def _tell(plan: export.Plan, left: Sequence[export.Left]) -> None:
    for one in left:
        text = reason(one.error, words)
        say(words("command.export.left", title=one.title, key=one.key, say=text))
    if plan.more:
        say(words("command.export.more", n=len(plan.items)))


def _as_json(
    plan: export.Plan, outcome: export.Outcome, left: Sequence[export.Left], out: Path
) -> dict[str, Any]:
    return {
        "export": plan.key,
        "file": str(out),
        "channel": plan.channel,
        "exported": outcome.count,
        "more": plan.more,
        "left": [
            {"output": one.key, "kind": one.error.kind, "sentence": reason(one.error, words)} for one in left
        ],
    }
