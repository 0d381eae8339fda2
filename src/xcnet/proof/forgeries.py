"""Frames that an attacker on the fibre would send: each must be counted where the standard says, and never delivered."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from xcnet.model.plan import ChannelEnd, PlannedChannel
from xcnet.netlink import filters, links
from xcnet.netlink.macsec import Macsec
from xcnet.netlink.netns import Netns
from xcnet.netlink.socket import NetlinkSocket
from xcnet.proof.attacks import flipped, with_pn
from xcnet.proof.confidentiality import Seen
from xcnet.proof.decrypt import ETHERTYPE_MACSEC, Decryptor, SakMaterial, nonce, parse_tag
from xcnet.proof.results import CheckResult
from xcnet.proof.subject import Subject, VlanEnd
from xcnet.proof.tap import Tap

_COPIES = 10
_PATIENCE = 3.0
"""Seconds for the kernel to count what was injected; it takes milliseconds."""
_AHEAD = 1_000
"""How far beyond the last packet number a forged frame claims to be: late frames are dropped before they are examined."""


@dataclass(frozen=True, slots=True)
class _Forgery:
    """:param counter: where it must show. :param marker: what must not be delivered."""

    name: str
    counter: str
    frames: tuple[bytes, ...]
    marker: bytes


def check_forgeries(subject: Subject, channel: PlannedChannel, seen: Seen) -> list[CheckResult]:
    """Attack both ends of a channel.

    :param seen: what crossed the channel's first facility port lately, as material for replays.
    """
    results = []
    for index, end in enumerate(channel.ends):
        inner = subject.vlan_on(channel, index)
        if inner is None or not seen.frames:
            continue
        # Seen at the first end's facility port: what enters there comes from the first end, what leaves goes to it.
        towards = [frame.data for frame in seen.frames if frame.outgoing == (index == 0)]
        marker = seen.markers[1 - index]
        decryptor = Decryptor(subject.saks[channel.name])
        protected = [data for data in towards if marker in (decryptor.decrypt(data) or b"")]
        if len(protected) < _COPIES + 1:
            measured = f"only {len(protected)} frames seen to replay"
            results.append(_failed(channel, end, "forgeries", measured))
            continue
        saks = subject.saks[channel.name]
        for forgery in _make(protected, marker, saks, inner, end, subject.namespaces[end.node]):
            results.append(_attack(subject, channel, end, inner, forgery))
    return results


def _failed(channel: PlannedChannel, end: ChannelEnd, check: str, measured: str) -> CheckResult:
    return CheckResult(
        check=check, subject=f"{channel.name} > {end.node}", expected="attacks refused", measured=measured, ok=False
    )


def _make(
    protected: list[bytes], known: bytes, saks: tuple[SakMaterial, ...], inner: VlanEnd, end: ChannelEnd, netns: Netns
) -> list[_Forgery]:
    # scapy is slow to import: only here, where it is used.
    from scapy.layers.inet import IP, UDP
    from scapy.layers.l2 import Dot1Q, Ether

    last = protected[-1]
    tag = parse_tag(last)
    assert tag is not None
    sak = next(each for each in saks if (each.sci, each.an) == (tag.sci, tag.an))
    marker = os.urandom(24)
    source, target = last[6:12].hex(":"), last[:6].hex(":")
    with NetlinkSocket(netns=netns) as netlink:
        target = links.get(netlink, end.port).mac
    datagram = IP(src=str(inner.address.ip + 1), dst=str(inner.address.ip)) / UDP(sport=9, dport=9) / marker
    if inner.address.version == 6:
        from scapy.layers.inet6 import IPv6

        datagram = IPv6(src="fe80::bad", dst=str(inner.address.ip)) / UDP(sport=9, dport=9) / marker
    ethernet = Ether(src=source, dst=target)
    tagged = bytes(ethernet / Dot1Q(vlan=inner.vlan) / datagram)
    clear = bytes(ethernet / datagram)
    ahead = [tag.pn + _AHEAD + number for number in range(_COPIES)]
    wrong = SakMaterial(sak.sci, sak.an, sak.cipher_suite, type(sak.key).random(len(sak.key)), sak.ssci, sak.salt)
    unused = (sak.an + 2) % 4
    return [
        _Forgery("replayed", "InPktsLate", tuple(protected[:_COPIES]), known),
        _Forgery("bit-flipped", "InPktsNotValid", tuple(flipped(with_pn(last, pn)) for pn in ahead), known),
        _Forgery("wrong key", "InPktsNotValid", tuple(_protect(tagged, wrong, pn) for pn in ahead), marker),
        _Forgery(
            "unknown SCI",
            "InPktsNoSCI",
            tuple(_protect(tagged, _renamed(sak, sak.sci ^ 0xFF0000), pn) for pn in ahead),
            marker,
        ),
        _Forgery(
            "unused AN",
            "InPktsNotUsingSA",
            tuple(_protect(tagged, _renamed(sak, sak.sci, unused), pn) for pn in ahead),
            marker,
        ),
        _Forgery("plaintext", "gate", (clear, tagged) * (_COPIES // 2), marker),
    ]


def _renamed(sak: SakMaterial, sci: int, an: int | None = None) -> SakMaterial:
    return SakMaterial(sci, sak.an if an is None else an, sak.cipher_suite, sak.key, sak.ssci, sak.salt)


def _protect(clear: bytes, sak: SakMaterial, pn: int) -> bytes:
    """A frame as this SA would have sent it."""
    short = len(clear) - 12
    header = (
        clear[:12]
        + ETHERTYPE_MACSEC.to_bytes(2, "big")
        + bytes((0x2C | sak.an, short if short < 48 else 0))
        + (pn & 0xFFFFFFFF).to_bytes(4, "big")
        + sak.sci.to_bytes(8, "big")
    )
    return header + AESGCM(sak.key.reveal()).encrypt(nonce(sak, pn), clear[12:], header)


def _attack(
    subject: Subject, channel: PlannedChannel, end: ChannelEnd, inner: VlanEnd, forgery: _Forgery
) -> CheckResult:
    netns = subject.namespaces[end.node]
    count = _reader(netns, end, forgery.counter)
    with (
        Tap(subject.namespaces[channel.facility], end.facility_port) as fibre,
        Tap(netns, inner.interface) as delivered,
        Tap(netns, end.device) as device,
    ):
        before = count()
        for frame in forgery.frames:
            fibre.send(frame)
        deadline = time.monotonic() + _PATIENCE
        while (counted := count() - before) < len(forgery.frames) and time.monotonic() < deadline:
            time.sleep(0.02)
        through = [
            f for tap in (delivered, device) for f in tap.available() if not f.outgoing and forgery.marker in f.data
        ]
    name = "the gate's drop counter" if forgery.counter == "gate" else forgery.counter
    return CheckResult(
        check=f"{forgery.name} refused",
        subject=f"{channel.name} > {end.node}",
        expected=f"{len(forgery.frames)} in {name}, 0 delivered",
        measured=f"{counted} counted, {len(through)} delivered",
        ok=counted >= len(forgery.frames) and not through,
    )


def _reader(netns: Netns, end: ChannelEnd, counter: str) -> Callable[[], int]:
    """A function that reads the counter now, at that end."""

    def gate() -> int:
        with NetlinkSocket(netns=netns) as netlink:
            counters = filters.gate_counters(netlink, links.get(netlink, end.port).index)
        return counters[0].dropped if counters is not None else 0

    def secy() -> int:
        with NetlinkSocket(netns=netns) as netlink, Macsec(netns) as macsec:
            held = macsec.get(links.get(netlink, end.device).index)
        return held.stats.get(counter, 0) + sum(channel.stats.get(counter, 0) for channel in held.rx_scs.values())

    return gate if counter == "gate" else secy


__all__ = ["check_forgeries"]
