"""Too many prefixes: a gateway announces more than the other side's sessions accept, and each of them is torn down."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from itertools import islice
from typing import TYPE_CHECKING

from xcnet.errors import InputError, LabError
from xcnet.frr.prefixes import Prefixes, begin_again, prefixes
from xcnet.frr.vty import Vty
from xcnet.lab.faults import targets
from xcnet.lab.faults.base import absent
from xcnet.lab.faults.bgp import sessions, vrf_of
from xcnet.lab.faults.overlaid import Overlaid
from xcnet.lab.faults.overlays import Overlays
from xcnet.lab.faults.routing import instance, networks
from xcnet.lab.processes import state_of
from xcnet.model.desired import BgpNeighbor, Vrf
from xcnet.model.faults import PrefixOverflow
from xcnet.model.overlay import Overlay
from xcnet.waiting import Deadline, wait_until_async

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab

_SURPLUS: dict[int, tuple[IPv4Network | IPv6Network, int]] = {
    4: (IPv4Network("100.96.0.0/11"), 28),
    6: (IPv6Network("2001:2::/48"), 80),
}
"""IP version -> where surplus prefixes are taken from, and their length: shared (RFC 6598) and benchmarking (RFC 5180) address
space; no customer of a lab has it, and providers' own links are in the other half of it."""

_SPREAD_SECONDS = 120.0
"""For thousands of prefixes to come to, or go from, all edges of a provider on one busy processor."""
_ANSWER_SECONDS = 60.0
_LOOK_SECONDS = 0.5
"""Between two looks at how many there are, each of which costs bgpd next to nothing."""


@dataclass(frozen=True, slots=True)
class _Far:
    """One session of the other side over which the prefixes come.

    :param near: the edge that announces them there. :param near_vrf: its VRF. :param near_peer: the far end, as it calls it.
    """

    near: str
    near_vrf: str
    near_peer: IPv4Address | IPv6Address
    node: str
    vrf: str
    neighbor: BgpNeighbor

    @property
    def version(self) -> int:
        return self.neighbor.address.version


class Overflowing(Overlaid):
    """FRR keeps a session that met its limit idle until it is cleared: the end clears those that it has made so."""

    def __init__(self, fault: PrefixOverflow, lab: RunningLab, overlays: Overlays) -> None:
        """:raises InputError: nothing of that name, or the other side has no limit."""
        side = targets.provider(lab.plan, fault.side)
        self._node = lab.plan.networks[side].network.gateway
        self._vrf = vrf_of(lab.states[self._node], fault.connection)
        self._far = tuple(_far_sessions(lab, side, self._vrf.connection))
        versions = sorted({each.version for each in self._far})
        if not versions:
            raise InputError("no session of the connection leaves the provider", where="connection")
        self._surplus = tuple(
            prefix for version in versions for prefix in _surplus(version, fault.count or self._limit(version) + 1)
        )
        part = Overlay(announced={self._vrf.connection: self._surplus})
        target = f"{self._vrf.connection} at {side}"
        super().__init__(target, targets.channels_of(lab.plan, self._node), {self._node: part}, overlays)
        self._lab = lab

    def _limit(self, version: int) -> int:
        """The most prefixes of a family that any session accepts. :raises InputError: none has a limit."""
        limits = [
            each.neighbor.prefix_limit for each in self._far if each.version == version and each.neighbor.prefix_limit
        ]
        if not limits:
            raise InputError("the other side has no limit", where="count", remedy="give a count")
        return max(limits)

    async def begin(self) -> None:
        await super().begin()
        changed = self.changed
        async with self.undone():
            await self._spread()
        self.changed = changed

    async def end(self) -> None:
        await super().end()
        changed = self.changed
        await self._recover()
        self.changed = changed

    async def artifact(self) -> str:
        held = networks(await instance(self._lab, self._node, self._vrf.name))
        missing = [prefix for prefix in map(str, self._surplus) if prefix not in held]
        if missing:
            raise absent(f"{len(missing)} prefixes are not announced, e.g. {missing[0]}", self._node)
        firsts = {prefix.version: prefix for prefix in reversed(self._surplus)}
        words = [
            f"{sum(each.version == version for each in self._surplus)} of IPv{version} ({firsts[version]} ...)"
            for version in sorted(firsts)
        ]
        return f"bgpd of {self._node} announces more in {self._vrf.name}: {', '.join(words)}"

    async def _spread(self) -> None:
        """Until the own edges have what the gateway announces: before that nobody could tell whether it is gone again.

        :raises DeadlineError: one does not get it.
        """
        asked: Counter[int] = Counter(prefix.version for prefix in self._surplus)

        def look(far: _Far) -> str | None:
            near = self._prefixes(far.near, far.near_vrf, far.version)
            reached = any(each.established for peer, each in near.peers.items() if peer != far.near_peer)
            if reached and near.held < asked[far.version]:
                return f"{far.near} has {near.held} of IPv{far.version}"
            return None

        await self._until("the surplus prefixes to come to the edges", look, self._far)

    async def _recover(self) -> None:
        """Once the own edges announce few enough again, sessions that are idle for their limit begin anew.

        :raises DeadlineError: the prefixes do not go. :raises LabError: a daemon that has to be told is stopped.
        """
        within = [each for each in self._far if self._within(each)]

        def gone(far: _Far) -> str | None:
            held = self._prefixes(far.near, far.near_vrf, far.version).held
            limit = far.neighbor.prefix_limit
            return f"{far.near} still has {held} of IPv{far.version}" if limit is not None and held > limit else None

        def whole(far: _Far) -> str | None:
            theirs = self._prefixes(far.node, far.vrf, far.version).peers.get(far.neighbor.address)
            if theirs is not None and theirs.over:
                with Vty(self._lab.frr_dirs(far.node).socket("bgpd")) as bgpd:
                    begin_again(bgpd, far.vrf, far.neighbor.address)
                return f"{far.neighbor.address} has just been idle for its limit at {far.node}"
            ours = self._prefixes(far.near, far.near_vrf, far.version).peers.get(far.near_peer)
            if theirs is not None and ours is not None and theirs.established and ours.established:
                # What is on its way may tear the session down yet. (What is sent is no measure of what is received: bgpd counts
                # routes that it sends back to where they came from, and that are refused there.)
                left = self._left(far.version)
                return f"{far.node} still has {theirs.received} of IPv{far.version}" if theirs.received > left else None
            return None

        await self._until("the surplus prefixes to be withdrawn", gone, within)
        await self._until("sessions that met their limit to begin anew", whole, within)

    async def _until(self, what: str, look: Callable[[_Far], str | None], wanted: Sequence[_Far]) -> None:
        """Until a look at each session of which both ends run finds nothing."""
        left = list(wanted)

        async def seen() -> str | None:
            first: str | None = None
            # All of them each time: what a look sets going takes its time at every session, and at all of them at once.
            for far in list(left):
                instead = None
                if self._runs(far.near) and self._runs(far.node):
                    instead = await asyncio.to_thread(look, far)
                if instead is None:
                    left.remove(far)
                first = first or instead
            return first

        await wait_until_async(
            what,
            seen,
            Deadline(_SPREAD_SECONDS),
            where=self._vrf.name,
            remedy="try again when the machine is less busy",
            interval=_LOOK_SECONDS,
        )

    def _within(self, far: _Far) -> bool:
        """Whether what other faults still have announced is within a session's limit."""
        return far.neighbor.prefix_limit is None or self._left(far.version) <= far.neighbor.prefix_limit

    def _left(self, version: int) -> int:
        """How many prefixes the gateway announces without this fault."""
        others = self._overlays.of(self._node).announced.get(self._vrf.connection, ())
        return sum(each.version == version for each in (*self._vrf.networks, *others))

    def _runs(self, node: str) -> bool:
        """:raises LabError: it is stopped."""
        bgpd = self._lab.supervisor.get(node, "bgpd")
        if bgpd is not None and state_of(bgpd.pid) == "T":
            raise LabError(
                "bgpd is stopped, and has sessions that must begin anew",
                where=node,
                remedy="end the fault that stops it first, then this one again",
            )
        return bgpd is not None

    def _prefixes(self, node: str, vrf: str, version: int) -> Prefixes:
        with Vty(self._lab.frr_dirs(node).socket("bgpd"), timeout=_ANSWER_SECONDS) as bgpd:
            return prefixes(bgpd, vrf, version)


def _far_sessions(lab: RunningLab, side: str, connection: str) -> Iterator[_Far]:
    for channel in lab.plan.channels:
        ends = {end.provider: end for end in channel.ends}
        if side not in ends:
            continue
        (far,) = (end for provider, end in ends.items() if provider != side)
        near = ends[side]
        for vrf, neighbor in sessions(lab.states[near.node], channel.name):
            if vrf.connection != connection:
                continue
            for far_vrf, far_neighbor in sessions(lab.states[far.node], channel.name):
                if far_neighbor.address in _own(vrf, neighbor):
                    yield _Far(near.node, vrf.name, neighbor.address, far.node, far_vrf.name, far_neighbor)


def _own(vrf: Vrf, neighbor: BgpNeighbor) -> set[object]:
    """A router's own addresses towards a neighbour, of its family."""
    return {
        address.ip
        for interface in vrf.interfaces
        if interface.name == neighbor.interface
        for address in interface.addresses
        if address.version == neighbor.address.version
    }


def _surplus(version: int, count: int) -> Iterator[IPv4Network | IPv6Network]:
    block, length = _SURPLUS[version]
    return islice(block.subnets(new_prefix=length), count)


__all__ = ["Overflowing"]
