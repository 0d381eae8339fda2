"""The desired state of one router: the whole truth it is given, whoever decided it (a topology file, a coordinator).

An edge and a gateway differ only in what stands in it: a gateway has no channels. Nothing in here says where a value came
from, so that the source can be replaced without touching the router.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xcnet.secret import Secret

IfName = Annotated[str, Field(min_length=1, max_length=15, pattern=r"^[a-zA-Z][a-zA-Z0-9_.\-]*$")]
"""A network interface name as the kernel takes it (IFNAMSIZ is 16 with the closing zero)."""


LEAST_RATE, MOST_RATE = 64_000, 400_000_000_000
"""Bits per second that an interface can be shaped to: within them a token bucket's numbers fit into the kernel's 32 bits."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CipherSuite(StrEnum):
    """The cipher suites of IEEE 802.1AE-2018, table 14-1."""

    GCM_AES_128 = "GCM-AES-128"
    GCM_AES_256 = "GCM-AES-256"
    GCM_AES_XPN_128 = "GCM-AES-XPN-128"
    GCM_AES_XPN_256 = "GCM-AES-XPN-256"

    @property
    def identifier(self) -> int:
        """The suite's EUI-64 identifier, as in MKPDUs and in the kernel's attribute."""
        return 0x0080C20001000001 + list(CipherSuite).index(self)

    @property
    def key_length(self) -> int:
        """SAK length in bytes: 16 or 32."""
        return 32 if self.value.endswith("256") else 16

    @property
    def extended_packet_numbers(self) -> bool:
        """True for 64-bit packet numbers (XPN)."""
        return "XPN" in self.value


class KeyAgreement(StrEnum):
    """Who speaks MKA on a channel."""

    XCNET = "xcnet"
    WPA_SUPPLICANT = "wpa_supplicant"


class Cak(_Model):
    """A pre-shared connectivity association key with its name (IEEE 802.1X-2020, 9.3).

    :param ckn: 1 to 32 bytes, written in hexadecimal.
    :param cak: 16 or 32 bytes.
    :param preferred: as key server, this one's association is made the principal once it has live peers.
    """

    ckn: Annotated[str, Field(pattern=r"^([0-9a-f]{2}){1,32}$")]
    cak: Secret
    preferred: bool = True


class Macsec(_Model):
    """How the SecY of a channel is made and re-keyed.

    :param key_server_priority: 0 (most wanted) to 255; the lowest value wins the election.
    :param replay_window: packets that may arrive late; 0 demands strict order.
    :param sak_rekey_seconds: age at which the key server makes a new SAK; 0 is never.
    :param pn_exhaustion: packet number at which the key server makes a new SAK; 0 stands for the standard's value.
    """

    cipher_suite: CipherSuite = CipherSuite.GCM_AES_XPN_256
    key_server_priority: Annotated[int, Field(ge=0, le=255)] = 16
    replay_window: Annotated[int, Field(ge=0, le=2**30 - 1)] = 64
    sak_rekey_seconds: Annotated[float, Field(ge=0)] = 28_800
    pn_exhaustion: Annotated[int, Field(ge=0)] = 0


class Channel(_Model):
    """One channel's end on this router.

    :param port: the bare port; nothing but MACsec and MKA frames may pass it.
    :param device: the MACsec device on top of it.
    :param keys: its connectivity associations; several only while a key is being rotated.
    :param enabled: False takes the MACsec device down (administratively), keys and all.
    """

    name: str
    port: IfName
    device: IfName
    port_mtu: Annotated[int, Field(ge=1280, le=65535)] = 9100
    macsec: Macsec = Macsec()
    key_agreement: KeyAgreement = KeyAgreement.XCNET
    keys: tuple[Cak, ...] = ()
    enabled: bool = True


class VrfInterface(_Model):
    """An interface in a VRF: a VLAN on a channel's MACsec device or on an internal port, or a whole port (vlan None).

    :param parent: the device below; the interface itself where ``vlan`` is None.
    :param addresses: with prefix length, IPv4 and IPv6.
    :param rate: bits per second, Ethernet header and VLAN tag included, that may leave through it; None for no limit. Only of
        a VLAN: what a whole port carries is its link's business.
    """

    name: IfName
    parent: IfName
    vlan: Annotated[int, Field(ge=1, le=4094)] | None = None
    mtu: Annotated[int, Field(ge=1280, le=65535)]
    addresses: tuple[IPv4Interface | IPv6Interface, ...] = ()
    rate: Annotated[int, Field(ge=LEAST_RATE, le=MOST_RATE)] | None = None

    @model_validator(mode="after")
    def _only_vlans_are_shaped(self) -> Self:
        if self.rate is not None and self.vlan is None:
            raise ValueError(f"interface {self.name} has a rate, but is no VLAN")
        return self


class BfdTimers(_Model):
    """An asynchronous-mode BFD session's own side (RFC 5880). Detection = remote multiplier x max(own receive, remote transmit)."""

    transmit_ms: Annotated[int, Field(ge=10, le=60_000)]
    receive_ms: Annotated[int, Field(ge=10, le=60_000)]
    multiplier: Annotated[int, Field(ge=2, le=255)]


class BgpNeighbor(_Model):
    """One BGP session (RFC 4271) inside a VRF; it carries the address family of its own address.

    :param remote_asn: equal to the VRF's own ASN for iBGP.
    :param md5: TCP MD5 password (RFC 2385), 1 to 80 printable characters.
    :param bfd: None for a session without BFD.
    :param prefix_limit: prefixes accepted before the session is torn down; None for no limit.
    :param next_hop_self: announce own address as next hop (iBGP towards the gateway).
    :param shut: administratively shut: it stays down at this end's word.
    :param drained: of an external session: both ways use it only where there is no other (RFC 8326). What is announced over
        it carries the community GRACEFUL_SHUTDOWN, what is received has local preference 0. The session stays up.
    """

    address: IPv4Address | IPv6Address
    remote_asn: Annotated[int, Field(ge=1, le=4294967295)]
    description: str = ""
    interface: IfName
    keepalive: Annotated[int, Field(ge=1, le=65535)] = 60
    hold: Annotated[int, Field(ge=3, le=65535)] = 180
    connect_retry: Annotated[int, Field(ge=1, le=65535)] = 1
    md5: Secret | None = None
    bfd: BfdTimers | None = None
    prefix_limit: Annotated[int, Field(ge=1)] | None = None
    next_hop_self: bool = False
    shut: bool = False
    drained: bool = False


class GracefulRestart(_Model):
    """RFC 4724. Seconds."""

    restart_time: Annotated[int, Field(ge=1, le=4095)] = 120
    stale_path_time: Annotated[int, Field(ge=1, le=4095)] = 300


class Vrf(_Model):
    """One customer connection on this router: an isolated routing table with its interfaces and sessions.

    :param table: kernel routing table, > 255.
    :param networks: prefixes this router announces into BGP (the gateway: the customer's subnets on its side).
    :param accept_from_external: prefixes accepted from eBGP; empty accepts everything up to the limit.
    """

    name: IfName
    connection: str
    table: Annotated[int, Field(gt=255, le=4294967294)]
    asn: Annotated[int, Field(ge=1, le=4294967295)]
    router_id: IPv4Address
    interfaces: tuple[VrfInterface, ...] = ()
    neighbors: tuple[BgpNeighbor, ...] = ()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    accept_from_external: tuple[IPv4Network | IPv6Network, ...] = ()
    maximum_paths: Annotated[int, Field(ge=1, le=64)] = 16
    graceful_restart: GracefulRestart | None = None

    @model_validator(mode="after")
    def _only_external_sessions_are_drained(self) -> Self:
        for neighbor in self.neighbors:
            if neighbor.drained and neighbor.remote_asn == self.asn:
                raise ValueError(f"neighbour {neighbor.address} is internal and cannot be drained")
        return self


class RouterState(_Model):
    """Everything one router should be. Applying it makes the kernel and FRR so, deletions included.

    :param ports: internal ports (towards the gateway, edges or hosts) with their MTU; they exist already, as links do.
    """

    node: str
    provider: str
    ports: dict[IfName, int] = Field(default_factory=dict)
    channels: tuple[Channel, ...] = ()
    vrfs: tuple[Vrf, ...] = ()

    def reveal_json(self) -> str:
        """The state with its secrets, for a pipe or socket between the lab's own processes; never for a file or a log."""
        return self.model_dump_json(context={"reveal": True})


__all__ = [
    "LEAST_RATE",
    "MOST_RATE",
    "BfdTimers",
    "BgpNeighbor",
    "Cak",
    "Channel",
    "CipherSuite",
    "GracefulRestart",
    "IfName",
    "KeyAgreement",
    "Macsec",
    "RouterState",
    "Vrf",
    "VrfInterface",
]
