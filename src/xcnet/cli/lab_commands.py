"""Commands on a whole lab: up, down, list, status, verify, events, doctor, quickstart."""

from __future__ import annotations

from typing import Annotated

import typer

from xcnet.cli.options import Context, Json, LabName, TopologyArgument
from xcnet.cli.output import err, note, out, print_json


def up(
    context: typer.Context,
    topology: TopologyArgument = "aws-google",
    name: LabName = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Use the fast timers (BFD 300 ms x 3, BGP 3/9 s) whatever the topology says.")
    ] = False,
    bare: Annotated[
        bool, typer.Option("--bare", help="Links and routers only: keys and connections are left to the coordinators.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave a lab that does not come up, to look at it.")] = False,
    json: Json = False,
) -> None:
    """Bring up a lab and wait until everything is established.

    Examples: xcnet up aws-google --name demo        xcnet up --bare
    """
    from xcnet.cli.progress import Progress
    from xcnet.lab.manager import bring_up

    options: Context = context.obj
    with Progress(quiet=json) as progress:
        result = bring_up(
            topology, name=name, engine=options.engine.value, fast=fast, bare=bare, keep=keep, progress=progress
        )
    if json:
        print_json(result.model_dump(mode="json"))
        return
    note(f"lab {result.name!r} is up after {result.seconds:.1f} s ({result.engine} engine)")
    note("next: xcnet status | xcnet verify | xcnet exec NODE -- CMD | xcnet down")


def down(
    name: Annotated[str | None, typer.Argument(help="The lab; may be left out while only one is there.")] = None,
    named: LabName = None,
    everything: Annotated[bool, typer.Option("--all", help="Take down every lab of this user.")] = False,
    json: Json = False,
) -> None:
    """Take a lab down and remove everything it left, even after its own process was killed.

    Example: xcnet down --all
    """
    from xcnet.lab.directory import find_lab
    from xcnet.lab.manager import take_down
    from xcnet.lab.record import recorded_labs

    names = recorded_labs() if everything else [find_lab(name or named).name]
    removed = []
    for lab in names:
        report = take_down(lab)
        removed.append(report.model_dump(mode="json"))
        if not json:
            note(f"lab {lab!r} is down ({report.summary})")
    if json:
        print_json(removed)
    elif not names:
        note("no lab is there")


def list_labs(json: Json = False) -> None:
    """List the labs of this user, running or left over."""
    from rich.table import Table

    from xcnet.lab.manager import overview

    labs = overview()
    if json:
        print_json([lab.model_dump(mode="json") for lab in labs])
        return
    if not labs:
        note("no lab is there; run 'xcnet up' to bring one up")
        return
    table = Table("lab", "topology", "engine", "state", "since", box=None, header_style="bold", pad_edge=False)
    for lab in labs:
        table.add_row(lab.name, lab.topology, lab.engine, lab.state, f"{lab.created:%Y-%m-%d %H:%M:%S}Z")
    out.print(table)


def status(
    name: LabName = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh every second until interrupted.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Show the sessions inside each provider too.")
    ] = False,
    json: Json = False,
) -> None:
    """Show nodes, channels with cipher, keys and counters, BGP and BFD sessions, and routes.

    Exit status 0 if all is up, 1 if anything is not. Example: xcnet status --json | jq .channels
    """
    from xcnet.cli.show import status_view
    from xcnet.lab.directory import find_lab
    from xcnet.lab.manager import lab_status, watch_status
    from xcnet.lab.status import Health

    paths = find_lab(name)
    if watch:
        _watch(watch_status(paths), everything=everything, json=json)
        return
    state = lab_status(paths)
    if json:
        print_json(state.model_dump(mode="json"))
    else:
        out.print(status_view(state, everything=everything))
    raise typer.Exit(0 if state.health is Health.UP else 1)


def _watch(states: object, *, everything: bool, json: bool) -> None:
    import json as json_module
    import sys
    from collections.abc import Iterator
    from typing import cast

    from rich.live import Live

    from xcnet.cli.show import status_view
    from xcnet.lab.status import LabStatus

    stream = cast("Iterator[LabStatus]", states)
    try:
        if json:
            for state in stream:
                sys.stdout.write(json_module.dumps(state.model_dump(mode="json")) + "\n")
                sys.stdout.flush()
            return
        with Live(console=out, screen=out.is_terminal, auto_refresh=False, vertical_overflow="crop") as live:
            for state in stream:
                live.update(status_view(state, everything=everything), refresh=True)
    except KeyboardInterrupt:
        return


def verify(
    name: LabName = None,
    flows: Annotated[int, typer.Option("--flows", min=100, max=20000, help="Flows for the balance check.")] = 1000,
    json: Json = False,
) -> None:
    """Prove the path: encrypted on every fibre, closed to forgeries, balanced over all channels, as wide as negotiated.

    Exit status 0 only if every check holds. Example: xcnet verify --json > proof.json
    """
    from xcnet.cli.progress import Progress
    from xcnet.lab.directory import find_lab
    from xcnet.lab.manager import prove

    paths = find_lab(name)
    with Progress(quiet=json) as progress:
        proof = prove(paths, flows=flows, progress=progress)
    if json:
        print_json(proof.model_dump(mode="json"))
    else:
        out.print(proof.as_table())
        verdict = "[green]proved[/]: every check holds" if proof.ok else "[bold red]not proved[/]: a check failed"
        err.print(verdict)
    raise typer.Exit(0 if proof.ok else 1)


def events(
    name: LabName = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until interrupted.")] = False,
    kind: Annotated[
        str | None, typer.Option("--kind", "-k", help="Only kinds that begin with this, e.g. 'macsec' or 'bgp.down'.")
    ] = None,
    json: Json = False,
) -> None:
    """Print what happened in the lab: links, MACsec, MKA, BGP, BFD, processes, in order of time.

    Example: xcnet events --follow --kind bgp
    """
    import sys

    from xcnet.lab.directory import find_lab
    from xcnet.lab.timeline import follow_events, read_events

    paths = find_lab(name)
    stream = follow_events(paths) if follow else iter(read_events(paths))
    try:
        for event in stream:
            if kind is not None and not event.kind.startswith(kind):
                continue
            if json:
                sys.stdout.write(event.to_json() + "\n")
                sys.stdout.flush()
                continue
            from rich.markup import escape

            details = " ".join(f"{key}={value}" for key, value in event.data.items())
            out.print(
                f"[dim]{event.monotonic:12.6f}[/] [cyan]{escape(event.source):<22}[/] "
                f"[bold]{escape(event.kind):<26}[/] {escape(event.subject)} [dim]{escape(details)}[/]"
            )
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def doctor(context: typer.Context, json: Json = False) -> None:
    """Try what this machine can do, and say what to do about what it cannot.

    Exit status 0 if an engine works, 1 if none does.
    """
    from xcnet.cli.progress import Progress
    from xcnet.engine.doctor import doctor_report

    options: Context = context.obj
    with Progress(quiet=json) as progress:
        report = doctor_report(
            forced=None if options.engine.value == "auto" else options.engine.value, progress=progress.step
        )
    if json:
        print_json(report.model_dump(mode="json"))
    else:
        out.print(report.as_table())
    raise typer.Exit(0 if report.ok else 1)


def quickstart(
    context: typer.Context,
    topology: TopologyArgument = "aws-google",
    keep: Annotated[bool, typer.Option("--keep", help="Leave the lab running at the end.")] = False,
) -> None:
    """Bring up a lab, prove its path, show its state and take it down again."""
    from xcnet.cli.quickstart import run_quickstart

    options: Context = context.obj
    raise typer.Exit(run_quickstart(topology, engine=options.engine.value, keep=keep))


def register(app: typer.Typer) -> None:
    """Add these commands to the application, in the order in which help lists them."""
    app.command()(quickstart)
    app.command()(up)
    app.command()(status)
    app.command()(verify)
    app.command()(events)
    app.command()(down)
    app.command("list")(list_labs)
    app.command("ls", hidden=True)(list_labs)
    app.command()(doctor)


__all__ = ["register"]
