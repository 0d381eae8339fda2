"""Gathers a lab's status: daemons and tables asked in a worker thread, routers' own reports side by side."""

from __future__ import annotations

import asyncio
import os

from xcnet.edge.report import ChannelReport, EdgeReport
from xcnet.errors import XcnetError
from xcnet.frr.lifecycle import DAEMONS
from xcnet.frr.state import BfdPeer, BgpSession, RouterRouting
from xcnet.frr.state import read as read_routing
from xcnet.lab.coordinators import PROCESS
from xcnet.lab.live import live_plan
from xcnet.lab.readiness import expected_routes
from xcnet.lab.running import RunningLab
from xcnet.lab.status import (
    ChannelEndStatus,
    ChannelStatus,
    Health,
    LabStatus,
    NodeStatus,
    RouteStatus,
    SessionStatus,
    worst,
)
from xcnet.model.desired import RouterState
from xcnet.model.plan import ChannelEnd, NodeKind, Plan, PlannedChannel
from xcnet.netlink import routes
from xcnet.netlink.socket import NetlinkSocket
from xcnet.waiting import Deadline

_ANSWER_SECONDS = 5.0


async def collect_status(lab: RunningLab) -> LabStatus:
    """What is so now. A daemon that does not answer shows as down; it does not fail the picture."""
    plan = await live_plan(lab)
    reports, silent, (routing, found) = await asyncio.gather(
        _edges(lab), _silent(lab), asyncio.to_thread(_tables, lab, plan)
    )
    channels = tuple(_channel(channel, reports, lab) for channel in lab.plan.channels)
    sessions = tuple(
        session for name, state in plan.routers.items() for session in _sessions(name, state, routing.get(name))
    )
    nodes = tuple(_node(lab, node.name, node.kind.value, node.provider, silent) for node in lab.plan.nodes)
    parts = [node.health for node in nodes] + [channel.health for channel in channels]
    parts += [Health.UP if _whole(session) else Health.DOWN for session in sessions]
    parts += [Health.UP if len(r.next_hops) >= r.expected_next_hops else Health.DEGRADED for r in found]
    return LabStatus(
        name=lab.paths.name,
        topology=lab.plan.topology,
        engine="",
        kernel=os.uname().release,
        uptime_seconds=round(lab.uptime, 3),
        health=worst(parts),
        nodes=nodes,
        channels=channels,
        sessions=sessions,
        routes=found,
    )


async def _edges(lab: RunningLab) -> dict[str, EdgeReport]:
    async def one(node: str) -> EdgeReport | None:
        try:
            return await lab.edge(node).status(deadline=Deadline(_ANSWER_SECONDS))
        except XcnetError:
            return None

    names = [name for name, state in lab.states.items() if state.channels and lab.supervisor.get(name, "edged")]
    answers = await asyncio.gather(*(one(name) for name in names))
    return {name: answer for name, answer in zip(names, answers, strict=True) if answer is not None}


async def _silent(lab: RunningLab) -> set[str]:
    """Nodes whose coordinator runs and does not answer."""
    providers = lab.coordinators.providers
    answers = await asyncio.gather(*map(lab.coordinators.answers, providers))
    return {lab.coordinators.node(each) for each, answered in zip(providers, answers, strict=True) if not answered}


def _tables(lab: RunningLab, plan: Plan) -> tuple[dict[str, RouterRouting], tuple[RouteStatus, ...]]:
    routing: dict[str, RouterRouting] = {}
    for name in lab.states:
        try:
            routing[name] = read_routing(lab.frr_dirs(name))
        except XcnetError:
            continue
    return routing, tuple(_routes(lab, plan))


def _routes(lab: RunningLab, plan: Plan) -> list[RouteStatus]:
    expected = expected_routes(plan)
    held: dict[tuple[str, int, str], list[str]] = {}
    for gateway in {node for node, _table, _prefix in expected}:
        with NetlinkSocket(netns=lab.fabric.netns(gateway)) as netlink:
            for route in routes.dump(netlink):
                hops = [str(hop.gateway) for hop in route.nexthops if not hop.dead and hop.gateway is not None]
                held.setdefault((gateway, route.table, str(route.destination)), []).extend(hops)
    connections = {(name, vrf.table): vrf.connection for name, state in plan.routers.items() for vrf in state.vrfs}
    return [
        RouteStatus(
            node=node,
            connection=connections[(node, table)],
            prefix=prefix,
            next_hops=tuple(sorted(held.get((node, table, prefix), []))),
            expected_next_hops=hops,
        )
        for (node, table, prefix), hops in expected.items()
        if (node, table) in connections
    ]


def _node(lab: RunningLab, name: str, kind: str, provider: str | None, silent: set[str]) -> NodeStatus:
    processes: dict[str, str] = {}
    if name in lab.states:
        for process in ("edged", *DAEMONS):
            processes[process] = "running" if lab.supervisor.get(name, process) else "not running"
    if kind == NodeKind.COORDINATOR:
        running = "not answering" if name in silent else "running"
        processes[PROCESS] = running if lab.supervisor.get(name, PROCESS) else "not running"
    states = [Health.UP if state == "running" else Health.DOWN for state in processes.values()]
    return NodeStatus(name=name, kind=kind, provider=provider, processes=processes, health=worst(states))


def _channel(channel: PlannedChannel, reports: dict[str, EdgeReport], lab: RunningLab) -> ChannelStatus:
    ends = tuple(_end(end, channel.name, reports.get(end.node), lab) for end in channel.ends)
    return ChannelStatus(
        name=channel.name,
        interconnect=channel.interconnect,
        facility=channel.facility,
        health=worst([Health.UP if end.secured else Health.DOWN for end in ends]),
        ends=ends,
    )


def _end(end: ChannelEnd, channel: str, report: EdgeReport | None, lab: RunningLab) -> ChannelEndStatus:
    found: ChannelReport | None = None
    if report is not None:
        found = next((each for each in report.channels if each.name == channel), None)
    if found is None:
        wanted = next(each for each in lab.plan.routers[end.node].channels if each.name == channel)
        return ChannelEndStatus(
            node=end.node,
            device=end.device,
            key_agreement=wanted.key_agreement.value,
            secured=False,
            cipher_suite=None,
            association=None,
            associations=(),
            key_server=None,
            association_number=None,
            key_number=None,
            next_packet_number=None,
            live_peers=0,
            counters={},
        )
    counters = {
        **found.counters,
        "GateDroppedIn": found.gate_dropped[0],
        "GateDroppedOut": found.gate_dropped[1],
    }
    if found.probe is not None:
        counters |= {"ProbesAnswered": found.probe.answered, "ProbesLost": found.probe.lost}
    return ChannelEndStatus(
        node=end.node,
        device=found.device,
        key_agreement=found.key_agreement,
        secured=found.secured,
        cipher_suite=found.cipher_suite.value,
        association=found.association,
        associations=found.associations,
        key_server=found.key_server,
        association_number=found.association_number,
        key_number=found.key_number,
        next_packet_number=found.next_packet_number,
        live_peers=found.live_peers,
        counters=counters,
    )


def _sessions(name: str, state: RouterState, routing: RouterRouting | None) -> list[SessionStatus]:
    """The sessions that the router should have, with what it says of each: one that is missing shows as such."""
    held: dict[tuple[str, str], BgpSession] = {}
    watched: dict[tuple[str, str], BfdPeer] = {}
    if routing is not None:
        held = {(session.vrf, str(session.peer)): session for session in routing.sessions}
        watched = {(peer.vrf, str(peer.peer)): peer for peer in routing.bfd_peers}
    statuses = []
    for vrf in state.vrfs:
        for neighbor in vrf.neighbors:
            key = (vrf.name, str(neighbor.address))
            session, bfd = held.get(key), watched.get(key)
            statuses.append(
                SessionStatus(
                    node=name,
                    connection=vrf.connection,
                    peer=key[1],
                    description=neighbor.description,
                    external=neighbor.remote_asn != vrf.asn,
                    state=session.state if session else "unknown",
                    established_seconds=session.established_seconds if session else None,
                    prefixes_received=session.prefixes_received if session else None,
                    last_reset=session.last_reset if session else None,
                    md5=session.md5 if session else False,
                    bfd=(bfd.status if bfd else "unknown") if neighbor.bfd is not None else None,
                    bfd_detection_ms=bfd.detection_ms if bfd else None,
                )
            )
    return statuses


def _whole(session: SessionStatus) -> bool:
    return session.state == "Established" and session.bfd in (None, "up")


__all__ = ["collect_status"]
