"""Coordinators of two providers in one process: a simulated network between them, simulated routers, a clock moved by hand."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from xcnet.clock import FakeClock
from xcnet.coordinator.config import (
    AttachPoint,
    ChannelConfig,
    CoordinatorConfig,
    EnvironmentConfig,
    InterconnectConfig,
    InternalPools,
    PeerConfig,
    Rules,
    Site,
)
from xcnet.coordinator.core import Core
from xcnet.coordinator.engine.calls import Answered, Call, NotSent, Outcome, Refused, Unknown
from xcnet.coordinator.policy.limits import LinkPolicy, SubnetPolicy
from xcnet.coordinator.service import ApiRequest, Proof
from xcnet.coordinator.view import NetworkView
from xcnet.coordinator.world import ChannelFact
from xcnet.secret import Secret
from xcnet.spec.activation_key import KeyPair
from xcnet.spec.base import parse_request, parse_response
from xcnet.spec.errors import ApiError
from xcnet.spec.operations import Operation

ENVIRONMENT = "aws-gcp-us-east"
ACCOUNTS = {"aws": "111122223333", "gcp": "acme-prod"}
KEY_PAIRS = [KeyPair.generate() for _ in range(3)]
"""Made once: RSA keys are dear."""


def channels_of(interconnect: int, count: int = 4) -> tuple[str, ...]:
    return tuple(f"ch{(interconnect - 1) * count + number}" for number in range(1, count + 1))


def make_config(
    provider: str, *, interconnects: int = 1, channels: int = 4, capacity: int = 10_000, **rules: Any
) -> CoordinatorConfig:
    peer = "gcp" if provider == "aws" else "aws"
    aws = provider == "aws"
    return CoordinatorConfig(
        provider=provider,
        display_name=provider.upper(),
        api_uri=f"https://{provider}-coord",
        peers={peer: PeerConfig(provider=peer, display_name=peer.upper(), url=f"https://{peer}-coord")},
        environments=(
            EnvironmentConfig(
                name=ENVIRONMENT,
                peer=peer,
                sites=(
                    Site(provider="aws", site="us-east-1", display_name="us-east-1"),
                    Site(provider="gcp", site="us-east4", display_name="us-east4"),
                ),
                sizes_mbps=(100, 500, 1000, 2000, 5000, 10_000),
                defer=False,
                interconnects=tuple(
                    InterconnectConfig(
                        name=f"ic{number}",
                        capacity_mbps=capacity,
                        sizes_mbps=(100, 500, 1000, 2000, 5000, 10_000),
                        channels=tuple(
                            ChannelConfig(
                                name=name,
                                macsec_manager=("aws", "gcp")[index % 2],
                                cross_connect_manager="aws",
                                size_gbps=100,
                                member_gbps=100,
                                device_id=f"device-{index}",
                                demarc=f"demarc-{name}",
                                edge=f"edge{index + 1}",
                            )
                            for index, name in enumerate(channels_of(number, channels))
                        ),
                    )
                    for number in range(1, interconnects + 1)
                ),
            ),
        ),
        link=LinkPolicy(
            asn=64512 if aws else 16550,
            asn_ranges=((64512, 64512),) if aws else ((16550, 16550),),
            mtu=(1400, 8500) if aws else (1460, 8896),
            ipv4=SubnetPolicy(
                include=(ip_network("169.254.0.0/16"),),
                exclude=(ip_network("169.254.169.0/24"),),
                preferred=ip_network("169.254.0.0/17" if aws else "169.254.128.0/17"),
                lengths=(30, 29, 31) if aws else (29, 30),
            ),
            ipv6=SubnetPolicy(include=(ip_network("fd00:169:254::/48"),), lengths=(126, 125)),
            max_prefixes=1000 if aws else 5000,
        ),
        internal=InternalPools(
            ipv4="100.64.0.0/16" if aws else "100.65.0.0/16",
            ipv4_length=31,
            ipv6="fd00:100:64::/64" if aws else "fd00:100:65::/64",
            ipv6_length=127,
        ),
        edges=tuple(f"edge{number}" for number in range(1, channels + 1)),
        attach_points=(AttachPoint(name="app", port="to-app", networks=("10.10.0.0/24",)),),
        accounts=(ACCOUNTS[provider],),
        rules=Rules(**rules),
    )


class CrashError(Exception):
    """The process ended at a commit point."""


class NoKeyError(Exception):
    """A customer has got no activation key."""


@dataclass
class Faults:
    """What the network between the coordinators does to one attempt; ``plan`` decides by operation and direction."""

    plan: Callable[[str, Call, random.Random], str] = lambda _caller, _call, _rng: "ok"
    delay: Callable[[random.Random], float] = lambda _rng: 0.01
    fired: dict[str, int] = field(default_factory=dict)

    def choose(self, caller: str, call: Call, rng: random.Random) -> str:
        fault = self.plan(caller, call, rng)
        self.fired[fault] = self.fired.get(fault, 0) + 1
        return fault


class Provider:
    """One coordinator, restarted from its store whenever it has ended."""

    def __init__(self, sim: Simulation, config: CoordinatorConfig, path: Path | None) -> None:
        self.sim = sim
        self.config = config
        self.path = path
        self.crash_at: tuple[str, str] | None = None
        self.crashes = 0
        self.seen_points: list[tuple[str, str]] = []
        self.in_flight: set[str] = set()
        self.incarnation = 0
        self.applied: NetworkView | None = None
        self.down_until = 0.0
        self.events: list[tuple[str, str, dict[str, Any], float]] = []
        """(kind, subject, further fields, when)"""
        self.core: Core | None = None
        self.start()

    @property
    def name(self) -> str:
        return self.config.provider

    def start(self) -> None:
        self.incarnation += 1
        self.in_flight.clear()
        pairs = itertools.cycle(KEY_PAIRS)
        while True:
            try:
                self.core = Core(
                    self.config,
                    self.path,
                    wall=self.sim.clock.wall,
                    rng=random.Random(self.sim.rng.getrandbits(64)),
                    emit=lambda kind, subject, data: self.events.append(
                        (kind, subject, data, self.sim.clock.monotonic())
                    ),
                    crash=self._crash,
                    key_source=lambda length: Secret(self.sim.rng.randbytes(length)),
                    make_key_pair=lambda: next(pairs),
                )
            except CrashError:
                continue
            return

    def _crash(self, point: str, when: str) -> None:
        self.seen_points.append((point, when))
        if self.crash_at == (point, when):
            self.crash_at = None
            self.crashes += 1
            raise CrashError(f"{self.name} at {point} {when}")

    def guarded(self, deed: Callable[[Core], Any]) -> Any:
        """Do something with the core; a crash restarts it from its store. :raises CrashError: to the caller, after that."""
        assert self.core is not None
        try:
            return deed(self.core)
        except CrashError:
            self.core.close()
            self.start()
            raise

    @property
    def live(self) -> Core:
        assert self.core is not None
        return self.core


class Simulation:
    """:param folder: for the stores; None keeps them in memory, which no crash survives."""

    def __init__(
        self, folder: Path | None = None, *, seed: int = 1, faults: Faults | None = None, **config: Any
    ) -> None:
        self.clock = FakeClock()
        self.rng = random.Random(seed)
        self.faults = faults or Faults()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._proofs = itertools.count()
        self.routers_delay = 0.05
        self.broken_channels: set[str] = set()
        """Channels on which nothing comes up."""
        self.associations: dict[str, str | None] = {}
        self.requests: list[tuple[str, str, int]] = []
        """(caller, operation, status) of everything that was served."""
        self.providers = {
            name: Provider(self, make_config(name, **config), folder / f"{name}.db" if folder is not None else None)
            for name in ("aws", "gcp")
        }

    # -- time

    def at(self, delay: float, deed: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.clock.monotonic() + delay, next(self._count), deed))

    def run(self, until: Callable[[], bool] | None = None, *, seconds: float = 600.0, what: str = "rest") -> None:
        """Let time pass until ``until`` holds, or nothing is left to happen. :raises AssertionError: not in time."""
        end = self.clock.monotonic() + seconds
        while True:
            self._settle()
            if until is not None and until():
                return
            moment = self._next_moment()
            if until is None and self.at_rest():
                return
            if moment is None or moment > end:
                raise AssertionError(f"{what}: not within {seconds} s\n{self.describe()}")
            # The wall clock's floating point numbers are a quarter of a microsecond apart.
            self.clock.advance(max(moment - self.clock.monotonic(), 1e-6))
            while self._queue and self._queue[0][0] <= self.clock.monotonic() + 1e-9:
                _, _, deed = heapq.heappop(self._queue)
                with contextlib.suppress(CrashError):
                    deed()

    def _settle(self) -> None:
        for provider in self.providers.values():
            while True:
                try:
                    provider.guarded(lambda core: core.pump())
                except CrashError:
                    continue
                break
            self._send(provider)
            self._configure(provider)

    def _next_moment(self) -> float | None:
        moments = [self._queue[0][0]] if self._queue else []
        for provider in self.providers.values():
            offset = provider.live.world.now() - self.clock.monotonic()
            for identifier, _peer, due in provider.live.outbox():
                if identifier not in provider.in_flight:
                    moments.append(max(due - offset, self.clock.monotonic()))
            timer = provider.live.next_timer()
            if timer - provider.live.world.now() < _LONGEST_STEP:
                moments.append(timer - offset)
        moments = [each for each in moments if each != float("inf")]
        return min(moments, default=None)

    def at_rest(self) -> bool:
        """Nothing is under way anywhere."""
        if self._queue:
            return False
        for provider in self.providers.values():
            core = provider.live
            if core.calls() or core.world.facts.applied != core.generation:
                return False
            waiting = core.database.all("SELECT kind, state FROM workflows")
            if any((row["kind"], row["state"]) not in _RESTING for row in waiting):
                return False
        return True

    # -- the network between them

    def _send(self, provider: Provider) -> None:
        now = provider.live.world.now()
        for identifier, _peer, due in provider.live.outbox():
            if identifier in provider.in_flight or due > now + 1e-6:
                continue
            call = provider.live.call(identifier)
            provider.in_flight.add(call.id)
            incarnation = provider.incarnation
            peer = self.providers[call.peer]
            fault = self.faults.choose(provider.name, call, self.rng)
            delay = self.faults.delay(self.rng)
            if fault == "down" or peer.down_until > self.clock.monotonic():
                self.at(delay, lambda p=provider, c=call, i=incarnation: self._end(p, c, i, NotSent("refused")))
            elif fault == "request-lost":
                self.at(delay + 1.0, lambda p=provider, c=call, i=incarnation: self._end(p, c, i, Unknown("timeout")))
            else:
                self.at(delay, lambda p=provider, c=call, i=incarnation, f=fault: self._arrive(p, c, i, f))

    def _arrive(self, caller: Provider, call: Call, incarnation: int, fault: str) -> None:
        peer = self.providers[call.peer]
        outcome = self._perform(caller, peer, call)
        if fault == "duplicated":
            late = call
            self.at(self.faults.delay(self.rng) * 3, lambda: self._again(caller, peer, late))
        if fault == "answer-lost":
            outcome = Unknown("connection lost")
            self.at(1.0, lambda: self._end(caller, call, incarnation, outcome))
        else:
            self.at(self.faults.delay(self.rng), lambda: self._end(caller, call, incarnation, outcome))

    def _again(self, caller: Provider, peer: Provider, call: Call) -> None:
        self._request(caller, peer, call.operation, call.ids, call.query, call.body, call.request_id, call.account)

    def _perform(self, caller: Provider, peer: Provider, call: Call) -> Outcome:
        if call.unsettled and call.settling is not None:
            settled = self._request(caller, peer, call.settling, call.settling_ids, {}, None, None, None)
            if isinstance(settled, Unknown):
                return settled
            if isinstance(settled, Refused) and call.operation.method == "DELETE" and settled.error.status == 404:
                return Refused(settled.error)
            if isinstance(settled, Answered) and call.operation.creates is not None:
                return settled
        return self._request(
            caller, peer, call.operation, call.ids, call.query, call.body, call.request_id, call.account
        )

    def _request(
        self,
        caller: Provider,
        peer: Provider,
        operation: Operation,
        ids: dict[str, str],
        query: dict[str, str],
        body: dict[str, Any] | None,
        request_id: str | None,
        account: str | None,
    ) -> Outcome:
        model = None
        if operation.request is not None:
            model = parse_request(operation.request, json.dumps(body or {}).encode())
        proof = None
        if account is not None:
            proof = Proof(account, f"proof-{next(self._proofs)}", self.clock.wall() + 300)
        request = ApiRequest(
            operation=operation,
            caller=caller.name,
            ids=ids,
            query=query,
            body=model,
            request_id=request_id,
            digest=json.dumps([operation.id, ids, query, body], sort_keys=True),
            proof=proof,
        )
        try:
            answer = peer.guarded(lambda core: core.serve(request))
        except CrashError:
            return Unknown("connection lost")
        except ApiError as error:
            self.requests.append((caller.name, operation.id, error.status))
            return Refused(ApiError.from_wire(error.status, json.dumps(error.to_wire()).encode(), error.retry_after))
        self.requests.append((caller.name, operation.id, 200))
        wire = json.dumps(answer.body.to_wire(reveal=True)).encode()
        return Answered(parse_response(operation.response, wire), dict(answer.headers))

    def _end(self, caller: Provider, call: Call, incarnation: int, outcome: Outcome) -> None:
        if caller.incarnation != incarnation:
            return
        try:
            caller.guarded(lambda core: core.call_ended(call, outcome))
        finally:
            caller.in_flight.discard(call.id)

    # -- the routers

    def _configure(self, provider: Provider) -> None:
        core = provider.live
        pending = getattr(provider, "_pending", None)
        wanted = (provider.incarnation, core.generation)
        if core.world.facts.applied == core.generation or pending == wanted:
            return
        provider._pending = wanted  # type: ignore[attr-defined]
        view = core.network()

        def apply() -> None:
            if provider.incarnation != wanted[0]:
                return
            provider.applied = view
            provider._pending = None  # type: ignore[attr-defined]
            try:
                provider.guarded(lambda core: core.applied(view.generation))
            finally:
                self.at(self.routers_delay, self.observe)

        self.at(self.routers_delay, apply)

    def observe(self) -> None:
        """What both sides' routers make of what they hold."""
        views = {name: provider.applied for name, provider in self.providers.items()}
        if any(view is None for view in views.values()):
            return
        self._associate(views)  # type: ignore[arg-type]
        up = self._up(views)  # type: ignore[arg-type]
        drained = {
            (view.uuids[attachment.vrf], end.channel)
            for view in views.values()
            if view is not None
            for attachment in view.attachments
            for end in attachment.features
            if end.drained or any(each.name == end.channel and each.drained for each in view.channels)
        }
        for name, provider in self.providers.items():
            view = views[name]
            assert view is not None
            own = {
                (view.uuids[attachment.vrf], end.channel): (view.uuids[attachment.vrf], end.channel) in up
                for attachment in view.attachments
                for end in attachment.features
            }
            carrying = {}
            for key, works in own.items():
                others = [each for each, is_up in own.items() if each[0] == key[0] and is_up and each not in drained]
                carrying[key] = works and (key not in drained or not others)
            gone = [key for key in provider.live.world.facts.up if key not in own]
            channels = {
                channel.name: ChannelFact(self.associations.get(channel.name), True) for channel in view.channels
            }
            try:
                provider.guarded(lambda core, g=gone: core.forget(g))
                provider.guarded(lambda core, c=channels, o=own, k=carrying: core.observe(c, o, k))
            except CrashError:
                self.at(self.routers_delay, self.observe)

    def _associate(self, views: dict[str, NetworkView]) -> None:
        aws, gcp = ({each.name: each for each in views[name].channels} for name in ("aws", "gcp"))
        for name, mine in aws.items():
            theirs = gcp[name]
            common = [key for key in mine.keys if any(key.ckn == other.ckn for other in theirs.keys)]
            if name in self.broken_channels or not common or not (mine.enabled and theirs.enabled):
                self.associations[name] = None
                continue
            # gcp's edge is the key server: its preference decides.
            preferred = [key.ckn for key in theirs.keys if key.preferred]
            wanted = [key.ckn for key in common if key.ckn in preferred]
            held = self.associations.get(name)
            if wanted:
                self.associations[name] = wanted[-1]
            elif held not in [key.ckn for key in common]:
                self.associations[name] = common[-1].ckn

    def _up(self, views: dict[str, NetworkView]) -> set[tuple[str, str]]:
        ends: dict[tuple[str, str], list[Any]] = {}
        for view in views.values():
            for attachment in view.attachments:
                for end in attachment.features:
                    ends.setdefault((view.uuids[attachment.vrf], end.channel), []).append(end)
        return {
            key
            for key, (one, *rest) in ends.items()
            if rest
            and self.associations.get(key[1]) is not None
            and (one.vlan, one.md5, one.mtu) == (rest[0].vlan, rest[0].md5, rest[0].mtu)
            and {each.ip for each in one.addresses} == set(rest[0].peers)
        }

    # -- people

    def command(self, provider: str, name: str, **parameters: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.providers[provider].guarded(lambda core: core.commands.run(name, parameters))
        return answer

    def connect(
        self, source: str = "aws", *, mbps: int = 1000, name: str | None = None, wait: bool = True, **accept: Any
    ) -> str:
        """The whole handshake. Returns the UUID. :raises NoKeyError: it did not get so far."""
        target = "gcp" if source == "aws" else "aws"
        networks = {"aws": ["10.10.0.0/24"], "gcp": ["10.20.0.0/24"]}
        started = self.command(
            source,
            "intent",
            environment=ENVIRONMENT,
            mbps=mbps,
            account=ACCOUNTS[source],
            peer_account=ACCOUNTS[target],
            attach={"networks": networks[source], "name": name},
        )
        uuid = str(started["uuid"])
        self.run(lambda: self.outcome(source, started["workflow"]) is not None, what="the activation key")
        key = self.key_of(source, uuid)
        if key is None:
            raise NoKeyError(self.outcome(source, started["workflow"]))
        self.command(
            target,
            "accept",
            key=key,
            account=ACCOUNTS[target],
            attach={"networks": networks[target], "name": name},
            **accept,
        )
        if wait:
            self.run(lambda: self.verified(uuid), what="verified at both sides")
        return uuid

    def key_of(self, provider: str, uuid: str) -> str | None:
        key: str | None = self.providers[provider].live.database.value(
            "SELECT encoded FROM activations WHERE uuid = ?", uuid
        )
        return key

    def verified(self, uuid: str) -> bool:
        rows = [
            provider.live.database.all("SELECT * FROM connections WHERE uuid = ?", uuid)
            for provider in self.providers.values()
        ]
        return all(row and row[-1]["own_final"] and row[-1]["acknowledged"] and row[-1]["peer_final"] for row in rows)

    def outcome(self, provider: str, workflow: str) -> tuple[str, str] | None:
        """(state, message) of a workflow that has ended."""
        row = self.providers[provider].live.database.one("SELECT * FROM outcomes WHERE id = ?", workflow)
        return (row["state"], row["message"]) if row is not None else None

    def describe(self) -> str:
        lines = [f"time {self.clock.monotonic():.3f}, associations {self.associations}"]
        for name, provider in self.providers.items():
            db = provider.live.database
            lines.append(f"{name}: generation {provider.live.generation}, facts {provider.live.world.facts}")
            for table in ("connections", "features", "keys", "workflows", "calls", "outcomes"):
                for row in db.all(f"SELECT * FROM {table}"):
                    shown = {key: row[key] for key in row.keys() if key not in ("cak", "md5", "body")}  # noqa: SIM118
                    lines.append(f"  {table}: {shown}")
        return "\n".join(lines)


_LONGEST_STEP = 3600.0
"""Seconds: what is due later than that is for those who move the clock themselves."""

_RESTING = {("maintenance", "scheduled"), ("peer-window", "scheduled")}

__all__ = ["ACCOUNTS", "ENVIRONMENT", "CrashError", "Faults", "NoKeyError", "Simulation", "channels_of", "make_config"]
