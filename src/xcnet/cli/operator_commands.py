"""Commands of operators: maintenance, issues, channel, api-log, clock."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from xcnet.cli.options import ChannelArgument, Json, LabName
from xcnet.cli.output import note, out, print_json
from xcnet.cli.talk import talking
from xcnet.errors import InputError

maintenance = typer.Typer(
    help="Planned work on channels: one at a time, drained before it begins.", no_args_is_help=True
)
issues = typer.Typer(
    help="Issues that providers open at each other.", no_args_is_help=False, invoke_without_command=True
)
channels = typer.Typer(help="Take a channel out of use and put it back; it is drained first.", no_args_is_help=True)
clock = typer.Typer(help="Policy time: what lifetimes, bake times and windows are reckoned by.", no_args_is_help=True)

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")

By = Annotated[str | None, typer.Option("--by", help="The provider that does it; the first by default.")]


def seconds_of(text: str, where: str) -> float:
    """A span of time such as ``2h`` or ``1d12h``. :raises InputError: it is none."""
    if not _SPAN.fullmatch(text):
        raise InputError(f"{text!r} is no span of time", where=where, remedy="write e.g. 90s, 30m, 2h, 1d12h or 2w")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


@maintenance.command("schedule")
def schedule(
    channel: ChannelArgument,
    by: By = None,
    start: Annotated[str, typer.Option("--in", help="From now, policy time, e.g. 2w.")] = "2w",
    duration: Annotated[str, typer.Option("--for", help="How long, e.g. 4h.")] = "4h",
    emergency: Annotated[
        bool, typer.Option("--emergency", help="Without the notice that is due otherwise, whatever else is planned.")
    ] = False,
    name: LabName = None,
    json: Json = False,
) -> None:
    """Announce work on a channel to the other provider. Example: xcnet maintenance schedule ch2 --in 2w --for 4h"""
    from xcnet.cli.handshake import Steps
    from xcnet.lab.coordination import ANNOUNCED

    parameters = {
        "channel": channel,
        "start": seconds_of(start, "--in"),
        "duration": seconds_of(duration, "--for"),
        "emergency": emergency,
    }
    with talking(name) as talk:
        provider = talk.provider(by, "--by") if by is not None else next(iter(talk.directory.providers))
        steps = Steps(talk.directory.providers, quiet=json)
        done = talk.coordinators.command(provider, "schedule", parameters, follow=ANNOUNCED, heard=steps)
    if json:
        print_json({"provider": provider, **done.answer})
    else:
        note(f"maintenance {done.answer['maintenance'][:8]} of {channel} is announced; see 'xcnet maintenance list'")


@maintenance.command("list")
def list_maintenance(name: LabName = None, json: Json = False) -> None:
    """List the windows of both providers, as each knows them. Example: xcnet maintenance list"""
    from xcnet.cli.show_operators import maintenance_view

    with talking(name) as talk:
        held = {key: talk.coordinators.query(key, "maintenance") for key in talk.directory.providers}
        now = {key: talk.coordinators.query(key, "clock")["policy"] for key in talk.directory.providers}
    if json:
        print_json([{"provider": key, **each} for key, found in held.items() for each in found])
    elif not any(held.values()):
        note("no maintenance is scheduled")
    else:
        out.print(maintenance_view(held, now, talk.directory.providers))


@maintenance.command("cancel")
def cancel(
    identifier: Annotated[str, typer.Argument(metavar="MAINTENANCE", help="Its id, or the beginning of it.")],
    name: LabName = None,
    json: Json = False,
) -> None:
    """Cancel a window; only the provider that announced it can. Example: xcnet maintenance cancel 3f2a91c4"""
    with talking(name) as talk:
        for key in talk.directory.providers:
            for each in talk.coordinators.query(key, "maintenance"):
                if each["id"].startswith(identifier) and each["owner"] == key:
                    done = talk.coordinators.command(key, "cancel", {"maintenance": each["id"]})
                    if json:
                        print_json({"provider": key, **done.answer})
                    else:
                        note(f"maintenance {each['id'][:8]} of {each['channel']} is cancelled")
                    return
    raise InputError(
        f"there is no maintenance {identifier!r}", where="maintenance", remedy="see 'xcnet maintenance list'"
    )


@issues.callback()
def list_issues(context: typer.Context, name: LabName = None, json: Json = False) -> None:
    """Issues that providers open at each other; alone it lists them. Example: xcnet issues --json"""
    if context.invoked_subcommand is not None:
        return
    from xcnet.cli.show_operators import issues_view

    with talking(name) as talk:
        held = {key: talk.coordinators.query(key, "issues") for key in talk.directory.providers}
    if json:
        print_json([{"provider": key, **each} for key, found in held.items() for each in found])
    elif not any(held.values()):
        note("there is no issue")
    else:
        out.print(issues_view(held, talk.directory.providers))


IssueArgument = Annotated[str, typer.Argument(metavar="ISSUE", help="Its id, or the beginning of it.")]


@issues.command("open")
def open_issue(
    title: Annotated[str, typer.Argument(help="One line.")],
    by: Annotated[str, typer.Option("--by", help="The provider that opens it.")],
    body: Annotated[str, typer.Option("--body", help="The matter.")],
    to: Annotated[str | None, typer.Option("--to", help="At whom; the other provider by default.")] = None,
    channel: Annotated[list[str] | None, typer.Option("--channel", help="A channel concerned; repeatable.")] = None,
    name: LabName = None,
    json: Json = False,
) -> None:
    """Open an issue at the other provider. Example: xcnet issues open 'ch2 loses frames' --by aws --body '...' --channel ch2"""
    from xcnet.lab import coordination

    with talking(name) as talk:
        provider = talk.provider(by, "--by")
        environments = talk.coordinators.query(provider, "environments")
        peer = talk.provider(to, "--to") if to is not None else environments[0]["peer"]
        contexts = [_channel_name(environments, provider, each) for each in channel or ()]
        content: dict[str, Any] = {"title": title, "body": body}
        if contexts:
            content["channelContexts"] = [{"name": each} for each in contexts]
        done = talk.coordinators.command(
            provider, "open-issue", {"peer": peer, "issue": content}, follow=coordination.DONE
        )
    if json:
        print_json({"provider": provider, **done.answer})
    else:
        note(f"issue {done.answer['issue'][:8]} is open at {talk.directory.providers[peer]}")


@issues.command("comment")
def comment(
    identifier: IssueArgument,
    by: Annotated[str, typer.Option("--by", help="The provider that says it.")],
    body: Annotated[str, typer.Option("--body", help="The words.")],
    name: LabName = None,
    json: Json = False,
) -> None:
    """Add a comment to an issue. Example: xcnet issues comment 3f2a91c4 --by gcp --body 'looking'"""
    _about_issue("comment", identifier, by, name, json, body=body)


@issues.command("close")
def close_issue(
    identifier: IssueArgument,
    by: Annotated[str, typer.Option("--by", help="The provider that closes it.")],
    name: LabName = None,
    json: Json = False,
) -> None:
    """Close an issue. Example: xcnet issues close 3f2a91c4 --by aws"""
    _about_issue("close-issue", identifier, by, name, json)


def _about_issue(command: str, identifier: str, by: str, name: str | None, json: bool, **more: Any) -> None:
    from xcnet.lab import coordination

    with talking(name) as talk:
        provider = talk.provider(by, "--by")
        found = [each for each in talk.coordinators.query(provider, "issues") if each["id"].startswith(identifier)]
        if len(found) != 1:
            cause = f"there is no issue {identifier!r}" if not found else f"{identifier!r} begins several issues' ids"
            raise InputError(cause, where="issue", remedy="see 'xcnet issues'")
        parameters = {"peer": found[0]["peer"], "issue": found[0]["id"], **more}
        done = talk.coordinators.command(provider, command, parameters, follow=coordination.DONE)
    if json:
        print_json({"provider": provider, **done.answer})
    else:
        note(f"issue {found[0]['id'][:8]}: {command.removesuffix('-issue')} done")


def _channel_name(environments: list[dict[str, Any]], provider: str, channel: str) -> str:
    for environment in environments:
        for interconnect in environment["interconnects"]:
            if any(each["name"] == channel for each in interconnect["channels"]):
                return (
                    f"providers/{provider}/environments/{environment['name']}/interconnects/{interconnect['name']}"
                    f"/channels/{channel}"
                )
    raise InputError(f"there is no channel {channel!r}", where="--channel", remedy="see 'xcnet environments'")


@channels.command("disable")
def disable_channel(channel: ChannelArgument, by: By = None, name: LabName = None, json: Json = False) -> None:
    """Drain a channel and take it down. Example: xcnet channel disable ch3 --by gcp"""
    _about_channel("disable-channel", channel, by, name, json)


@channels.command("enable")
def enable_channel(channel: ChannelArgument, by: By = None, name: LabName = None, json: Json = False) -> None:
    """Put a channel back into use. Example: xcnet channel enable ch3 --by gcp"""
    _about_channel("enable-channel", channel, by, name, json)


def _about_channel(command: str, channel: str, by: str | None, name: str | None, json: bool) -> None:
    from xcnet.cli.handshake import Steps
    from xcnet.lab import coordination
    from xcnet.lab.directory import pick

    with talking(name) as talk:
        pick("channel", channel, talk.directory.channels)
        provider = talk.provider(by, "--by") if by is not None else next(iter(talk.directory.providers))
        steps = Steps(talk.directory.providers, quiet=json)
        parameters = {"channel": channel}
        done = talk.coordinators.command(provider, command, parameters, follow=coordination.APPLIED, heard=steps)
    if json:
        print_json({"provider": provider, **done.answer})
    else:
        note(f"{channel}: {command.removesuffix('-channel')}d by {talk.directory.providers[provider]}")


@clock.command("advance")
def advance(
    span: Annotated[str, typer.Argument(help="How far, e.g. 2h or 7d.")], name: LabName = None, json: Json = False
) -> None:
    """Move policy time forward at every coordinator; clocks of routers and signatures stay. Example: xcnet clock advance 2h"""
    seconds = seconds_of(span, "SPAN")
    with talking(name) as talk:
        for provider in talk.directory.providers:
            talk.coordinators.command(provider, "advance", {"seconds": seconds})
        found = [talk.coordinators.query(provider, "clock") for provider in talk.directory.providers]
    if json:
        print_json(found)
    else:
        note(f"policy time is {found[0]['ahead'] / 3600:.2f} h ahead")


@clock.command("show")
def show_clock(name: LabName = None, json: Json = False) -> None:
    """Show policy time. Example: xcnet clock show"""
    from datetime import UTC, datetime

    with talking(name) as talk:
        found = [talk.coordinators.query(provider, "clock") for provider in talk.directory.providers]
    if json:
        print_json(found)
        return
    for each in found:
        moment = datetime.fromtimestamp(each["policy"], UTC)
        note(f"{each['provider']}: {moment:%Y-%m-%d %H:%M:%S}Z, {each['ahead'] / 3600:.2f} h ahead")


def api_log(
    har: Annotated[
        str | None, typer.Option("--har", help="Write an HTTP Archive to this file; '-' for standard output.")
    ] = None,
    operation: Annotated[str | None, typer.Option("--operation", "-o", help="Only this operationId.")] = None,
    bodies: Annotated[bool, typer.Option("--bodies", help="Show what was sent and answered.")] = False,
    name: LabName = None,
    json: Json = False,
) -> None:
    """Print what the coordinators said to each other; secrets are redacted.

    Examples: xcnet api-log --bodies        xcnet api-log --har handshake.har
    """
    import json as json_module

    from xcnet.coordinator.http.har import write_har
    from xcnet.coordinator.http.transcript_reader import merged, paired, transcripts_in
    from xcnet.lab.directory import find_lab

    paths = find_lab(name)
    found = (
        each for each in merged(transcripts_in(paths.transcripts)) if operation is None or each.operation == operation
    )
    if har is not None:
        if har == "-":
            write_har(found, sys.stdout)
            return
        try:
            with Path(har).open("w", encoding="utf-8") as stream:
                write_har(found, stream)
        except OSError as error:
            raise InputError(
                f"the archive cannot be written: {error.strerror}", where=har, remedy="name a file that you may write"
            ) from None
        note(f"written to {har}")
        return
    if json:
        for each in found:
            sys.stdout.write(each.to_json() + "\n")
        return
    from xcnet.cli.show_operators import exchange_line

    first: float | None = None
    for pair in paired(found):
        exchange = pair.client or pair.servers[0]
        first = exchange.monotonic if first is None else first
        out.print(exchange_line(pair, exchange.monotonic - first))
        if bodies:
            for mark, body in ((">", exchange.request_body), ("<", exchange.response_body)):
                if body:
                    out.print(f"             {mark} {json_module.dumps(body, separators=(',', ':'))}", markup=False)


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.add_typer(maintenance, name="maintenance")
    app.add_typer(issues, name="issues")
    app.add_typer(channels, name="channel")
    app.command("api-log")(api_log)
    app.add_typer(clock, name="clock")


__all__ = ["register", "seconds_of"]
