"""``edged``: the daemon of one router. Holds its desired state, drives key agreement, applies everything below."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from xcnet.edge.channel import MkaChannel
from xcnet.edge.client import SOCKET_NAME
from xcnet.edge.kernel import RouterKernel
from xcnet.edge.observer import Observer
from xcnet.edge.prober import Prober
from xcnet.edge.renewals import Renewals
from xcnet.edge.report import EdgeReport, ProbeReports, SakReports
from xcnet.edge.wpa import WpaChannel
from xcnet.errors import KernelError, XcnetError
from xcnet.events import EventWriter
from xcnet.frr.apply import Applied
from xcnet.frr.apply import apply as apply_frr
from xcnet.frr.interfaces import wait_for_interfaces
from xcnet.frr.lifecycle import FrrDirs
from xcnet.frr.state import Address
from xcnet.model.desired import Channel, KeyAgreement, RouterState
from xcnet.model.observed import ChannelObservation
from xcnet.model.overlay import Overlay
from xcnet.netlink.monitor import LinkChange, Lost, Monitor, Watch
from xcnet.waiting import Deadline

_PACKET_NUMBER_INTERVAL = 2.0
"""Seconds between two looks at the packet numbers, which the kernel does not announce: MKA's own hello time."""

_FRR_SECONDS, _FRR_SECONDS_EACH = 60.0, 2.0
"""For the routing daemons to take a state, and more for each of its VRFs."""
_ZEBRA_SECONDS = 20.0
_LIMIT = 16 * 2**20
_UNREAD = 8 * 2**10
"""Bytes of observations that may wait for a watcher: the kernel doubles it. Less would be many turns for a large one."""

Driver = MkaChannel | WpaChannel


class _Request(BaseModel):
    """:param state: of ``apply``. :param overlay: of ``overlay``. :param count: of ``probe``: requests in a burst."""

    op: str
    state: RouterState | None = None
    overlay: Overlay | None = None
    count: int = Field(default=0, ge=0, le=100)


class Edged:
    """:param folder: where its socket and secrets are; on a file system in memory, for this user alone.
    :param state: what the kernel holds already; key agreement begins before the first request is taken, routing follows when
        asked to settle.
    :param overlay: faults that lie over that and every other state.
    """

    def __init__(
        self,
        node: str,
        folder: Path,
        events: EventWriter,
        frr: FrrDirs | None,
        state: RouterState | None = None,
        overlay: Overlay | None = None,
    ) -> None:
        self._node = node
        self._folder = folder
        self._events = events
        self._frr = frr
        self._kernel = RouterKernel()
        self._monitor = Monitor(watch=Watch.LINKS)
        self._drivers: dict[str, Driver] = {}
        self._applying = asyncio.Lock()
        self._waiting = 0
        """States to be applied after the one that is being applied."""
        self._renewals = Renewals()
        self._prober = Prober()
        self._state: RouterState | None = None
        self._observer = Observer(
            node, frr, events, lambda: list(self._kernel.links().values()), self._observe, self._address_missed
        )
        self._given = state
        self._lay(overlay or Overlay())
        self._first = self._overlay.over(state) if state is not None else None
        self._failure: XcnetError | None = None

    async def serve(self) -> None:
        """Serve until asked to end; every channel is closed and empty then."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        loop.add_reader(self._monitor.fileno(), self._links_changed)
        if self._first is not None:
            try:
                self._want(self._first)
                self._drive(self._first)
            except XcnetError as error:
                self._failure = error  # for whoever asks to settle
        path = self._folder / SOCKET_NAME
        path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(self._session, str(path), limit=_LIMIT)
        finally:
            os.umask(mask)
        watching = asyncio.create_task(self._watch_packet_numbers())
        self._events.emit("edge.started", self._node, pid=os.getpid())
        try:
            await ended.wait()
        finally:
            watching.cancel()
            server.close()
            loop.remove_reader(self._monitor.fileno())
            for driver in self._drivers.values():
                driver.stop()
            self._prober.close()
            self._observer.close()
            self._monitor.close()
            self._kernel.close()
            path.unlink(missing_ok=True)
            self._events.emit("edge.stopped", self._node)

    # -- requests

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                try:
                    request = _Request.model_validate_json(line)
                    if request.op == "watch":
                        await self._show(reader, writer)
                        break
                    answer = await self._answer(request)
                except XcnetError as error:
                    answer = {"error": error.as_dict()}
                except ValueError as error:
                    answer = {"error": {"cause": f"not a request: {type(error).__name__}", "where": "", "remedy": ""}}
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        writer.close()

    async def _show(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Observations over this connection until the client closes it."""

        async def send() -> None:
            # Of what is not read little waits in the kernel and a line at most here; what comes after is put together.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNREAD)
            writer.transport.set_write_buffer_limits(high=0)
            async with contextlib.aclosing(self._observer.watch()) as changes:
                async for change in changes:
                    writer.write(change.model_dump_json(exclude_defaults=True).encode() + b"\n")
                    await writer.drain()

        sending = asyncio.create_task(send())
        try:
            await reader.read()
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await sending

    async def _answer(self, request: _Request) -> dict[str, Any]:
        match request.op:
            case "apply":
                if (state := request.state) is None:
                    raise ValueError("no state")
                self._waiting += 1
                async with self._applying:
                    self._waiting -= 1
                    self._given = state
                    return {"changed": await self._make_so(self._overlay.over(state))}
            case "overlay":
                if request.overlay is None:
                    raise ValueError("no overlay")
                async with self._applying:
                    self._lay(request.overlay)
                    if self._given is None or (wanted := self._overlay.over(self._given)) == self._state:
                        return {"changed": []}
                    return {"changed": await self._make_so(wanted)}
            case "settle":
                async with self._applying:
                    return {"changed": await self._settle()}
            case "status":
                return self._status().model_dump(mode="json")
            case "probe":
                probes = self._prober.probe(self._state, request.count)
                return ProbeReports(node=self._node, probes=tuple(probes)).model_dump(mode="json")
            case "saks":
                saks = SakReports(saks=tuple(sak for driver in self._drivers.values() for sak in driver.saks()))
                answer: dict[str, Any] = saks.model_dump(mode="json", context={"reveal": True})
                return answer
            case other:
                return {"error": {"cause": f"edged knows no request {other!r}", "where": "op", "remedy": ""}}

    def _lay(self, overlay: Overlay) -> None:
        self._overlay = overlay
        self._kernel.left_alone = frozenset(overlay.dark)

    async def _make_so(self, state: RouterState) -> list[str]:
        self._want(state)
        return await self._apply_kernel(state) + await self._apply_routing(state)

    async def _settle(self) -> list[str]:
        """Routing for what this daemon was started with. :raises XcnetError: also why key agreement did not begin."""
        if self._failure is not None:
            raise self._failure
        return await self._apply_routing(self._first) if self._first is not None else []

    def _want(self, state: RouterState) -> None:
        self._state = state
        self._observer.wanted(state)

    async def _apply_kernel(self, state: RouterState) -> list[str]:
        started = time.monotonic()
        # What stops using a device has to let go of it before the kernel is changed under it.
        self._release(state)
        placed = self._kernel.place(state)
        if placed.moved and self._frr is not None:
            await asyncio.to_thread(self._wait_for_zebra, placed.moved, self._frr)
        changed = placed.changed + self._kernel.address(state)
        self._drive(state)
        self._applied("kernel", changed, started)
        return changed

    def _address_missed(self, peer: Address) -> None:
        """bgpd does not know the own address towards a neighbour: zebra has not told it, and never will by itself (FRR 8)."""
        for vrf in self._state.vrfs if self._state is not None else ():
            interfaces = {each.interface for each in vrf.neighbors if each.address == peer}
            for interface in vrf.interfaces:
                for address in interface.addresses:
                    if interface.name in interfaces and peer in address.network:
                        if not self._renewals.due((interface.name, str(address)), time.monotonic()):
                            continue
                        try:
                            self._kernel.renew(interface.name, address)
                        except KernelError as error:
                            self._events.emit("edge.kernel_unreadable", self._node, error=error.cause)
                            continue
                        self._events.emit("edge.address_renewed", interface.name, address=str(address))

    async def _apply_routing(self, state: RouterState) -> list[str]:
        if self._frr is None:
            return []
        started = time.monotonic()
        applied = await asyncio.to_thread(self._apply_frr, state, self._frr)
        changed = [f"{daemon}: {line}" for daemon, lines in applied.sent.items() for line in lines]
        self._observer.held(state)
        unknown = sum(map(len, applied.unknown.values()))
        self._applied("routing", changed, started, waited=round(applied.waited, 4), unknown=unknown)
        return changed

    def _applied(self, what: str, changed: list[str], started: float, **more: float) -> None:
        seconds = round(time.monotonic() - started, 4)
        self._events.emit("edge.applied", self._node, what=what, changes=len(changed), seconds=seconds, **more)

    @staticmethod
    def _wait_for_zebra(moved: dict[str, set[str]], dirs: FrrDirs) -> None:
        _at_leisure()
        wait_for_interfaces(dirs, moved, Deadline(_ZEBRA_SECONDS))

    def _apply_frr(self, state: RouterState, dirs: FrrDirs) -> Applied:
        _at_leisure()
        seconds = _FRR_SECONDS + _FRR_SECONDS_EACH * len(state.vrfs)
        return apply_frr(state, dirs, Deadline(seconds), hurry=lambda: self._waiting > 0)

    # -- channels

    def _release(self, state: RouterState) -> None:
        wanted = {channel.name: channel for channel in state.channels if channel.enabled}
        for name, driver in list(self._drivers.items()):
            channel = wanted.get(name)
            if channel is None or not driver.can_become(channel):
                driver.stop()
                del self._drivers[name]

    def _drive(self, state: RouterState) -> None:
        held = self._kernel.links()
        for channel in state.channels:
            if not channel.enabled:
                continue
            driver = self._drivers.get(channel.name)
            if driver is not None and driver.device_index != held[channel.device].index:
                # The device was made anew: whoever deleted the former took what the driver stood on.
                driver.stop()
                driver = None
            if driver is None:
                self._drivers[channel.name] = self._start(channel)
            else:
                driver.update(channel)

    def _start(self, channel: Channel) -> Driver:
        if channel.key_agreement is KeyAgreement.WPA_SUPPLICANT:
            return WpaChannel(channel, self._kernel, self._events, self._folder, self._observer.channels_changed)
        return MkaChannel(channel, self._kernel, self._events, self._observer.channels_changed)

    def _observe(self) -> tuple[ChannelObservation, ...]:
        wanted = self._state.channels if self._state is not None else ()
        drivers = [(channel, self._drivers.get(channel.name)) for channel in wanted]
        return tuple(d.observe() if d is not None else ChannelObservation(name=c.name) for c, d in drivers)

    def _links_changed(self) -> None:
        for change in self._monitor.drain():
            if isinstance(change, Lost):
                self._observer.links_lost()
            elif isinstance(change, LinkChange):
                self._observer.link_changed(change.link, deleted=change.deleted)
                for driver in self._drivers.values():
                    driver.link_changed(change.link, deleted=change.deleted)

    async def _watch_packet_numbers(self) -> None:
        while True:
            await asyncio.sleep(_PACKET_NUMBER_INTERVAL)
            if not self._drivers:
                continue
            try:
                by_index = self._kernel.macsec.dump()
            except KernelError as error:
                self._events.emit("edge.kernel_unreadable", self._node, error=error.cause)
                continue
            for driver in list(self._drivers.values()):
                secy = by_index.get(driver.device_index)
                if secy is not None:
                    driver.report_packet_numbers(secy)

    def _status(self) -> EdgeReport:
        if not self._drivers:
            return EdgeReport(node=self._node, channels=())
        by_index = self._kernel.macsec.dump()
        links = self._kernel.links()
        reports = []
        for driver in self._drivers.values():
            device, port = links.get(driver.wanted.device), links.get(driver.wanted.port)
            gate = self._kernel.gate_counters(port.index) if port is not None else None
            dropped = (gate[0].dropped, gate[1].dropped) if gate is not None else (0, 0)
            report = driver.report(by_index.get(device.index) if device is not None else None, dropped)
            reports.append(report.model_copy(update={"probe": self._prober.seen(report.name)}))
        return EdgeReport(node=self._node, channels=tuple(reports))


def _at_leisure() -> None:
    """This thread at ordinary priority: configuration is not urgent; key agreement in the main thread is, and keeps the
    real-time priority for itself."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def run(
    node: str,
    folder: Path,
    events_path: Path | None,
    *,
    frr_dirs: FrrDirs | None = None,
    state: RouterState | None = None,
    overlay: Overlay | None = None,
) -> None:
    """Run the daemon in this process, which is in the router's network namespace already, until SIGTERM.

    :param state: what it begins with. The kernel holds it already (:class:`RouterKernel`); its keys are being agreed on by
        the time that the socket is there, and the routing daemons are given it when a client asks to settle.
    :param overlay: see :class:`Edged`.
    """
    events = EventWriter(events_path, f"{node}.edged")

    async def main() -> None:
        await Edged(node, folder, events, frr_dirs, state, overlay).serve()

    asyncio.run(main())


__all__ = ["Edged", "run"]
