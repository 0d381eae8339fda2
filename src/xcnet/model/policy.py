"""How a provider's Connection Coordinator behaves, as data: what it offers, accepts and waits for, and how it proves who asks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from xcnet.model.fields import InputModel, Network4, Network6, Share, Size, shown, wrong
from xcnet.model.monitoring import MonitorPolicy
from xcnet.model.subnets import Network


class RequestAuthentication(StrEnum):
    """How a coordinator has its peers' requests authenticated, on top of mutual TLS."""

    SIGV4 = "sigv4"
    JWT = "jwt"


class CustomerIdentity(StrEnum):
    """What a customer of this provider proves his account with."""

    PRESIGNED_CALL = "presigned_call"
    IDENTITY_TOKEN = "identity_token"  # noqa: S105 - a kind of token, not one


def _range(what: str, lowest: int, highest: int) -> tuple[BeforeValidator, WithJsonSchema]:
    remedy = f"write [first, last], the smaller first, within {lowest} to {highest}"

    def parse(value: Any) -> tuple[int, int]:
        numbers = value if isinstance(value, list | tuple) and len(value) == 2 else ()
        if not numbers or not all(isinstance(each, int) and not isinstance(each, bool) for each in numbers):
            raise wrong(f"{shown(value)} is no range of {what}", remedy)
        first, last = numbers
        if not lowest <= first <= last <= highest:
            raise wrong(f"[{first}, {last}] is no range of {what}", remedy)
        return first, last

    number = {"type": "integer", "minimum": lowest, "maximum": highest}
    return BeforeValidator(parse), WithJsonSchema({"type": "array", "items": number, "minItems": 2, "maxItems": 2})


def _apart(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    ordered = sorted(ranges)
    for (start, stop), (first, last) in pairwise(ordered):
        if first <= stop:
            raise wrong(f"[{start}, {stop}] and [{first}, {last}] overlap", "write ranges apart from each other")
    return ranges


def _once(what: str) -> Callable[[tuple[int, ...]], tuple[int, ...]]:
    def check(values: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(values)) < len(values):
            raise wrong(f"a {what} is written twice", "write each once")
        return values

    return check


AsnRange = Annotated[tuple[int, int], *_range("AS numbers", 1, 4294967294)]
VlanRange = Annotated[tuple[int, int], *_range("VLANs", 1025, 4094)]
Sizes = Annotated[tuple[Size, ...], Field(strict=False, min_length=1), AfterValidator(_once("size"))]
"""Bandwidths that a customer may order, in bit/s."""


def _preferred_within(preferred: Network | None, include: Iterable[Network], exclude: Iterable[Network]) -> None:
    if preferred is None:
        return
    if not any(within(preferred, subnet) for subnet in include):
        raise wrong(f"the preferred subnet {preferred} is in none of the included ones", "write one that is")
    if any(within(preferred, subnet) for subnet in exclude):
        raise wrong(f"the preferred subnet {preferred} is excluded", "write one that is not")


def within(inner: Network, outer: Network) -> bool:
    """Whether all of a network is in the other; never across families."""
    return inner.version == outer.version and inner.prefixlen >= outer.prefixlen and inner.network_address in outer


class Ipv4Guidance(InputModel):
    """Which IPv4 subnets channels may get."""

    include: Annotated[tuple[Network4, ...], Field(min_length=1, strict=False)] = Field(
        description="Subnets may be taken from these."
    )
    exclude: Annotated[tuple[Network4, ...], Field(strict=False)] = Field(
        default=(), description="But never overlap these."
    )
    preferred: Network4 | None = Field(default=None, description="Better from here; the channel pool where absent.")
    lengths: Annotated[
        tuple[Annotated[int, Field(ge=29, le=31)], ...],
        Field(min_length=1, strict=False),
        AfterValidator(_once("length")),
    ] = Field(description="Prefix lengths accepted, of 29, 30 and 31.")

    @model_validator(mode="after")
    def _sensible(self) -> Ipv4Guidance:
        _preferred_within(self.preferred, self.include, self.exclude)
        return self


class Ipv6Guidance(InputModel):
    """Which IPv6 subnets channels may get."""

    include: Annotated[tuple[Network6, ...], Field(min_length=1, strict=False)] = Field(
        description="Subnets may be taken from these."
    )
    exclude: Annotated[tuple[Network6, ...], Field(strict=False)] = Field(
        default=(), description="But never overlap these."
    )
    preferred: Network6 | None = Field(default=None, description="Better from here; the channel pool where absent.")
    lengths: Annotated[
        tuple[Annotated[int, Field(ge=125, le=127)], ...],
        Field(min_length=1, strict=False),
        AfterValidator(_once("length")),
    ] = Field(description="Prefix lengths accepted, of 125, 126 and 127.")

    @model_validator(mode="after")
    def _sensible(self) -> Ipv6Guidance:
        _preferred_within(self.preferred, self.include, self.exclude)
        return self


class ActivationKeys(InputModel):
    """The keys that customers carry from one provider to the other."""

    versions: Annotated[
        tuple[Literal[1, 2], ...], Field(min_length=1, strict=False), AfterValidator(_once("version"))
    ] = Field(default=(1, 2), description="Accepted: 1 is in clear, 2 encrypted to its destination.")
    lifetime_hours: int = Field(default=168, ge=1, le=8760, description="A key that was not used by then is void.")
    rotation_days: int = Field(default=7, ge=1, le=365, description="Age at which version 2 gets a new key pair.")
    accepted_key_pairs: int = Field(default=4, ge=1, le=52, description="The newest so many still open keys.")


class Quotas(InputModel):
    """How much one customer account may have here."""

    connections_per_account: int = Field(default=10, ge=1, description="Connections, of whatever state.")
    pending_per_account: int = Field(default=4, ge=1, description="Of them, those not accepted at the other side yet.")


class KeyRotation(InputModel):
    """The life of a channel's MACsec keys."""

    bake_minutes: int = Field(default=120, ge=0, description="After a rotation nothing rotates on that interconnect.")
    activation_timeout_seconds: int = Field(default=60, ge=1, description="A new key not in use by then has failed.")


class Maintenance(InputModel):
    """How this provider plans its maintenance."""

    notice_hours: int = Field(default=336, ge=0, description="Announced so long before.")
    window_hours: int = Field(default=4, ge=1, le=168, description="Length of a window.")


class RateLimit(InputModel):
    """How much one peer may ask (token bucket); more is answered with 429."""

    per_second: int = Field(default=50, ge=1, description="Requests a second in the long run.")
    burst: int = Field(default=200, ge=1, description="Requests at once.")


class Retry(InputModel):
    """Asking a peer again: exponential backoff with full jitter."""

    initial_ms: int = Field(default=200, ge=1, description="The first wait, at most.")
    maximum_ms: int = Field(default=8000, ge=1, description="No wait is longer.")
    total_seconds: int = Field(default=60, ge=1, description="Given up after.")

    @model_validator(mode="after")
    def _ordered(self) -> Retry:
        if self.initial_ms > self.maximum_ms:
            raise wrong("the first wait is longer than the longest", "write initial_ms <= maximum_ms")
        return self


class CoordinatorPolicy(InputModel):
    """A provider's Connection Coordinator."""

    request_authentication: Annotated[RequestAuthentication, Field(strict=False)] = Field(
        description="What peers sign their requests with: sigv4 or jwt."
    )
    customer_identity: Annotated[CustomerIdentity, Field(strict=False)] = Field(
        description="What its customers prove their account with: presigned_call or identity_token."
    )
    sizes: Sizes = Field(description="Bandwidths that customers may order, e.g. [500Mbps, 1Gbps].")
    asn_ranges: Annotated[tuple[AsnRange, ...], Field(strict=False), AfterValidator(_apart)] = Field(
        default=(),
        description="AS numbers it can have in a connection, [first, last] each; its own alone where absent.",
    )
    vlan_ranges: Annotated[tuple[VlanRange, ...], Field(min_length=1, strict=False), AfterValidator(_apart)] = Field(
        default=((1025, 4094),), description="VLANs on channels, [first, last] each."
    )
    ipv4: Ipv4Guidance = Field(description="IPv4 subnets on channels.")
    ipv6: Ipv6Guidance = Field(description="IPv6 subnets on channels.")
    accepts_deferral: bool = Field(default=True, description="Provisions for a peer that asks it to.")
    activation_key: ActivationKeys = Field(default=ActivationKeys(), description="The keys that customers carry.")
    quotas: Quotas = Field(default=Quotas(), description="What an account may have.")
    macsec: KeyRotation = Field(default=KeyRotation(), description="When keys may be rotated.")
    cleanup_days: int = Field(default=7, ge=1, description="Connections never finished, or one-sided, go after.")
    maintenance: Maintenance = Field(default=Maintenance(), description="Notice and windows.")
    rate_limit: RateLimit = Field(default=RateLimit(), description="What one peer may ask.")
    max_body_bytes: int = Field(default=65_536, ge=1024, description="Larger requests are refused.")
    proof_lifetime_seconds: int = Field(
        default=300, ge=1, le=86_400, description="Age up to which a customer's proof is accepted."
    )
    required_channels_share: Share = Field(
        default=0.75, description="Provisioned with features on this share of the channels, e.g. 75%: 3 of 4."
    )
    retry: Retry = Field(default=Retry(), description="Asking a peer again.")
    monitor: MonitorPolicy = Field(default=MonitorPolicy(), description="What it looks for, and what it does about it.")

    @property
    def excluded(self) -> tuple[Network, ...]:
        """Subnets that no channel may overlap."""
        return (*self.ipv4.exclude, *self.ipv6.exclude)

    def required_channels(self, channels: int) -> int:
        """How many features a connection needs before it is provisioned; at least one.

        :param channels: how many its interconnect has.
        """
        # Rounded first: 70 % of 10 is 7, not the next number above 7.000000000000001.
        return max(1, math.ceil(round(self.required_channels_share * channels, 6)))


__all__ = [
    "ActivationKeys",
    "CoordinatorPolicy",
    "CustomerIdentity",
    "Ipv4Guidance",
    "Ipv6Guidance",
    "KeyRotation",
    "Maintenance",
    "Quotas",
    "RateLimit",
    "RequestAuthentication",
    "Retry",
    "Sizes",
    "within",
]
