"""Figures of a lab that bounds are made of, reckoned from its timers as the protocols reckon them."""

from __future__ import annotations

from xcnet.lab.directory import ChannelEntry, Directory, TimersEntry
from xcnet.scenario.formula import Functions

MKA_LIFE = 6.0
"""Seconds without a peer's MKPDU until it counts as gone (IEEE 802.1X-2020, table 9-3)."""


def figures(lab: Directory) -> Functions:
    """What formulas may name.

    ``detection(CHANNEL)``: the longest time from silence to BFD's verdict at either end: remote multiplier x max(own receive,
    remote transmit) (RFC 5880, 6.8.4). ``first_detection(CHANNEL)``: the shortest, at the quicker end: its detection time less
    one interval, with which the last packet may just have come. ``hold(CHANNEL)``: BGP's negotiated hold time (RFC 4271,
    4.2); ``keepalive(CHANNEL)``: a third of it. ``mka_life``: 6 s. ``channels``, ``channels_in(FACILITY)``: how many.
    ``prefix_limit(PROVIDER)``: of IPv4. ``common_mtu``: the largest that all providers accept, bytes. ``monitor_hold``: how long a
    channel must be healthy before every monitor uses it as before. A session without BFD is detected by its hold time.
    """

    def channel(name: str) -> ChannelEntry:
        for entry in lab.layout:
            if entry.name == name:
                return entry
        raise KeyError(f"channel '{name}'")

    def timers(name: str) -> list[TimersEntry]:
        return [lab.timers[provider] for provider in channel(name).ends]

    def hold(name: str) -> float:
        return float(min(each.hold for each in timers(name)))

    def spans(name: str) -> list[tuple[float, float]]:
        """At each end: detection time, and the interval at which it hears from the other; seconds."""
        found = timers(name)
        ways = [(own, remote) for own in found for remote in found if own is not remote]
        if any(each.bfd is None for each in found):
            return [(hold(name), hold(name) / 3)]
        return [_detection(own, remote) for own, remote in ways]

    def channels_in(facility: str) -> float:
        count = sum(entry.facility == facility for entry in lab.layout)
        if not count:
            raise KeyError(f"facility '{facility}'")
        return float(count)

    def prefix_limit(provider: str) -> float:
        if provider not in lab.timers:
            raise KeyError(f"provider '{provider}'")
        return float(lab.timers[provider].prefix_limit[4])

    def monitor_hold() -> float:
        held = [each.monitor_hold for each in lab.timers.values() if each.monitor_hold is not None]
        if not held:
            raise KeyError("monitor: they are all off")
        return max(held)

    return {
        "detection": lambda name: max(time for time, _interval in spans(name)),
        "first_detection": lambda name: min(time - interval for time, interval in spans(name)),
        "hold": hold,
        "keepalive": lambda name: hold(name) / 3,
        "mka_life": lambda: MKA_LIFE,
        "channels": lambda: float(len(lab.layout)),
        "channels_in": channels_in,
        "prefix_limit": prefix_limit,
        "monitor_hold": monitor_hold,
        "common_mtu": lambda: float(min(each.mtu for each in lab.timers.values())),
    }


def _detection(own: TimersEntry, remote: TimersEntry) -> tuple[float, float]:
    assert own.bfd is not None and remote.bfd is not None
    interval = max(own.bfd[1], remote.bfd[0]) / 1000
    return remote.bfd[2] * interval, interval


__all__ = ["MKA_LIFE", "figures"]
