"""What faults lay over a router's desired state: whoever gives the state knows nothing of it, and does not undo it."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from xcnet.model.desired import BgpNeighbor, Channel, IfName, RouterState, Vrf
from xcnet.secret import Secret


class Overlay(BaseModel):
    """Laid over whatever state a router is given; the empty one changes nothing.

    :param dark: interfaces that are left alone, up or down, whatever the state wants of them.
    :param caks: channel -> the CAK that stands under every one of its CKNs.
    :param pn_exhaustion: channel -> packet number at which the key server makes a new SAK.
    :param shut: channels whose BGP sessions are shut administratively.
    :param passwords: channel -> the MD5 password of its BGP sessions.
    :param announced: connection -> prefixes that are announced besides its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dark: tuple[IfName, ...] = ()
    caks: dict[str, Secret] = {}
    pn_exhaustion: dict[str, Annotated[int, Field(ge=1)]] = {}
    shut: tuple[str, ...] = ()
    passwords: dict[str, Secret] = {}
    announced: dict[str, tuple[IPv4Network | IPv6Network, ...]] = {}

    def over(self, state: RouterState) -> RouterState:
        """The state with the faults in it. Channels and connections that it has not got are passed over."""
        if self == Overlay(dark=self.dark):
            return state
        devices = {channel.device: channel.name for channel in state.channels}
        return state.model_copy(
            update={
                "channels": tuple(self._channel(each) for each in state.channels),
                "vrfs": tuple(self._vrf(each, devices) for each in state.vrfs),
            }
        )

    def reveal_json(self) -> str:
        """With its secrets, for a socket between the lab's own processes; never for a file or a log."""
        return self.model_dump_json(context={"reveal": True})

    def _channel(self, channel: Channel) -> Channel:
        cak = self.caks.get(channel.name)
        exhaustion = self.pn_exhaustion.get(channel.name)
        if cak is not None:
            keys = tuple(key.model_copy(update={"cak": cak}) for key in channel.keys)
            channel = channel.model_copy(update={"keys": keys})
        if exhaustion is not None:
            macsec = channel.macsec.model_copy(update={"pn_exhaustion": exhaustion})
            channel = channel.model_copy(update={"macsec": macsec})
        return channel

    def _vrf(self, vrf: Vrf, devices: dict[str, str]) -> Vrf:
        """:param devices: MACsec device -> channel."""
        channels = {each.name: devices[each.parent] for each in vrf.interfaces if each.parent in devices}
        neighbors = tuple(self._neighbor(each, channels.get(each.interface)) for each in vrf.neighbors)
        more = tuple(each for each in self.announced.get(vrf.connection, ()) if each not in vrf.networks)
        return vrf.model_copy(update={"neighbors": neighbors, "networks": vrf.networks + more})

    def _neighbor(self, neighbor: BgpNeighbor, channel: str | None) -> BgpNeighbor:
        if channel is None:
            return neighbor
        changes: dict[str, object] = {}
        if channel in self.shut:
            changes["shut"] = True
        if channel in self.passwords:
            changes["md5"] = self.passwords[channel]
        return neighbor.model_copy(update=changes) if changes else neighbor


__all__ = ["Overlay"]
