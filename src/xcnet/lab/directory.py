"""Which labs there are, and the names in one: what completion and error messages need without asking the lab itself."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from xcnet.errors import InputError, LabError
from xcnet.lab.paths import LabPaths, check_name
from xcnet.lab.record import recorded_labs
from xcnet.model.network import ProviderNetwork
from xcnet.model.plan import NodeKind, Plan
from xcnet.model.problems import did_you_mean
from xcnet.model.profile import Profile


class AttachedNetwork(BaseModel):
    """A customer's network at one provider, as the topology has it.

    :param environment: where the topology wants it connected. :param mbps: with how much.
    :param port: the gateway's port to its host; None where there is none.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    provider: str
    customer: str
    environment: str
    mbps: int
    port: str | None
    networks: tuple[str, ...]


class EnvironmentEntry(BaseModel):
    """:param providers: the two of them."""

    model_config = ConfigDict(frozen=True)

    name: str
    providers: tuple[str, ...]


class ChannelEntry(BaseModel):
    """:param ends: provider -> its edge, in the environment's order. :param devices: edge -> its MACsec device."""

    model_config = ConfigDict(frozen=True)

    name: str
    interconnect: str
    facility: str
    ends: dict[str, str]
    devices: dict[str, str]


class TimersEntry(BaseModel):
    """A provider's own side of sessions with others. :param keepalive: seconds, :param hold: likewise.
    :param bfd: transmit and receive interval in milliseconds, and multiplier; None without BFD.
    :param prefix_limit: IP version -> prefixes accepted in one session.
    :param monitor_hold: seconds that a channel is healthy before the monitor uses it as before; None without a monitor.
    :param mtu: the largest that it accepts for a connection.
    """

    model_config = ConfigDict(frozen=True)

    keepalive: int
    hold: int
    bfd: tuple[int, int, int] | None
    prefix_limit: dict[int, int]
    monitor_hold: float | None = None
    mtu: int = 0


class Directory(BaseModel):
    """The names in a lab. Written at bring-up beside the lab's record; holds nothing secret.

    :param hosts: those of the nodes that are customers\' hosts.
    :param providers: key -> what it is called. :param customers: name -> its account at each provider.
    :param layout: where each channel runs. :param timers: provider -> those of its sessions with others.
    """

    model_config = ConfigDict(frozen=True)

    nodes: tuple[str, ...]
    routers: tuple[str, ...]
    channels: tuple[str, ...]
    connections: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    providers: dict[str, str] = {}
    environments: tuple[EnvironmentEntry, ...] = ()
    customers: dict[str, dict[str, str]] = {}
    networks: tuple[AttachedNetwork, ...] = ()
    layout: tuple[ChannelEntry, ...] = ()
    timers: dict[str, TimersEntry] = {}

    @classmethod
    def of(cls, plan: Plan) -> Directory:
        return cls(
            nodes=tuple(node.name for node in plan.nodes),
            routers=tuple(plan.routers),
            channels=tuple(channel.name for channel in plan.channels),
            connections=tuple(connection.name for connection in plan.connections),
            hosts=tuple(node.name for node in plan.nodes if node.kind is NodeKind.HOST),
            providers={key: provider.display_name for key, provider in plan.providers.items()},
            environments=tuple(
                EnvironmentEntry(name=each.name, providers=tuple(each.sites)) for each in plan.environments
            ),
            customers={customer.name: dict(customer.accounts) for customer in plan.customers},
            networks=tuple(
                AttachedNetwork(
                    name=order.name,
                    provider=provider,
                    customer=order.customer,
                    environment=order.environment,
                    mbps=order.bandwidth_bps // 1_000_000,
                    port=side.port,
                    networks=tuple(str(each) for each in side.networks),
                )
                for order in plan.orders
                for provider, side in order.sides.items()
            ),
            layout=tuple(
                ChannelEntry(
                    name=channel.name,
                    interconnect=channel.interconnect,
                    facility=channel.facility,
                    ends={end.provider: end.node for end in channel.ends},
                    devices={end.node: end.device for end in channel.ends},
                )
                for channel in plan.channels
            ),
            timers={
                provider: _timers(planned.network, plan.profiles[provider])
                for provider, planned in plan.networks.items()
            },
        )

    @staticmethod
    def _file(paths: LabPaths) -> Path:
        return paths.run_dir / "directory.json"

    def write(self, paths: LabPaths) -> None:
        self._file(paths).write_text(self.model_dump_json() + "\n")

    @classmethod
    def read(cls, paths: LabPaths) -> Directory:
        """:raises LabError: the lab was never fully brought up."""
        try:
            return cls.model_validate_json(cls._file(paths).read_text())
        except (OSError, ValidationError):
            raise LabError(
                f"lab {paths.name!r} was not fully brought up",
                where=str(paths.run_dir),
                remedy=f"run 'xcnet down --name {paths.name}', then bring it up again",
            ) from None


def _timers(network: ProviderNetwork, profile: Profile) -> TimersEntry:
    bgp, bfd = network.external.bgp, network.external.bfd
    monitor = profile.coordinator.monitor
    return TimersEntry(
        keepalive=bgp.keepalive,
        hold=bgp.hold,
        bfd=(bfd.transmit_ms, bfd.receive_ms, bfd.multiplier) if bfd is not None else None,
        prefix_limit={4: network.prefix_limit.ipv4, 6: network.prefix_limit.ipv6},
        monitor_hold=monitor.hold_seconds if monitor.enabled else None,
        mtu=profile.mtu.maximum,
    )


def pick(kind: str, wanted: str, known: tuple[str, ...]) -> str:
    """``wanted`` if it is known.

    :raises InputError: it is not; names the nearest and lists all.
    """
    if wanted in known:
        return wanted
    raise InputError(f"there is no {kind} {wanted!r} in this lab", where=kind, remedy=did_you_mean(wanted, known))


def find_lab(name: str | None) -> LabPaths:
    """The named lab, or the only one there is.

    :raises LabError: there is none, none of that name, or a choice to make.
    """
    labs = recorded_labs()
    if name is not None:
        check_name(name)
        if name not in labs:
            listed = f"there are: {', '.join(labs)}" if labs else "run 'xcnet up' to bring one up"
            raise LabError(f"there is no lab {name!r}", where="--name", remedy=listed)
        return LabPaths.of(name)
    if not labs:
        raise LabError("no lab is running", remedy="run 'xcnet up' to bring one up")
    if len(labs) > 1:
        raise LabError(
            "more than one lab is there: " + ", ".join(labs), where="--name", remedy="say which one with --name"
        )
    return LabPaths.of(labs[0])


__all__ = ["AttachedNetwork", "ChannelEntry", "Directory", "EnvironmentEntry", "TimersEntry", "find_lab", "pick"]
