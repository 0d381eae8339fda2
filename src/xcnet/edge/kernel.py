"""A router's desired state made true in its kernel: ports, gates, MACsec devices, VRFs, VLANs, addresses; deletions included.

Everything is decided by comparing the desired state with what the kernel holds, so that it is safe to repeat at any time,
after any crash. Interfaces of kind vrf, vlan and macsec in a router's namespace are all the router's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface

from xcnet.model.desired import Channel, CipherSuite, KeyAgreement, RouterState, Vrf, VrfInterface
from xcnet.netlink import addresses, filters, link_kinds, links, qdisc, shaping, sysctl
from xcnet.netlink.links import Link
from xcnet.netlink.macsec import Macsec
from xcnet.netlink.macsec_types import Validation, sci_of
from xcnet.netlink.request import Request
from xcnet.netlink.shaping import Shaper
from xcnet.netlink.socket import NetlinkSocket

_OWN_KINDS = ("vlan", "macsec", "vrf")

_SYSCTLS = {
    "net/ipv4/ip_forward": 1,
    "net/ipv6/conf/all/forwarding": 1,
    # Layer 4: the flows between two hosts must spread over the channels.
    "net/ipv4/fib_multipath_hash_policy": 1,
    "net/ipv6/fib_multipath_hash_policy": 1,
    # Return traffic may come over another channel than the one that the table prefers.
    "net/ipv4/conf/all/rp_filter": 0,
    "net/ipv4/conf/default/rp_filter": 0,
    # A MACsec device that closes must not take its IPv6 addresses with it.
    "net/ipv6/conf/all/keep_addr_on_down": 1,
    "net/ipv6/conf/default/keep_addr_on_down": 1,
    # Addresses are assigned by the plan: nothing is gained by asking for duplicates, and a second is lost.
    "net/ipv6/conf/all/accept_dad": 0,
    "net/ipv6/conf/default/accept_dad": 0,
    "net/ipv6/conf/default/accept_ra": 0,
    # Carrier loss must be visible at once: without it the kernel keeps sending into a dark port.
    "net/ipv4/conf/all/ignore_routes_with_linkdown": 1,
    "net/ipv4/conf/default/ignore_routes_with_linkdown": 1,
}


@dataclass(frozen=True, slots=True)
class Placed:
    """:param changed: in a few words each. :param moved: by VRF, the interfaces that are newly in it."""

    changed: list[str]
    moved: dict[str, set[str]]


class RouterKernel:
    """The kernel of the namespace that this process is in."""

    def __init__(self) -> None:
        self._route = NetlinkSocket()
        self.macsec = Macsec()
        self.left_alone: frozenset[str] = frozenset()
        """Ports that are not set up or down: a fault has its hand on them."""

    def close(self) -> None:
        self._route.close()
        self.macsec.close()

    def links(self) -> dict[str, Link]:
        return links.by_name(self._route)

    def set_link(self, name: str, *, up: bool) -> None:
        self._route.submit([links.change(name, up=up)])

    def gate_counters(self, index: int) -> tuple[filters.GateCounters, filters.GateCounters] | None:
        """Ingress and egress counters of a bare port's gate."""
        return filters.gate_counters(self._route, index)

    def apply(self, state: RouterState) -> list[str]:
        """Make it so. MACsec devices are left as far open as they are; new ones are down, until key agreement opens them.

        :returns: what was changed, in a few words each; empty if all was so already.
        :raises KernelError: the kernel refused something; what was done before it stays, and applying again goes on.
        """
        return self.place(state).changed + self.address(state)

    def place(self, state: RouterState) -> Placed:
        """The first half of :meth:`apply`: every interface exists, and is in its VRF.

        A routing daemon that is told of an interface's address before it is told of its VRF never finds the address there:
        where one runs, it has to have seen this before :meth:`address` follows.
        """
        changed: list[str] = []
        self._sysctls(changed)
        held = self.links()
        self._delete_unwanted(state, held, changed)
        for channel in state.channels:
            port = self._there(held, channel.port)
            self._bare_port(channel, port, changed)
            self._secy(channel, port, held, changed)
        requests = [request for port, mtu in state.ports.items() for request in self._port(held, port, mtu, changed)]
        for vrf in state.vrfs:
            requests += self._vrf(vrf.name, vrf.table, held, changed)
        self._submit(requests)
        requests = []
        moved: dict[str, set[str]] = {}
        for vrf in state.vrfs:
            for interface in vrf.interfaces:
                wrong = self._put_into_vrf(vrf, interface, held, changed)
                if wrong:
                    moved.setdefault(vrf.name, set()).add(interface.name)
                    requests += wrong
        self._submit(requests)
        return Placed(changed, moved)

    def address(self, state: RouterState) -> list[str]:
        """The second half of :meth:`apply`: addresses, rates, and what is to be up is up."""
        changed: list[str] = []
        self._settle_interfaces(state, changed)
        return changed

    def renew(self, name: str, address: IPv4Interface | IPv6Interface) -> None:
        """Take an address away and give it back, so that everybody is told of it once more.

        With an IPv6 address goes the interface's link-local one: a routing daemon wants both to announce a next hop.

        :raises KernelError: there is no such interface, or it has not got the address.
        """
        index = links.get(self._route, name).index
        renewed: list[IPv4Interface | IPv6Interface] = [address]
        if address.version == 6:
            renewed = [each.interface for each in addresses.dump(self._route, index) if each.link_local] + renewed
        for each in renewed:
            self._submit([addresses.delete(index, each), addresses.add(index, each)])

    def _there(self, held: dict[str, Link], name: str) -> Link:
        """:raises KernelError: there is no such interface; the kernel's own error says so."""
        return held.get(name) or links.get(self._route, name)

    def _submit(self, requests: list[Request]) -> None:
        if requests:
            self._route.submit(requests)

    def _sysctls(self, changed: list[str]) -> None:
        wrong = {name: value for name, value in _SYSCTLS.items() if sysctl.read(name) != str(value)}
        if wrong:
            sysctl.write(wrong)
            changed.append(f"{len(wrong)} parameters set")

    # -- what is to go

    def _delete_unwanted(self, state: RouterState, held: dict[str, Link], changed: list[str]) -> None:
        """Deletes them, and forgets them in ``held``."""
        wanted = {channel.device for channel in state.channels} | {vrf.name for vrf in state.vrfs}
        wanted |= {interface.name for vrf in state.vrfs for interface in vrf.interfaces}
        ports = {channel.port for channel in state.channels}
        requests: list[Request] = []
        by_index = {link.index: link for link in held.values()}
        # VLANs before what they stand on, so that each is deleted by its own name and none vanishes under our hands.
        for kind in _OWN_KINDS:
            for link in [link for link in held.values() if link.kind == kind]:
                if link.name not in wanted:
                    requests.append(links.delete(link.index))
                    changed.append(f"{link.name} deleted")
                    del held[link.name]
                    parent = by_index.get(link.parent)
                    if kind == "macsec" and parent is not None and parent.name not in ports:
                        # A port without a channel stays gated and goes dark.
                        requests.append(links.change(parent.index, up=False))
        self._submit(requests)

    # -- channels

    def _bare_port(self, channel: Channel, port: Link, changed: list[str]) -> None:
        requests: list[Request] = []
        if filters.gate_counters(self._route, port.index) is None:
            # The gate stands before the port is up: not one frame may pass it in the clear.
            requests += filters.gate(port.index)
            changed.append(f"{channel.port} gated")
        disable = sysctl.ipv6(channel.port, "disable_ipv6")
        if sysctl.read(disable) != "1":
            sysctl.write({disable: 1})
        requests += [links.change(port.index, mtu=channel.port_mtu)] if port.mtu != channel.port_mtu else []
        self._submit(requests)
        for address in addresses.dump(self._route, port.index):
            self._submit([addresses.delete(port.index, address.interface)])
            changed.append(f"{channel.port} {address.interface} removed")
        if port.up != channel.enabled and channel.port not in self.left_alone:
            self._submit([links.change(port.index, up=channel.enabled)])
            changed.append(f"{channel.port} {'up' if channel.enabled else 'down'}")

    def _secy(self, channel: Channel, port: Link, present: dict[str, Link], changed: list[str]) -> None:
        held = present.get(channel.device)
        sci = sci_of(port.mac)
        cipher = channel.macsec.cipher_suite
        if channel.key_agreement is KeyAgreement.WPA_SUPPLICANT:
            cipher = CipherSuite.GCM_AES_128
        if held is not None and not _is_secy(held, port.index, sci, cipher):
            self._submit([links.delete(held.index)])
            changed.append(f"{channel.device} deleted, to be made anew")
            # The VLANs on it went with it.
            for link in [held, *(link for link in present.values() if link.parent == held.index)]:
                del present[link.name]
            held = None
        if held is None:
            self.macsec.create(
                channel.device, port.index, sci, cipher, replay_window=channel.macsec.replay_window, up=False
            )
            changed.append(f"{channel.device} made")
        elif held.macsec is not None and held.macsec.window != channel.macsec.replay_window:
            self.macsec.set_replay(held.index, channel.macsec.replay_window)
            changed.append(f"{channel.device} replay window {channel.macsec.replay_window}")

    # -- routing tables and interfaces

    def _port(self, held: dict[str, Link], name: str, mtu: int, changed: list[str]) -> list[Request]:
        port = self._there(held, name)
        up = None if name in self.left_alone else True
        if port.mtu == mtu and (port.up or up is None):
            return []
        changed.append(f"{name} {'up ' if up else ''}with MTU {mtu}")
        return [links.change(port.index, mtu=mtu, up=up)]

    @staticmethod
    def _vrf(name: str, table: int, held: dict[str, Link], changed: list[str]) -> list[Request]:
        requests: list[Request] = []
        link = held.get(name)
        if link is not None and link.vrf_table != table:
            requests.append(links.delete(link.index))
            del held[name]
            link = None
        if link is None:
            requests.append(link_kinds.vrf(name, table))
            changed.append(f"{name} made with table {table}")
        elif not link.up:
            requests.append(links.change(link.index, up=True))
            changed.append(f"{name} up")
        return requests

    def _put_into_vrf(self, vrf: Vrf, wanted: VrfInterface, held: dict[str, Link], changed: list[str]) -> list[Request]:
        """Requests after which the interface exists and is in the VRF; empty if it is."""
        if vrf.name not in held:
            held[vrf.name] = links.get(self._route, vrf.name)
        master = held[vrf.name].index
        link = held.get(wanted.name)
        requests: list[Request] = []
        if wanted.vlan is not None:
            parent = self._there(held, wanted.parent)
            if link is not None and (link.vlan != wanted.vlan or link.parent != parent.index):
                requests.append(links.delete(link.index))
                link = None
            if link is None:
                made = link_kinds.vlan(wanted.name, parent.index, wanted.vlan, mtu=wanted.mtu, master=master)
                changed.append(f"{wanted.name} made in {vrf.name}")
                return [*requests, made]
        elif link is None:
            link = links.get(self._route, wanted.name)
        # Addresses may stand on the VRF's own device: it is in no VRF.
        if link.index != master and link.master != master:
            requests.append(links.change(link.index, master=master))
            changed.append(f"{wanted.name} in {vrf.name}")
        return requests

    def _settle_interfaces(self, state: RouterState, changed: list[str]) -> None:
        """MTU, addresses, rate and administrative state of every interface of every VRF."""
        held = self.links()
        by_index = {link.index: link for link in held.values()}
        present: dict[int, set[IPv4Interface | IPv6Interface]] = {}
        for address in addresses.dump(self._route):
            if not address.link_local:
                present.setdefault(address.index, set()).add(address.interface)
        shapers = shaping.dump(self._route)
        requests = self._dismiss(state, held, present, changed)
        for vrf in state.vrfs:
            master = held[vrf.name].index
            for wanted in vrf.interfaces:
                link = held.get(wanted.name) or links.get(self._route, wanted.name)
                # What passes the VRF's own device, on which addresses may stand, keeps its route's MTU.
                if link.index != master and link.mtu != wanted.mtu:
                    requests.append(links.change(link.index, mtu=wanted.mtu))
                    changed.append(f"{wanted.name} with MTU {wanted.mtu}")
                have = present.get(link.index, set())
                for surplus in have - set(wanted.addresses):
                    requests.append(addresses.delete(link.index, surplus))
                    changed.append(f"{wanted.name} {surplus} removed")
                for missing in wanted.addresses:
                    if missing not in have:
                        requests.append(addresses.add(link.index, missing))
                        changed.append(f"{wanted.name} {missing} added")
                # Before it is up: to put a shaper on an interface in use can cost frames.
                requests += self._rate(wanted, link, shapers.get(link.index), changed)
                parent = by_index.get(link.parent)
                closed = (
                    parent is not None and not parent.up and (parent.kind == "macsec" or parent.name in self.left_alone)
                )
                # A VLAN on a closed MACsec device cannot be set up; the kernel does that itself when the device opens.
                if not link.up and not closed:
                    requests.append(links.change(link.index, up=True))
                    changed.append(f"{wanted.name} up")
        self._submit(requests)

    @staticmethod
    def _rate(wanted: VrfInterface, link: Link, held: Shaper | None, changed: list[str]) -> list[Request]:
        if wanted.rate is None:
            if held is None:
                return []
            changed.append(f"{wanted.name} no longer shaped")
            return [qdisc.delete_root(link.index)]
        shaper = Shaper.of(wanted.rate, wanted.mtu)
        if shaper.like(held):
            return []
        changed.append(f"{wanted.name} shaped to {wanted.rate} bit/s")
        return [shaping.shape(link.index, shaper)]

    @staticmethod
    def _dismiss(
        state: RouterState,
        held: dict[str, Link],
        present: dict[int, set[IPv4Interface | IPv6Interface]],
        changed: list[str],
    ) -> list[Request]:
        """Ports that are no longer wanted in a VRF: they exist on their own, and leave it without their addresses. A VRF's
        own device loses addresses that nobody wants on it."""
        wanted = {interface.name for vrf in state.vrfs for interface in vrf.interfaces}
        vrfs = {link.index for link in held.values() if link.kind == "vrf"}
        requests: list[Request] = []
        for link in held.values():
            ours = link.index in vrfs or link.master in vrfs or link.name in state.ports
            if link.name in wanted or not ours:
                continue
            for surplus in present.get(link.index, ()):
                requests.append(addresses.delete(link.index, surplus))
                changed.append(f"{link.name} {surplus} removed")
            if link.master in vrfs:
                requests.append(links.change(link.index, master=0))
                changed.append(f"{link.name} taken out of its VRF")
        return requests


def _is_secy(link: Link, parent: int, sci: int, cipher: CipherSuite) -> bool:
    held = link.macsec
    return (
        held is not None
        and link.parent == parent
        and held.sci == sci
        and held.cipher is cipher
        and held.encrypt
        and held.protect
        and held.include_sci
        and held.replay_protect
        and held.validation is Validation.STRICT
    )


__all__ = ["Placed", "RouterKernel"]
