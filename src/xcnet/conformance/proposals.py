"""Features that follow the guidance of a server, which the suite proposes."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from pydantic import ValidationError

from xcnet.conformance.registry import NotTestable, Violation
from xcnet.coordinator.policy.limits import LinkPolicy, SubnetPolicy
from xcnet.coordinator.policy.proposal import NoProposalError, propose
from xcnet.coordinator.policy.reservations import Reservations
from xcnet.secret import Secret
from xcnet.spec.base import parse_response
from xcnet.spec.connections import FeatureGuidance

_OWN_ASNS = (64496, 65550)
"""RFC 5398: for documentation; whoever's server is tried has none of them. The second for where the first is its own."""

_ANY4 = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
_ANY6 = ("2000::/3", "fc00::/7")


class Proposer:
    """Takes from the server's guidance alone, and nothing that it has taken before.

    :param caller: who proposes. :param server: who gave the guidance.
    """

    def __init__(self, caller: str, server: str) -> None:
        self._caller = caller
        self._server = server
        self._taken = Reservations()

    def config(self, guidance: dict[str, Any], channel: str) -> dict[str, Any]:
        """A configuration, as JSON with its password, that the guidance allows.

        :param guidance: one FeatureGuidance as it came. :raises Violation: it cannot be read. :raises NotTestable: it leaves
            nothing that could be proposed.
        """
        import json

        try:
            read = parse_response(FeatureGuidance, json.dumps(guidance).encode())
        except ValidationError as error:
            raise Violation(
                f"the guidance for {channel} is no FeatureGuidance: {error.error_count()} problems"
            ) from None
        try:
            made = propose(
                _policy(read),
                self._caller,
                self._server,
                read,
                self._taken,
                channel,
                key_source=Secret.random,
            )
        except NoProposalError as error:
            raise NotTestable(f"nothing can be proposed on {channel}: {error}") from None
        ipv4 = f"{made.ipv4_subnet}/{made.ipv4_subnet_prefix_length}"
        ipv6 = f"{made.ipv6_subnet}/{made.ipv6_subnet_prefix_length}" if made.ipv6_subnet else None
        self._taken.add(channel, made.vlan_id, ipv4, ipv6)
        return made.to_wire(reveal=True)


def _policy(guidance: FeatureGuidance) -> LinkPolicy:
    """One that restricts nothing but what guidance leaves open."""
    theirs = guidance.l3_base_guidance
    lengths4 = tuple(theirs.ipv4_allowed_subnet_prefix_lengths or ()) if theirs else ()
    lengths6 = tuple(theirs.ipv6_allowed_subnet_prefix_lengths or ()) if theirs else ()
    ranges = (theirs.asn_ranges or []) if theirs else []
    only = {each.start for each in ranges if each.start == each.stop}
    asn = next(each for each in _OWN_ASNS if each not in only)
    return LinkPolicy(
        asn=asn,
        asn_ranges=((1, 4294967294),),
        mtu=(1280, 9216),
        ipv4=SubnetPolicy(include=tuple(map(ip_network, _ANY4)), lengths=lengths4 or (30, 29, 31)),
        ipv6=SubnetPolicy(include=tuple(map(ip_network, _ANY6)), lengths=lengths6 or (126, 127, 64)),
        max_prefixes=1,
    )


__all__ = ["Proposer"]
