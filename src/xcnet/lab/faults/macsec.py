"""MACsec at odds: one side with another CAK, and packet numbers that come near their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xcnet.edge.report import ChannelReport
from xcnet.errors import InputError
from xcnet.lab.faults import targets
from xcnet.lab.faults.base import absent
from xcnet.lab.faults.bgp import node_of
from xcnet.lab.faults.overlaid import Overlaid
from xcnet.lab.faults.overlays import Overlays
from xcnet.model.desired import KeyAgreement
from xcnet.model.faults import PnExhaustion, WrongCak
from xcnet.model.overlay import Overlay
from xcnet.secret import Secret

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab

_EXHAUSTED_AT = 200
"""Packet number at which a SAK counts as used up: BFD and BGP alone come there in less than a minute."""


async def report_of(lab: RunningLab, node: str, channel: str) -> ChannelReport:
    """What a router's daemon says of a channel. :raises LabError: it has no such channel now."""
    for each in (await lab.edge(node).status()).channels:
        if each.name == channel:
            return each
    raise absent(f"edged has no channel {channel}", node)


class Miskeying(Overlaid):
    """Another CAK under the same CKN at one side."""

    def __init__(self, fault: WrongCak, lab: RunningLab, overlays: Overlays) -> None:
        """:raises InputError: nothing of that name, or the channel has no key."""
        self._channel = targets.one_channel(lab.plan, fault.on)
        self._node = node_of(self._channel, targets.provider(lab.plan, fault.side))
        keys = [key for each in lab.states[self._node].channels if each.name == fault.on for key in each.keys]
        if not keys:
            raise InputError(f"{fault.on} has no key", where="on", remedy="name a channel that is in use")
        part = Overlay(caks={fault.on: Secret.random(len(keys[0].cak))})
        super().__init__(f"{fault.on} at {fault.side}", (fault.on,), {self._node: part}, overlays)
        self._lab = lab

    async def artifact(self) -> str:
        (far,) = (end.node for end in self._channel.ends if end.node != self._node)
        here = (await report_of(self._lab, self._node, self._channel.name)).cak_digests
        there = (await report_of(self._lab, far, self._channel.name)).cak_digests
        common = here.keys() & there.keys()
        same = [ckn for ckn in common if here[ckn] == there[ckn]]
        if not common or same:
            raise absent("both ends hold the same key" if same else "the ends have no CKN in common", self.target)
        ckn = min(common)
        return (
            f"under CKN {ckn[:8]} edged of {self._node} holds CAK digest {here[ckn]}, and edged of {far} {there[ckn]}"
        )


class Exhausting(Overlaid):
    """A SAK counts as used up after few packets, at both ends: the key server makes another before it is."""

    def __init__(self, fault: PnExhaustion, lab: RunningLab, overlays: Overlays) -> None:
        """:raises InputError: there is no such channel, or a program keys it that cannot be told."""
        channel = targets.one_channel(lab.plan, fault.on)
        parts = {end.node: Overlay(pn_exhaustion={fault.on: _EXHAUSTED_AT}) for end in channel.ends}
        for node in parts:
            for each in lab.states[node].channels:
                if each.name == fault.on and each.key_agreement is not KeyAgreement.XCNET:
                    raise InputError(
                        f"{each.key_agreement.value} at {node} decides by itself when packet numbers are used up",
                        where="on",
                        remedy="name a channel with key_agreement: xcnet at both ends",
                    )
        super().__init__(fault.on, (fault.on,), parts, overlays)
        self._lab = lab

    async def artifact(self) -> str:
        words = []
        for node in self.parts:
            report = await report_of(self._lab, node, self.target)
            if report.pn_exhaustion != _EXHAUSTED_AT:
                raise absent(f"edged replaces a SAK at packet number {report.pn_exhaustion or 'of the standard'}", node)
            words.append(f"{node} at {report.next_packet_number} of key {report.key_number}")
        return f"a SAK is used up at packet number {_EXHAUSTED_AT}; {', '.join(words)}"


__all__ = ["Exhausting", "Miskeying", "report_of"]
