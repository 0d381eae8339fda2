"""FRR configuration for the plain Mininet baseline: the sessions of one connection in the default VRF, without MACsec."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from xcnet.model.desired import BgpNeighbor, RouterState, Vrf

DAEMONS = ("zebra", "bgpd", "bfdd")
USER = "frr"


@dataclass(frozen=True)
class PlainRouter:
    """One connection's part of a router, put on the bare ports.

    :param addresses: port -> addresses with prefix length.
    """

    name: str
    vrf: Vrf
    addresses: dict[str, list[str]]


def plain_router(state: RouterState, connection: str) -> PlainRouter | None:
    """The router without VLAN, VRF and MACsec: what stood on ``ch1.sec``'s VLAN stands on ``ch1``. None if it has no part."""
    port_of = {channel.device: channel.port for channel in state.channels}
    for vrf in state.vrfs:
        if vrf.connection == connection:
            addresses: dict[str, list[str]] = {}
            for interface in vrf.interfaces:
                port = "lo" if interface.parent == vrf.name else port_of.get(interface.parent, interface.parent)
                addresses.setdefault(port, []).extend(str(address) for address in interface.addresses)
            return PlainRouter(state.node, vrf, addresses)
    return None


def configuration(router: PlainRouter) -> dict[str, str]:
    """Start-up configuration of each daemon, equivalent to the lab's: ASNs, timers, MD5, BFD, networks, multipath, limits."""
    return {
        "zebra": f"hostname {router.name}\n",
        "bgpd": "\n".join(_bgpd(router.vrf)) + "\n",
        "bfdd": "\n".join(_bfdd(router.vrf)) + "\n",
    }


def _bgpd(vrf: Vrf) -> list[str]:
    lines = [
        f"router bgp {vrf.asn}",
        f" bgp router-id {vrf.router_id}",
        " no bgp ebgp-requires-policy",
        " no bgp default ipv4-unicast",
        " no bgp network import-check",
        " bgp bestpath as-path multipath-relax",
    ]
    for neighbor in vrf.neighbors:
        lines += _session(neighbor)
    for family, version in (("ipv4", 4), ("ipv6", 6)):
        lines.append(f" address-family {family} unicast")
        lines += [f"  network {network}" for network in vrf.networks if network.version == version]
        lines += [f"  maximum-paths {vrf.maximum_paths}", f"  maximum-paths ibgp {vrf.maximum_paths}"]
        for neighbor in vrf.neighbors:
            if neighbor.address.version == version:
                lines += _activation(neighbor)
        lines.append(" exit-address-family")
    return [*lines, "exit"]


def _session(neighbor: BgpNeighbor) -> list[str]:
    address = neighbor.address
    lines = [
        f" neighbor {address} remote-as {neighbor.remote_asn}",
        f" neighbor {address} timers {neighbor.keepalive} {neighbor.hold}",
        f" neighbor {address} timers connect {neighbor.connect_retry}",
    ]
    if neighbor.md5 is not None:
        lines.append(f" neighbor {address} password {neighbor.md5.reveal_text()}")
    if neighbor.bfd is not None:
        lines += [f" neighbor {address} bfd", f" neighbor {address} bfd profile {_profile(neighbor)}"]
    return lines


def _activation(neighbor: BgpNeighbor) -> list[str]:
    address = neighbor.address
    lines = [f"  neighbor {address} activate"]
    if neighbor.next_hop_self:
        lines.append(f"  neighbor {address} next-hop-self")
    if neighbor.prefix_limit is not None:
        lines.append(f"  neighbor {address} maximum-prefix {neighbor.prefix_limit}")
    return lines


def _profile(neighbor: BgpNeighbor) -> str:
    assert neighbor.bfd is not None
    return f"p{neighbor.bfd.transmit_ms}-{neighbor.bfd.receive_ms}-{neighbor.bfd.multiplier}"


def _bfdd(vrf: Vrf) -> list[str]:
    profiles = {_profile(neighbor): neighbor.bfd for neighbor in vrf.neighbors if neighbor.bfd is not None}
    lines = ["bfd"]
    for name, timers in profiles.items():
        lines += [
            f" profile {name}",
            f"  detect-multiplier {timers.multiplier}",
            f"  transmit-interval {timers.transmit_ms}",
            f"  receive-interval {timers.receive_ms}",
            " exit",
        ]
    return [*lines, "exit"]


def write(router: PlainRouter, folder: Path) -> None:
    """Write the configuration where the daemons' user, and nobody else, can read it."""
    user = pwd.getpwnam(USER)
    folder.mkdir(parents=True, exist_ok=True)
    os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o700)
    for daemon, text in configuration(router).items():
        path = folder / f"{daemon}.conf"
        path.touch(mode=0o600)
        path.write_text(text)
        os.chown(path, user.pw_uid, user.pw_gid)


def command(daemon: str, program: str, folder: Path) -> str:
    """The line that starts a daemon in the background, as one types it into a node's shell."""
    line = (
        f"{program} -d -f {folder}/{daemon}.conf -i {folder}/{daemon}.pid -z {folder}/zserv.api"
        f" --vty_socket {folder} -P 0"
    )
    return f"{line} --bfdctl {folder}/bfdd.sock" if daemon == "bfdd" else line


__all__ = ["DAEMONS", "PlainRouter", "command", "configuration", "plain_router", "write"]
