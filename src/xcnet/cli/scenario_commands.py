"""``xcnet scenario``: the files themselves: list, check, schema, catalogue."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from xcnet.cli.options import Json
from xcnet.cli.output import note, out, print_json

app = typer.Typer(help="Scenario files: what comes with xcnet, and one's own.", no_args_is_help=True)


@app.command("list")
def list_scenarios(json: Json = False) -> None:
    """List the scenarios that come with xcnet. Example: xcnet scenario list"""
    from rich.table import Table

    from xcnet.scenario.catalogue import shipped_scenarios
    from xcnet.scenario.load import load_scenario

    found = [(file, load_scenario(file)[0]) for file in shipped_scenarios()]
    if json:
        print_json([{"scenario": each.scenario, "title": each.title, "file": str(file)} for file, each in found])
        return
    table = Table("scenario", "what happens", box=None, header_style="bold", pad_edge=False)
    for _, each in found:
        table.add_row(each.scenario, each.title)
    out.print(table)


@app.command("check")
def check(
    scenarios: Annotated[list[str], typer.Argument(metavar="SCENARIO...", help="Files, or folders of them.")],
) -> None:
    """Read scenarios and check them against the labs that they name, without bringing one up.

    Exit status 2 if one has mistakes. Example: xcnet scenario check my-scenarios
    """
    from xcnet.lab.directory import Directory
    from xcnet.model.load import load_topology
    from xcnet.model.planner import make_plan
    from xcnet.scenario.batch import reference_of, scenario_files
    from xcnet.scenario.load import check_against, load_scenario

    for file in scenario_files(scenarios):
        scenario, document = load_scenario(file)
        topology = load_topology(reference_of(scenario.topology, file))
        check_against(scenario, document, Directory.of(make_plan(topology)))
        note(f"{file}: right")


@app.command("schema")
def schema() -> None:
    """Print the JSON schema of scenario files, for editors. Example: xcnet scenario schema > scenario.schema.json"""
    from xcnet.scenario.schema import scenario_schema

    print_json(scenario_schema())


@app.command("catalogue")
def print_catalogue() -> None:
    """Print the page of the scenarios that come with xcnet, in Markdown. Example: xcnet scenario catalogue > docs/scenarios.md"""
    from xcnet.scenario.catalogue import catalogue, shipped_scenarios

    sys.stdout.write(catalogue(shipped_scenarios()))


__all__ = ["app"]
