"""Commands on one node or channel of a running lab: exec, shell, vtysh, capture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from xcnet.cli.options import ChannelArgument, Json, LabName, NodeArgument
from xcnet.cli.output import note
from xcnet.errors import InputError


def execute(
    node: NodeArgument,
    command: Annotated[list[str], typer.Argument(help="The command and its arguments, after --.")],
    name: LabName = None,
    terminal: Annotated[
        bool | None,
        typer.Option("--tty/--no-tty", help="Whether to give the command a terminal; by default if this is one."),
    ] = None,
) -> None:
    """Run a command in a node; its exit status becomes this command's.

    Example: xcnet exec aws-app -- ping -c 3 10.20.0.10
    """
    from xcnet.lab.directory import Directory, find_lab, pick
    from xcnet.lab.manager import run_in_lab

    paths = find_lab(name)
    pick("node", node, Directory.read(paths).nodes)
    command = command[1:] if command[:1] == ["--"] else command
    use_terminal = sys.stdin.isatty() and sys.stdout.isatty() if terminal is None else terminal
    raise typer.Exit(run_in_lab(paths, ["exec", node, *command], terminal=use_terminal))


def shell(node: NodeArgument, name: LabName = None) -> None:
    """Open a shell in a node.

    Example: xcnet shell gcp-edge1
    """
    from xcnet.lab.directory import Directory, find_lab, pick
    from xcnet.lab.manager import run_in_lab

    paths = find_lab(name)
    pick("node", node, Directory.read(paths).nodes)
    raise typer.Exit(run_in_lab(paths, ["shell", node], terminal=sys.stdin.isatty()))


def vtysh(
    node: NodeArgument,
    command: Annotated[
        list[str] | None, typer.Option("--command", "-c", help="Run this instead of asking; repeatable.")
    ] = None,
    name: LabName = None,
) -> None:
    """Talk to a router's FRR.

    Example: xcnet vtysh aws-gw -c 'show bgp vrf all summary'
    """
    from xcnet.lab.directory import Directory, find_lab, pick
    from xcnet.lab.manager import run_in_lab

    paths = find_lab(name)
    pick("router", node, Directory.read(paths).routers)
    arguments = [part for line in command or () for part in ("-c", line)]
    raise typer.Exit(run_in_lab(paths, ["vtysh", node, *arguments], terminal=sys.stdin.isatty() and not command))


def capture(
    channel: ChannelArgument,
    write: Annotated[
        str | None,
        typer.Option("--write", "-w", help="A pcapng file; '-' for standard output. Default: print a line a frame."),
    ] = None,
    decrypt: Annotated[bool, typer.Option("--decrypt", help="Decrypt with the SAKs in use, as they change.")] = False,
    count: Annotated[int, typer.Option("--count", "-c", min=0, help="Stop after so many frames; 0 is never.")] = 0,
    seconds: Annotated[float, typer.Option("--seconds", "-s", min=0, help="Stop after so long; 0 is never.")] = 0,
    name: LabName = None,
) -> None:
    """Capture the frames on a channel's fibre, both directions.

    Examples: xcnet capture ch1 -w - | wireshark -k -i -        xcnet capture ch2 --decrypt -w ch2.pcapng
    """
    from xcnet.cli.frames import FramePrinter
    from xcnet.lab.directory import Directory, find_lab, pick
    from xcnet.lab.manager import stream_from_lab

    paths = find_lab(name)
    pick("channel", channel, Directory.read(paths).channels)
    request = ["capture", channel, "1" if decrypt else "0", str(count), str(seconds)]
    if write is None:
        printer = FramePrinter(sys.stdout)
        raise typer.Exit(stream_from_lab(paths, request, printer.feed))
    if write == "-":
        if sys.stdout.isatty():
            raise InputError(
                "a capture is not for a terminal", where="--write -", remedy="pipe it into Wireshark, or name a file"
            )

        def to_stdout(data: bytes) -> None:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

        raise typer.Exit(stream_from_lab(paths, request, to_stdout))
    try:
        file = Path(write).open("wb")  # noqa: SIM115 - closed below, after the stream
    except OSError as error:
        raise InputError(
            f"the capture cannot be written: {error.strerror}",
            where=write,
            remedy="name a file in a folder you may write to",
        ) from None
    with file:
        note(f"capturing {channel} into {write}; Ctrl-C ends it")

        def to_file(data: bytes) -> None:
            file.write(data)
            file.flush()

        status = stream_from_lab(paths, request, to_file)
    raise typer.Exit(status)


def rotate(channel: ChannelArgument, name: LabName = None, json: Json = False) -> None:
    """Give a channel a fresh CAK while it carries traffic, without losing a packet.

    The provider that manages the channel's keys makes it and hands it to the other; nothing else on that interconnect is
    rotated in the two hours after it ('xcnet clock advance 2h' lets them pass). Example: xcnet rotate ch2
    """
    from xcnet.cli.handshake import Steps
    from xcnet.cli.output import print_json
    from xcnet.cli.talk import talking
    from xcnet.lab.directory import pick

    with talking(name) as talk:
        pick("channel", channel, talk.directory.channels)
        steps = Steps(talk.directory.providers, quiet=json)
        done = talk.coordinators.rotate(talk.directory.providers, channel, heard=steps)
    if json:
        print_json(done)
    else:
        note(f"{channel} uses the new key {done['ckn'][:8]}... after {done['seconds']:.1f} s")


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    settings = {"ignore_unknown_options": True, "allow_interspersed_args": False}
    app.command("exec", context_settings=settings)(execute)
    app.command()(shell)
    app.command()(vtysh)
    app.command()(capture)
    app.command()(rotate)


__all__ = ["register"]
