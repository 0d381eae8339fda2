"""Many flows between the hosts of a connection, counted on every fibre: do all channels carry their share?"""

from __future__ import annotations

import os
import select
import time
from collections import Counter
from collections.abc import Sequence

from xcnet.model.plan import PlannedConnection
from xcnet.proof.decrypt import Decryptor
from xcnet.proof.results import CheckResult
from xcnet.proof.subject import Address, Subject, udp_socket
from xcnet.proof.tap import Tap

_TOLERANCE = 0.4
"""How far a channel's share may be from even, as a part of it: 15 to 35 % with four channels. A thousand flows hashed evenly
stay within a third of that in practice."""
_BATCH = 50
_PATIENCE = 5.0
"""Seconds that may be spent on waiting for datagrams, in all: what is lost is not waited for again and again."""


def check_balance(subject: Subject, connection: PlannedConnection, flows: int) -> list[CheckResult]:
    """Send one datagram in each of ``flows`` flows, in both directions and over both families."""
    hosts = subject.hosts(connection.name)
    if len(hosts) < 2:
        return []
    (one, one_addresses), (other, other_addresses) = list(hosts.items())[:2]
    results = []
    for version in (4, 6):
        here = next((address.ip for address in one_addresses if address.version == version), None)
        there = next((address.ip for address in other_addresses if address.version == version), None)
        if here is None or there is None:
            continue
        for source, target in (((one, here), (other, there)), ((other, there), (one, here))):
            results.append(_direction(subject, connection, source, target, flows))
    return results


def _direction(
    subject: Subject,
    connection: PlannedConnection,
    source: tuple[str, Address],
    target: tuple[str, Address],
    flows: int,
) -> CheckResult:
    marker = os.urandom(16)
    channels = [channel for channel in subject.plan.channels if channel.name in connection.channels]
    taps = [Tap(subject.namespaces[channel.facility], channel.ends[0].facility_port) for channel in channels]
    receiver = udp_socket(subject.namespaces[target[0]], target[1])
    receiver.setsockopt(1, 33, 8 * 2**20)  # SO_RCVBUFFORCE: a thousand datagrams may wait until this process runs again
    try:
        port = receiver.getsockname()[1]
        delivered = _send(subject, source, (str(target[1]), port), marker, flows, receiver)
        seen: Counter[str] = Counter()
        for channel, tap in zip(channels, taps, strict=True):
            decryptor = Decryptor(subject.saks[channel.name])
            crossed = {
                flow
                for frame in tap.until_quiet()
                if (flow := _flow(decryptor.decrypt(frame.data), marker)) is not None
            }
            seen[channel.name] = len(crossed)
    finally:
        receiver.close()
        for tap in taps:
            tap.close()
    return _verdict(connection, source[0], target, seen, delivered, flows)


def _send(
    subject: Subject, source: tuple[str, Address], target: tuple[str, int], marker: bytes, flows: int, receiver: object
) -> set[int]:
    """One socket and so one source port for each flow. A few at a time, the next when they have arrived: this is about
    hashing, not about queues, and while a neighbour's address is being asked for there is little room."""
    sockets = []
    delivered: set[int] = set()
    patience = _PATIENCE
    try:
        for number in range(flows):
            opened = udp_socket(subject.namespaces[source[0]], source[1])
            sockets.append(opened)
            opened.sendto(marker + number.to_bytes(4, "big"), target)
            sent = number + 1
            if sent % _BATCH and sent < flows:
                continue
            began = time.monotonic()
            while len(delivered) < sent and time.monotonic() - began < patience:
                delivered |= _collect(receiver, marker, 0.2)
            patience -= time.monotonic() - began
    finally:
        for opened in sockets:
            opened.close()
    return delivered


def _collect(receiver: object, marker: bytes, wait: float) -> set[int]:
    from socket import MSG_DONTWAIT, socket

    assert isinstance(receiver, socket)
    found: set[int] = set()
    while select.select([receiver], [], [], wait if not found else 0.0)[0]:
        data = receiver.recv(2048, MSG_DONTWAIT)
        if data.startswith(marker):
            found.add(int.from_bytes(data[16:20], "big"))
    return found


def _flow(plain: bytes | None, marker: bytes) -> int | None:
    at = plain.find(marker) if plain is not None else -1
    return int.from_bytes(plain[at + 16 : at + 20], "big") if plain is not None and at >= 0 else None


def _verdict(
    connection: PlannedConnection,
    source: str,
    target: tuple[str, Address],
    seen: Counter[str],
    delivered: set[int],
    flows: int,
) -> CheckResult:
    names: Sequence[str] = sorted(seen)
    even = 1 / max(1, len(names))
    low, high = even * (1 - _TOLERANCE), min(1.0, even * (1 + _TOLERANCE))
    shares = {name: seen[name] / flows for name in names}
    balanced = all(low <= share <= high for share in shares.values())
    family = "IPv4" if target[1].version == 4 else "IPv6"
    shown = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
    return CheckResult(
        check="balanced",
        subject=f"{connection.name} {source} > {target[0]} {family}",
        expected=f"{flows} flows delivered, {low:.0%} to {high:.0%} on each channel",
        measured=f"{len(delivered)} delivered; {shown}",
        ok=len(delivered) == flows and balanced and bool(names),
    )


__all__ = ["check_balance"]
