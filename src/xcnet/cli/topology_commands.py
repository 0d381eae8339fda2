"""Commands on topology files: list, check, schema, graph, links. None of them needs a lab or privileges."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from xcnet.cli.options import Json, TopologyArgument
from xcnet.cli.output import note, out, print_json
from xcnet.errors import InputError

app = typer.Typer(help="Work with topology files.", no_args_is_help=True)


class GraphFormat(StrEnum):
    SVG = "svg"
    MERMAID = "mermaid"


@app.command("list")
def list_topologies(json: Json = False) -> None:
    """List the shipped topologies."""
    from xcnet.model.load import shipped_topologies

    found = shipped_topologies()
    if json:
        print_json({name: str(path) for name, path in found.items()})
        return
    for name, path in found.items():
        out.print(f"[bold]{name}[/]  [dim]{path}[/]")


@app.command()
def check(topology: TopologyArgument, json: Json = False) -> None:
    """Check a topology file: exit status 0 if it can be brought up, 2 with every problem named if not.

    Example: xcnet topology check my-lab.yaml
    """
    from xcnet.model.load import load_topology
    from xcnet.model.planner import make_plan

    loaded = load_topology(topology)
    plan = make_plan(loaded)
    if json:
        print_json(
            {
                "topology": plan.topology,
                "nodes": len(plan.nodes),
                "channels": len(plan.channels),
                "connections": len(plan.connections),
                "warnings": list(loaded.warnings),
            }
        )
        return
    for warning in loaded.warnings:
        note(f"warning: {warning}")
    out.print(
        f"[green]good[/]: {plan.topology}: {len(plan.nodes)} nodes, {len(plan.channels)} channels, "
        f"{len(plan.connections)} connections"
    )


@app.command()
def schema() -> None:
    """Print the JSON schema of topology files, for editors.

    Example: xcnet topology schema > topology.schema.json
    """
    from xcnet.model.schema import topology_schema

    print_json(topology_schema())


@app.command()
def graph(
    topology: TopologyArgument = "aws-google",
    form: Annotated[GraphFormat, typer.Option("--format", "-f", help="What to draw.")] = GraphFormat.SVG,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file; default: standard output.")] = None,
) -> None:
    """Draw a topology as SVG or mermaid.

    Example: xcnet topology graph aws-google -o lab.svg
    """
    from xcnet.model.graph import to_mermaid
    from xcnet.model.graph_svg import to_svg
    from xcnet.model.load import load_topology
    from xcnet.model.planner import make_plan

    plan = make_plan(load_topology(topology))
    text = to_svg(plan) if form is GraphFormat.SVG else to_mermaid(plan)
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text)
    except OSError as error:
        raise InputError(
            f"the drawing cannot be written: {error.strerror}",
            where=str(output),
            remedy="name a file in a folder you may write to",
        ) from None


@app.command()
def links(topology: TopologyArgument = "aws-google", json: Json = False) -> None:
    """List the nodes and links a topology makes."""
    from xcnet.model.export import plan_links
    from xcnet.model.load import load_topology
    from xcnet.model.planner import make_plan

    plan = make_plan(load_topology(topology))
    if json:
        print_json(plan_links(plan))
        return
    for link in plan.links:
        out.print(f"{link.a[0]}:{link.a[1]}  --  {link.b[0]}:{link.b[1]}  [dim]{link.kind}, MTU {link.mtu}[/]")


__all__ = ["app"]
