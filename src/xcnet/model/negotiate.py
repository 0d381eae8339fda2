"""What two sides of a lab settle on: a channel's cipher suite, a connection's MTU."""

from __future__ import annotations

from xcnet.model.desired import CipherSuite, KeyAgreement
from xcnet.model.profile import Profile
from xcnet.model.topology import Interconnect, TopologyChannel, TopologyConnection

FOREIGN_SUITE = CipherSuite.GCM_AES_128
"""The only suite of wpa_supplicant 2.10's key agreement."""


def foreign_sides(channel: TopologyChannel) -> tuple[str, ...]:
    """The providers whose end of the channel wpa_supplicant keys."""
    return tuple(side for side, who in channel.key_agreement.items() if who is KeyAgreement.WPA_SUPPLICANT)


def accepted_suites(interconnect: Interconnect, profiles: dict[str, Profile]) -> list[CipherSuite]:
    """The suites both profiles accept, in the first provider's order."""
    first, second = (profiles[provider].macsec.cipher_suites for provider in interconnect.providers)
    return [suite for suite in first if suite in second]


def channel_suite(
    interconnect: Interconnect, channel: TopologyChannel, profiles: dict[str, Profile]
) -> CipherSuite | None:
    """The channel's cipher suite; None where the sides have none in common."""
    if foreign_sides(channel):
        return FOREIGN_SUITE
    accepted = accepted_suites(interconnect, profiles)
    if channel.cipher is not None:
        return channel.cipher if channel.cipher in accepted else None
    return accepted[0] if accepted else None


def connection_mtu(connection: TopologyConnection, profiles: dict[str, Profile]) -> tuple[int, int]:
    """(lowest, highest) MTU that both sides accept; the highest is used. Nothing in common if lowest > highest."""
    lowest = max(profiles[provider].mtu.minimum for provider in connection.sides)
    highest = min(side.mtu or profiles[provider].mtu.maximum for provider, side in connection.sides.items())
    return lowest, highest


__all__ = ["FOREIGN_SUITE", "accepted_suites", "channel_suite", "connection_mtu", "foreign_sides"]
