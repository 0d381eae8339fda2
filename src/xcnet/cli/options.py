"""Options that several commands share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer


class EngineChoice(StrEnum):
    AUTO = "auto"
    NATIVE = "native"
    UML = "uml"


@dataclass(frozen=True)
class Context:
    """What the options before the sub-command said."""

    engine: EngineChoice


def _complete_lab(incomplete: str) -> list[str]:
    from xcnet.lab.record import recorded_labs

    return [name for name in recorded_labs() if name.startswith(incomplete)]


def _complete_topology(incomplete: str) -> list[str]:
    from xcnet.model.load import shipped_topologies

    return [name for name in shipped_topologies() if name.startswith(incomplete)]


def _complete_node(context: typer.Context, incomplete: str) -> list[str]:
    return _complete_from_plan(context, incomplete, "nodes")


def _complete_channel(context: typer.Context, incomplete: str) -> list[str]:
    return _complete_from_plan(context, incomplete, "channels")


def _complete_from_plan(context: typer.Context, incomplete: str, what: str) -> list[str]:
    from xcnet.errors import XcnetError
    from xcnet.lab.directory import Directory, find_lab

    try:
        directory = Directory.read(find_lab(context.params.get("name")))
    except XcnetError:
        return []
    return [name for name in getattr(directory, what) if name.startswith(incomplete)]


LabName = Annotated[
    str | None,
    typer.Option(
        "--name",
        "-n",
        envvar="XCNET_LAB_NAME",
        help="The lab; may be left out while only one runs.",
        autocompletion=_complete_lab,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
TopologyArgument = Annotated[
    str, typer.Argument(help="A shipped topology's name or a YAML file.", autocompletion=_complete_topology)
]
NodeArgument = Annotated[str, typer.Argument(help="A node of the lab.", autocompletion=_complete_node)]
ChannelArgument = Annotated[str, typer.Argument(help="A channel of the lab.", autocompletion=_complete_channel)]

__all__ = ["ChannelArgument", "Context", "EngineChoice", "Json", "LabName", "NodeArgument", "TopologyArgument"]
