"""A provider as data: numbers, timers, limits and names. Nothing in the program asks which provider one is."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from xcnet.model.desired import BfdTimers, CipherSuite, GracefulRestart
from xcnet.model.fields import GatewayName, InputModel, Network4, Network6, wrong
from xcnet.model.policy import CoordinatorPolicy, within

MAX_CONNECTION_MTU = 9000
"""Above it a VLAN would not fit the channel's port (9100), its MACsec overhead (32) and the hosts' links (9000)."""

Asn = Annotated[int, Field(ge=1, le=4294967294)]


class Names(InputModel):
    """What this provider calls things; for drawings and tables."""

    service: str = Field(description="The product, e.g. AWS Interconnect - multicloud.")
    gateway: str = Field(description="The router that customers attach to, e.g. Direct Connect gateway.")
    edge: str = Field(default="edge router", description="The router that channels end in.")


class Mtu(InputModel):
    """The MTUs of a connection that this provider accepts, in bytes of the IP packet."""

    minimum: int = Field(default=1400, ge=1280, le=MAX_CONNECTION_MTU)
    maximum: int = Field(ge=1280, le=MAX_CONNECTION_MTU)

    @model_validator(mode="after")
    def _ordered(self) -> Mtu:
        if self.minimum > self.maximum:
            raise wrong("the minimum MTU is above the maximum", "write minimum <= maximum")
        return self


class BgpTimers(InputModel):
    """Seconds between keepalives, and without any until the session ends (RFC 4271, 4.2)."""

    keepalive: int = Field(ge=1, le=21845)
    hold: int = Field(ge=3, le=65535)

    @model_validator(mode="after")
    def _ordered(self) -> BgpTimers:
        if self.hold < 2 * self.keepalive:
            raise wrong(
                f"a hold time of {self.hold} s ends sessions whose keepalives come every {self.keepalive} s",
                "write a hold time of three times the keepalive",
            )
        return self


class Bfd(InputModel):
    """A BFD session's own side (RFC 5880): milliseconds, and how many packets in a row may be missed."""

    transmit_ms: int = Field(ge=10, le=60_000)
    receive_ms: int = Field(ge=10, le=60_000)
    multiplier: int = Field(ge=2, le=255)

    def timers(self) -> BfdTimers:
        return BfdTimers(transmit_ms=self.transmit_ms, receive_ms=self.receive_ms, multiplier=self.multiplier)


class SessionTimers(InputModel):
    """One set of timers for a BGP session; no ``bfd`` means a session without it."""

    bgp: BgpTimers
    bfd: Bfd | None = None


class Restart(InputModel):
    """Graceful restart (RFC 4724), seconds. Off unless enabled: BFD shares the routers' fate and overrules it."""

    enabled: bool = False
    restart_time: int = Field(default=120, ge=1, le=4095)
    stale_path_time: int = Field(default=300, ge=1, le=4095)

    def desired(self) -> GracefulRestart | None:
        if not self.enabled:
            return None
        return GracefulRestart(restart_time=self.restart_time, stale_path_time=self.stale_path_time)


class PrefixLimit(InputModel):
    """Prefixes accepted from one peer before the session is torn down."""

    ipv4: int = Field(ge=1, le=4294967295)
    ipv6: int = Field(ge=1, le=4294967295)


class MacsecPolicy(InputModel):
    """How this provider's edges speak MACsec and MKA."""

    cipher_suites: Annotated[tuple[Annotated[CipherSuite, Field(strict=False)], ...], Field(strict=False)] = Field(
        min_length=1, description="Accepted suites, the most wanted first."
    )
    key_server_priority: int = Field(default=16, ge=0, le=255, description="The lowest wins the election.")
    replay_window: int = Field(default=64, ge=0, le=2**30 - 1, description="Packets that may arrive late.")
    sak_rekey_seconds: int = Field(default=28_800, ge=0, description="Age at which a SAK is replaced; 0 is never.")


class LinkPools(InputModel):
    """Where the addresses of point-to-point links are taken from: one subnet each."""

    ipv4: Network4
    ipv4_length: int = Field(ge=8, le=31, description="Prefix length of one link.")
    ipv6: Network6
    ipv6_length: int = Field(ge=16, le=127, description="Prefix length of one link.")

    @model_validator(mode="after")
    def _fits(self) -> LinkPools:
        for pool, length in ((self.ipv4, self.ipv4_length), (self.ipv6, self.ipv6_length)):
            if pool.prefixlen > length:
                raise wrong(f"no /{length} fits into {pool}", f"write a pool of /{length} or larger")
        return self


class Addressing(InputModel):
    """The provider's link addresses."""

    channel: LinkPools = Field(description="Used on the channels of interconnects that name this provider first.")
    internal: LinkPools = Field(description="Between this provider's edges and its gateway.")


class Profile(InputModel):
    """One provider. A third one is a file of this shape."""

    display_name: str = Field(min_length=1, max_length=40, description="As people say it.")
    names: Names = Field(description="What the provider calls its product and routers.")
    asn: Asn = Field(description="The AS number of its edges and gateway.")
    gateway: GatewayName = Field(default="gw", description="Name of the gateway's node after 'PROVIDER-'.")
    mtu: Mtu = Field(description="The MTUs of a connection it accepts.")
    timers: SessionTimers = Field(description="Towards the other provider, as customers get them by default.")
    fast: SessionTimers = Field(description="Instead of these where a topology says 'timers: fast'.")
    internal: SessionTimers = Field(description="Between edges and gateway.")
    graceful_restart: Restart = Field(default=Restart(), description="Off where absent.")
    prefix_limit: PrefixLimit = Field(description="Prefixes accepted from one peer.")
    macsec: MacsecPolicy = Field(description="Cipher suites, election and re-keying.")
    addressing: Addressing = Field(description="Pools of link addresses.")
    coordinator: CoordinatorPolicy = Field(description="How its Connection Coordinator behaves.")

    @model_validator(mode="after")
    def _guidance_fits(self) -> Profile:
        """What the coordinator tells its peers, and what the profile says elsewhere."""
        policy, pools = self.coordinator, self.addressing.channel
        for pool, length, guidance, name in (
            (pools.ipv4, pools.ipv4_length, policy.ipv4, "ipv4"),
            (pools.ipv6, pools.ipv6_length, policy.ipv6, "ipv6"),
        ):
            if not any(within(pool, subnet) for subnet in guidance.include):
                raise wrong(
                    f"the channel pool {pool} is not in what the coordinator includes",
                    f"add it to coordinator.{name}.include, or choose another pool",
                )
            if length not in guidance.lengths:
                raise wrong(
                    f"channels have /{length} (addressing.channel.{name}_length), which the coordinator does not accept",
                    f"add {length} to coordinator.{name}.lengths",
                )
        if policy.asn_ranges and not any(first <= self.asn <= last for first, last in policy.asn_ranges):
            raise wrong(f"the AS number {self.asn} is in none of coordinator.asn_ranges", "add it there")
        return self

    @property
    def asn_ranges(self) -> tuple[tuple[int, int], ...]:
        """AS numbers that it can have in a connection, first and last of each range."""
        return self.coordinator.asn_ranges or ((self.asn, self.asn),)

    def external(self, *, fast: bool) -> SessionTimers:
        """The timers towards the other provider."""
        return self.fast if fast else self.timers


__all__ = [
    "MAX_CONNECTION_MTU",
    "Addressing",
    "Bfd",
    "BgpTimers",
    "LinkPools",
    "MacsecPolicy",
    "Mtu",
    "Names",
    "PrefixLimit",
    "Profile",
    "Restart",
    "SessionTimers",
]
