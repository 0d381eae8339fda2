"""Commands of customers: environments, connect, accept, connections, describe, resize, migrate, disconnect."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from typing import Annotated, Any

import typer

from xcnet.cli.options import Json, LabName
from xcnet.cli.output import note, out, print_json
from xcnet.cli.talk import Talk, talking
from xcnet.errors import InputError

_MEGA = 1_000_000


def _complete_connection(context: typer.Context, incomplete: str) -> list[str]:
    from xcnet.errors import XcnetError
    from xcnet.lab.directory import Directory, find_lab

    try:
        directory = Directory.read(find_lab(context.params.get("name")))
    except XcnetError:
        return []
    return [name for name in directory.connections if name.startswith(incomplete)]


ConnectionArgument = Annotated[
    str, typer.Argument(help="A connection's name or UUID.", autocompletion=_complete_connection)
]
At = Annotated[str | None, typer.Option("--at", help="The provider to ask; by default the first that has it.")]
BandwidthOption = Annotated[str, typer.Option("--bandwidth", "-b", help="How much, e.g. 500Mbps or 1Gbps.")]
NetworkOption = Annotated[
    list[str] | None, typer.Option("--network", help="A subnet of the customer's there, CIDR; repeatable.")
]


class YesNo(StrEnum):
    TRUE = "true"
    FALSE = "false"


def megabits(text: str) -> int:
    """:raises InputError: it is no bandwidth."""
    from xcnet.model.fields import parse_rate

    try:
        rate = round(parse_rate(text))
    except ValueError:
        rate = 0
    if rate < _MEGA or rate % _MEGA:
        raise InputError(
            f"{text!r} is no bandwidth of a connection", where="--bandwidth", remedy="write e.g. 500Mbps or 1Gbps"
        )
    return rate // _MEGA


def environments(name: LabName = None, json: Json = False) -> None:
    """List where connections can be had: the sites, bandwidths and interconnects of both providers.

    Example: xcnet environments
    """
    from xcnet.cli.show_connections import environments_view

    with talking(name) as talk:
        found = [each for key in talk.directory.providers for each in talk.coordinators.query(key, "environments")]
    if json:
        print_json(found)
    else:
        out.print(environments_view(found, talk.directory.providers))


def connect(
    from_: Annotated[str, typer.Option("--from", help="The provider whose customer asks for it.")],
    bandwidth: BandwidthOption,
    environment: Annotated[
        str | None, typer.Option("--environment", "-e", help="Where; may be left out while there is one.")
    ] = None,
    accept: Annotated[YesNo, typer.Option("--accept", help="false: stop at the activation key.")] = YesNo.TRUE,
    connection_name: Annotated[
        str | None, typer.Option("--connection-name", help="What it is called in the lab.")
    ] = None,
    attach: Annotated[str | None, typer.Option("--attach", help="A network of the topology's to attach it to.")] = None,
    network: NetworkOption = None,
    peer_network: Annotated[
        list[str] | None, typer.Option("--peer-network", help="The same at the other provider; repeatable.")
    ] = None,
    customer: Annotated[str | None, typer.Option("--customer", help="Whose; the topology's first.")] = None,
    defer: Annotated[
        bool, typer.Option("--defer", help="Have the provider that made the key provision the connection.")
    ] = False,
    name: LabName = None,
    json: Json = False,
) -> None:
    """Make a connection: an activation key at one provider, accepted at the other, and both build the path.

    Each step of the handshake is shown as it happens. Examples:
    xcnet connect --environment aws-gcp-us-east --from aws --bandwidth 1Gbps
    xcnet connect --from gcp --bandwidth 500Mbps --accept false
    """
    from xcnet.cli.attach import choose_attachment
    from xcnet.cli.handshake import Steps

    mbps = megabits(bandwidth)
    with talking(name) as talk:
        here = talk.provider(from_, "--from")
        chosen = _environment(talk, environment, here)
        there = next(each for each in chosen.providers if each != here)
        accounts = _accounts(talk, customer)
        steps = Steps(talk.directory.providers, quiet=json)
        own = choose_attachment(talk, here, connection_name, attach, network, 0)
        started = time.monotonic()
        if accept is YesNo.FALSE:
            made = talk.coordinators.intent(here, there, chosen.name, mbps, accounts, own, heard=steps)
            if json:
                print_json(made)
            else:
                note(f"accept it with: xcnet accept KEY --at {there}")
                sys.stdout.write(made["key"] + "\n")
            return
        wanted = connection_name or own.get("name")
        known = any(each.name == wanted and each.provider == there for each in talk.directory.networks)
        other = choose_attachment(talk, there, connection_name, wanted if known else attach, peer_network, 1)
        if wanted is not None:
            other.setdefault("name", wanted)
        view = talk.coordinators.connect(
            here, there, chosen.name, mbps, accounts, {here: own, there: other}, defer=defer, heard=steps
        )
        seconds = time.monotonic() - started
    _connected(view, seconds, steps.events, json)


def accept(
    key: Annotated[str, typer.Argument(help="The activation key; '-' reads it from standard input.")],
    at: Annotated[str, typer.Option("--at", help="The provider that it was made for.")],
    connection_name: Annotated[
        str | None, typer.Option("--connection-name", help="What it is called in the lab.")
    ] = None,
    attach: Annotated[str | None, typer.Option("--attach", help="A network of the topology's to attach it to.")] = None,
    network: NetworkOption = None,
    customer: Annotated[str | None, typer.Option("--customer", help="Whose; the topology's first.")] = None,
    defer: Annotated[
        bool, typer.Option("--defer", help="Have the provider that made the key provision the connection.")
    ] = False,
    name: LabName = None,
    json: Json = False,
) -> None:
    """Accept an activation key at the provider that it was made for, and see the path being built.

    Example: xcnet connect --from aws --bandwidth 1Gbps --accept false | xcnet accept - --at gcp
    """
    from xcnet.cli.attach import choose_attachment
    from xcnet.cli.handshake import Steps
    from xcnet.lab import coordination

    text = sys.stdin.read().strip() if key == "-" else key.strip()
    with talking(name) as talk:
        there = talk.provider(at, "--at")
        steps = Steps(talk.directory.providers, quiet=json)
        started = time.monotonic()
        result = talk.coordinators.command(
            there,
            "accept",
            {
                "key": text,
                "account": _accounts(talk, customer)[there],
                "attach": choose_attachment(talk, there, connection_name, attach, network, 1),
                "defer": defer,
            },
            follow=coordination.VERIFIED,
            heard=steps,
        )
        view = talk.coordinators.query(there, "describe", connection=result.answer["uuid"])
    _connected(view, time.monotonic() - started, steps.events, json)


def connections(name: LabName = None, json: Json = False) -> None:
    """List the connections as each provider sees them.

    Example: xcnet connections --json | jq '.[].uuid'
    """
    from xcnet.cli.show_connections import connections_view

    with talking(name) as talk:
        held = {key: talk.coordinators.query(key, "connections") for key in talk.directory.providers}
    if json:
        print_json([{"provider": key, **each} for key, found in held.items() for each in found])
        return
    if not any(held.values()):
        note("there is no connection; make one with 'xcnet connect'")
        return
    out.print(connections_view(held, talk.directory.providers))


def describe(connection: ConnectionArgument, at: At = None, name: LabName = None, json: Json = False) -> None:
    """Show a connection: where it runs, what was negotiated, what is seen of it, and what is under way.

    Example: xcnet describe prod --at gcp
    """
    from xcnet.cli.show_connections import connection_view

    with talking(name) as talk:
        provider = talk.holder(connection, at)
        view = talk.coordinators.query(provider, "describe", connection=connection)
    if json:
        print_json({"provider": provider, **view})
    else:
        out.print(connection_view(view, provider, talk.directory.providers))


def resize(
    connection: ConnectionArgument,
    bandwidth: BandwidthOption,
    at: At = None,
    name: LabName = None,
    json: Json = False,
) -> None:
    """Change a connection's bandwidth in place, without losing a packet.

    Example: xcnet resize prod --bandwidth 2Gbps
    """
    from xcnet.lab import coordination

    _change("resize", connection, at, name, json, coordination.APPLIED, mbps=megabits(bandwidth))


def migrate(
    connection: ConnectionArgument,
    to: Annotated[
        str | None, typer.Option("--to", help="The interconnect; the one with most free bandwidth by default.")
    ] = None,
    at: At = None,
    name: LabName = None,
    json: Json = False,
) -> None:
    """Move a connection to another interconnect: the new path stands before the old one goes.

    Example: xcnet migrate prod --to ic2
    """
    from xcnet.lab import coordination

    _change("migrate", connection, at, name, json, coordination.APPLIED, to=to)


def disconnect(connection: ConnectionArgument, at: At = None, name: LabName = None, json: Json = False) -> None:
    """Delete a connection at both providers; its routes leave before its links go.

    Example: xcnet disconnect prod
    """
    from xcnet.lab import coordination

    _change("disconnect", connection, at, name, json, coordination.GONE)


def enable(connection: ConnectionArgument, at: At = None, name: LabName = None, json: Json = False) -> None:
    """Put a disabled connection into use again. Example: xcnet enable prod"""
    from xcnet.lab import coordination

    _change("enable-connection", connection, at, name, json, coordination.APPLIED)


def disable(connection: ConnectionArgument, at: At = None, name: LabName = None, json: Json = False) -> None:
    """Take a connection out of use; it is drained first. Example: xcnet disable prod"""
    from xcnet.lab import coordination

    _change("disable-connection", connection, at, name, json, coordination.APPLIED)


def _change(
    command: str, connection: str, at: str | None, name: str | None, json: bool, follow: str, **more: Any
) -> None:
    from xcnet.cli.handshake import Steps

    started = time.monotonic()
    with talking(name) as talk:
        provider = talk.holder(connection, at)
        steps = Steps(talk.directory.providers, quiet=json)
        parameters = {"connection": connection, **more}
        result = talk.coordinators.command(provider, command, parameters, follow=follow, heard=steps)
    seconds = round(time.monotonic() - started, 3)
    if json:
        print_json({"provider": provider, **result.answer, "seconds": seconds, "steps": steps.events})
    else:
        note(f"{result.answer.get('name', connection)}: {command} done after {seconds:.1f} s")


def _environment(talk: Talk, wanted: str | None, provider: str) -> Any:
    """:raises InputError: there is none of that name with this provider, or a choice to make."""
    known = [each for each in talk.directory.environments if provider in each.providers]
    listed = ", ".join(each.name for each in known)
    if wanted is None and len(known) == 1:
        return known[0]
    for each in known:
        if each.name == wanted:
            return each
    cause = f"there is no environment {wanted!r} with {provider}" if wanted else "there is more than one environment"
    raise InputError(cause, where="--environment", remedy=f"there are: {listed or 'none'}")


def _accounts(talk: Talk, customer: str | None) -> dict[str, str]:
    customers = talk.directory.customers
    chosen = customer or next(iter(customers), None)
    if chosen is None or chosen not in customers:
        raise InputError(
            f"there is no customer {chosen!r} in this lab",
            where="--customer",
            remedy=f"there are: {', '.join(customers) or 'none'}",
        )
    return customers[chosen]


def _connected(view: dict[str, Any], seconds: float, steps: list[dict[str, Any]], json: bool) -> None:
    if json:
        print_json({**view, "seconds": round(seconds, 3), "steps": steps})
        return
    leg = view["legs"][-1]
    note(
        f"connection {view['name']!r} ({view['uuid']}) works over {len(leg['features'])} channels of "
        f"{leg['interconnect']} after {seconds:.1f} s"
    )
    note(f"next: xcnet describe {view['name']} | xcnet verify | xcnet api-log | xcnet disconnect {view['name']}")


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    for command in (environments, connect, accept, connections, describe, resize, migrate, disconnect, enable, disable):
        app.command()(command)


__all__ = ["At", "Talk", "megabits", "register", "talking"]
