"""The ``xcnet`` command: its options, its sub-commands, and how errors leave it."""

from __future__ import annotations

import signal
import sys
from typing import Annotated

import typer

from xcnet import __version__
from xcnet.cli import (
    conformance_commands,
    connection_commands,
    failover_commands,
    fault_commands,
    lab_commands,
    metrics_command,
    node_commands,
    operator_commands,
    probe_command,
    report_commands,
    run_commands,
    scenario_commands,
    spec_commands,
    top_command,
    topology_commands,
)
from xcnet.cli.options import Context, EngineChoice
from xcnet.cli.output import err, print_error, print_json
from xcnet.errors import XcnetError

_EPILOG = """
Examples:

  xcnet up                           bring up the shipped AWS-Google lab\n
  xcnet status --watch               see its channels, keys, sessions and routes, live\n
  xcnet exec aws-app -- ping -c 3 10.20.0.10\n
  xcnet capture ch1 -w - | wireshark -k -i -\n
  xcnet probe --duration 10s         measure loss and delay between the two hosts\n
  xcnet verify                       prove that the path is encrypted, closed and balanced\n
  xcnet down                         take it down, leaving nothing
"""

app = typer.Typer(
    name="xcnet",
    help="A network lab for private multicloud links: two clouds' edges, MACsec channels and BGP, on one machine.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"xcnet {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    context: typer.Context,
    engine: Annotated[
        EngineChoice,
        typer.Option(
            "--engine",
            envvar="XCNET_ENGINE",
            help="The kernel to run labs in: this machine's own (native), a user-mode kernel (uml), or whichever works.",
        ),
    ] = EngineChoice.AUTO,
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    context.obj = Context(engine=engine)


lab_commands.register(app)
top_command.register(app)
connection_commands.register(app)
node_commands.register(app)
probe_command.register(app)
operator_commands.register(app)
run_commands.register(app)
fault_commands.register(app)
failover_commands.register(app)
metrics_command.register(app)
conformance_commands.register(app)
app.add_typer(topology_commands.app, name="topology")
app.add_typer(spec_commands.app, name="spec")
app.add_typer(scenario_commands.app, name="scenario")
app.add_typer(report_commands.app, name="report")


def main() -> None:
    """Entry point of the ``xcnet`` command. Exit status: 0 done, 1 failed, 2 bad input, 3 inconclusive, 130 interrupted."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        app(standalone_mode=True)
    except XcnetError as error:
        if "--json" in sys.argv:
            print_json(error.as_dict())
        print_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        err.print("[yellow]interrupted[/]")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


def _terminated(_number: int, _frame: object) -> None:
    # As Ctrl-C: whoever waits in an event loop has a way of its own to take that.
    signal.raise_signal(signal.SIGINT)


__all__ = ["app", "main"]
