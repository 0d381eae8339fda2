"""Commands of the timed failover test that a provider offers: BGP shut administratively for a while, and put back by itself."""

from __future__ import annotations

from typing import Annotated

import typer

from xcnet.cli.durations import duration
from xcnet.cli.fault_commands import open_lab, show_history
from xcnet.cli.options import Json, LabName
from xcnet.cli.output import note, print_json
from xcnet.cli.talk import talking
from xcnet.errors import InputError

failover = typer.Typer(
    help="Timed failover tests: BGP is shut on some channels, and comes back by itself.", no_args_is_help=True
)

_DEFAULT, _LONGEST = "180m", 4320 * 60.0
"""What a test takes where nothing is said, and at the most, as the cloud's own tests do."""

_KIND = "bgp-shut"


@failover.command("start")
def start(
    on: Annotated[str, typer.Option("--on", help="A channel, a facility, or all.")] = "all",
    by: Annotated[str | None, typer.Option("--by", help="The provider that shuts them; the first by default.")] = None,
    span: Annotated[
        str, typer.Option("--for", help="How long; 72h (4,320 minutes) at the most. The time is real.")
    ] = _DEFAULT,
    name: LabName = None,
    json: Json = False,
) -> None:
    """Begin one. The lab ends it when its time is up, whether or not anybody is there.

    Examples:

      xcnet failover-test start --on fac-a --for 5m\n
      xcnet failover-test start --by gcp
    """
    from xcnet.cli.operator_commands import seconds_of
    from xcnet.lab import faulting
    from xcnet.lab.faults.settings import read_fault

    seconds = seconds_of(span, "--for")
    if not 1 <= seconds <= _LONGEST:
        raise InputError(
            f"a failover test takes 1 s to {duration(_LONGEST)}, not {span}", where="--for", remedy="say e.g. --for 30m"
        )
    with talking(name) as talk:
        side = talk.provider(by, "--by") if by is not None else next(iter(talk.directory.providers))
    with open_lab(name) as client:
        begun = faulting.begin(client, read_fault({"fault": _KIND, "on": on, "side": side}), seconds)
    if json:
        print_json(begun.model_dump(mode="json"))
    else:
        note(f"{begun.id}: {begun.artifact}; restored after {duration(seconds)}, or by 'xcnet failover-test stop'")


@failover.command("stop")
def stop(
    identifier: Annotated[
        str | None, typer.Argument(metavar="ID", help="As 'failover-test history' says it; all that run by default.")
    ] = None,
    name: LabName = None,
    json: Json = False,
) -> None:
    """Restore BGP before the time is up. Example: xcnet failover-test stop"""
    from xcnet.lab import faulting

    with open_lab(name) as client:
        running = [each.id for each in faulting.history(client) if each.kind == _KIND and each.ended is None]
        if identifier is not None and identifier not in running:
            raise InputError(
                f"no failover test {identifier!r} runs",
                where="failover-test stop",
                remedy=f"those that run: {', '.join(running) or 'none'}",
            )
        wanted = running if identifier is None else [identifier]
        ended = [faulting.end(client, each) for each in reversed(wanted)]
    if json:
        print_json([each.model_dump(mode="json") for each in ended])
    else:
        note(f"restored: {', '.join(each.target for each in ended) or 'none was running'}")


@failover.command("history")
def history(name: LabName = None, json: Json = False) -> None:
    """List the lab's failover tests: when, how long, and what ended them. Example: xcnet failover-test history"""
    from xcnet.lab import faulting

    with open_lab(name) as client:
        found = [each for each in faulting.history(client) if each.kind == _KIND]
    show_history(found, "failover tests", json)


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.add_typer(failover, name="failover-test")


__all__ = ["register"]
