"""What the monitor is shown, put together of what routers show, what they have counted, and what is in the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xcnet.coordinator.acts import findings, uses
from xcnet.coordinator.acts.uses import Use
from xcnet.coordinator.config import InterconnectConfig
from xcnet.coordinator.core import Core
from xcnet.coordinator.daemon.counted import Counted
from xcnet.coordinator.monitor.seen import ChannelSeen, InterconnectSeen, Prefixes, Probes
from xcnet.edge.report import ProbeReport
from xcnet.model import naming
from xcnet.model.network import ChannelPort, ProviderNetwork
from xcnet.model.observed import RouterObservation

_START_SECONDS = 60.0
"""After the process began: what has worked in an earlier life, and not been seen to since, should by then."""


class Sight:
    """Has no clock of its own. :param started: when the process began, by the clock of :meth:`look`."""

    def __init__(self, core: Core, network: ProviderNetwork, started: float) -> None:
        self._world = core.world
        self._network = network
        self._started = started
        self._worked: set[str] = set()
        self._uses: tuple[int, list[Use]] = -1, []

    def look(
        self,
        now: float,
        shown: Mapping[str, RouterObservation],
        *,
        drops: Mapping[str, int],
        probes: Mapping[str, ProbeReport],
        counted: Mapping[str, Counted],
        prefixes: Mapping[str, Prefixes],
    ) -> list[InterconnectSeen]:
        """All interconnects. :param drops: channel -> how often it went down, and so on for the others."""
        on: dict[str, list[Use]] = {}
        for use in self._every_use():
            on.setdefault(use.channel, []).append(use)
        held, excused = findings.held(self._world.db), findings.excused(self._world.db)
        found = []
        for environment in self._world.config.environments:
            for interconnect in environment.interconnects:
                channels = []
                for each in interconnect.channels:
                    name = each.name
                    probed = probes.get(name)
                    channels.append(
                        self._channel(
                            now,
                            self._network.channel(name),
                            shown,
                            on.get(name, []),
                            drops=drops.get(name, 0),
                            probes=Probes(probed.answered, probed.lost) if probed is not None else None,
                            counted=counted.get(name),
                            prefixes=prefixes.get(name),
                            held=name in held,
                            excused=name in excused,
                        )
                    )
                found.append(_interconnect(interconnect, environment.peer, tuple(channels), on))
        return found

    def _channel(
        self,
        now: float,
        port: ChannelPort,
        shown: Mapping[str, RouterObservation],
        on: list[Use],
        *,
        drops: int,
        probes: Probes | None,
        counted: Counted | None,
        prefixes: Prefixes | None,
        held: bool,
        excused: bool,
    ) -> ChannelSeen:
        facts, name = self._world.facts, port.name
        router = shown.get(self._network.edges[port.edge])
        seen = router.channel(name) if router is not None else None
        up = {each.uuid: facts.up.get((each.uuid, name)) for each in on}
        ready = seen is not None and seen.ready
        broken = tuple(uuid for uuid, works in up.items() if works is not True)
        if ready and not broken:
            self._worked.add(name)
        carrying = {each.uuid for each in on if facts.carrying.get((each.uuid, name))}
        idle = ready and not broken and bool(on) and not carrying
        one_way = [each.uuid for each in on if each.final and each.uuid in carrying and each.peer_final is False]
        arriving = idle and counted is not None and counted.arriving
        return ChannelSeen(
            name=name,
            known=seen is not None and router is not None and router.running,
            expected=name in self._worked or (bool(on) and now - self._started >= _START_SECONDS),
            ready=ready,
            carrier=seen is not None and seen.carrier,
            connections=tuple(up),
            broken=broken,
            one_way=tuple(one_way),
            unanswered=tuple(each.uuid for each in on) if arriving else (),
            planned=uses.planned(self._world, name),
            excused=excused,
            held=held,
            idle=idle,
            drops=drops,
            probes=probes,
            busy=counted is not None and counted.busy,
            refused=counted.refused if counted is not None else None,
            prefixes=prefixes,
        )

    def _every_use(self) -> list[Use]:
        """Read again only if anything at all was written since."""
        changes = self._world.db.changes
        if changes != self._uses[0]:
            self._uses = changes, uses.every(self._world)
        return self._uses[1]

    def prefixes(self, shown: Mapping[str, RouterObservation]) -> dict[str, Prefixes]:
        """Channel -> the session on it that is nearest to its limit."""
        limit = {4: self._network.prefix_limit.ipv4, 6: self._network.prefix_limit.ipv6}
        nearest: dict[str, Prefixes] = {}
        for use in self._every_use():
            port = self._network.channel(use.channel)
            router = shown.get(self._network.edges[port.edge])
            vrf = router.vrfs.get(naming.vrf_device(use.name)) if router is not None else None
            if vrf is None:
                continue
            interface = naming.vlan_interface(port.port, use.vlan)
            for family in (4, 6):
                held = vrf.through(interface, family)
                before = nearest.get(use.channel)
                if before is None or held / limit[family] > before.held / before.limit:
                    nearest[use.channel] = Prefixes(use.uuid, family, held, limit[family])
        return nearest


def _interconnect(
    config: InterconnectConfig, peer: str, channels: tuple[ChannelSeen, ...], on: Mapping[str, Iterable[Use]]
) -> InterconnectSeen:
    sold = {use.uuid: use.mbps for each in config.channels for use in on.get(each.name, ())}
    return InterconnectSeen(
        name=config.name,
        peer=peer,
        channels=channels,
        sold=tuple(sold.values()),
        member_mbps=1000 * min(each.size_gbps for each in config.channels),
    )


__all__ = ["Sight"]
