"""A router's desired state as FRR configuration text, one for each daemon."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from xcnet.errors import RoutingError
from xcnet.model.desired import BfdTimers, BgpNeighbor, RouterState, Vrf

Family = Literal["ipv4", "ipv6"]
FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")

DRAINING = "draining"
"""The route map for what is announced to drained neighbours: it adds a community and refuses nothing, so that all VRFs share
it. That what is received with the community gets local preference 0 needs no policy: bgpd does so with every external session."""

_MOST_RETRY = 65535
_EAGER_VRFS = 8
"""So many VRFs try to connect again after their own time, as many more after a second more, and so on. The far end of hundreds
takes minutes to be configured; what is refused each second until then fills a megabyte each time, and keeps both from that."""


@dataclass(frozen=True, slots=True)
class _Policy:
    """A route map for what comes in.

    :param prefix_list: what it accepts; empty for everything.
    :param last_resort: what it accepts is used only where there is nothing else.
    """

    name: str
    family: Family
    prefix_list: str = ""
    prefer_global: bool = False
    last_resort: bool = False


@dataclass(frozen=True, slots=True)
class _Neighbor:
    """:param policy: the route map for what comes in, :param announcing: for what goes out; empty for none.
    :param connect_retry: seconds.
    """

    model: BgpNeighbor
    description: str
    password: str
    passive: bool
    bfd_profile: str
    policy: str
    announcing: str
    connect_retry: int

    @property
    def address(self) -> IPv4Address | IPv6Address:
        return self.model.address


@dataclass(frozen=True, slots=True)
class _BfdPeer:
    """A BFD session as bfdd's own configuration holds it."""

    address: IPv4Address | IPv6Address
    vrf: str
    profile: str


@dataclass(frozen=True, slots=True)
class _AddressFamily:
    name: Family
    networks: tuple[str, ...]
    neighbors: tuple[_Neighbor, ...]


@dataclass(slots=True)
class _Router:
    """One ``router bgp`` as the template wants it."""

    vrf: Vrf
    prefix_lists: list[str] = field(default_factory=list)
    policies: list[_Policy] = field(default_factory=list)
    neighbors: list[_Neighbor] = field(default_factory=list)
    families: list[_AddressFamily] = field(default_factory=list)


def startup(state: RouterState) -> dict[str, str]:
    """What the daemons are started with: daemon -> text, without a secret.

    Neighbours with a password or BFD are left out, they follow with the first apply. FRR sets a TCP MD5 key only on listeners that
    are open already, and opens a VRF's listener after it has read its configuration: from there the key would be lost.
    """
    return {
        "zebra": _template("zebra").render(state=state),
        "bgpd": _bgpd(state, at_start=True),
        "bfdd": _bfdd(state, at_start=True),
    }


def desired(state: RouterState) -> dict[str, str]:
    """What the running daemons should hold of that which this program manages: daemon -> text, with its secrets.

    Never to be written to a file. zebra is not among them: it takes everything from the kernel and the other daemons.

    :raises RoutingError: a password or name that FRR cannot take.
    """
    return {"bgpd": _bgpd(state, at_start=False), "bfdd": _bfdd(state, at_start=False)}


def sessions_opened(state: RouterState) -> int:
    """How many BGP connections this router opens; it waits for the others."""
    return sum(not _waits(vrf, neighbor) for vrf in state.vrfs for neighbor in vrf.neighbors)


def bfd_profile(timers: BfdTimers) -> str:
    """The name of the profile with these timers; the timers are in it, so that a profile never changes."""
    return f"tx{timers.transmit_ms}-rx{timers.receive_ms}-x{timers.multiplier}"


def _bfdd(state: RouterState, *, at_start: bool) -> str:
    timers = {neighbor.bfd for vrf in state.vrfs for neighbor in vrf.neighbors if neighbor.bfd is not None}
    profiles = {bfd_profile(each): each for each in timers}
    peers = [
        _BfdPeer(neighbor.address, vrf.name, bfd_profile(neighbor.bfd))
        for vrf in state.vrfs
        for neighbor in vrf.neighbors
        if neighbor.bfd is not None
    ]
    return _template("bfdd").render(state=state, startup=at_start, profiles=dict(sorted(profiles.items())), peers=peers)


def _bgpd(state: RouterState, *, at_start: bool) -> str:
    routers = [_router(state, vrf, order // _EAGER_VRFS, at_start=at_start) for order, vrf in enumerate(state.vrfs)]
    draining = DRAINING if any(neighbor.drained for vrf in state.vrfs for neighbor in vrf.neighbors) else ""
    return _template("bgpd").render(state=state, startup=at_start, routers=routers, draining=draining)


def _router(state: RouterState, vrf: Vrf, patience: int, *, at_start: bool) -> _Router:
    """:param patience: seconds to be added to the pauses between two attempts to connect."""
    router = _Router(vrf)
    accepted = f"{vrf.name}-in" if vrf.accept_from_external else ""
    for family in FAMILIES:
        if accepted:
            router.prefix_lists += _prefix_list(accepted, family, vrf)
            router.policies.append(_Policy(f"{vrf.name}-external-{family}", family, accepted))
        if any(neighbor.drained and _family(neighbor) == family for neighbor in vrf.neighbors):
            router.policies.append(_Policy(f"{vrf.name}-drained-{family}", family, accepted, last_resort=True))
    if _keeps_routes(vrf):
        router.policies.append(_Policy(f"{vrf.name}-any-ipv6", "ipv6", prefer_global=True))
    router.neighbors += [
        _neighbor(state, vrf, neighbor, patience)
        for neighbor in vrf.neighbors
        # BFD too is for the first apply: it is put on a session that stands.
        if not at_start or (neighbor.md5 is None and neighbor.bfd is None)
    ]
    for family in FAMILIES:
        version = 4 if family == "ipv4" else 6
        networks = tuple(str(network) for network in vrf.networks if network.version == version)
        neighbors = tuple(each for each in router.neighbors if each.address.version == version)
        router.families.append(_AddressFamily(family, networks, neighbors))
    return router


def _neighbor(state: RouterState, vrf: Vrf, neighbor: BgpNeighbor, patience: int) -> _Neighbor:
    family = _family(neighbor)
    external = neighbor.remote_asn != vrf.asn
    policy = ""
    if neighbor.drained:
        policy = f"{vrf.name}-drained-{family}"
    elif external and vrf.accept_from_external:
        policy = f"{vrf.name}-external-{family}"
    elif family == "ipv6" and _keeps_routes(vrf):
        policy = f"{vrf.name}-any-ipv6"
    password = neighbor.md5.reveal_text() if neighbor.md5 is not None else ""
    if neighbor.md5 is not None and not _acceptable(password):
        raise RoutingError(
            f"the MD5 password of neighbour {neighbor.address} cannot be given to FRR",
            where=f"{state.node}, VRF {vrf.name}",
            remedy="use 1 to 80 printable ASCII characters without spaces",
        )
    return _Neighbor(
        model=neighbor,
        # FRR joins words with one space; control characters would end the line.
        description=" ".join(neighbor.description.split()),
        password=password,
        passive=_waits(vrf, neighbor),
        bfd_profile=bfd_profile(neighbor.bfd) if neighbor.bfd is not None else "",
        policy=policy,
        announcing=DRAINING if neighbor.drained else "",
        connect_retry=min(neighbor.connect_retry + patience, _MOST_RETRY),
    )


def _family(neighbor: BgpNeighbor) -> Family:
    return "ipv4" if neighbor.address.version == 4 else "ipv6"


def _waits(vrf: Vrf, neighbor: BgpNeighbor) -> bool:
    """True for the end with the greater address: it leaves the opening of the connection to the other.

    Two routers that start together open their connections together, and FRR 8.4 sometimes loses an established session
    when it then drops one of the two (RFC 4271, 6.8).
    """
    for interface in vrf.interfaces:
        if interface.name == neighbor.interface:
            for own in interface.addresses:
                if own.version == neighbor.address.version and neighbor.address in own.network:
                    return int(own.ip) > int(neighbor.address)
    return False


def _keeps_routes(vrf: Vrf) -> bool:
    """True for a router that hands no route on (a gateway).

    Only such a one prefers global next hops: in FRR 8.4 a route that was received with that preference is handed on with
    the next hop it came with, whatever next-hop-self says.
    """
    return all(neighbor.remote_asn == vrf.asn for neighbor in vrf.neighbors)


def _acceptable(password: str) -> bool:
    return 1 <= len(password) <= 80 and password.isascii() and password.isprintable() and " " not in password


def _prefix_list(name: str, family: Family, vrf: Vrf) -> list[str]:
    """The accepted prefixes and everything inside them; of a family that has none, nothing."""
    version, longest = (4, 32) if family == "ipv4" else (6, 128)
    command = "ip" if family == "ipv4" else "ipv6"
    lines = []
    for number, network in enumerate((n for n in vrf.accept_from_external if n.version == version), 1):
        inside = f" le {longest}" if network.prefixlen < longest else ""
        lines.append(f"{command} prefix-list {name} seq {5 * number} permit {network}{inside}")
    return lines or [f"{command} prefix-list {name} seq 5 deny any"]


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("xcnet.frr"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )


def load_templates() -> None:
    """Compile them now, which takes longer than rendering does, so that processes forked later have them too."""
    for daemon in ("zebra", "bgpd", "bfdd"):
        _template(daemon)


def _template(daemon: str) -> Template:
    return _environment().get_template(f"{daemon}.conf.j2")


__all__ = ["bfd_profile", "desired", "load_templates", "sessions_opened", "startup"]
