"""What a router shows of itself, put together as it changes, for whoever watches it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable

from xcnet.edge.crowds import Crowds
from xcnet.edge.fib import Fib
from xcnet.errors import KernelError
from xcnet.events import EventWriter
from xcnet.frr.lifecycle import FrrDirs
from xcnet.frr.sessions import Session, SessionWatch
from xcnet.frr.state import Address
from xcnet.model.desired import RouterState, Vrf
from xcnet.model.observed import (
    ChannelObservation,
    ObservationChange,
    RouterObservation,
    SessionObservation,
    VrfObservation,
)
from xcnet.netlink.links import Link

_GATHER_SECONDS = 0.02
"""What changes together is told together: a cut fibre takes many sessions and routes with it."""

_DEAR_SECONDS = 0.05
_QUIET_SECONDS = 0.25
_LEFT = 20.0
"""A look that took more of the processor than the first of these is followed by the next only when nothing has changed for a
while, or so many times as long has passed: thousands of routes that come one after the other would be read again and again,
at a priority that keeps from the processor whoever brings them."""

_AGAIN_SECONDS = 1.0
"""Until the kernel is asked again where it did not answer."""


class Observer:
    """Looks at nothing until somebody watches. Use inside a running event loop.

    :param links: reads the router's links. :param channels: how its channels are now.
    :param missed: told of a neighbour that bgpd refuses as it knows no own address towards it.
    """

    def __init__(
        self,
        node: str,
        frr: FrrDirs | None,
        events: EventWriter,
        links: Callable[[], list[Link]],
        channels: Callable[[], tuple[ChannelObservation, ...]],
        missed: Callable[[Address], None],
    ) -> None:
        self._missed = missed
        self._node = node
        self._frr = frr
        self._events = events
        self._links = links
        self._channels = channels
        self._state: RouterState | None = None
        self._fib: Fib | None = None
        self._sessions: SessionWatch | None = None
        self._stale: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._current = RouterObservation(node=node)
        self._watchers: set[asyncio.Event] = set()
        self._cost = 0.0
        """Seconds of processor time that the last look took."""
        self._looked = self._last_news = 0.0
        self._crowds: dict[str, Crowds] = {}

    # -- what may have changed

    def wanted(self, state: RouterState) -> None:
        """The router is to be so from now on."""
        self._state = state
        self._stale |= {vrf.name for vrf in state.vrfs}
        self._gather_soon()

    def held(self, state: RouterState) -> None:
        """The routing daemons hold this now, and nothing else."""
        if self._sessions is not None:
            bgp = {(vrf.name, each.address) for vrf in state.vrfs for each in vrf.neighbors}
            bfd = {(vrf.name, each.address) for vrf in state.vrfs for each in vrf.neighbors if each.bfd is not None}
            self._sessions.forget(self._sessions.established - bgp, self._sessions.bfd_up - bfd)

    def channels_changed(self) -> None:
        self._gather_soon()

    def link_changed(self, link: Link, *, deleted: bool) -> None:
        if self._fib is not None and self._fib.link_changed(link, deleted=deleted):
            self._gather_soon()

    def links_lost(self) -> None:
        """News about links were lost; what they are now is told after this."""
        if self._fib is not None:
            self._fib.lost()
            self._gather_soon()

    def _routes_changed(self) -> None:
        if self._fib is not None and self._fib.drain():
            self._gather_soon()

    def _sessions_changed(self, vrfs: set[str]) -> None:
        self._stale |= vrfs
        self._gather_soon()

    # -- who watches

    async def watch(self) -> AsyncGenerator[ObservationChange]:
        """What there is, and then what changes. To whom this is too fast only the sum of the changes is given."""
        await self._begin()
        news = asyncio.Event()
        self._watchers.add(news)
        told = RouterObservation(node=self._node)
        try:
            self._gather()
            first = True
            while True:
                # Before looking: what comes while the taker is busy with this is news again.
                news.clear()
                current = self._current
                change, told = current.since(told), current
                if change or first:
                    yield change
                first = False
                await news.wait()
        finally:
            self._watchers.discard(news)

    async def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        if self._fib is None:
            self._fib = Fib(self._links())
            loop.add_reader(self._fib.fileno(), self._routes_changed)
            if self._frr is not None:
                self._sessions = SessionWatch(self._frr, self._sessions_changed, self._missed)
        if self._sessions is not None:
            await self._sessions.known()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._fib is not None:
            asyncio.get_running_loop().remove_reader(self._fib.fileno())
            self._fib.close()
        if self._sessions is not None:
            self._sessions.close()

    # -- what it is now

    def _gather_soon(self, seconds: float = 0.0) -> None:
        self._last_news = time.monotonic()
        if self._timer is None and self._watchers:
            if seconds == 0.0:
                seconds = _GATHER_SECONDS if self._cost < _DEAR_SECONDS else _QUIET_SECONDS
            self._timer = asyncio.get_running_loop().call_later(seconds, self._gather_in_time)

    def _gather_in_time(self) -> None:
        self._timer = None
        now = time.monotonic()
        if self._cost >= _DEAR_SECONDS and now < self._looked + _LEFT * self._cost:
            quiet = self._last_news + _QUIET_SECONDS
            if now < quiet:
                self._timer = asyncio.get_running_loop().call_later(quiet - now, self._gather_in_time)
                return
        self._gather()

    def _gather(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        assert self._fib is not None
        began = time.thread_time()
        wanted = {vrf.name: vrf for vrf in self._state.vrfs} if self._state is not None else {}
        try:
            tables = self._fib.read()
        except KernelError as error:
            self._events.emit("edge.kernel_unreadable", self._node, error=error.cause)
            tables = set()
            self._gather_soon(_AGAIN_SECONDS)
        before = self._current
        stale, self._stale = self._stale, set()
        vrfs: dict[str, VrfObservation] = {}
        for name, vrf in wanted.items():
            old = before.vrfs.get(name)
            if old is None or name in stale or vrf.table in tables:
                new = self._vrf(vrf, self._fib)
                self._tell_of_routes(old or VrfObservation(name=name), new)
                vrfs[name] = old if old == new and old is not None else new
            else:
                vrfs[name] = old
        # What did not change is the same object: to compare costs next to nothing.
        fresh = RouterObservation(node=self._node, channels=self._channels(), vrfs=vrfs)
        if fresh != before:
            self._current = fresh
            for news in self._watchers:
                news.set()
        self._cost, self._looked = time.thread_time() - began, time.monotonic()

    def _tell_of_routes(self, before: VrfObservation, now: VrfObservation) -> None:
        """An event for each prefix whose next hops are others: ``fib.lost`` where there are fewer, else ``fib.restored``; for
        those of a crowd together ``fib.many``."""
        vrf = now.name
        held = {route.prefix: route.interfaces for route in before.routes}
        holds = {route.prefix: route.interfaces for route in now.routes}
        for prefix in sorted(held.keys() | holds.keys(), key=str):
            was, interfaces = held.get(prefix, ()), holds.get(prefix, ())
            if was != interfaces:
                kind = "fib.lost" if set(was) - set(interfaces) else "fib.restored"
                self._events.emit(kind, f"{vrf}/{prefix}", vrf=vrf, interfaces=interfaces, was=was)
        if before.crowd != now.crowd:
            counts = {f"ipv{version}": now.held(version) for version in (4, 6)}
            self._events.emit("fib.many", vrf, vrf=vrf, **counts)

    def _vrf(self, vrf: Vrf, fib: Fib) -> VrfObservation:
        established: set[Session] = self._sessions.established if self._sessions is not None else set()
        bfd_up: set[Session] = self._sessions.bfd_up if self._sessions is not None else set()
        sessions = tuple(
            SessionObservation(
                peer=each.address,
                interface=each.interface,
                established=(vrf.name, each.address) in established,
                bfd=(vrf.name, each.address) in bfd_up if each.bfd is not None else None,
            )
            for each in vrf.neighbors
        )
        routes, crowd = self._crowds.setdefault(vrf.name, Crowds()).shown(fib.of(vrf.table))
        return VrfObservation(name=vrf.name, sessions=sessions, routes=routes, crowd=crowd)


__all__ = ["Observer"]
