"""`python -m core retention`: rules of keeping on the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from core import retention
from core.console import confirmed, desk, give, say, words
from core.errors import PreviewChanged
from core.model import Actor
from core.retention import MOST_DAYS, Preview, What

app = typer.Typer(no_args_is_help=True, help="Rules of keeping: which pictures go to the trash at which age.")

Json = Annotated[bool, typer.Option("--json", help="Machine-readable answer on standard output.")]


@app.command()
def preview(as_json: Json = False) -> None:
    """Say what the rules are and what they would take now."""
    with desk(work=False) as studio:
        shown = retention.preview(studio)
        tell(shown, studio.settings.trash_days)
        if as_json:
            give(shown.as_dict())


@app.command("set")
def set_rule(
    what: Annotated[What, typer.Argument(help="Which pictures.")],
    days: Annotated[str, typer.Argument(help=f"1 to {MOST_DAYS} days, or: keep.")],
) -> None:
    """Let pictures of one kind go at an age, or keep them. Nothing is moved by it."""
    if days != "keep" and not (days.isascii() and days.isdigit() and len(days) <= 6):
        raise typer.BadParameter(f"DAYS is a whole number from 1 to {MOST_DAYS}, or: keep")
    with desk(work=False) as studio:
        retention.set_rules(studio, {what: None if days == "keep" else int(days)}, by=Actor.local())
        tell(retention.preview(studio), studio.settings.trash_days)


@app.command()
def run(
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    expect: Annotated[
        int | None, typer.Option(min=0, help="Only when it is this number of pictures.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Move what the rules take to the trash, from which it can be restored."""
    with desk(work=False) as studio:
        shown = retention.preview(studio)
        tell(shown, studio.settings.trash_days)
        if expect is not None and expect != shown.outputs:
            raise PreviewChanged(expect, shown.outputs)
        if shown.outputs and not (yes or confirmed()):
            say(words("command.retention.stopped"))
            raise typer.Exit(1)
        report = retention.run(studio, by=Actor.local(), shown=shown)
        if as_json:
            give(report.as_dict())
        say(words("command.retention.done", n=report.outputs))


def tell(shown: Preview, trash_days: int) -> None:
    for line in shown.lines:
        name = words(f"retention.{line.what}")
        if line.days is None:
            say(words("command.retention.kept", name=name))
            continue
        size = f"{line.bytes / 1e6:.1f}"
        say(words("command.retention.line", name=name, days=line.days, n=line.outputs, mb=size))
    say(words("command.retention.due", n=shown.outputs, mb=f"{shown.bytes / 1e6:.1f}", days=trash_days))
