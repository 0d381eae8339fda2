"""Begins a fault, looks at it from every side, ends it, and sees that nothing of it is left."""

from __future__ import annotations

import json
import re

from lab_snapshot import Onlooker
from labtool import Xcnet

LAB = "default"


def begins_and_ends(
    xcnet: Xcnet, onlooker: Onlooker, call: list[str], artifact: str, *, seen_in_snapshot: bool = True
) -> None:
    """:param artifact: a pattern of what is read back. :param seen_in_snapshot: whether the lab's kernel or FRR differs."""
    begun = xcnet.json("fault", "begin", *call, "-n", LAB)
    assert re.search(artifact, begun["artifact"]), begun
    assert begun["kind"] == call[0]
    assert [each["id"] for each in xcnet.json("fault", "list", "-n", LAB)] == [begun["id"]]
    assert re.search(artifact, xcnet.json("fault", "check", begun["id"], "-n", LAB)["artifact"])
    if seen_in_snapshot:
        assert onlooker.changes() != []
    ended = xcnet.json("fault", "end", begun["id"], "-n", LAB)
    assert [each["id"] for each in ended] == [begun["id"]]
    assert ended[0]["monotonic"] > begun["monotonic"]
    assert xcnet.json("fault", "list", "-n", LAB) == []
    onlooker.wait_until_as_before()
    events = [json.loads(line) for line in xcnet.ok("events", "-n", LAB, "--kind", "fault", "--json").splitlines()]
    told = [event for event in events if event["subject"] == begun["id"]]
    assert [event["kind"] for event in told] == ["fault.begun", "fault.ended"]
    assert [event["monotonic"] for event in told] == [begun["monotonic"], ended[0]["monotonic"]]
    assert told[0]["data"]["settings"] == begun["settings"]
    assert told[0]["data"]["channels"] == begun["channels"]


__all__ = ["LAB", "begins_and_ends"]
