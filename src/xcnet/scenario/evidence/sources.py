"""A topology's text for a report: as it was written, unless it holds keys or passwords."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from xcnet.model.load import load_topology
from xcnet.model.topology import LoadedTopology
from xcnet.secret import Secret


def topology_text(reference: str) -> str:
    """:param reference: a shipped topology's name or a file.

    :raises InputError: it is not there any more, or has mistakes by now.
    """
    loaded = load_topology(reference)
    held: Any = (loaded.topology, loaded.profiles)
    if next(secrets_in(held), None) is None:
        return _written(loaded, reference)
    # Written anew by type: a key may stand in a file in more ways than one.
    from ruamel.yaml import YAML

    stream = StringIO()
    stream.write("# Keys and passwords are taken out, and comments with them.\n")
    YAML(typ="safe", pure=True).dump(loaded.topology.model_dump(mode="json", exclude_unset=True, by_alias=True), stream)
    return stream.getvalue()


def _written(loaded: LoadedTopology, reference: str) -> str:
    from xcnet.model.load import read_shipped, shipped_topologies

    if reference in shipped_topologies():
        return read_shipped(reference)
    return Path(loaded.source).read_text(encoding="utf-8")


def secrets_in(value: Any) -> Iterator[Secret]:
    """Those anywhere in a model."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, BaseModel):
        for _, each in value:
            yield from secrets_in(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from secrets_in(each)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from secrets_in(each)


__all__ = ["secrets_in", "topology_text"]
