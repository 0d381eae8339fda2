"""The command that measures what users would feel: ``xcnet probe``."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xcnet.cli.options import Json, LabName
from xcnet.cli.output import err, note, out, print_json
from xcnet.errors import InputError

if TYPE_CHECKING:
    from xcnet.lab.paths import LabPaths
    from xcnet.probe.findings import Progress as ProbeProgress
    from xcnet.probe.plan import ProbePlan
    from xcnet.probe.results import ProbeResult

_LOST, _UNFIT = 1, 3


def probe(
    duration: Annotated[
        str | None, typer.Option("--duration", "-d", help="How long to measure, e.g. 10s or 5m; else until Ctrl-C.")
    ] = None,
    rate: Annotated[int, typer.Option("--rate", "-r", min=1, max=20_000, help="Packets per second, in all.")] = 1000,
    flows: Annotated[int, typer.Option("--flows", "-f", min=1, max=4096, help="Flows, in all.")] = 64,
    source: Annotated[str | None, typer.Option("--from", help="One host; by default of the first connection.")] = None,
    target: Annotated[str | None, typer.Option("--to", help="The other host.")] = None,
    tcp: Annotated[bool, typer.Option("--tcp", help="Transfer by TCP too, 10 Mbit/s (iperf3).")] = False,
    http: Annotated[bool, typer.Option("--http", help="Ask by HTTP too, ten times a second.")] = False,
    raw: Annotated[
        str | None, typer.Option("--raw", help="Also write every packet's record to this file in the lab's run folder.")
    ] = None,
    name: LabName = None,
    json: Json = False,
) -> None:
    """Send numbered datagrams between two hosts, both ways, by IPv4 and IPv6, and say what became of each.

    Exit status 0 if nothing was lost, 1 if something was, 3 if the machine was too busy to judge. Ctrl-C ends measuring and shows
    what was found.

    Examples: xcnet probe --duration 10s        xcnet probe --tcp --http        xcnet probe -d 1m --json > before.json
    """
    from xcnet.lab.directory import Directory, find_lab, pick
    from xcnet.probe.plan import RequestsPlan, TransferPlan

    plan = _plan(
        duration=None if duration is None else _seconds(duration),
        rate=rate,
        flows=flows,
        source=source,
        target=target,
        transfers=(TransferPlan(),) if tcp else (),
        requests=(RequestsPlan(),) if http else (),
        raw=raw,
    )
    paths = find_lab(name)
    hosts = Directory.read(paths).hosts
    for each in (source, target):
        if each is not None:
            pick("host", each, hosts)
    result = _measured(paths, plan, quiet=json)
    if json:
        print_json(result.model_dump(mode="json"))
    else:
        from xcnet.cli.show_probe import probe_view

        out.print(probe_view(result))
    raise typer.Exit(exit_status(result))


def exit_status(result: ProbeResult) -> int:
    """What an unfit probe saw is neither good nor bad, whatever it saw."""
    if not result.quality.fit:
        return _UNFIT
    return _LOST if result.lost or any(each.failed for each in result.requests) else 0


def _seconds(text: str) -> float:
    from xcnet.cli.operator_commands import seconds_of

    return seconds_of(text, "--duration")


def _plan(**settings: Any) -> ProbePlan:
    from pydantic import ValidationError

    from xcnet.probe.plan import ProbePlan

    try:
        return ProbePlan(**settings)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        options = {"source": "from", "target": "to"}
        where = " ".join(f"--{options.get(str(part), part)}" for part in first["loc"][:1])
        raise InputError(
            f"this cannot be probed with: {first['msg'].removeprefix('Value error, ')}",
            where=where,
            remedy="see 'xcnet probe --help' for what each option takes",
        ) from None


def _measured(paths: LabPaths, plan: ProbePlan, *, quiet: bool) -> ProbeResult:
    from xcnet.cli.progress import Progress
    from xcnet.lab.probing import start

    with Progress(quiet=quiet) as progress:

        def heard(told: ProbeProgress) -> None:
            progress.detail(f"{told.seconds:.0f} s, {told.sent:,} sent, {told.arrived:,} arrived")

        progress.step("warming up until every flow arrives")
        with start(paths, plan, heard) as probing:
            progress.step("measuring")
            if plan.duration is None and not quiet and err.is_terminal:
                note("Ctrl-C ends measuring and shows what was found")
            with contextlib.suppress(KeyboardInterrupt):  # the way to end it
                probing.wait()
            progress.step("reckoning")
            return probing.stop()


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(probe)


__all__ = ["exit_status", "register"]
