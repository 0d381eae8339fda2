"""Two routers with FRR in namespaces of their own, joined by two links with a VLAN in a VRF each; for the tests beside."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path

from xcnet.errors import RoutingError
from xcnet.frr import state as frr_state
from xcnet.frr.apply import Applied, apply
from xcnet.frr.lifecycle import DaemonSpec, FrrDirs, prepare
from xcnet.frr.vty import Vty
from xcnet.model.desired import BfdTimers, BgpNeighbor, RouterState, Vrf, VrfInterface
from xcnet.secret import Secret
from xcnet.waiting import Deadline, wait_until

ROUTERS = ("left", "right")
LINKS = (1, 2)
TABLE = 1100
PASSWORD = "fa1l-cl0sed"  # noqa: S105 - of a session between two throw-away namespaces
BFD = BfdTimers(transmit_ms=300, receive_ms=300, multiplier=3)
_libc = ctypes.CDLL(None, use_errno=True)


def address(router: str, link: int, version: int) -> str:
    end = ROUTERS.index(router) + 1
    return f"169.254.{link}.{end}" if version == 4 else f"fd00:0:0:{link}::{end}"


def other(router: str) -> str:
    return ROUTERS[1 - ROUTERS.index(router)]


def router_state(
    router: str,
    *,
    password: str | None = PASSWORD,
    bfd: BfdTimers | None = BFD,
    links: tuple[int, ...] = LINKS,
    networks: tuple[str, ...] | None = None,
    **neighbor: object,
) -> RouterState:
    """The desired state of one of the two: eBGP to the other over each link, IPv4 and IPv6."""
    index = ROUTERS.index(router)
    if networks is None:
        networks = (f"10.{index + 1}.0.0/16", f"fd00:{index + 1}::/32")
    settings = {"keepalive": 3, "hold": 9, "prefix_limit": 100, **neighbor}
    peers = [
        BgpNeighbor(
            address=ip_address(address(other(router), link, version)),
            remote_asn=64900 + 2 - index,
            description=f"link {link}",
            interface=f"l{link}.1100",
            md5=Secret.from_text(password) if password else None,
            bfd=bfd,
            **settings,
        )
        for link in links
        for version in (4, 6)
    ]
    return RouterState(
        node=router,
        provider="test",
        vrfs=(
            Vrf(
                name="prod",
                connection="prod",
                table=TABLE,
                asn=64900 + index + 1,
                router_id=f"192.0.2.{index + 1}",
                interfaces=tuple(
                    VrfInterface(
                        name=f"l{link}.1100",
                        parent=f"l{link}",
                        vlan=1100,
                        mtu=1500,
                        addresses=(
                            ip_interface(f"{address(router, link, 4)}/30"),
                            ip_interface(f"{address(router, link, 6)}/126"),
                        ),
                    )
                    for link in LINKS
                ),
                neighbors=tuple(peers),
                networks=tuple(ip_network(network) for network in networks),
            ),
        ),
    )


def ip(*arguments: str, check: bool = True) -> str:
    return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True).stdout


def ip_batch(namespace: str, text: str) -> None:
    subprocess.run(["ip", "-n", namespace, "-batch", "-"], input=text, check=True, text=True)


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """This thread is in the namespace inside the block."""
    back = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    target = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        assert _libc.setns(target, 0) == 0
        yield
    finally:
        assert _libc.setns(back, 0) == 0
        os.close(back)
        os.close(target)


@dataclass
class Pair:
    """The two routers: their folders and their daemons' process ids."""

    root: Path
    dirs: dict[str, FrrDirs] = field(default_factory=dict)
    specs: dict[tuple[str, str], DaemonSpec] = field(default_factory=dict)
    pids: dict[tuple[str, str], int] = field(default_factory=dict)

    def build(self) -> None:
        for router in ROUTERS:
            ip("netns", "add", router)
        for link in LINKS:
            ip("link", "add", f"l{link}", "netns", "left", "type", "veth", "peer", f"l{link}", "netns", "right")
        for router in ROUTERS:
            lines = ["link set lo up", f"link add prod type vrf table {TABLE}", "link set prod up"]
            for link in LINKS:
                lines += [
                    f"link set l{link} up",
                    f"link add link l{link} name l{link}.1100 type vlan id 1100",
                    f"link set l{link}.1100 master prod",
                    f"addr add {address(router, link, 4)}/30 dev l{link}.1100",
                    f"addr add {address(router, link, 6)}/126 dev l{link}.1100 nodad",
                ]
            ip_batch(router, "\n".join(lines) + "\n")
            with inside(router):
                for link in LINKS:
                    Path(f"/proc/sys/net/ipv6/conf/l{link}.1100/accept_dad").write_text("0")
            ip_batch(router, "".join(f"link set l{link}.1100 up\n" for link in LINKS))

    def start(self) -> None:
        for router in ROUTERS:
            self.root.mkdir(exist_ok=True)
            self.dirs[router] = FrrDirs.of(self.root / router, self.root / f"{router}-logs")
            for spec in prepare(router_state(router), self.dirs[router]):
                self.specs[router, spec.name] = spec
        for name in ("zebra", "bgpd", "bfdd"):
            for router in ROUTERS:
                self.spawn(router, name)

    def spawn(self, router: str, name: str) -> None:
        spec = self.specs[router, name]
        wait_until(
            f"{router}'s zebra to serve",
            lambda: None if name == "zebra" or self.dirs[router].zserv.exists() else "not there",
            Deadline(20),
            interval=0.01,
        )
        actions = [
            (os.POSIX_SPAWN_OPEN, 1, str(spec.log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        with inside(router):
            self.pids[router, name] = os.posix_spawn(
                spec.argv[0], spec.argv, {**os.environ, **spec.env}, file_actions=actions
            )

    def kill(self, router: str, name: str) -> None:
        pid = self.pids.pop((router, name))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def stop(self) -> None:
        for key in list(self.pids):
            self.kill(*key)
        for router in ROUTERS:
            ip("netns", "del", router, check=False)

    def apply(self, router: str, state: RouterState, seconds: float = 20) -> Applied:
        return apply(state, self.dirs[router], Deadline(seconds))

    def restore(self) -> None:
        """Both as they should be, and everything established."""
        for router in ROUTERS:
            self.apply(router, router_state(router))
        self.settled()

    def settled(self, seconds: float = 20) -> None:
        for router in ROUTERS:
            self.until(router, lambda found: len(found.sessions) == 4 and all(s.established for s in found.sessions))
            self.until(router, lambda found: len(found.bfd_peers) == 4 and all(p.up for p in found.bfd_peers), seconds)

    def read(self, router: str) -> frr_state.RouterRouting:
        return frr_state.read(self.dirs[router])

    def until(
        self, router: str, holds: Callable[[frr_state.RouterRouting], bool], seconds: float = 20
    ) -> frr_state.RouterRouting:
        """Look until it holds; returns what was seen then."""
        last: list[frr_state.RouterRouting] = []

        def seen() -> str | None:
            try:
                last[:] = [self.read(router)]
            except RoutingError as error:
                return error.cause
            return None if holds(last[0]) else str(last[0])

        wait_until(f"{router} to be as expected", seen, Deadline(seconds), interval=0.05)
        return last[0]

    def vty(self, router: str, daemon: str = "bgpd") -> Vty:
        return Vty(self.dirs[router].socket(daemon))

    def kernel_routes(self, router: str, table: int | str, version: int = 4) -> str:
        return ip("-n", router, f"-{version}", "route", "show", "table", str(table))

    def log(self, router: str, daemon: str) -> list[str]:
        return self.specs[router, daemon].log.read_text().splitlines()

    def tcp_counter(self, router: str, name: str) -> int:
        with inside(router):
            names, values = [
                line.split()
                for line in Path("/proc/thread-self/net/netstat").read_text().splitlines()
                if line.startswith("TcpExt")
            ]
        return int(values[names.index(name)])


def timed(started: float) -> float:
    return time.monotonic() - started
