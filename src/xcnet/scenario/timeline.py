"""The lab's events on one time line: which layer and channel each is about, and whether something was lost or found again."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any

from xcnet.events import Event
from xcnet.lab.directory import Directory
from xcnet.model.desired import RouterState
from xcnet.scenario.results import Entry, Layer

_LAYERS = {
    "fault": Layer.FAULT,
    "link": Layer.LINK,
    "process": Layer.LINK,
    "macsec": Layer.MACSEC,
    "mka": Layer.MACSEC,
    "key": Layer.MACSEC,
    "bfd": Layer.BFD,
    "bgp": Layer.BGP,
    "fib": Layer.FIB,
    "api": Layer.API,
    "connection": Layer.API,
    "feature": Layer.API,
    "channel": Layer.API,
    "issue": Layer.API,
    "maintenance": Layer.API,
    "monitor": Layer.API,
    "activation": Layer.API,
    "step": Layer.STEP,
    "probe": Layer.PROBE,
}

_BAD = (
    "fault.begun",
    "link.carrier_lost",
    "macsec.closed",
    "bfd.down",
    "bgp.down",
    "fib.lost",
    "process.died",
    "connection.lost",
    "connection.peer_lost",
    "monitor.found",
    "monitor.worse",
)
_GOOD = (
    "fault.ended",
    "link.carrier_found",
    "macsec.secured",
    "bfd.up",
    "bgp.established",
    "fib.restored",
    "connection.final",
    "connection.verified",
    "monitor.cleared",
)
_QUIET = ("workflow.*", "network.applied", "mka.peer_seen", "router.applied", "edge.applied")
"""What happens inside programs: kept in the lab's own files, not on the time line."""


class TimeLine:
    """:param began: the run's zero on the lab's monotonic clock. :param routers: node -> the state it was last to have, by
    which peers' addresses are channels.
    """

    def __init__(self, lab: Directory, routers: Mapping[str, RouterState], began: float) -> None:
        self._began = began
        self._nodes = set(lab.nodes)
        self._channels = {entry.name for entry in lab.layout}
        self._of_node: dict[str, tuple[str, ...]] = {}
        for entry in lab.layout:
            for node in entry.ends.values():
                self._of_node[node] = (*self._of_node.get(node, ()), entry.name)
        self._of_device = {(node, device): entry.name for entry in lab.layout for node, device in entry.devices.items()}
        self._of_peer: dict[tuple[str, str], str] = {}
        self.learn(routers)

    def learn(self, routers: Mapping[str, RouterState]) -> None:
        """These states too: what was configured in between stays known."""
        for node, state in routers.items():
            for vrf in state.vrfs:
                parents = {interface.name: interface.parent for interface in vrf.interfaces}
                for neighbor in vrf.neighbors:
                    channel = self._of_device.get((node, parents.get(neighbor.interface, "")))
                    if channel is not None:
                        self._of_peer[node, str(neighbor.address)] = channel

    def entry(self, event: Event) -> Entry | None:
        """None for what is not shown."""
        if any(fnmatch.fnmatchcase(event.kind, quiet) for quiet in _QUIET):
            return None
        return Entry(
            at=event.monotonic - self._began,
            layer=_LAYERS.get(event.kind.partition(".")[0], Layer.OTHER),
            channels=self.channels(event),
            source=event.source,
            kind=event.kind,
            subject=event.subject,
            text=_words(event),
            bad=event.kind in _BAD,
            good=event.kind in _GOOD,
        )

    def entries(self, events: Iterable[Event]) -> tuple[Entry, ...]:
        """In order of time."""
        found = [entry for event in events if (entry := self.entry(event)) is not None]
        return tuple(sorted(found, key=lambda entry: entry.at))

    def channels(self, event: Event) -> tuple[str, ...]:
        """Those that an event concerns."""
        named = event.data.get("channels")
        if isinstance(named, list | tuple):
            return tuple(str(each) for each in named)
        for word in (event.subject, event.data.get("channel")):
            if isinstance(word, str) and word in self._channels:
                return (word,)
        node = event.source.partition(".")[0]
        peer = event.data.get("peer")
        if isinstance(peer, str) and (channel := self._of_peer.get((node, _plain(peer)))) is not None:
            return (channel,)
        interface = event.data.get("interface") or event.subject
        if isinstance(interface, str) and (channel := self._of_interface(node, interface)) is not None:
            return (channel,)
        if event.kind.startswith("process.") and event.subject.partition(".")[0] in self._of_node:
            return self._of_node[event.subject.partition(".")[0]]
        return ()

    def concerns(self, event: Event, what: str) -> bool:
        """Whether an event is about a channel or a node."""
        if what in self.channels(event):
            return True
        return what in (
            event.source.partition(".")[0],
            event.subject,
            event.subject.partition(".")[0],
            event.data.get("node"),
        )

    def _of_interface(self, node: str, interface: str) -> str | None:
        """``ch1``, ``ch1.sec`` and ``ch1.1100`` belong to ch1."""
        name = interface.partition(".")[0]
        return name if name in self._of_node.get(node, ()) else None


def matches(kind: str, wanted: str) -> bool:
    """Whether an event's kind is the one that a scenario names, ``*`` standing for any letters."""
    return fnmatch.fnmatchcase(kind, wanted)


def _plain(address: str) -> str:
    try:
        return str(ip_address(address))
    except ValueError:
        return address


def _words(event: Event) -> str:
    data: dict[str, Any] = {
        key: value for key, value in event.data.items() if key not in ("settings", "request_id", "trace")
    }
    match event.kind:
        case "fault.begun":
            return f"{data.get('kind')} on {data.get('target')}: {data.get('artifact')}"
        case "fault.ended":
            return f"{data.get('kind')} on {data.get('target')} is over"
        case "bfd.down" | "bgp.down" as kind:
            return f"{kind[:3].upper()} to {data.get('peer')} down" + (
                f": {data['reason']}" if data.get("reason") else ""
            )
        case "bfd.up":
            return f"BFD to {data.get('peer')} up"
        case "bgp.established":
            return f"BGP to {data.get('peer')} established"
        case "api.response":
            return f"{event.subject}: {data.get('status')}"
        case kind if kind.startswith("fib."):
            return f"{event.subject} {', '.join(data.get('interfaces', ())) or 'nowhere'} (was {', '.join(data.get('was', ())) or 'nowhere'})"
    return " ".join(
        [event.subject, *(f"{key} {value}" for key, value in data.items() if isinstance(value, str | int | float))]
    )


__all__ = ["TimeLine", "matches"]
