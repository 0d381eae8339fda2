"""What a router shows of itself: which channels carry, which sessions stand, what BGP has put into the forwarding table.

The counterpart of :mod:`xcnet.model.desired`: that says what should be, this what is.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Self

from pydantic import BaseModel, ConfigDict


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChannelObservation(_Model):
    """One channel's own end.

    :param carrier: of the bare port.
    :param ready: the port has carrier, and frames leave and are accepted under keys agreed with a peer that is there.
    :param ckn: of the CA whose SAK protects what is sent (IEEE 802.1X-2020, 9.3), in hexadecimal; None while not ready.
    :param settled: no SAK from before the one in use is installed any more.
    :param live: CKNs of all CAs in which a peer is live, in hexadecimal, sorted; the one in use is usually among them.
    """

    name: str
    carrier: bool = False
    ready: bool = False
    ckn: str | None = None
    settled: bool = True
    live: tuple[str, ...] = ()


class SessionObservation(_Model):
    """One BGP session that the router should have.

    :param interface: the one it is reached through.
    :param established: RFC 4271, 8.2.2. :param bfd: its BFD session is up (RFC 5880); None where it should have none.
    """

    peer: IPv4Address | IPv6Address
    interface: str
    established: bool
    bfd: bool | None = None

    @property
    def up(self) -> bool:
        """Established, and watched by BFD where it should be."""
        return self.established and self.bfd is not False


class RouteObservation(_Model):
    """A route of BGP's in the kernel's table.

    :param interfaces: those of its next hops, sorted, that are up and have carrier; never empty.
    """

    prefix: IPv4Network | IPv6Network
    interfaces: tuple[str, ...]


class CrowdObservation(_Model):
    """Routes that came in a flood: of these only how many lead where. :param version: of IP."""

    version: int
    interfaces: tuple[str, ...]
    count: int


class VrfObservation(_Model):
    """One VRF that the router should have: its sessions in the desired state's order, its routes by family and prefix.

    :param crowd: routes that are not among those, by family and next hops.
    """

    name: str
    sessions: tuple[SessionObservation, ...] = ()
    routes: tuple[RouteObservation, ...] = ()
    crowd: tuple[CrowdObservation, ...] = ()

    def through(self, interface: str, version: int) -> int:
        """How many routes of a family (4 or 6) lead through an interface."""
        single = sum(route.prefix.version == version and interface in route.interfaces for route in self.routes)
        return single + sum(
            each.count for each in self.crowd if each.version == version and interface in each.interfaces
        )

    def held(self, version: int) -> int:
        """How many routes of a family there are."""
        single = sum(route.prefix.version == version for route in self.routes)
        return single + sum(each.count for each in self.crowd if each.version == version)

    def session(self, peer: IPv4Address | IPv6Address) -> SessionObservation | None:
        """The session with that neighbour; None if there should be none."""
        return next((each for each in self.sessions if each.peer == peer), None)


class ObservationChange(_Model):
    """What makes one observation of a router the next.

    :param channels: all of them, if any changed. :param vrfs: those that are new or changed. :param gone: names of those
        that went.
    """

    channels: tuple[ChannelObservation, ...] | None = None
    vrfs: tuple[VrfObservation, ...] = ()
    gone: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.channels is not None or bool(self.vrfs or self.gone)


class RouterObservation(_Model):
    """One router at one moment.

    :param running: its daemon answers. Where it does not, nothing is known and nothing is said: no channels, no VRFs.
    :param vrfs: by name. What did not change since the observation before is the same object.
    """

    node: str
    running: bool = True
    channels: tuple[ChannelObservation, ...] = ()
    vrfs: dict[str, VrfObservation] = {}

    def channel(self, name: str) -> ChannelObservation | None:
        return next((each for each in self.channels if each.name == name), None)

    def since(self, before: Self) -> ObservationChange:
        """What changed since an earlier observation of this router."""
        return ObservationChange(
            channels=self.channels if self.channels != before.channels else None,
            vrfs=tuple(vrf for name, vrf in self.vrfs.items() if _differs(vrf, before.vrfs.get(name))),
            gone=tuple(name for name in before.vrfs if name not in self.vrfs),
        )

    def after(self, change: ObservationChange) -> Self:
        """The observation that a change makes of this one."""
        vrfs = {name: vrf for name, vrf in self.vrfs.items() if name not in change.gone}
        vrfs |= {vrf.name: vrf for vrf in change.vrfs}
        channels = self.channels if change.channels is None else change.channels
        return self.model_copy(update={"channels": channels, "vrfs": vrfs})


def _differs(vrf: VrfObservation, before: VrfObservation | None) -> bool:
    return vrf is not before and vrf != before


__all__ = [
    "ChannelObservation",
    "CrowdObservation",
    "ObservationChange",
    "RouteObservation",
    "RouterObservation",
    "SessionObservation",
    "VrfObservation",
]
