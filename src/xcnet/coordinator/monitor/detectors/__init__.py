"""One module for each kind of trouble on a channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from xcnet.coordinator.monitor.detectors.asymmetry import Asymmetry
from xcnet.coordinator.monitor.detectors.channel_down import ChannelDown
from xcnet.coordinator.monitor.detectors.flap import Flap
from xcnet.coordinator.monitor.detectors.grey_loss import GreyLoss
from xcnet.coordinator.monitor.detectors.macsec_errors import MacsecErrors
from xcnet.coordinator.monitor.detectors.prefix_limit import PrefixLimit
from xcnet.coordinator.monitor.findings import Kind, Reading
from xcnet.coordinator.monitor.seen import ChannelSeen
from xcnet.model.monitoring import MonitorPolicy


class Detector(Protocol):
    """Looks at one channel, again and again. :ivar after: seconds that what it finds must last."""

    after: float

    def read(self, now: float, seen: ChannelSeen) -> Reading:
        """:param now: seconds, of a clock that never goes back."""
        ...

    def forget(self) -> None:
        """What was found is over: what is looked back over begins anew."""
        ...


DETECTORS: dict[Kind, Callable[[MonitorPolicy], Detector]] = {
    Kind.CHANNEL_DOWN: lambda policy: ChannelDown(policy.channel_down),
    Kind.GREY_LOSS: lambda policy: GreyLoss(policy.grey_loss),
    Kind.FLAP: lambda policy: Flap(policy.flap),
    Kind.MACSEC_ERRORS: lambda policy: MacsecErrors(policy.macsec_errors),
    Kind.ASYMMETRY: lambda policy: Asymmetry(policy.asymmetry),
    Kind.PREFIX_LIMIT: lambda policy: PrefixLimit(policy.prefix_limit),
}

__all__ = ["DETECTORS", "Detector"]
