"""The process: everything that a coordinator's core needs around it, in one event loop."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

from xcnet.clock import Clock, SkewedClock, SystemClock
from xcnet.coordinator.auth import pki
from xcnet.coordinator.auth.authenticators import create_signer, create_verifier
from xcnet.coordinator.auth.proof_profiles import create_checker, create_door
from xcnet.coordinator.core import Core
from xcnet.coordinator.daemon.admin import AdminServer
from xcnet.coordinator.daemon.backlog import Backlog
from xcnet.coordinator.daemon.breaking import Breaking
from xcnet.coordinator.daemon.exposition import serve_texts
from xcnet.coordinator.daemon.follow import Followers
from xcnet.coordinator.daemon.identity import TlsIdentity
from xcnet.coordinator.daemon.metrics import Metrics
from xcnet.coordinator.daemon.monitoring import Monitoring
from xcnet.coordinator.daemon.observer import RouterObserver, Watched
from xcnet.coordinator.daemon.outbox import Outbox
from xcnet.coordinator.daemon.queries import Queries
from xcnet.coordinator.daemon.routers import Router as AppliedRouter
from xcnet.coordinator.daemon.routers import RouterDriver
from xcnet.coordinator.daemon.settings import METRICS_HOST, DaemonSettings
from xcnet.coordinator.daemon.trust import (
    CallerVerifier,
    CustomerProofs,
    PeerSigner,
    ProofSource,
    fetch_over,
    identity_route,
)
from xcnet.coordinator.http.app import create_app
from xcnet.coordinator.http.caller import PeerCaller
from xcnet.coordinator.http.fault_transport import FaultyTransport
from xcnet.coordinator.http.faults import FaultPoint
from xcnet.coordinator.http.server import CoordinatorServer
from xcnet.coordinator.http.transcript import Transcript
from xcnet.coordinator.http.transport import Endpoint, HttpTransport
from xcnet.coordinator.service import ApiRequest, ApiResponse
from xcnet.coordinator.store.database import CrashHook, StoreFullError
from xcnet.coordinator.view import NetworkView
from xcnet.edge.client import EdgeClient
from xcnet.events import Event, EventWriter
from xcnet.open_files import allow_open_files
from xcnet.spec.document import document
from xcnet.spec.errors import ApiError

_log = logging.getLogger(__name__)

_OPEN_FILES = 4096
"""More than the connections that a server takes (:class:`HttpLimits`), and what it opens itself."""

_FULL_SECONDS = 0.5
"""Between two attempts to commit something while the store takes nothing."""

_SCHEMES = {"sigv4": "AWS4-HMAC-SHA256", "jwt": "Bearer"}
"""Way of authentication -> its name in HTTP."""


class _ToldEvents(EventWriter):
    """The event stream, of which whoever follows is told too."""

    def __init__(self, path: Path | None, source: str, followers: Followers, clock: Clock) -> None:
        super().__init__(path, source, clock)
        self._followers = followers
        self.metrics: Metrics | None = None

    def emit(self, kind: str, subject: str, **data: Any) -> Event:
        event = super().emit(kind, subject, **data)
        self._followers.tell(event)
        if self.metrics is not None:
            self.metrics.tell(event)
        return event


class Coordinator:
    """:param routers: node -> its daemon; made of the settings where absent (a recording double in benchmarks).
    :param crash: told of each commit point of the store.
    """

    def __init__(
        self,
        settings: DaemonSettings,
        *,
        clock: Clock | None = None,
        crash: CrashHook | None = None,
        network: NetworkFactory | None = None,
    ) -> None:
        self._settings = settings
        true: Clock = clock or SystemClock()
        self._clock = SkewedClock(true)
        self._crash = crash
        self._network = network or routers_of
        self._followers = Followers()
        self._events = _ToldEvents(settings.events, f"{settings.node}.coordinator", self._followers, true)
        self._turning: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._serving = False
        self._full = False
        self._failed: asyncio.Future[None]

    def emit(self, kind: str, subject: str, data: dict[str, Any]) -> None:
        """Onto the event stream, and to whoever follows."""
        self._events.emit(kind, subject, **data)

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Until ``stop`` is set. :param ready: called once peers and operators are served."""
        settings, clock, trust = self._settings, self._clock, self._settings.trust
        settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = settings.store.exists()
        transcript = Transcript(settings.transcript, settings.config.provider, events=self._events, clock=clock)
        faults = FaultPoint(clock=clock, events=self._events)
        calls = FaultPoint(clock=clock, events=self._events)
        self._failed = asyncio.get_running_loop().create_future()
        async with AsyncExitStack() as stack:
            self.core = Core(
                settings.config,
                settings.store,
                wall=clock.wall,
                rng=random.SystemRandom(),
                emit=self.emit,
                seed=settings.seed,
                crash=self._crash,
            )
            stack.callback(self.core.close)
            self._followers.core = self.core
            tls = TlsIdentity(trust.credential)
            callers: dict[str, PeerCaller] = {}
            checkers = {}
            for name, peer in settings.config.peers.items():
                endpoint = Endpoint(name, peer.url, peer.address)
                signer = PeerSigner(create_signer(trust.auth.outbound[name]), clock)
                calling, transport = (HttpTransport(endpoint, tls.client) for _ in range(2))
                faulty = FaultyTransport(calling, calls)
                callers[name] = PeerCaller(endpoint, faulty, signer, transcript=transcript)
                stack.push_async_callback(callers[name].close)
                stack.push_async_callback(transport.close)
                for each in (calling, transport):
                    tls.on_change(each.retire)
                if name in trust.known:
                    fetch = fetch_over(transport, name)
                    checkers[name] = create_checker(trust.known[name], settings.config.provider, fetch)
            self._backlog = Backlog(self._store_full)
            proofs = ProofSource(trust.identity, clock)
            self._outbox = Outbox(self.core, callers, proofs, clock, self.turn, self._backlog.put)
            stack.push_async_callback(self._outbox.stop)
            routers = self._network(settings)
            self._driver = RouterDriver(self.core, settings.network, routers, applied=self._applied, emit=self.emit)
            policy = settings.config.rules.monitor
            monitoring = Monitoring(self.core, settings.network, routers, policy, self.turn)
            self._observer = RouterObserver(
                self.core, settings.network, self.turn, self._backlog.put, monitoring.changed
            )
            verifier = create_verifier(trust.auth.inbound, started=clock.wall() if before else None)
            door = create_door(trust.identity)
            gate = create_app(
                self,
                CallerVerifier(verifier, clock),
                provider=settings.config.provider,
                proofs=CustomerProofs(checkers, clock),
                challenge=f'{_SCHEMES[trust.auth.inbound.profile]} realm="{settings.config.provider}"',
                open_routes={door.path: identity_route(door, clock)},
                document=document,
                limits=settings.http,
                transcript=transcript,
                faults=faults,
                clock=clock,
            )
            queries = Queries(self.core, settings.network)
            metrics = self._events.metrics = Metrics(settings.config.provider, queries, self._observer, routers)
            admin = AdminServer(
                self.core,
                queries,
                settings.folder,
                followers=self._followers,
                turn=self.turn,
                ready=lambda: self._serving,
                faults=Breaking(calls, clock, tls),
                metrics=metrics.text,
            )
            server = CoordinatorServer(
                gate,
                tls.server,
                identify=pki.identify,
                host=settings.host,
                port=settings.port,
                limits=settings.http,
                clock=clock,
            )
            tls.on_change(server.retire)
            await stack.enter_async_context(server)
            await admin.start()
            stack.push_async_callback(admin.stop)
            if settings.metrics_port is not None:
                # The node's own loopback address: peers, customers and routers have no way to it.
                served = await serve_texts({"/metrics": metrics.text}, METRICS_HOST, settings.metrics_port)
                stack.callback(served.close)
            if not before:
                self._driver.given(settings.given)
            if routers:
                self._spawn(stack, self._driver.run())
            for node, router in routers.items():
                self._spawn(stack, self._observer.watch(node, router))
            if routers and policy.enabled:
                self._spawn(stack, monitoring.run(self._observer))
            self._serving = True
            self.emit("coordinator.ready", settings.config.provider, {"resumed": before})
            ready()
            self.turn()
            stopping = asyncio.ensure_future(stop.wait())
            await asyncio.wait((stopping, self._failed), return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            self._serving = False
            if self._failed.done():
                self._failed.result()

    def _spawn(self, stack: AsyncExitStack, work: Any) -> None:
        task = asyncio.ensure_future(work)

        def over(done: asyncio.Task[None]) -> None:
            if not done.cancelled() and done.exception() is not None and not self._failed.done():
                self._failed.set_exception(done.exception())  # type: ignore[arg-type]

        task.add_done_callback(over)
        stack.callback(task.cancel)

    # -- what goes in

    def serve(self, request: ApiRequest) -> ApiResponse:
        """:class:`xcnet.coordinator.service.Service`."""
        try:
            return self.core.serve(request)
        except ApiError as error:
            if isinstance(error.__cause__, StoreFullError):
                self._store_full(error.__cause__)
            raise
        finally:
            self.turn()

    def _applied(self, view: NetworkView) -> None:
        self._observer.applied(view)
        self._backlog.put(lambda: self.core.applied(view.generation))
        self.emit("network.applied", self._settings.config.provider, {"generation": view.generation})
        self.turn()

    # -- going on

    def turn(self) -> None:
        """Something happened: let everything go on that can, once this event is dealt with."""
        if self._turning is None:
            self._turning = asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._turning = None
        try:
            if self._full:
                self.core.try_store()
                self._full = False
                self.emit("coordinator.store_writable", self._settings.config.provider, {})
            next_call = None
            if self._backlog.retry():
                self.core.pump()
                next_call = self._outbox.dispatch()
            self._driver.look()
        except StoreFullError as error:
            self._store_full(error)
            self._look_again(_FULL_SECONDS)
            return
        except Exception as error:
            if not self._failed.done():
                self._failed.set_exception(error)
            return
        due = self.core.next_timer()
        if next_call is not None:
            due = min(due, next_call)
        # Timers of the loop are early by its clock's resolution; a moment that has come by then is seen at once.
        self._look_again(_FULL_SECONDS if self._full else min(max(due - self.core.world.now(), 0.001), 3600.0))

    def _look_again(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.turn)

    def _store_full(self, error: StoreFullError) -> None:
        """Nothing can be committed now: nothing is begun either, until the store takes something again."""
        if not self._full:
            self._full = True
            self.emit("coordinator.store_full", self._settings.config.provider, {"cause": error.cause})


class Router(AppliedRouter, Watched, Protocol):
    """A router's daemon: takes a state, and shows what is."""


NetworkFactory = Callable[[DaemonSettings], dict[str, Router]]


def routers_of(settings: DaemonSettings) -> dict[str, Router]:
    """The real ones."""
    return {node: EdgeClient(folder) for node, folder in settings.routers.items()}


def run(settings: DaemonSettings) -> None:
    """Serve until SIGTERM. For a process of its own, inside the coordinator's node."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    allow_open_files(_OPEN_FILES)

    async def main() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await Coordinator(settings).run(stop)

    asyncio.run(main())


__all__ = ["Coordinator", "NetworkFactory", "routers_of", "run"]
