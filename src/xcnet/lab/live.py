"""The plan as the coordinators have made it: what stands now, for those who show, prove or measure it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from xcnet.errors import XcnetError
from xcnet.model.attachments import FeatureTerms
from xcnet.model.desired import RouterState
from xcnet.model.plan import Plan, PlannedConnection

if TYPE_CHECKING:
    from xcnet.coordinator.daemon.views import ConnectionView, FeatureView, LegView
    from xcnet.lab.running import RunningLab

_MEGA = 1_000_000


async def live_plan(lab: RunningLab) -> Plan:
    """The lab's plan with routers, connections and hosts as they are to be now.

    A coordinator that does not answer leaves its side as it was last known; without any there is the plan of the start.
    """
    coordinators = lab.coordinators
    answers = await asyncio.gather(*(_network(lab, provider) for provider in coordinators.providers))
    networks = {
        provider: each for provider, each in zip(coordinators.providers, answers, strict=True) if each is not None
    }
    if not networks:
        return replace(lab.plan, routers=dict(lab.states))
    for network in networks.values():
        for node, state in network["routers"].items():
            lab.states[node] = RouterState.model_validate(state)
    return live(lab.plan, dict(lab.states), {provider: each["connections"] for provider, each in networks.items()})


async def _network(lab: RunningLab, provider: str) -> dict[str, Any] | None:
    try:
        answer: dict[str, Any] = await lab.coordinators.ask_now(provider, {"query": "network"})
    except XcnetError:
        return None
    return answer


def live(plan: Plan, states: dict[str, RouterState], connections: dict[str, list[dict[str, Any]]]) -> Plan:
    """:param connections: provider -> its connections, as its coordinator shows them."""
    from xcnet.coordinator.daemon.views import ConnectionView

    held: dict[str, dict[str, ConnectionView]] = {}
    for provider, found in connections.items():
        for raw in found:
            view = ConnectionView.model_validate(raw)
            if view.legs and view.legs[-1].features:
                held.setdefault(view.uuid, {})[provider] = view
    # Each side has its own name for it; here it has that of the first one.
    names = {
        (provider, view.name): next(iter(sides.values())).name
        for sides in held.values()
        for provider, view in sides.items()
    }
    routers = {node: _renamed(state, names) for node, state in states.items()}
    ports = {
        (provider, view.port): view.uuid
        for uuid, sides in held.items()
        for provider, view in sides.items()
        if view.port
    }
    plugged: dict[str, dict[str, str]] = {}
    hosts = []
    for order in plan.orders:
        for provider, side in order.sides.items():
            uuid = ports.get((provider, side.port)) if side.port is not None else None
            if uuid is None or side.host is None:
                continue
            plugged.setdefault(uuid, {})[provider] = side.host
            addressing = next(each for each in plan.hosts if each.node == side.host)
            hosts.append(replace(addressing, connection=next(iter(held[uuid].values())).name))
    made = [_connection(sides, plugged.get(uuid, {})) for uuid, sides in held.items()]
    return replace(plan, routers=routers, connections=tuple(made), hosts=tuple(hosts))


def _renamed(state: RouterState, names: dict[tuple[str, str], str]) -> RouterState:
    vrfs = tuple(
        vrf.model_copy(update={"connection": names.get((state.provider, vrf.connection), vrf.connection)})
        for vrf in state.vrfs
    )
    return state.model_copy(update={"vrfs": vrfs})


def _connection(sides: dict[str, ConnectionView], hosts: dict[str, str]) -> PlannedConnection:
    provider, view = next(iter(sides.items()))
    leg = view.legs[-1]
    features = tuple(_terms(provider, leg, feature) for feature in leg.features)
    return PlannedConnection(
        name=view.name,
        vlan=features[0].vlan,
        vrf=view.vrf,
        mtu=min(feature.mtu for feature in features),
        bandwidth_bps=leg.bandwidth_mbps * _MEGA,
        channels=tuple(feature.channel for feature in features),
        hosts=hosts,
        features=features,
    )


def _terms(provider: str, leg: LegView, feature: FeatureView) -> FeatureTerms:
    return FeatureTerms(
        channel=feature.channel,
        vlan=feature.vlan,
        mtu=feature.mtu,
        subnets=tuple(ip_network(each) for each in feature.subnets),
        hosts={
            provider: tuple(ip_address(each) for each in feature.own),
            leg.peer: tuple(ip_address(each) for each in feature.peer),
        },
        asns={provider: feature.own_asn, leg.peer: feature.peer_asn},
    )


__all__ = ["live", "live_plan"]
