"""Nothing but ciphertext on the fibre, and that ciphertext is what was sent: known plaintext over each channel, watched."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass

from xcnet.model.plan import PlannedChannel
from xcnet.proof.decrypt import ETHERTYPE_MACSEC, Decryptor
from xcnet.proof.results import CheckResult
from xcnet.proof.subject import Subject, VlanEnd, udp_socket
from xcnet.proof.tap import Frame, Tap

ETHERTYPE_EAPOL = 0x888E
_BEYOND_WINDOW = 40
"""Datagrams more than the replay window holds, so that the first ones are late when they are replayed."""
_PATIENCE = 5.0
"""Seconds for all datagrams of a direction to be seen on the fibre; they take milliseconds."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What crossed the fibre during the check. :param markers: in the datagrams from each end, in the order of the ends."""

    frames: tuple[Frame, ...] = ()
    markers: tuple[bytes, ...] = ()


def check_confidentiality(subject: Subject, channel: PlannedChannel) -> tuple[list[CheckResult], Seen]:
    """Send known plaintext both ways over one channel and look at the fibre while it crosses.

    :returns: the verdicts, and what was seen, which later checks replay.
    """
    ends = [subject.vlan_on(channel, 0), subject.vlan_on(channel, 1)]
    if ends[0] is None or ends[1] is None:
        missing = "no connection uses it: no plaintext can be sent over it"
        return [
            CheckResult(check="encrypted", subject=channel.name, expected="a connection", measured=missing, ok=False)
        ], Seen()
    markers = [os.urandom(24) for _ in ends]
    count = _datagrams(subject, channel)
    with Tap(subject.namespaces[channel.facility], channel.ends[0].facility_port) as tap:
        frames = _converse(subject, tap, (ends[0], ends[1]), markers, count)
    results = [_only_ciphertext(channel, frames, markers, count), *_decrypts(subject, channel, frames, markers, count)]
    return results, Seen(tuple(frames), tuple(markers))


def _datagrams(subject: Subject, channel: PlannedChannel) -> int:
    windows = [
        each.macsec.replay_window
        for end in channel.ends
        for each in subject.plan.routers[end.node].channels
        if each.name == channel.name
    ]
    return min(max(windows), 2000) + _BEYOND_WINDOW


def _converse(
    subject: Subject, tap: Tap, ends: tuple[VlanEnd, VlanEnd], markers: list[bytes], count: int
) -> list[Frame]:
    sockets = [udp_socket(subject.namespaces[end.node], end.address.ip, device=end.vrf) for end in ends]
    frames: list[Frame] = []
    try:
        ports = [opened.getsockname()[1] for opened in sockets]
        _wake(sockets, ends, ports)
        tap.available()
        for number in range(count):
            for index, opened in enumerate(sockets):
                payload = markers[index] + number.to_bytes(4, "big")
                opened.sendto(payload, (str(ends[1 - index].address.ip), ports[1 - index]))
        for opened in sockets:
            _received(opened, count)
        frames += tap.until_quiet()
    finally:
        for opened in sockets:
            opened.close()
    return frames


def _wake(sockets: list[socket.socket], ends: tuple[VlanEnd, VlanEnd], ports: list[int]) -> None:
    """Have both ends resolve each other, so that no datagram of the check waits for that."""
    for index, opened in enumerate(sockets):
        opened.sendto(b"wake", (str(ends[1 - index].address.ip), ports[1 - index]))
    for opened in sockets:
        _received(opened, 1)


def _received(opened: socket.socket, count: int) -> int:
    """Read up to ``count`` datagrams, as long as patience lasts."""
    deadline = time.monotonic() + _PATIENCE
    seen = 0
    while seen < count:
        opened.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            opened.recv(2048)
        except TimeoutError:
            break
        seen += 1
    return seen


def _only_ciphertext(channel: PlannedChannel, frames: list[Frame], markers: list[bytes], count: int) -> CheckResult:
    types: dict[int, int] = {}
    for frame in frames:
        types[frame.ethertype] = types.get(frame.ethertype, 0) + 1
    legible = sum(any(marker in frame.data for marker in markers) for frame in frames)
    shown = ", ".join(f"0x{kind:04X}: {number}" for kind, number in sorted(types.items())) or "no frame"
    ok = types.get(ETHERTYPE_MACSEC, 0) >= 2 * count and set(types) <= {ETHERTYPE_MACSEC, ETHERTYPE_EAPOL}
    return CheckResult(
        check="encrypted",
        subject=channel.name,
        expected=f"only 0x88E5 and 0x888E while {2 * count} known datagrams cross; none legible",
        measured=f"{shown}; {legible} legible",
        ok=ok and legible == 0,
    )


def _decrypts(
    subject: Subject, channel: PlannedChannel, frames: list[Frame], markers: list[bytes], count: int
) -> list[CheckResult]:
    decryptor = Decryptor(subject.saks[channel.name])
    plain = [decryptor.decrypt(f.data) for f in frames if f.ethertype == ETHERTYPE_MACSEC]
    failed = sum(text is None for text in plain)
    results = []
    for index, marker in enumerate(markers):
        wanted = {marker + number.to_bytes(4, "big") for number in range(count)}
        found = {payload for text in plain if text is not None for payload in wanted if payload in text}
        source, target = channel.ends[index].node, channel.ends[1 - index].node
        results.append(
            CheckResult(
                check="decrypts",
                subject=f"{channel.name} {source} > {target}",
                expected=f"{count} of {count} datagrams found again with the SAKs, no frame undecryptable",
                measured=f"{len(found)} of {count} found, {failed} undecryptable",
                ok=len(found) == count and failed == 0,
            )
        )
    return results


__all__ = ["ETHERTYPE_EAPOL", "check_confidentiality"]
