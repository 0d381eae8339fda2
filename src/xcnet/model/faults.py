"""Faults as scenarios and the command line name them. What they do is the lab's business (``lab/faults``)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Percent = Annotated[float, Field(gt=0, le=100)]


class Direction(StrEnum):
    """Which frames: of both ways, or of those that leave the first or the second side (of a channel: the first or second
    provider of its environment, as ``xcnet environments`` lists them; of an internal link: edge, gateway)."""

    BOTH = "both"
    FIRST = "first-to-second"
    SECOND = "second-to-first"


class _Fault(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _LinkFault(_Fault):
    """:param on: a channel; a facility (all channels through it); ``all`` channels; a provider (all its channels); or the link
    between two nodes as ``NODE/NODE``, e.g. ``aws-edge1/aws-gw``."""

    on: str


class Cut(_LinkFault):
    """The fibre is cut: both ends lose carrier."""

    fault: Literal["cut"]


class Blackhole(_LinkFault):
    """Nothing passes, and both ends keep their carrier."""

    fault: Literal["blackhole"]
    direction: Direction = Direction.BOTH


class Loss(_LinkFault):
    """Frames vanish at random. A share of 100 is a silent blackhole made by the queue."""

    fault: Literal["loss"]
    percent: Percent
    direction: Direction = Direction.BOTH


class Delay(_LinkFault):
    """:param ms: added, one way. :param jitter_ms: uniformly around that; frames may overtake each other."""

    fault: Literal["delay"]
    ms: Annotated[float, Field(gt=0, le=60_000)]
    jitter_ms: Annotated[float, Field(ge=0, le=60_000)] = 0.0
    direction: Direction = Direction.BOTH


class Reorder(_LinkFault):
    """:param percent: of frames, sent at once, ahead of the others, which wait ``ms``."""

    fault: Literal["reorder"]
    percent: Percent
    ms: Annotated[float, Field(gt=0, le=60_000)] = 10.0
    direction: Direction = Direction.BOTH


class Corrupt(_LinkFault):
    """One bit of such a share of frames is flipped: MACsec discards them."""

    fault: Literal["corrupt"]
    percent: Percent
    direction: Direction = Direction.BOTH


class Duplicate(_LinkFault):
    """Such a share of frames comes twice. The kernel lets the second in where it is within the replay window."""

    fault: Literal["duplicate"]
    percent: Percent
    direction: Direction = Direction.BOTH


class Rate(_LinkFault):
    """The fibre carries no more than this."""

    fault: Literal["rate"]
    mbps: Annotated[float, Field(gt=0, le=400_000)]
    direction: Direction = Direction.BOTH


class Flap(_LinkFault):
    """Carrier goes and comes. :param period: seconds of one turn. :param down: seconds of each turn without carrier."""

    fault: Literal["flap"]
    period: Annotated[float, Field(ge=0.2, le=3600)]
    down: Annotated[float, Field(ge=0.1, le=3600)]


class Mtu(_LinkFault):
    """Frames longer than ``bytes`` (Ethernet payload) vanish on the way, without a word to anybody."""

    fault: Literal["mtu"]
    bytes: Annotated[int, Field(ge=576, le=65535)]
    direction: Direction = Direction.BOTH


class PowerOff(_Fault):
    """Routers lose power: their daemons end at once and their links lose carrier. Its end: they boot with the state they had.

    :param on: a router, or a provider: all its routers. :param coordinator: of a provider its coordinator's process ends too.
    """

    fault: Literal["power-off"]
    on: str
    coordinator: bool = True


class Kill(_Fault):
    """A daemon of a router (``zebra``, ``bgpd``, ``bfdd``, ``edged``) or a ``coordinator`` ends by SIGKILL; its end: it is started again.

    :param on: the node.
    """

    fault: Literal["kill"]
    on: str
    daemon: Literal["zebra", "bgpd", "bfdd", "edged", "coordinator"]


class Stop(_Fault):
    """A daemon is stopped (SIGSTOP) as if it hung; its end: it goes on."""

    fault: Literal["stop"]
    on: str
    daemon: Literal["zebra", "bgpd", "bfdd", "edged", "coordinator"]


class SlowCpu(_Fault):
    """All daemons of a node together, or one, get no more than this share of a processor, and no real-time priority.

    :param on: a router, or a coordinator's node. :param daemon: the only one that is slow; all of the node's where absent.
    """

    fault: Literal["slow-cpu"]
    on: str
    percent: Percent
    daemon: Literal["zebra", "bgpd", "bfdd", "edged", "coordinator"] | None = None


class WrongCak(_Fault):
    """One side of a channel has another CAK under the same CKN: agreement ends, and nothing leaves in clear.

    :param on: a channel. :param side: the provider whose key is wrong.
    """

    fault: Literal["wrong-cak"]
    on: str
    side: str


class MkaDrop(_LinkFault):
    """Key agreement frames (EtherType 0x888E) vanish; all else passes."""

    fault: Literal["mka-drop"]
    direction: Direction = Direction.BOTH


class DataDrop(_LinkFault):
    """Protected frames (EtherType 0x88E5) vanish, and key agreement passes: a device whose encryption has hung."""

    fault: Literal["data-drop"]
    direction: Direction = Direction.BOTH


class Replay(_LinkFault):
    """At the facility, protected frames are recorded and sent again once they are older than the replay window.

    :param rate: frames a second, each way.
    """

    fault: Literal["replay"]
    rate: Annotated[float, Field(ge=1, le=1_000)] = 50.0
    direction: Direction = Direction.FIRST


class Forge(_LinkFault):
    """At the facility, frames that no router has sent are put in.

    :param frames: protected ones with a wrong integrity check value (icv), of a secure channel that there is not (sci), in
        the clear (plain), or each in turn (mixed). :param rate: frames a second, each way.
    """

    fault: Literal["forge"]
    frames: Literal["mixed", "icv", "sci", "plain"] = "mixed"
    rate: Annotated[float, Field(ge=1, le=1_000)] = 50.0
    direction: Direction = Direction.FIRST


class PnExhaustion(_Fault):
    """A channel's packet numbers come near their end: the key server must replace the SAK in time. :param on: a channel."""

    fault: Literal["pn-exhaustion"]
    on: str


class BgpShut(_Fault):
    """BGP of a channel is shut administratively, at one side. :param on: a channel, a facility or ``all``."""

    fault: Literal["bgp-shut"]
    on: str
    side: str


class Md5Mismatch(_Fault):
    """One side of a channel's BGP sessions has another MD5 key. :param on: a channel."""

    fault: Literal["md5-mismatch"]
    on: str
    side: str


class PrefixOverflow(_Fault):
    """A gateway announces more prefixes than the other side accepts, in one connection, over all its channels, of both families.

    :param side: the provider whose gateway announces them. :param connection: its name; the only one by default.
    :param count: how many of each family; None for one more than the peer's limit.
    """

    fault: Literal["prefix-overflow"]
    side: str
    connection: str | None = None
    count: Annotated[int, Field(ge=1, le=100_000)] | None = None


class RouteLeak(_Fault):
    """A gateway announces a prefix that is not its customer's. :param prefix: in CIDR notation."""

    fault: Literal["route-leak"]
    side: str
    prefix: str
    connection: str | None = None


class ApiFault(_Fault):
    """Calls of one coordinator to its peers meet a fault.

    :param side: the provider that calls. :param effect: the request or its answer is lost, the request comes twice or late, or the
        peer is out of reach. :param operation: an operationId; None for every operation. :param times: how many calls; None for all.
    """

    fault: Literal["api"]
    side: str
    effect: Literal["request-lost", "answer-lost", "duplicate", "delay", "unreachable"]
    operation: str | None = None
    times: Annotated[int, Field(ge=1)] | None = None
    seconds: Annotated[float, Field(gt=0, le=86_400)] = 5.0


class ClockSkew(_Fault):
    """A coordinator's idea of the time, in signatures and policy, is wrong by this. :param seconds: positive is ahead."""

    fault: Literal["clock-skew"]
    side: str
    seconds: Annotated[float, Field(ge=-86_400, le=86_400)]


class FullDisk(_Fault):
    """The file system of a coordinator's store has no room left: nothing can be committed."""

    fault: Literal["full-disk"]
    side: str


class CertificateExpiry(_Fault):
    """A coordinator's certificate, as a server and as a client, has expired. Its end: it has a good one again."""

    fault: Literal["certificate-expiry"]
    side: str


Fault = Annotated[
    Cut
    | Blackhole
    | Loss
    | Delay
    | Reorder
    | Corrupt
    | Duplicate
    | Rate
    | Flap
    | Mtu
    | PowerOff
    | Kill
    | Stop
    | SlowCpu
    | WrongCak
    | MkaDrop
    | DataDrop
    | Replay
    | Forge
    | PnExhaustion
    | BgpShut
    | Md5Mismatch
    | PrefixOverflow
    | RouteLeak
    | ApiFault
    | ClockSkew
    | FullDisk
    | CertificateExpiry,
    Field(discriminator="fault"),
]

FAULT: TypeAdapter[Fault] = TypeAdapter(Fault)
"""Reads a fault from what JSON or YAML holds of it."""

LINK_FAULTS = (
    Cut,
    Blackhole,
    Loss,
    Delay,
    Reorder,
    Corrupt,
    Duplicate,
    Rate,
    Flap,
    Mtu,
    MkaDrop,
    DataDrop,
    Replay,
    Forge,
)
