"""What operators and customers are shown of a coordinator: models of its admin socket's answers. No secret is in them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class KeyView(_View):
    """A channel's MACsec key. :param active: the channel's traffic is protected under it. :param created: policy time."""

    id: str
    ckn: str
    active: bool
    preferred: bool
    created: float


class ChannelView(_View):
    """:param manager: the provider that makes its keys. :param association: CKN of the CA in use; None: it is closed.
    :param holds: why it is out of use. :param drained: it carries nothing any more. :param down: it is taken down.
    :param features: how many connections run over it.
    """

    name: str
    edge: str
    demarc: str
    size_gbps: int
    manager: str
    enabled: bool
    holds: tuple[str, ...]
    drained: bool
    down: bool
    association: str | None
    keys: tuple[KeyView, ...]
    features: int


class InterconnectView(_View):
    name: str
    environment: str
    closed: bool
    capacity_mbps: int
    free_mbps: int
    connections: int
    channels: tuple[ChannelView, ...]


class EnvironmentView(_View):
    """:param sites: provider -> where it is, for people. :param defer: who accepts a key leaves the driving to the peer."""

    name: str
    provider: str
    peer: str
    sites: dict[str, str]
    sizes_mbps: tuple[int, ...]
    public: bool
    defer: bool
    interconnects: tuple[InterconnectView, ...]


class FeatureView(_View):
    """A connection on one channel.

    :param up: sessions and routes of both families are seen; None: not looked at yet. :param carrying: traffic goes over it.
    """

    id: str
    channel: str
    state: str
    made_here: bool
    vlan: int
    mtu: int
    subnets: tuple[str, ...]
    own: tuple[str, ...]
    peer: tuple[str, ...]
    own_asn: int
    peer_asn: int
    up: bool | None
    carrying: bool | None


class LegView(_View):
    """A connection on one interconnect; a connection that migrates has two.

    :param final: seen to work here. :param acknowledged: the peer has been told so. :param peer_final: the peer has said so.
    """

    interconnect: str
    environment: str
    peer: str
    role: str
    drives: bool
    state: str
    bandwidth_mbps: int
    target_mbps: int | None
    enabled: bool
    peer_enabled: bool | None
    final: bool
    acknowledged: bool
    peer_final: bool
    verified: bool
    created: float
    features: tuple[FeatureView, ...]


class WorkflowView(_View):
    """Something under way. :param since: policy time. :param waits_for: what its state waits for, in words."""

    id: str
    kind: str
    subject: str
    state: str
    waits_for: str
    since: float


class ConnectionView(_View):
    """:param account: the customer's here. :param vrf: its VRF on every own router, with the routing table's number.
    :param rate: bits per second that each channel is shaped to; None: none is.
    """

    uuid: str
    name: str
    account: str
    peer_account: str | None
    port: str | None
    networks: tuple[str, ...]
    vrf: str
    table: int
    legs: tuple[LegView, ...]
    activation: str | None
    workflows: tuple[WorkflowView, ...]

    @property
    def verified(self) -> bool:
        return bool(self.legs) and self.legs[-1].verified

    @property
    def state(self) -> str:
        """In one word."""
        if not self.legs:
            return f"key {self.activation}" if self.activation else "new"
        return "verified" if self.verified else self.legs[-1].state


class MaintenanceView(_View):
    """:param start: policy time, seconds since the epoch. :param state: scheduled, under way, or the peer's."""

    id: str
    channel: str
    owner: str
    start: float
    end: float
    emergency: bool
    state: str


class CommentView(_View):
    by: str
    body: str
    time: str


class IssueView(_View):
    """:param direction: ``in``: opened here by the peer; ``out``: by this provider at the peer."""

    id: str
    direction: str
    peer: str
    state: str
    title: str
    body: str
    severity: str
    context: str
    about: tuple[str, ...]
    created: float
    comments: tuple[CommentView, ...]


class FindingView(_View):
    """Trouble that the monitor has found. :param subject: the channel, or the interconnect. :param issue: about it, at the peer.
    :param since: policy time.
    """

    kind: str
    subject: str
    interconnect: str
    priority: str
    words: str
    issue: str
    since: float


class MonitorView(_View):
    """:param enabled: it watches. :param held: channels that it has used last. :param opened: issues, ever."""

    enabled: bool
    findings: tuple[FindingView, ...]
    held: tuple[str, ...]
    opened: int


class OutcomeView(_View):
    """How a workflow ended. :param seconds: it took, policy time."""

    id: str
    kind: str
    subject: str
    state: str
    message: str
    seconds: float


class ClockView(_View):
    """:param policy: seconds since the epoch, and what it was advanced by. :param ahead: of the wall clock, seconds."""

    provider: str
    policy: float
    ahead: float


class HealthView(_View):
    """:param ready: it serves, and its routers hold what they should. :param generation: of the network that it wants."""

    provider: str
    display_name: str
    ready: bool
    generation: int
    applied: int
    calls: int
    workflows: int
    commands: tuple[str, ...]


__all__ = [
    "ChannelView",
    "ClockView",
    "CommentView",
    "ConnectionView",
    "EnvironmentView",
    "FeatureView",
    "FindingView",
    "HealthView",
    "InterconnectView",
    "IssueView",
    "KeyView",
    "LegView",
    "MaintenanceView",
    "MonitorView",
    "OutcomeView",
    "WorkflowView",
]
