"""Run in the lab's own kernel: what each node's kernel holds."""

from __future__ import annotations

import json
import subprocess
from itertools import pairwise
from typing import Any

_KERNEL = (
    ("links", ["ip", "-j", "link"], ("ifname", "operstate", "mtu", "master", "address", "qdisc", "flags")),
    ("addresses", ["ip", "-j", "addr"], ("ifname", "addr_info")),
    ("routes", ["ip", "-j", "route", "show", "table", "all"], None),
    ("routes 6", ["ip", "-j", "-6", "route", "show", "table", "all"], None),
    ("rules", ["ip", "-j", "rule"], None),
    ("queueing", ["tc", "-j", "qdisc"], ("kind", "dev", "handle", "parent", "root")),
)
_LIFETIMES = ("valid_life_time", "preferred_life_time", "expires", "nhid")


def kernel(view: dict[str, Any], *, nodes: list[str]) -> dict[str, Any]:
    """Node -> what its kernel holds, without what is other each time: indices, lifetimes."""
    return {node: _of(view["nodes"][node]) for node in nodes}


def _of(path: str) -> dict[str, Any]:
    found = {}
    for what, argv, fields in _KERNEL:
        said = _output(["nsenter", f"--net={path}", *argv])
        items = [_plain(each, fields) for each in json.loads(said or "[]")]
        found[what] = sorted(json.dumps(each, sort_keys=True) for each in items if each)
    return found


def _plain(item: Any, fields: tuple[str, ...] | None) -> Any:
    if isinstance(item, list):
        return [_plain(each, None) for each in item]
    if not isinstance(item, dict):
        return item
    return {
        name: _plain(value, None)
        for name, value in item.items()
        if (fields is None or name in fields) and name not in _LIFETIMES
    }


def shaped(view: dict[str, Any], *, nodes: list[str]) -> dict[str, list[str]]:
    """Node -> the rates, as ``tc`` writes them, of the classes that connections are shaped by."""
    found = {}
    for node in nodes:
        inside = ["nsenter", f"--net={view['nodes'][node]}"]
        devices = [each["ifname"] for each in json.loads(_output([*inside, "ip", "-j", "link"]))]
        said = [_output([*inside, "tc", what, "show", "dev", each]) for each in devices for what in ("class", "qdisc")]
        found[node] = sorted({after for word, after in pairwise(" ".join(said).split()) if word == "rate"})
    return found


def _output(argv: list[str]) -> str:
    return subprocess.run(argv, capture_output=True, check=True, text=True).stdout
