"""``xcnet run``: scenarios carried out, judged and reported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xcnet.cli.options import Context, Json
from xcnet.cli.output import err, note, out, print_json
from xcnet.errors import InputError
from xcnet.lab.capture_mode import Capture

if TYPE_CHECKING:
    from xcnet.lab.directory import Directory
    from xcnet.scenario.batch import Done, Variants
    from xcnet.scenario.document import Scenario
    from xcnet.scenario.results import RunResult
    from xcnet.scenario.variants import Variant

EXIT_OF = {"pass": 0, "fail": 1, "inconclusive": 3}
_MARKS = {"pass": "[green]✓[/]", "fail": "[red]✗[/]", "inconclusive": "[yellow]?[/]"}
_COLOURS = {"pass": "green", "fail": "bold red", "inconclusive": "yellow"}


def run(
    context: typer.Context,
    scenarios: Annotated[list[str], typer.Argument(metavar="SCENARIO...", help="Files, or folders of them.")],
    lab: Annotated[
        str | None, typer.Option("--lab", help="Use this running lab instead of one of each scenario's own.")
    ] = None,
    repeat: Annotated[int, typer.Option("--repeat", min=1, max=1000, help="How often each is run.")] = 1,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", "-j", min=1, max=16, help="Labs side by side; a lab and its measuring want two processors."
        ),
    ] = 1,
    folder: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where reports go; xcnet-reports/TIME by default.")
    ] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write a JUnit file for CI systems.")] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the lab of a run that does not pass, to look at it.")
    ] = False,
    capture: Annotated[
        Capture | None,
        typer.Option("--capture", help="How much of the frames on the channels is kept, whatever scenarios say."),
    ] = None,
    no_capture: Annotated[bool, typer.Option("--no-capture", help="The same as --capture none.")] = False,
    keep_keys: Annotated[
        bool,
        typer.Option("--keep-keys", help="Capture whole frames and keep the keys, for 'xcnet report decrypt'."),
    ] = False,
    sabotage: Annotated[
        bool,
        typer.Option(
            "--sabotage", help="Rob the lab of each mechanism that a scenario names: it passes if the run then fails."
        ),
    ] = False,
    kill_coordinator: Annotated[
        str | None,
        typer.Option(
            "--kill-coordinator",
            metavar="PROVIDER|each",
            help="Kill that provider's coordinator in the middle, and expect the same; 'each': one run for each provider.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Run scenarios: break the lab as they say, measure what traffic feels, and hold it against what is expected.

    Exit status: 0 all pass, 1 one fails, 2 a scenario has mistakes, 3 inconclusive (the machine was too busy to judge).
    With --sabotage a run whose expectation fails, as it must, passes; one that holds all the same is a scenario that cannot fail.

    Examples: xcnet run lab/scenarios/channel-cut.yaml        xcnet run lab/scenarios --junit results.xml
    """
    from xcnet.cli.progress import Progress
    from xcnet.lab.directory import find_lab
    from xcnet.scenario.batch import carry_out, overall, plan_jobs, scenario_files
    from xcnet.scenario.evidence.options import EvidenceOptions
    from xcnet.scenario.report.junit import to_junit
    from xcnet.scenario.report.write import write_summary

    options: Context = context.obj
    if no_capture and capture not in (None, Capture.NONE):
        raise InputError(
            f"--no-capture and --capture {capture} exclude each other",
            where="arguments",
            remedy="leave one of them out",
        )
    evidence = EvidenceOptions(Capture.NONE if no_capture else capture, keep_keys)
    variants = _variants(sabotage, kill_coordinator, lab)
    name = find_lab(lab).name if lab is not None else None
    planned = plan_jobs(
        scenario_files(scenarios),
        out=folder,
        repeat=repeat,
        engine=options.engine.value,
        lab=name,
        keep=keep,
        evidence=evidence,
        variants=variants,
    )
    processors = len(os.sched_getaffinity(0))
    if jobs > 1 and 2 * jobs > processors:
        note(
            f"{jobs} labs side by side on {processors} processors are quick, and mostly inconclusive; one at a time is judged"
        )
    done = []
    with Progress(quiet=json) as progress:
        for each in carry_out(planned, at_once=jobs, progress=progress):
            done.append(each)
    for each in done:
        if each.error is not None:
            err.print(f"[bold red]{each.job.folder.name} could not be run:[/] {each.error['cause']}")
            err.print(f"  [dim]where:[/] {each.error['where']}\n  [dim]remedy:[/] {each.error['remedy']}")
        if each.kept is not None:
            note(f"lab {each.kept} stays up: xcnet status --name {each.kept}; xcnet down {each.kept}")
    results = [(each.result, each.job.folder) for each in done if each.result is not None]
    root = planned[0].folder.parent
    if len(planned) > 1:
        write_summary(results, root)
    if junit is not None:
        _write(junit, to_junit([result for result, _ in results]))
    worst = overall([each.verdict for each in done])
    if json:
        print_json(
            [
                {
                    "scenario": each.job.folder.name,
                    "verdict": each.verdict.value,
                    "report": str(each.job.folder / "index.html") if each.result is not None else None,
                    "error": each.error,
                    "result": each.result.model_dump(mode="json", exclude={"timeline", "probe"})
                    if each.result
                    else None,
                }
                for each in done
            ]
        )
    else:
        _show(done, root)
    raise typer.Exit(EXIT_OF[worst.value])


def _variants(sabotage: bool, killed: str | None, lab: str | None) -> Variants:
    """:raises InputError: two that do not go together."""
    from xcnet.lab.directory import pick
    from xcnet.scenario import variants
    from xcnet.scenario.variants import PLAIN, sabotages

    if sabotage and killed is not None:
        raise InputError(
            "a run is either sabotaged, or its coordinator is killed",
            where="--sabotage, --kill-coordinator",
            remedy="use one of the two",
        )
    if sabotage and lab is not None:
        raise InputError(
            "a running lab cannot be sabotaged", where="--sabotage, --lab", remedy="let each run have a lab of its own"
        )
    if sabotage:
        return lambda scenario, _lab: sabotages(scenario)
    if killed is None:
        return lambda _scenario, _lab: [PLAIN]

    def each(scenario: Scenario, directory: Directory) -> list[Variant]:
        providers = tuple(directory.providers)
        return variants.killed(scenario, providers if killed == "each" else [pick("provider", killed, providers)])

    return each


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"the file cannot be written: {error.strerror}", where=str(path), remedy="name a file that you may write"
        ) from None


def _show(done: list[Done], root: Path) -> None:
    for each in done:
        if each.result is not None:
            show_result(each.result, each.job.folder.name, each.job.folder / "index.html")
    if len(done) > 1:
        out.print(f"summary: {root / 'index.html'}")


def show_result(result: RunResult, name: str, page: Path) -> None:
    """The verdict, every check, and where the report is."""
    from rich.markup import escape
    from rich.table import Table

    colour = _COLOURS[result.verdict.value]
    out.print(f"[{colour}]{result.verdict.value}[/] [bold]{escape(name)}[/] {escape(result.title)}")
    table = Table(box=None, pad_edge=True, show_header=False)
    for check in result.checks:
        table.add_row(
            _MARKS[check.verdict.value],
            escape(check.name),
            escape(f"expected {check.expected}"),
            escape(check.measured),
        )
    out.print(table)
    for reason in result.reasons if result.verdict.value == "inconclusive" or result.variant else ():
        out.print(f"  [yellow]{escape(reason)}[/]")
    out.print(f"  report: {page}")


def register(app: typer.Typer) -> None:
    app.command()(run)


__all__ = ["EXIT_OF", "register", "show_result"]
