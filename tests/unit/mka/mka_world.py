"""Ports of one link under a clock that tests move: frames travel, get lost, late or doubled; SecYs refuse what a kernel would.

Everything comes from one seed, so that a failure happens again.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from xcnet.mka import MkaPort, PortConfig
from xcnet.mka import outputs as mka
from xcnet.mka.config import LIFE_TIME
from xcnet.model.desired import CipherSuite
from xcnet.secret import Secret

CKN = bytes.fromhex("96437a93ccf10d9dfe347846cce52c7d")
CAK = Secret(bytes.fromhex("135bd758b0ee5c11c55ff6ab19fdb199"))
OTHER_CKN = b"another association"
OTHER_CAK = Secret(bytes(range(32)))

_STANDSTILL = 200
"""Calls for the same moment after which a port is taken to spin."""


def sci_of(number: int) -> bytes:
    return bytes((2, 0, 0, 0, 0, number, 0, 1))


class RefusedByKernel(AssertionError):
    """The real SecY would answer this order with an error."""


@dataclass
class SecYDouble:
    """A MACsec device as far as key agreement can tell: association numbers, channels, which keys were ever used."""

    transmit: dict[int, mka.SakParameters] = field(default_factory=dict)
    receive: dict[bytes, dict[int, mka.SakParameters]] = field(default_factory=dict)
    active: set[int] = field(default_factory=set)
    encoding_sa: int = 0
    open: bool = False
    spent: set[bytes] = field(default_factory=set)
    """Keys that were transmitted with: once more, from packet number 1, would break GCM."""
    ever_received: set[tuple[bytes, int, bytes]] = field(default_factory=set)

    def carry_out(self, order: mka.Output) -> None:
        match order:
            case mka.CreateRxSc(sci):
                self._check(sci not in self.receive, "EEXIST: receive channel is there")
                self.receive[sci] = {}
            case mka.RemoveRxSc(sci):
                self._check(sci in self.receive, "ENODEV: no such receive channel")
                del self.receive[sci]
            case mka.InstallRxSa(sci, an, sak, ssci, pn):
                self._check(sci in self.receive, "ENODEV: no such receive channel")
                self._check(an not in self.receive[sci], "EBUSY: the association number is occupied")
                self._check_key(sak, ssci, pn)
                self.receive[sci][an] = sak
                self.ever_received.add((sci, an, sak.key_id))
            case mka.RemoveRxSa(sci, an):
                self._check(an in self.receive.get(sci, {}), "ENODEV: no such receive association")
                del self.receive[sci][an]
            case mka.InstallTxSa(an, sak, ssci, pn):
                self._check(an not in self.transmit, "EBUSY: the association number is occupied")
                self._check_key(sak, ssci, pn)
                self.transmit[an] = sak
            case mka.EnableTransmit(an):
                self._check(an in self.transmit, "ENODEV: no such transmit association")
                self._check(self.transmit[an].key.reveal() not in self.spent, "a key is used from PN 1 a second time")
                self.spent.add(self.transmit[an].key.reveal())
                self.active.add(an)
                self.encoding_sa = an
            case mka.RemoveTxSa(an):
                self._check(an in self.transmit, "ENODEV: no such transmit association")
                self._check(not (self.open and an == self.encoding_sa), "the open port loses the key it transmits with")
                del self.transmit[an]
                self.active.discard(an)
            case mka.Secured():
                self._check(not self.open, "secured twice")
                self._check(self.encoding_sa in self.active, "secured without a key to transmit with")
                self.open = True
            case mka.Unsecured():
                self.open = False

    @property
    def transmitting(self) -> tuple[int, mka.SakParameters] | None:
        """What a frame sent now would be protected with; None if it would not leave."""
        if not self.open or self.encoding_sa not in self.active:
            return None
        return self.encoding_sa, self.transmit[self.encoding_sa]

    @staticmethod
    def _check(holds: bool, otherwise: str) -> None:
        if not holds:
            raise RefusedByKernel(otherwise)

    def _check_key(self, sak: mka.SakParameters, ssci: int, pn: int) -> None:
        self._check(len(sak.key) == sak.cipher_suite.key_length, "EINVAL: length of the key")
        self._check(len(sak.key_id) == 16, "EINVAL: length of the key identifier")
        self._check(pn >= 1, "EINVAL: packet number 0")
        xpn = sak.cipher_suite.extended_packet_numbers
        self._check((ssci > 0) == xpn, "EINVAL: SSCI belongs to XPN")
        self._check(len(sak.salt) == (12 if xpn else 0), "EINVAL: salt belongs to XPN")


@dataclass
class Node:
    number: int
    config: PortConfig
    port: MkaPort
    secy: SecYDouble
    cas: dict[bytes, Secret] = field(default_factory=dict)
    sent: list[bytes] = field(default_factory=list)
    happened: list[mka.Happened] = field(default_factory=list)
    changes: int = 0
    """Orders to the SecY, openings and closings included."""

    @property
    def key_id(self) -> bytes | None:
        now = self.secy.transmitting
        return now[1].key_id if now else None

    def count(self, kind: str) -> int:
        return sum(event.kind == kind for event in self.happened)


@dataclass(order=True)
class _InFlight:
    at: float
    order: int
    target: int = field(compare=False)
    frame: bytes = field(compare=False)
    data: tuple[bytes, int, bytes] | None = field(compare=False, default=None)


class World:
    """:param loss: share of frames lost, :param in_a_row: but not more than so many of one direction together.
    :param double: share that arrives twice; :param jitter: seconds of further delay
    at the most, by which frames overtake each other.
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        loss: float = 0.0,
        double: float = 0.0,
        delay: float = 0.001,
        jitter: float = 0.0,
        in_a_row: float = float("inf"),
    ) -> None:
        self.random = random.Random(seed)
        self.now = 1000.0
        self.loss, self.double, self.delay, self.jitter = loss, double, delay, jitter
        self.in_a_row = in_a_row
        self._lost_in_a_row: Counter[tuple[int, int]] = Counter()
        self.nodes: dict[int, Node] = {}
        self.cut: set[tuple[int, int]] = set()
        """(from, to): directions in which nothing passes."""
        self.lost_data: Counter[str] = Counter()
        self.delivered_data = 0
        self._flying: list[_InFlight] = []
        self._order = 0
        self._next_data: float | None = None
        self._data_interval = 0.001

    # -- making

    def add(
        self,
        number: int,
        *,
        cipher: CipherSuite = CipherSuite.GCM_AES_XPN_256,
        priority: int | None = None,
        cas: dict[bytes, Secret] | None = None,
        rekey: float = 0.0,
        pn_exhaustion: int = 0,
    ) -> Node:
        config = PortConfig(
            sci=sci_of(number),
            priority=10 + number if priority is None else priority,
            cipher_suite=cipher,
            sak_rekey_seconds=rekey,
            pn_exhaustion=pn_exhaustion,
        )
        node = Node(number, config, MkaPort(config, rng=self.random.randbytes), SecYDouble())
        self.nodes[number] = node
        for ckn, cak in ({CKN: CAK} if cas is None else cas).items():
            self.add_ca(number, ckn, cak)
        return node

    def add_ca(self, number: int, ckn: bytes, cak: Secret, *, preferred: bool = True) -> None:
        node = self.nodes[number]
        node.cas[ckn] = cak
        node.port.add_ca(self.now, ckn, cak, preferred=preferred)
        self._drain(node)

    def remove_ca(self, number: int, ckn: bytes) -> None:
        node = self.nodes[number]
        node.cas.pop(ckn, None)
        node.port.remove_ca(self.now, ckn)
        self._drain(node)

    def restart(self, number: int) -> Node:
        """Kill the port and start it anew: its SecY is emptied, nothing else is remembered."""
        old = self.nodes[number]
        secy = SecYDouble(spent=old.secy.spent, ever_received=old.secy.ever_received)
        node = Node(number, old.config, MkaPort(old.config, rng=self.random.randbytes), secy)
        self.nodes[number] = node
        for ckn, cak in old.cas.items():
            self.add_ca(number, ckn, cak)
        return node

    def traffic(self, interval: float | None) -> None:
        """Every secured node sends a data frame every ``interval`` seconds from now on; None ends it."""
        self._next_data = None if interval is None else self.now
        self._data_interval = interval or 0.0

    def do(self, number: int, action: Callable[[MkaPort, float], object]) -> None:
        """Something happens at one port."""
        node = self.nodes[number]
        action(node.port, self.now)
        self._drain(node)

    # -- time

    def run(self, seconds: float) -> None:
        self.run_until(lambda: False, seconds)

    def run_until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Let time pass until ``done``, at most ``seconds``; True if it is done."""
        end = self.now + seconds
        standstill: Counter[tuple[int, float]] = Counter()
        while not done():
            due = [(self._flying[0].at, -1)] if self._flying else []
            for number, node in self.nodes.items():
                deadline = node.port.next_deadline()
                if deadline is not None:
                    due.append((deadline, number))
            if self._next_data is not None:
                due.append((self._next_data, -2))
            at, what = min(due, default=(end, -3))
            if at > end or what == -3:
                self.now = end
                return done()
            self.now = max(self.now, at)
            if what == -1:
                self._arrive(heapq.heappop(self._flying))
            elif what == -2:
                self._send_data()
            elif what >= 0:
                standstill[what, self.now] += 1
                assert standstill[what, self.now] < _STANDSTILL, f"port {what} wants to be called again and again"
                self.nodes[what].port.tick(self.now)
                self._drain(self.nodes[what])
        return True

    def agreed(self) -> bool:
        """All nodes are open with one key, which all others receive with."""
        keys = {node.key_id for node in self.nodes.values()}
        return len(keys) == 1 and None not in keys and all(self._received(node) for node in self.nodes.values())

    def _received(self, sender: Node) -> bool:
        now = sender.secy.transmitting
        assert now is not None
        an, sak = now
        return all(
            other.secy.receive.get(sender.config.sci, {}).get(an) == sak
            for other in self.nodes.values()
            if other is not sender
        )

    # -- frames

    def inject(self, number: int, frame: bytes) -> None:
        """A frame reaches one port now, from wherever."""
        self.nodes[number].port.receive(self.now, frame)
        self._drain(self.nodes[number])

    def _drain(self, node: Node) -> None:
        for output in node.port.outputs():
            match output:
                case mka.Transmit(frame):
                    node.sent.append(frame)
                    self._launch(node.number, frame, None)
                case mka.Happened():
                    node.happened.append(output)
                case _:
                    node.changes += 1
                    node.secy.carry_out(output)
                    if isinstance(output, mka.EnableTransmit):
                        self._check_received(node, output.an)

    def _check_received(self, sender: Node, an: int) -> None:
        """The key server begins to transmit with a key after all who share it have installed it for receive, the others
        after the key server has. One that does not answer is waited for, but not for longer than the life time.
        """
        wanted = (sender.config.sci, an, sender.secy.transmit[an].key_id)
        sak = next(each for each in sender.port.associations.installed if each.sak.key_id == wanted[2])
        if self.now >= sak.installed_at + LIFE_TIME:
            return
        home = sender.port.participants.get(sak.ckn)
        live = home.members if home else {}
        members = {sci for mi, sci in sak.holders.items() if mi in live and (sak.mine or mi == sak.server_mi)}
        for other in self.nodes.values():
            if other is not sender and other.config.sci in members:
                assert wanted in other.secy.ever_received, f"{sender.number} transmits before {other.number} receives"

    def _launch(self, source: int, frame: bytes, data: tuple[bytes, int, bytes] | None) -> None:
        for target in self.nodes:
            if target == source or (source, target) in self.cut:
                continue
            copies = 1
            if data is None:
                if self.random.random() < self.loss and self._lost_in_a_row[source, target] < self.in_a_row:
                    self._lost_in_a_row[source, target] += 1
                    continue
                self._lost_in_a_row[source, target] = 0
                copies = 2 if self.random.random() < self.double else 1
            for _ in range(copies):
                self._order += 1
                at = self.now + self.delay + self.random.random() * self.jitter
                heapq.heappush(self._flying, _InFlight(at, self._order, target, frame, data))

    def _arrive(self, flying: _InFlight) -> None:
        node = self.nodes[flying.target]
        if flying.data is None:
            node.port.receive(self.now, flying.frame)
            self._drain(node)
            return
        sci, an, key_id = flying.data
        held = node.secy.receive.get(sci, {}).get(an)
        if not node.secy.open:
            self.lost_data["receiver closed"] += 1
        elif held is None or held.key_id != key_id:
            self.lost_data["no key"] += 1
        else:
            self.delivered_data += 1

    def _send_data(self) -> None:
        assert self._next_data is not None
        self._next_data += self._data_interval
        for node in self.nodes.values():
            now = node.secy.transmitting
            if now is not None:
                self._launch(node.number, b"", (node.config.sci, now[0], now[1].key_id))


def pair(seed: int = 1, **conditions: float) -> World:
    """Two ports in one association, 1 being the key server."""
    world = World(seed, **conditions)
    for number in (1, 2):
        world.add(number)
    return world
