"""How often channels have gone down, counted as their routers show it: a short outage is over before anybody looks."""

from __future__ import annotations

from collections import Counter

from xcnet.model.network import ChannelPort, ProviderNetwork
from xcnet.model.observed import RouterObservation

_TOGETHER_SECONDS = 1.0
"""Sessions of a channel that go down one after the other go down once."""


class Drops:
    """Has no clock of its own. :ivar count: channel -> how many times it, or a session over it, has gone down."""

    def __init__(self, network: ProviderNetwork) -> None:
        self.count: Counter[str] = Counter()
        self._last: dict[str, float] = {}
        self._ports: dict[str, list[ChannelPort]] = {}
        for port in network.channels:
            self._ports.setdefault(network.edges[port.edge], []).append(port)

    def note(self, now: float, before: RouterObservation, after: RouterObservation) -> None:
        """A router shows something else than before."""
        for port in self._ports.get(after.node, ()):
            was, is_now = before.channel(port.name), after.channel(port.name)
            if was is None or is_now is None or not was.ready:
                continue
            again = now - self._last.get(port.name, -1e9) < _TOGETHER_SECONDS
            if not is_now.ready or (not again and _lost_session(port, before, after)):
                self.count[port.name] += 1
                self._last[port.name] = now


def _lost_session(port: ChannelPort, before: RouterObservation, after: RouterObservation) -> bool:
    for vrf in after.since(before).vrfs:
        held = before.vrfs.get(vrf.name)
        if held is None:
            continue
        gone = {each.peer for each in vrf.sessions if not each.up}
        if any(each.up and each.peer in gone for each in held.sessions if _over(port, each.interface)):
            return True
    return False


def _over(port: ChannelPort, interface: str) -> bool:
    """Whether it is a VLAN of the channel."""
    parent, dot, _vlan = interface.rpartition(".")
    return bool(dot) and parent == port.port


__all__ = ["Drops"]
