"""A facility: the building where two fibres of a channel end and are joined, bent, cut and mended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xcnet.errors import LabError
from xcnet.model.plan import Impairment, Splice
from xcnet.netlink import filters, links, qdisc
from xcnet.netlink.netns import Netns
from xcnet.netlink.qdisc import Netem
from xcnet.netlink.request import Request
from xcnet.netlink.socket import NetlinkSocket


def netem_of(impairment: Impairment) -> Netem:
    """A planned impairment as netem takes it."""
    return Netem(delay=impairment.delay, jitter=impairment.jitter, loss=impairment.loss, rate=impairment.rate)


class Facility:
    """The cross-connects of one facility.

    A cross-connect is made with tc mirred in both directions: unlike a bridge it passes every frame, those to the reserved
    address of MKA included. What a fibre does to frames happens at the facility's port, to frames on their way out of it.

    :param indexes: interface number of each port by name.
    """

    def __init__(self, name: str, netns: Netns, splices: Iterable[Splice], indexes: Mapping[str, int]) -> None:
        self.name = name
        self.netns = netns
        self.splices = {splice.channel: splice for splice in splices}
        self._indexes = dict(indexes)
        self._netlink: NetlinkSocket | None = None

    @property
    def netlink(self) -> NetlinkSocket:
        """A netlink socket in the facility's namespace."""
        if self._netlink is None:
            self._netlink = NetlinkSocket(netns=self.netns)
        return self._netlink

    def index(self, port: str) -> int:
        """:raises LabError: the facility has no such port."""
        try:
            return self._indexes[port]
        except KeyError:
            raise LabError(
                f"there is no port {port} in facility {self.name}",
                where=f"facility {self.name}",
                remedy=f"its ports are {', '.join(self._indexes)}",
            ) from None

    def splice(self, channel: str) -> Splice:
        """:raises LabError: the channel does not run through this facility."""
        try:
            return self.splices[channel]
        except KeyError:
            raise LabError(
                f"channel {channel} does not run through facility {self.name}",
                where=f"facility {self.name}",
                remedy=f"its channels are {', '.join(self.splices)}",
            ) from None

    # -- what the builder sends

    def splice_requests(self) -> list[Request]:
        """Join the ports of every channel."""
        return [
            request
            for splice in self.splices.values()
            for request in filters.splice(self.index(splice.ports[0]), self.index(splice.ports[1]))
        ]

    # -- what may be done to it afterwards

    def join(self, channel: str) -> None:
        """Make the channel's cross-connect, or make it again."""
        one, other = self.splice(channel).ports
        self.netlink.submit(filters.splice(self.index(one), self.index(other)))

    def part(self, channel: str) -> None:
        """Take the cross-connect away: both fibres keep their light, nothing passes."""
        one, other = self.splice(channel).ports
        self.netlink.submit(filters.unsplice(self.index(one), self.index(other)))

    def joined(self, channel: str) -> bool:
        """Whether the cross-connect passes frames in both directions."""
        one, other = (self.index(port) for port in self.splice(channel).ports)
        return filters.spliced_to(self.netlink, one) == other and filters.spliced_to(self.netlink, other) == one

    def cut(self, *ports: str) -> None:
        """Take the light off these fibres: the routers at their other ends lose carrier."""
        self.netlink.submit([links.change(self.index(port), up=False) for port in ports])

    def mend(self, *ports: str) -> None:
        """Undo :meth:`cut`."""
        self.netlink.submit([links.change(self.index(port), up=True) for port in ports])

    def impair(self, port: str, what: Impairment | Netem) -> None:
        """From now on this happens to frames leaving by ``port``, instead of what happened before; nothing to none."""
        settings = netem_of(what) if isinstance(what, Impairment) else what
        index = self.index(port)
        self.netlink.submit([qdisc.delete_root(index) if settings.idle else qdisc.netem(index, settings)])

    def impairment(self, port: str) -> Netem:
        """What happens to frames leaving by ``port``."""
        index = self.index(port)
        for each in qdisc.dump(self.netlink):
            if each.index == index and each.netem is not None:
                return each.netem
        return Netem()

    def close(self) -> None:
        if self._netlink is not None:
            self._netlink.close()
            self._netlink = None


__all__ = ["Facility", "netem_of"]
