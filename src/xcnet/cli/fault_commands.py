"""Commands that break a lab on purpose and mend it: fault begin, end, list, check, kinds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from xcnet.cli.durations import duration
from xcnet.cli.options import Json, LabName
from xcnet.cli.output import note, out, print_json
from xcnet.cli.tables import Column, NarrowingTable
from xcnet.errors import InputError

if TYPE_CHECKING:
    from xcnet.engine.client import LabClient
    from xcnet.lab.faulting import PastFault

faults = typer.Typer(
    help="Break the lab on purpose, see that it is broken, and mend it without a trace.", no_args_is_help=True
)


@contextmanager
def open_lab(name: str | None) -> Iterator[LabClient]:
    """:raises XcnetError: there is no such lab, or it does not answer."""
    from xcnet.engine.client import LabClient
    from xcnet.lab.directory import find_lab

    with LabClient(find_lab(name).run_dir) as client:
        yield client


def _complete_kind(incomplete: str) -> list[str]:
    from xcnet.lab.faults.settings import fault_classes

    return [kind for kind in fault_classes() if kind.startswith(incomplete)]


def settings_of(given: list[str]) -> dict[str, str]:
    """``key=value`` texts. :raises InputError: one is none, or comes twice."""
    found: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise InputError(f"{text!r} is no setting", where="--set", remedy="write e.g. --set percent=30")
        if key in found:
            raise InputError(f"{key} is set twice", where="--set", remedy="set it once")
        found[key] = value
    return found


@faults.command("begin")
def begin(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="See 'xcnet fault kinds'.", autocompletion=_complete_kind)
    ],
    on: Annotated[
        str | None,
        typer.Option(
            "--on", help="A channel, a facility, a provider, all, NODE/NODE, or a node, as the kind takes it."
        ),
    ] = None,
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A field of the fault; repeatable.")
    ] = None,
    span: Annotated[
        str | None,
        typer.Option("--for", help="The lab ends it after this time, e.g. 10s. Else it stands until ended."),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="With --for: do not wait for its end, at which Ctrl-C would end it too.")
    ] = False,
    name: LabName = None,
    json: Json = False,
) -> None:
    """Put a fault in place.

    Examples:

      xcnet fault begin cut --on ch2 --for 10s\n
      xcnet fault begin loss --on fac-a --set percent=5 --set direction=first-to-second\n
      xcnet fault begin flap --on ch1 --set period=2 --set down=0.5\n
      xcnet fault begin cut --on aws-edge1/aws-gw
    """
    from xcnet.cli.operator_commands import seconds_of
    from xcnet.lab import faulting
    from xcnet.lab.faults.settings import read_fault

    seconds = seconds_of(span, "--for") if span is not None else None
    if detach and seconds is None:
        raise InputError("there is no end to wait for", where="--detach", remedy="give --for, or leave --detach out")
    fields = settings_of(given or [])
    if on is not None:
        if "on" in fields:
            raise InputError("on is set twice", where="--on", remedy="give --on or --set on=, not both")
        fields["on"] = on
    fault = read_fault({"fault": kind, **fields})
    with open_lab(name) as client:
        begun = faulting.begin(client, fault, seconds)
        told = {**begun.model_dump(mode="json"), "begun": begun.monotonic}
        if seconds is not None and not detach:
            if not json:
                note(f"{begun.id}: {begun.artifact}; until {span} are over, or Ctrl-C")
            try:
                told["monotonic"] = faulting.wait_for_end(client, begun).ended
            except KeyboardInterrupt:
                faulting.end(client, begun.id)
                note(f"{begun.id} is ended")
                raise
    if json:
        print_json(told)
    elif seconds is None:
        note(f"{begun.id}: {begun.artifact}; end it with 'xcnet fault end {begun.id}'")
    elif detach:
        note(f"{begun.id}: {begun.artifact}; the lab ends it after {span}, or 'xcnet fault end {begun.id}' before")
    else:
        note(f"{begun.id} is ended")


@faults.command("end")
def end(
    identifier: Annotated[
        str | None, typer.Argument(metavar="ID", help="As 'fault begin' and 'fault list' say it.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that stand, the last first.")] = False,
    name: LabName = None,
    json: Json = False,
) -> None:
    """Take a fault away. Examples: xcnet fault end cut-1; xcnet fault end --all"""
    from xcnet.lab import faulting

    if (identifier is None) == (not every):
        raise InputError("which fault?", where="fault end", remedy="give the id of one, or --all")
    with open_lab(name) as client:
        ended = faulting.end_all(client) if identifier is None else [faulting.end(client, identifier)]
    if json:
        print_json([each.model_dump(mode="json") for each in ended])
    else:
        note(f"ended: {', '.join(each.id for each in ended) or 'none stood'}")


@faults.command("check")
def check(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="As 'fault begin' and 'fault list' say it.")],
    name: LabName = None,
    json: Json = False,
) -> None:
    """See that a fault is still in place. Example: xcnet fault check loss-1"""
    from xcnet.lab import faulting

    with open_lab(name) as client:
        found = faulting.check(client, identifier)
    if json:
        print_json(found.model_dump(mode="json"))
    else:
        note(f"{found.id}: {found.artifact}")


@faults.command("list")
def list_faults(name: LabName = None, json: Json = False) -> None:
    """List the faults that stand. Example: xcnet fault list --json"""
    from xcnet.lab import faulting

    with open_lab(name) as client:
        found = faulting.standing(client)
    if json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    if not found:
        note("no fault stands")
        return
    table = NarrowingTable(
        "standing faults", [Column("id"), Column("on"), Column("channels", spare=1), Column("artifact", spare=2)]
    )
    for each in found:
        table.add_row(each.id, each.target, " ".join(each.channels), each.artifact)
    out.print(table)


@faults.command("history")
def history(name: LabName = None, json: Json = False) -> None:
    """List all faults that the lab has had, and what ended them. Example: xcnet fault history"""
    from xcnet.lab import faulting

    with open_lab(name) as client:
        found = faulting.history(client)
    show_history(found, "faults of this lab", json)


@faults.command("kinds")
def kinds(json: Json = False) -> None:
    """List the kinds of faults with their fields. Example: xcnet fault kinds"""
    from xcnet.lab.faults.registry import makeable
    from xcnet.lab.faults.settings import fault_classes

    classes = fault_classes()
    schemas = {kind: classes[kind].model_json_schema() for kind in makeable()}
    if json:
        print_json(schemas)
        return
    for kind, schema in schemas.items():
        own, words = _documented(schema.get("description", ""))
        out.print(f"[bold]{kind}[/]  {escape(own)}".rstrip())
        needed = schema.get("required", [])
        for field, about in schema["properties"].items():
            if field != "fault":
                values = _values(about, schema) + ("" if field in needed else _default(about))
                out.print(escape(f"    {field:<10} {values}" + (f": {words[field]}" if field in words else "")))


def show_history(found: list[PastFault], title: str, json: bool) -> None:
    """A table of faults that were, or JSON."""
    if json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    if not found:
        note("there was none")
        return
    table = NarrowingTable(
        title,
        [Column("id"), Column("on"), Column("began"), Column("given", spare=2), Column("took"), Column("how", spare=1)],
    )
    for each in found:
        began = f"{datetime.fromtimestamp(each.wall):%Y-%m-%d %H:%M:%S}"
        given = duration(each.lasts) if each.lasts is not None else "until ended"
        took = duration(each.ended - each.began) if each.ended is not None else "stands"
        table.add_row(each.id, each.target, began, given, took, _how(each))
    out.print(table)


def _how(past: PastFault) -> str:
    if past.stuck is not None:
        return f"could not be ended: {past.stuck}"
    return {"time": "its time was up", "asked": "ended before", None: ""}[past.by]


def _documented(text: str) -> tuple[str, dict[str, str]]:
    """A model's own words, and those of its fields: what stands before, and behind, each ``:param NAME:``."""
    own, *rest = " ".join(text.split()).split(":param ")
    fields = dict(each.split(": ", 1) for each in rest)
    return own.strip(), {name: words.strip().rstrip(".") for name, words in fields.items()}


def _values(about: dict[str, Any], schema: dict[str, Any]) -> str:
    """What a field may be, in words."""
    if "anyOf" in about:
        return " or ".join(_values(each, schema) for each in about["anyOf"] if each.get("type") != "null")
    if "$ref" in about:
        about = schema["$defs"][about["$ref"].rpartition("/")[2]]
    if "enum" in about:
        return " | ".join(map(str, about["enum"]))
    words = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true | false"}.get(
        about.get("type", ""), ""
    )
    bounds = {"exclusiveMinimum": "above", "minimum": "from", "maximum": "to"}
    return " ".join([words, *(f"{word} {about[key]:g}" for key, word in bounds.items() if key in about)])


def _default(about: dict[str, Any]) -> str:
    default = about.get("default")
    return " (may be left out)" if default is None else f" (default {default})"


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.add_typer(faults, name="fault")


__all__ = ["open_lab", "register", "settings_of", "show_history"]
