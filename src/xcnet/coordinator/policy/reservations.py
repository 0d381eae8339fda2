"""VLANs and subnets in use between two providers, and what is still free among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from xcnet.coordinator.policy.addresses import (
    BITS,
    Network,
    cidrs,
    network_at,
    parse_span,
    span,
    spans,
)
from xcnet.coordinator.policy.limits import HIGHEST_VLAN, LOWEST_VLAN
from xcnet.coordinator.policy.spans import Spans


class Reservations:
    """What features have taken: VLANs by channel, subnets over all channels.

    A channel's VLANs are the bits of an integer, the subnets ranges of addresses: what is free is found in microseconds
    however much is taken. ``netaddr.IPSet`` reckons with every one of its prefixes at each change.
    """

    def __init__(self) -> None:
        self._vlans: dict[str, int] = {}
        """Channel -> bit n stands for VLAN n."""
        self._held: dict[int, Counter[tuple[int, int]]] = {4: Counter(), 6: Counter()}
        self._taken = {4: Spans(), 6: Spans()}
        self._overlapping = False
        self._excluded: dict[tuple[Network, tuple[Network, ...]], tuple[str, ...]] = {}

    def add(self, channel: str, vlan: int, ipv4: str, ipv6: str | None = None) -> None:
        """Take note of a feature. That it may have these was asked before.

        :param ipv4: with its length, as in ``169.254.0.4/30``.
        """
        self._vlans[channel] = self._vlans.get(channel, 0) | 1 << vlan
        for text in (ipv4, ipv6):
            if text is not None:
                version, first, last = parse_span(text)
                taken = self._taken[version]
                self._overlapping |= taken.clash(first, last) is not None
                taken.add(first, last)
                self._held[version][first, last] += 1
        self._excluded.clear()

    def remove(self, channel: str, vlan: int, ipv4: str, ipv6: str | None = None) -> None:
        """A feature that was added is gone. :raises KeyError: it was not there; nothing is changed then."""
        gone = [parse_span(text) for text in (ipv4, ipv6) if text is not None]
        known = all((first, last) in self._held[version] for version, first, last in gone)
        if not known or not self.vlan_taken(channel, vlan):
            raise KeyError((channel, vlan, ipv4, ipv6))
        self._vlans[channel] &= ~(1 << vlan)
        for version, first, last in gone:
            self._release(version, (first, last))
        self._excluded.clear()

    def _release(self, version: int, each: tuple[int, int]) -> None:
        held = self._held[version]
        held[each] -= 1
        if held[each]:
            return
        del held[each]
        if self._overlapping:
            # Part of it may be another's too: such a store was not made by these rules, but it must not confuse them.
            self._taken[version] = Spans(held)
        else:
            self._taken[version].remove(*each)

    def vlan_taken(self, channel: str, vlan: int) -> bool:
        return bool(self._vlans.get(channel, 0) >> vlan & 1)

    def subnet_taken(self, network: Network) -> bool:
        """Whether it overlaps one that is in use."""
        return self._taken[network.version].clash(*span(network)) is not None

    def excluded(self, include: Network, always: tuple[Network, ...] = ()) -> tuple[str, ...]:
        """What a peer is not to take inside a network: what is in use and what never may be, as the fewest prefixes.

        Kept until something is added or removed: the guidance of all channels says the same.
        """
        known = self._excluded.get((include, always))
        if known is None:
            first, last = span(include)
            version = include.version
            barred = Spans([*self._taken[version].within(first, last), *spans(always, version).within(first, last)])
            known = tuple(text for each in barred for text in cidrs(version, *each))
            self._excluded[include, always] = known
        return known

    # -- what is free

    def free_vlan(
        self, channel: str, ours: Iterable[tuple[int, int]], theirs: Iterable[tuple[int, int]], *, ascending: bool
    ) -> int | None:
        """A VLAN that both sides accept and nobody uses on the channel; None if there is none.

        :param ascending: the lowest; otherwise the highest. Two providers that propose at the same moment begin at
            opposite ends, and rarely want the same.
        """
        free = vlan_set(ours) & vlan_set(theirs) & ~self._vlans.get(channel, 0)
        if not free:
            return None
        return (free & -free).bit_length() - 1 if ascending else free.bit_length() - 1

    def free_subnet(
        self, pools: Iterable[Network], barred: Sequence[Spans], length: int, *, ascending: bool
    ) -> Network | None:
        """A subnet of that length in the first pool that has one; None if none has.

        :param barred: sets of addresses, of the pools' version, of which it has none.
        :param ascending: the lowest in its pool; otherwise the highest.
        """
        for pool in pools:
            if pool.prefixlen <= length:
                found = self._search(pool, barred, length, ascending)
                if found is not None:
                    return found
        return None

    def _search(self, pool: Network, barred: Sequence[Spans], length: int, ascending: bool) -> Network | None:
        size = 1 << BITS[pool.version] - length
        first, last = span(pool)
        avoided = (self._taken[pool.version], *barred)
        start = first if ascending else last - size + 1
        while first <= start and start + size - 1 <= last:
            clash = None
            for each in avoided:
                clash = each.clash(start, start + size - 1)
                if clash is not None:
                    break
            if clash is None:
                return network_at(pool.version, start, length)
            # Go on beyond what is in the way, at the next multiple of the size.
            start = (clash[1] // size + 1) * size if ascending else (clash[0] // size - 1) * size
        return None


def vlan_set(ranges: Iterable[tuple[int, int]]) -> int:
    """The VLANs in any of the ranges, both ends included, as bits; without those that no feature may have."""
    found = 0
    for low, high in ranges:
        first, last = max(low, LOWEST_VLAN), min(high, HIGHEST_VLAN)
        if first <= last:
            found |= (1 << last + 1) - (1 << first)
    return found


__all__ = ["Network", "Reservations", "vlan_set"]
