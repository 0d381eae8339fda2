"""Pictures of a lab of two channels and one connection, made by hand."""

from __future__ import annotations

from typing import Any

from xcnet.coordinator.daemon.views import (
    ChannelView,
    ConnectionView,
    EnvironmentView,
    FeatureView,
    InterconnectView,
    LegView,
)
from xcnet.events import Event
from xcnet.lab.picture import Picture, ProviderPicture
from xcnet.lab.status import (
    ChannelEndStatus,
    ChannelStatus,
    Health,
    LabStatus,
    NodeStatus,
    RouteStatus,
    SessionStatus,
)

UUID = "6f2a7f0e-5d0a-4c7b-9f59-0d6d4f6f2b11"
PEER = {"aws": "gcp", "gcp": "aws"}


def end(
    node: str,
    *,
    sent: int = 0,
    refused: int = 0,
    secured: bool = True,
    key: int = 1,
    probes: tuple[int, int] | None = None,
) -> ChannelEndStatus:
    """:param probes: answered, and lost."""
    counted = {} if probes is None else {"ProbesAnswered": probes[0], "ProbesLost": probes[1]}
    return ChannelEndStatus(
        node=node,
        device="ch.sec",
        key_agreement="xcnet",
        secured=secured,
        cipher_suite="GCM-AES-XPN-256",
        association="ab" * 16,
        associations=("ab" * 16,),
        key_server=False,
        association_number=0,
        key_number=key if secured else None,
        next_packet_number=sent + 1,
        live_peers=1,
        counters={"OutPktsEncrypted": sent, "InPktsNotValid": refused, **counted},
    )


def channel(name: str, facility: str, ends: tuple[ChannelEndStatus, ...]) -> ChannelStatus:
    up = sum(each.secured for each in ends)
    health = Health.UP if up == len(ends) else Health.DEGRADED if up else Health.DOWN
    return ChannelStatus(name=name, interconnect="ic1", facility=facility, health=health, ends=ends)


def session(channel: str, node: str, bfd: str | None = "up") -> SessionStatus:
    return SessionStatus(
        node=node,
        connection="prod",
        peer="169.254.0.2",
        description=f"{channel} {PEER[node[:3]]}-edge{channel[2:]}",
        external=True,
        state="Established",
        established_seconds=5.0,
        prefixes_received=1,
        last_reset=None,
        md5=True,
        bfd=bfd,
        bfd_detection_ms=3000,
    )


def channel_view(name: str, **changes: Any) -> ChannelView:
    made = ChannelView(
        name=name,
        edge="edge",
        demarc="demarc",
        size_gbps=10,
        manager="aws",
        enabled=True,
        holds=(),
        drained=False,
        down=False,
        association="ab" * 16,
        keys=(),
        features=1,
    )
    return made.model_copy(update=changes)


def feature(channel: str, up: bool | None) -> FeatureView:
    return FeatureView(
        id=channel, channel=channel, state="final", made_here=True, vlan=1100, mtu=8500, subnets=(), own=(), peer=(),
        own_asn=64512, peer_asn=64513, up=up, carrying=up,
    )  # fmt: skip


def connection(provider: str, up: tuple[bool | None, ...] = (True, True), verified: bool = True) -> ConnectionView:
    leg = LegView(
        interconnect="ic1", environment="env", peer=PEER[provider], role="initiator", drives=True, state="final",
        bandwidth_mbps=1000, target_mbps=None, enabled=True, peer_enabled=True, final=True, acknowledged=True,
        peer_final=True, verified=verified, created=0.0,
        features=tuple(feature(f"ch{index + 1}", each) for index, each in enumerate(up)),
    )  # fmt: skip
    return ConnectionView(
        uuid=UUID, name="prod", account="account", peer_account="other", port=None, networks=("10.10.0.0/24",),
        vrf="vrf-prod", table=1000, legs=(leg,), activation=None, workflows=(),
    )  # fmt: skip


def provider(key: str, channels: tuple[ChannelView, ...], **changes: Any) -> ProviderPicture:
    interconnect = InterconnectView(
        name="ic1", environment="env", closed=False, capacity_mbps=10000, free_mbps=9000, connections=1,
        channels=channels,
    )  # fmt: skip
    environment = EnvironmentView(
        name="env", provider=key, peer=PEER[key], sites={}, sizes_mbps=(1000,), public=True, defer=False,
        interconnects=(interconnect,),
    )  # fmt: skip
    made = ProviderPicture(name=key.upper(), answers=True, connections=(connection(key),), environments=(environment,))
    return made.model_copy(update=changes)


def picture(uptime: float = 60.0, **changes: Any) -> Picture:
    """All is well, at a second of the lab's time; 20 frames/s one way, 10 the other."""
    views = (channel_view("ch1"), channel_view("ch2"))
    status = LabStatus(
        name="demo",
        topology="two",
        engine="native",
        kernel="6.1",
        uptime_seconds=uptime,
        health=Health.UP,
        nodes=(
            NodeStatus(name="aws-edge1", kind="router", provider="aws", processes={"edged": "running"}, health=Health.UP),
        ),
        channels=tuple(
            channel(name, facility, (end(f"aws-edge{name[2:]}", sent=round(20 * uptime)), end(f"gcp-edge{name[2:]}", sent=round(10 * uptime))))
            for name, facility in (("ch1", "fac-a"), ("ch2", "fac-b"))
        ),
        sessions=tuple(session(f"ch{n}", f"{side}-edge{n}") for n in (1, 2) for side in ("aws", "gcp")),
        routes=tuple(
            RouteStatus(node=f"{side}-gw", connection="prod", prefix="10.0.0.0/24", next_hops=("a", "b"), expected_next_hops=2)
            for side in ("aws", "gcp")
        ),
    )  # fmt: skip
    made = Picture(
        wall=1_700_000_000.0 + uptime,
        status=status,
        providers={key: provider(key, views) for key in PEER},
        events=(
            Event(41.0, 0.0, "aws-edge1.edged", "macsec.secured", "ch1", {"ckn": "ab" * 16, "an": 0}),
            Event(42.0, 0.0, "aws-coord.coordinator", "api.response", "GetChannel", {"status": 200}),
            Event(43.5, 0.0, "aws-edge1.bgpd", "bgp.down", "vrf-prod/169.254.0.2", {"reason": "BFD down"}),
            Event(44.0, 0.0, "aws-coord.coordinator", "connection.enabled", UUID, {}),
        ),
    )
    return made.model_copy(update=changes)


def with_status(made: Picture, **changes: Any) -> Picture:
    return made.model_copy(update={"status": made.status.model_copy(update=changes)})


__all__ = [
    "PEER",
    "UUID",
    "channel",
    "channel_view",
    "connection",
    "end",
    "picture",
    "provider",
    "session",
    "with_status",
]
