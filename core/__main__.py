"""The command line: `python -m core --help`. JSON on standard output, words on standard error."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from core import doctor as doctors
from core import export as exporting
from core import generation, presets, repair
from core import history as histories
from core import purge as purges
from core import reconcile as reconciling
from core import review as reviewing
from core.console import agreed, confirmed, described, desk, follow, give, read, report, said, say, words
from core.console_export import check_place, save
from core.console_export import since as moment
from core.console_presets import line, listed, versions_of
from core.console_retention import app as retention_app
from core.model import Actor, Health, Order, Upload

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

app.add_typer(retention_app, name="retention")

Json = Annotated[bool, typer.Option("--json", help="Machine-readable answer on standard output.")]


@app.command()
def generate(
    photos: Annotated[list[Path], typer.Argument(help="Photo files.", exists=True, dir_okay=False)],
    preset: Annotated[str, typer.Option(help="A preset's name, such as white_bg_front.")],
    outputs: Annotated[int | None, typer.Option(min=1, max=10, help="Pictures per photo.")] = None,
    sku: Annotated[str, typer.Option(help="Stock-keeping unit.")] = "",
    style: Annotated[str, typer.Option(help="Style notes.")] = "",
    provider: Annotated[str | None, typer.Option(help="Instead of the configured one.")] = None,
    model: Annotated[str | None, typer.Option(help="Instead of the provider's first.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also when the same came within the hour.")] = False,
    unpriced: Annotated[
        bool, typer.Option("--unpriced", help="Also when a daily limit is set and the price is unknown.")
    ] = False,
    describe: Annotated[bool, typer.Option("--describe", help="Ask what the photos show first.")] = False,
    as_json: Json = False,
) -> None:
    """Make pictures of photos and wait for them."""
    with desk(work=True) as studio:
        chosen = presets.find(studio, preset)
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
            unpriced_ok=unpriced,
        )
        limit = studio.settings.max_bytes
        uploads = [Upload(name=path.name, data=read(path, limit), sku=sku) for path in photos]
        if describe:
            uploads = described(studio, uploads, unpriced=unpriced)
        key = generation.submit(studio, uploads, order, by=Actor.local(), again=again)
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
    text: Annotated[str, typer.Option(help="In SKU, name, file, style, notes and tags.")] = "",
    preset: Annotated[str | None, typer.Option(help="Only this preset.")] = None,
    as_json: Json = False,
) -> None:
    """The newest pictures."""
    with desk(work=False) as studio:
        page = histories.page(studio, histories.Filter(text=text, preset=preset), limit=limit)
        if as_json:
            give([{**asdict(entry), "created_at": entry.created_at.isoformat()} for entry in page.entries])
            return
        for entry in page.entries:
            name = entry.product_name or entry.original_name
            when = f"{entry.created_at:%Y-%m-%d %H:%M}"
            say(f"{when}  {entry.state:9}  {entry.sku:12}  {name}  {entry.task_key}")


@app.command("presets")
def list_presets(
    name: Annotated[str | None, typer.Argument(help="One preset, to see its versions.")] = None,
    as_json: Json = False,
) -> None:
    """The presets that can be chosen, or the versions of one."""
    with desk(work=False) as studio:
        found = versions_of(studio, name) if name else listed(studio)
        if as_json:
            give(found)
            return
        for entry in found:
            say(line(entry))


class Judgement(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


@app.command()
def review(
    output: Annotated[str, typer.Argument(help="A picture's key.")],
    verdict: Annotated[Judgement, typer.Argument(help="What you say.")],
    reason: Annotated[reviewing.Reason | None, typer.Option(help="Why it is rejected.")] = None,
    note: Annotated[str, typer.Option(help="In your own words.")] = "",
    seen: Annotated[int | None, typer.Option(help="The review that you have seen and decide over.")] = None,
    as_json: Json = False,
) -> None:
    """Approve or reject a picture."""
    if reason and verdict is Judgement.APPROVE:
        raise typer.BadParameter("--reason is for reject")
    said = {Judgement.APPROVE: reviewing.Verdict.APPROVED, Judgement.REJECT: reviewing.Verdict.REJECTED}
    with desk(work=False) as studio:
        done = reviewing.decide(
            studio, output, said[verdict], by=Actor.local(), reason=reason, note=note, seen=seen
        )
        if as_json:
            give({**asdict(done), "at": done.at.isoformat()})
        else:
            say(words(f"review.{done.verdict}"))


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="The zip to write.")],
    since: Annotated[str | None, typer.Option(help="Approved on this day or later.")] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Only what was not exported since its approval.")
    ] = False,
    channel: Annotated[str | None, typer.Option(help="Fitted to a marketplace, such as amazon.")] = None,
    only: Annotated[
        bool, typer.Option("--only-approved-for", help="Only what was approved for that marketplace.")
    ] = False,
    sku: Annotated[str | None, typer.Option(help="The beginning of a SKU.")] = None,
    output: Annotated[list[str] | None, typer.Option(help="A picture's key; may be given again.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write approved pictures with their lineage into a zip."""
    if output and (since or new or sku):
        raise typer.BadParameter("--output names the pictures; --since, --new and --sku choose them")
    if only and not channel:
        raise typer.BadParameter("--only-approved-for needs --channel")
    check_place(out, force=force)
    with desk(work=False) as studio:
        wanted = exporting.Wanted(
            keys=output or None,
            since=moment(since, studio.settings.zone),
            new_to=Actor.local().id if new else None,
            sku=sku,
            only_for=only,
        )
        save(studio, exporting.plan(studio, wanted, channel=channel), out, force=force, as_json=as_json)


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


@app.command()
def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: Json = False,
) -> None:
    """Remove for good what was in the trash longer than TRASH_DAYS."""
    with desk(work=False) as studio:
        due = purges.due(studio)
        days = studio.settings.trash_days
        say(words("command.purge.due", n=due.outputs, mb=f"{due.bytes / 1e6:.1f}", days=days))
        if dry_run:
            if as_json:
                give({"outputs": due.outputs, "bytes": due.bytes})
            return
        if due.outputs and not (yes or confirmed()):
            say(words("command.purge.stopped"))
            raise typer.Exit(1)
        report = purges.run(studio, by=Actor.local())
        if as_json:
            give(report.as_dict())
        say(words("command.purge.done", n=report.outputs, objects=report.objects))
        if report.waiting:
            say(words("command.purge.waiting", n=report.waiting))
        if report.error:
            raise report.error


if __name__ == "__main__":
    app()
