"""A topology as people write it: providers, facilities, interconnects with their channels, customer connections."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from xcnet.model.desired import CipherSuite, KeyAgreement
from xcnet.model.environments import Customer, Environment
from xcnet.model.fields import (
    ChannelName,
    ConnectionName,
    CustomerName,
    Duration,
    EdgeName,
    FacilityName,
    GatewayName,
    HostName,
    InputModel,
    InterconnectName,
    Network4,
    Network6,
    ProviderName,
    Rate,
    Share,
    Size,
    TopologyName,
    shown,
    wrong,
)
from xcnet.model.profile import MAX_CONNECTION_MTU, Profile
from xcnet.secret import Secret

MAX_EDGES = 64


class Timers(StrEnum):
    """Which set of BGP and BFD timers of the profiles is used."""

    DEFAULT = "default"
    FAST = "fast"


def _edges(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= MAX_EDGES:
            raise wrong(f"{value} edges cannot be built", f"write a number from 1 to {MAX_EDGES}, or a list of names")
        return tuple(f"edge{number}" for number in range(1, value + 1))
    if not isinstance(value, list | tuple):
        raise wrong(
            f"{shown(value)} is neither a number nor a list of names", "write e.g. 4, or [edge1, edge2, edge3, edge4]"
        )
    return value


_EDGES_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": MAX_EDGES},
            {"type": "array", "minItems": 1, "items": {"type": "string", "maxLength": 10}},
        ]
    }
)


class Provider(InputModel):
    """One side of the lab: its edges, its gateway, and the profile that says how they behave."""

    profile: str = Field(
        min_length=1,
        description="A shipped profile (aws, gcp), or a file: ./my.yaml, seen from this topology's folder.",
    )
    edges: Annotated[
        tuple[EdgeName, ...],
        Field(min_length=1, max_length=MAX_EDGES, strict=False),
        BeforeValidator(_edges),
        _EDGES_SCHEMA,
    ] = Field(description="How many edge routers (edge1, edge2, ...), or their names.")
    gateway: GatewayName | None = Field(default=None, description="The gateway's name; the profile's where absent.")
    overrides: dict[str, Any] = Field(default={}, description="Fields of the profile that are different in this lab.")


def _single_member(value: int) -> int:
    if value != 1:
        raise wrong(
            f"'lag' is reserved: a channel of {value} members cannot be asked for yet",
            "leave it out, or write 1; give a channel more capacity with 'rate'",
        )
    return value


class Link(InputModel):
    """What a channel's fibre does to frames, in each direction by itself."""

    delay: Duration = Field(default=0.0, description="One way, e.g. 1ms.")
    jitter: Duration = Field(default=0.0, description="How far the delay strays, e.g. 100us; not above the delay.")
    loss: Share = Field(default=0.0, description="Frames lost at random, e.g. 0.1%.")
    rate: Rate | None = Field(default=None, description="Capacity, e.g. 10Gbps; absent: whatever the machine gives.")
    lag: Annotated[int, AfterValidator(_single_member)] = Field(
        default=1, description="Members of the channel's LAG. Reserved: 1."
    )

    @model_validator(mode="after")
    def _sensible(self) -> Link:
        if self.jitter > self.delay:
            raise wrong("the jitter is larger than the delay", "write a delay of at least the jitter")
        return self


def _hex_key(value: Any) -> Secret:
    try:
        secret = Secret(bytes.fromhex(value)) if isinstance(value, str) else None
    except ValueError:
        secret = None
    if secret is None or len(secret) not in (16, 32):
        raise wrong("the CAK is not a key of 128 or 256 bits", "write 32 or 64 hexadecimal digits in quotes")
    return secret


def _hex_name(value: Any) -> str:
    try:
        raw = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        raw = b""
    if not 1 <= len(raw) <= 32:
        raise wrong("the CKN is not a key's name", "write 2 to 64 hexadecimal digits in quotes, two for each byte")
    return raw.hex()


class ChannelKey(InputModel):
    """A fixed CAK with its name, for labs that must be the same each time. Whoever reads the file knows the key."""

    ckn: Annotated[
        str, BeforeValidator(_hex_name), WithJsonSchema({"type": "string", "pattern": "^([0-9a-fA-F]{2}){1,32}$"})
    ] = Field(description="1 to 32 bytes in hexadecimal, in quotes.")
    cak: Annotated[
        Secret,
        BeforeValidator(_hex_key),
        WithJsonSchema({"type": "string", "pattern": "^([0-9a-fA-F]{32}){1,2}$"}),
    ] = Field(description="16 or 32 bytes in hexadecimal, in quotes, as long as the cipher suite's keys.")


class TopologyChannel(InputModel):
    """One encrypted link between an edge of each side, through a facility."""

    name: ChannelName = Field(description="Its name, and that of the edges' ports, e.g. ch1.")
    facility: FacilityName = Field(description="The building whose cross-connect it runs through.")
    edges: dict[ProviderName, EdgeName] = Field(description="The edge at each side: {aws: edge1, gcp: edge1}.")
    link: Link = Link()
    cipher: Annotated[CipherSuite, Field(strict=False)] | None = Field(
        default=None, description="Cipher suite; the best that both profiles accept where absent."
    )
    key_agreement: dict[ProviderName, Annotated[KeyAgreement, Field(strict=False)]] = Field(
        default={}, description="Who speaks MKA at a side: xcnet (where absent) or wpa_supplicant."
    )
    key: ChannelKey | None = Field(default=None, description="A fixed key; a fresh one at each start where absent.")
    macsec_manager: ProviderName | None = Field(
        default=None, description="The side that makes the channel's keys; in turns where absent."
    )
    demarc: str | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        description="Where the cross-connect ends, in the building's own words; made up where absent.",
    )


class Interconnect(InputModel):
    """A redundancy group of channels between two providers."""

    name: InterconnectName = Field(description="Its name, e.g. ic1.")
    providers: Annotated[tuple[ProviderName, ...], Field(min_length=2, max_length=2, strict=False)] = Field(
        description="The two sides; the first one's profile gives the channels' addresses."
    )
    channels: Annotated[tuple[TopologyChannel, ...], Field(min_length=1, strict=False)] = Field(
        description="As many as wanted; best four, over two facilities."
    )
    capacity: Size | None = Field(
        default=None,
        description="All of its connections' bandwidths together; its smallest channel's rate where absent.",
    )
    closed: bool = Field(default=False, description="Carries the connections it has, and gets no new ones.")


class ConnectionSide(InputModel):
    """What a customer has at one side of a connection."""

    host: HostName | None = Field(default=None, description="An application host, PROVIDER-HOST; none where absent.")
    ipv4: Network4 | None = Field(default=None, description="The customer's IPv4 subnet at this side.")
    ipv6: Network6 | None = Field(default=None, description="The customer's IPv6 subnet at this side.")
    mtu: int | None = Field(
        default=None, ge=1280, le=MAX_CONNECTION_MTU, description="The largest MTU wanted; the profile's where absent."
    )

    @model_validator(mode="after")
    def _something(self) -> ConnectionSide:
        if self.ipv4 is None and self.ipv6 is None:
            raise wrong("this side has no subnet", "give it ipv4, ipv6 or both")
        return self


class AddressPools(InputModel):
    """Addresses of this connection on its channels, instead of the first provider's pools."""

    ipv4: Network4 | None = None
    ipv4_length: int | None = Field(default=None, ge=8, le=31, description="Prefix length on one channel.")
    ipv6: Network6 | None = None
    ipv6_length: int | None = Field(default=None, ge=16, le=127, description="Prefix length on one channel.")


def _md5(value: Any) -> bool | Secret:
    if isinstance(value, bool | Secret):
        return value
    if (
        isinstance(value, str)
        and 1 <= len(value) <= 80
        and value.isascii()
        and value.isprintable()
        and " " not in value
    ):
        return Secret.from_text(value)
    raise wrong(
        "this is no TCP MD5 password",
        "write true (a fresh one for each channel), false (none), or in quotes 1 to 80 printable ASCII characters without spaces",
    )


class TopologyConnection(InputModel):
    """One customer's private network between two providers: a VLAN and a VRF on every channel of an interconnect."""

    name: ConnectionName = Field(description="Its name; its VRF is vrf-NAME.")
    interconnect: InterconnectName = Field(description="The interconnect whose channels it runs over.")
    vlan: int = Field(gt=1024, le=4094, description="Its tag on every channel, 1025 to 4094.")
    bandwidth: Rate = Field(description="What the customer ordered, e.g. 1Gbps.")
    md5: Annotated[
        bool | Secret,
        BeforeValidator(_md5),
        WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "string", "minLength": 1, "maxLength": 80}]}),
    ] = Field(default=True, description="TCP MD5 on the BGP sessions: true, false, or the password itself.")
    addressing: AddressPools = AddressPools()
    customer: CustomerName | None = Field(default=None, description="Whose it is; the first customer's where absent.")
    sides: dict[ProviderName, ConnectionSide] = Field(description="What the customer has at either provider.")


class Topology(InputModel):
    """A lab: who is connected to whom, through what."""

    name: TopologyName = Field(description="What the lab is called.")
    timers: Annotated[Timers, Field(strict=False)] = Field(
        default=Timers.DEFAULT, description="BGP and BFD timers: as the profiles' customers have them, or fast."
    )
    providers: dict[ProviderName, Provider] = Field(
        min_length=2, description="The sides: a short name of your choice for each, and what it is made of."
    )
    facilities: Annotated[tuple[FacilityName, ...], Field(min_length=1, strict=False)] = Field(
        description="The buildings, by node name; each splices the channels that run through it."
    )
    interconnects: Annotated[tuple[Interconnect, ...], Field(min_length=1, strict=False)] = Field(
        description="The groups of channels between two providers."
    )
    connections: Annotated[tuple[TopologyConnection, ...], Field(strict=False)] = Field(
        default=(), description="The customers' connections."
    )
    environments: Annotated[tuple[Environment, ...], Field(strict=False)] = Field(
        default=(), description="Which sites the interconnects join; one for each two providers where absent."
    )
    customers: Annotated[tuple[Customer, ...], Field(strict=False)] = Field(
        default=(), description="Who orders connections; one customer, 'lab', where absent."
    )


@dataclass(frozen=True, slots=True)
class LoadedTopology:
    """A topology that has passed every check, with the profiles it names.

    :param source: where it was read from, as the reader would write it.
    :param profiles: provider's key -> its profile, overrides applied.
    :param warnings: what is allowed but probably not meant; one sentence each.
    """

    topology: Topology
    profiles: dict[str, Profile]
    source: str
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.topology.name

    def interconnect(self, name: str) -> Interconnect:
        """:raises KeyError: there is none of that name."""
        for interconnect in self.topology.interconnects:
            if interconnect.name == name:
                return interconnect
        raise KeyError(name)

    def gateway(self, provider: str) -> str:
        """The gateway's node name."""
        return f"{provider}-{self.topology.providers[provider].gateway or self.profiles[provider].gateway}"


__all__ = [
    "AddressPools",
    "ChannelKey",
    "ConnectionSide",
    "Interconnect",
    "Link",
    "LoadedTopology",
    "Provider",
    "Timers",
    "Topology",
    "TopologyChannel",
    "TopologyConnection",
]
