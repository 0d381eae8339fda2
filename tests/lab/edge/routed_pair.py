"""Two whole routers, daemons and all, joined by channels; and somebody who watches one. For the tests beside."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_interface, ip_network
from pathlib import Path

from conftest_edge import new_key

from xcnet.edge.client import EdgeClient
from xcnet.edge.daemon import run
from xcnet.edge.kernel import RouterKernel
from xcnet.frr.lifecycle import DAEMONS, DaemonSpec, FrrDirs, prepare
from xcnet.model.desired import (
    BfdTimers,
    BgpNeighbor,
    Cak,
    Channel,
    Macsec,
    RouterState,
    Vrf,
    VrfInterface,
)
from xcnet.model.observed import RouterObservation
from xcnet.netlink import link_kinds, links, netns
from xcnet.netlink.link_kinds import VethEnd
from xcnet.netlink.netns import Netns
from xcnet.netlink.socket import NetlinkSocket
from xcnet.secret import Secret
from xcnet.waiting import Deadline, wait_until

BFD = BfdTimers(transmit_ms=300, receive_ms=300, multiplier=3)
FIRST_VLAN = 1100


def link_address(vrf: int, channel: int, end: int, version: int) -> IPv4Address | IPv6Address:
    """:param end: 1 or 2, the router's number."""
    if version == 4:
        return ip_address(int(IPv4Address("169.254.0.0")) + 1024 * channel + 4 * vrf + end)
    return ip_address(f"fd00:0:{vrf:x}:{channel}::{end}")


def network(vrf: int, end: int, version: int) -> IPv4Network | IPv6Network:
    """What a router announces in a VRF."""
    return ip_network(f"10.{end}.{vrf}.0/24" if version == 4 else f"fd01:{end}:{vrf:x}::/48")


def interface_name(vrf: int, channel: int) -> str:
    return f"ch{channel}.{FIRST_VLAN + vrf}"


def vrf_state(
    vrf: int, end: int, channels: Sequence[int], *, bfd: BfdTimers | None = BFD, announce: bool = True
) -> Vrf:
    interfaces, neighbors = [], []
    for channel in channels:
        own = [link_address(vrf, channel, end, version) for version in (4, 6)]
        name = interface_name(vrf, channel)
        interfaces.append(
            VrfInterface(
                name=name,
                parent=f"ch{channel}.sec",
                vlan=FIRST_VLAN + vrf,
                mtu=8500,
                addresses=tuple(ip_interface(f"{each}/{30 if each.version == 4 else 126}") for each in own),
            )
        )
        neighbors += [
            BgpNeighbor(
                address=link_address(vrf, channel, 3 - end, version),
                remote_asn=64512 + 3 - end,
                interface=name,
                keepalive=3,
                hold=9,
                md5=Secret.from_text("sesame"),
                bfd=bfd,
                prefix_limit=100,
            )
            for version in (4, 6)
        ]
    return Vrf(
        name=f"vrf-{vrf}",
        connection=f"c{vrf}",
        table=1001 + vrf,
        asn=64512 + end,
        router_id=f"192.0.2.{end}",
        interfaces=tuple(interfaces),
        neighbors=tuple(neighbors),
        networks=tuple(network(vrf, end, version) for version in (4, 6)) if announce else (),
    )


@dataclass
class RoutedRouter:
    """:param end: 1 or 2."""

    end: int
    space: Netns
    folder: Path
    pids: dict[str, int] = field(default_factory=dict)

    @property
    def client(self) -> EdgeClient:
        return EdgeClient(self.folder)

    @property
    def dirs(self) -> FrrDirs:
        return FrrDirs.of(self.folder, self.folder / "logs")

    def state(self, keys: dict[int, tuple[Cak, ...]], vrfs: Sequence[Vrf] = ()) -> RouterState:
        """:param keys: of each channel, by its number."""
        made = tuple(
            Channel(
                name=f"ch{number}",
                port=f"ch{number}",
                device=f"ch{number}.sec",
                macsec=Macsec(key_server_priority=10 + self.end),
                keys=each,
            )
            for number, each in keys.items()
        )
        return RouterState(node=self.folder.name, provider="test", channels=made, vrfs=tuple(vrfs))

    def specs(self, state: RouterState) -> dict[str, DaemonSpec]:
        return {spec.name: spec for spec in prepare(state, self.dirs)}

    def spawn(self, spec: DaemonSpec) -> None:
        if spec.name != "zebra":
            zserv = self.dirs.zserv
            wait_until(f"{zserv}", lambda: None if zserv.exists() else "not there", Deadline(20), interval=0.01)
        actions = [
            (os.POSIX_SPAWN_OPEN, 1, str(spec.log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        with self.space.entered():
            pid = os.posix_spawn(spec.argv[0], spec.argv, {**os.environ, **spec.env}, file_actions=actions)
        self.pids[spec.name] = pid
        if spec.realtime:
            os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(30))

    def start_edged(self) -> None:
        pid = os.fork()
        if pid == 0:
            try:
                ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
                self.space.enter()
                os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(20))
                run(self.folder.name, self.folder, self.folder / "events.jsonl", frr_dirs=self.dirs)
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                os._exit(0)
        self.pids["edged"] = pid

    def kill(self, name: str) -> None:
        pid = self.pids.pop(name)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def apply(self, state: RouterState, seconds: float = 60) -> list[str]:
        return asyncio.run(self.client.apply(state, deadline=Deadline(seconds)))

    def set_link(self, name: str, *, up: bool) -> None:
        with NetlinkSocket(netns=self.space) as netlink:
            netlink.submit([links.change(name, up=up)])

    @contextlib.contextmanager
    def watched(self) -> Iterator[Watched]:
        watched = Watched(self.client)
        try:
            yield watched
        finally:
            watched.close()


class Watched:
    """Everything that one watcher was given, taken by a thread in this process and namespace."""

    def __init__(self, client: EdgeClient) -> None:
        self.seen: list[RouterObservation] = []
        self.failure: BaseException | None = None
        self._news = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, args=(client,))
        self._thread.start()

    def _run(self, client: EdgeClient) -> None:
        async def take() -> None:
            async with contextlib.aclosing(client.watch()) as observations:
                async for observation in observations:
                    with self._news:
                        self.seen.append(observation)
                        self._news.notify_all()

        self._task = self._loop.create_task(take())
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # told to whoever waits
            self.failure = error
        finally:
            self._loop.close()

    def until(
        self, what: str, holds: Callable[[RouterObservation], bool], seconds: float = 20, *, since: int = 0
    ) -> RouterObservation:
        """The first observation, from number ``since`` on, of which it is true."""
        deadline = Deadline(seconds)
        looked = since
        with self._news:
            while True:
                for observation in self.seen[looked:]:
                    if holds(observation):
                        return observation
                looked = max(since, len(self.seen))
                assert self.failure is None, self.failure
                assert not deadline.expired, f"{what}: not within {seconds} s; last: {self.seen[-1:]}"
                self._news.wait(min(deadline.remaining, 0.5))

    def close(self) -> None:
        def cancel() -> None:
            if self._task is not None:
                self._task.cancel()

        with contextlib.suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(cancel)
        self._thread.join()


@dataclass
class RoutedPair:
    left: RoutedRouter
    right: RoutedRouter

    def both(self) -> tuple[RoutedRouter, RoutedRouter]:
        return self.left, self.right

    def apply(self, state: Callable[[RoutedRouter], RouterState], seconds: float = 60) -> None:
        """To both at once: a new session is not established, and not given BFD, before both have it."""
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(router.apply, state(router), seconds) for router in self.both()]:
                done.result()

    def close(self) -> None:
        for router in self.both():
            for name in list(router.pids):
                router.kill(name)
            router.space.close()
            netns.delete(router.space.name)


def build(root: Path, channels: Sequence[int] = (1, 2)) -> RoutedPair:
    """Both routers running, told nothing yet."""
    routers = []
    for end, name in ((1, "left"), (2, "right")):
        folder = root / name
        folder.mkdir(parents=True)
        routers.append(RoutedRouter(end, netns.create(f"routed-{name}"), folder))
    pair = RoutedPair(*routers)
    try:
        with NetlinkSocket() as netlink:
            netlink.submit(
                link_kinds.veth(
                    *(
                        VethEnd(f"ch{number}", netns=each.space, mac=f"02:00:00:00:0{number}:0{each.end}", mtu=9100)
                        for each in routers
                    )
                )
                for number in channels
            )
        empty = {router.end: router.specs(router.state({})) for router in routers}
        for router in routers:
            with router.space.entered(), closing(RouterKernel()) as kernel:
                kernel.apply(router.state({}))
        for daemon in DAEMONS:
            for router in routers:
                router.spawn(empty[router.end][daemon])
        for router in routers:
            router.start_edged()
    except BaseException:
        pair.close()
        raise
    return pair


__all__ = [
    "BFD",
    "RoutedPair",
    "RoutedRouter",
    "Watched",
    "build",
    "interface_name",
    "link_address",
    "network",
    "new_key",
    "vrf_state",
]
