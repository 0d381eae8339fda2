"""The negotiated MTU from host to host: a packet of just that size passes whole, one byte more is refused with that size."""

from __future__ import annotations

import os
import socket
import time

from xcnet.model.plan import PlannedConnection
from xcnet.proof.results import CheckResult
from xcnet.proof.subject import Address, Subject, udp_socket

# linux/in.h and linux/in6.h; Python names only some of them.
_IP_MTU_DISCOVER, _IP_MTU, _IPV6_MTU_DISCOVER, _IPV6_MTU = 10, 14, 23, 24
_PMTUDISC_DO = 2
_HEADERS = {4: 28, 6: 48}
"""Bytes of IP and UDP headers by IP version."""
_PATIENCE, _AGAIN, _LATE = 3.0, 0.05, 0.2
"""Seconds: for what should come, between attempts at what should not, and for what may still be on its way."""


def check_mtu(subject: Subject, connection: PlannedConnection) -> list[CheckResult]:
    """Try both sizes in both directions over both families, with fragmentation forbidden."""
    hosts = subject.hosts(connection.name)
    if len(hosts) < 2:
        return []
    (one, one_addresses), (other, other_addresses) = list(hosts.items())[:2]
    results = []
    for version in (4, 6):
        here = next((address.ip for address in one_addresses if address.version == version), None)
        there = next((address.ip for address in other_addresses if address.version == version), None)
        if here is not None and there is not None:
            for source, target in (((one, here), (other, there)), ((other, there), (one, here))):
                results.append(_direction(subject, connection, source, target))
    return results


def _direction(
    subject: Subject, connection: PlannedConnection, source: tuple[str, Address], target: tuple[str, Address]
) -> CheckResult:
    version = target[1].version
    level, discover, mtu_option = (
        (socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_MTU)
        if version == 4
        else (socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _IPV6_MTU)
    )
    largest = connection.mtu - _HEADERS[version]
    with (
        udp_socket(subject.namespaces[target[0]], target[1]) as receiver,
        udp_socket(subject.namespaces[source[0]], source[1]) as sender,
    ):
        sender.setsockopt(level, discover, _PMTUDISC_DO)
        sender.connect((str(target[1]), receiver.getsockname()[1]))
        just = os.urandom(largest)
        sender.send(just)
        passed = _arrives(receiver, just, _PATIENCE)
        over = os.urandom(largest + 1)
        learned, slipped = _too_large(sender, receiver, over, (level, mtu_option), connection.mtu)
    family = "IPv4" if version == 4 else "IPv6"
    return CheckResult(
        check="MTU",
        subject=f"{connection.name} {source[0]} > {target[0]} {family}",
        expected=f"{connection.mtu} bytes pass whole, {connection.mtu + 1} are refused with MTU {connection.mtu}",
        measured=f"{connection.mtu} {'pass' if passed else 'do not pass'}; one more "
        f"{'passes' if slipped else 'does not'}, MTU learned: {learned}",
        ok=passed and not slipped and learned == connection.mtu,
    )


def _arrives(receiver: socket.socket, payload: bytes, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while (left := deadline - time.monotonic()) > 0:
        receiver.settimeout(left)
        try:
            if receiver.recv(65536) == payload:
                return True
        except TimeoutError:
            return False
    return False


def _too_large(
    sender: socket.socket, receiver: socket.socket, payload: bytes, options: tuple[int, int], expected: int
) -> tuple[int, bool]:
    """Send what should be refused until the sender knows the path's answer or the receiver has it.

    :returns: the MTU that the sender now believes in, and whether the payload arrived.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            sender.send(payload)
        except OSError:
            # EMSGSIZE: the answer to an earlier attempt has arrived, or the first link is smaller.
            break
        if sender.getsockopt(*options) == expected:
            break
        if _arrives(receiver, payload, _AGAIN):
            return sender.getsockopt(*options), True
        if time.monotonic() > deadline:
            break
    return sender.getsockopt(*options), _arrives(receiver, payload, _LATE)


__all__ = ["check_mtu"]
