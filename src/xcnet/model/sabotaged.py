"""A plan whose routers lack something: what :class:`xcnet.model.sabotage.Sabotage` takes out of the plan itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from xcnet.model.desired import GracefulRestart, RouterState
from xcnet.model.monitoring import MonitorPolicy
from xcnet.model.network import ProviderNetwork
from xcnet.model.plan import Plan
from xcnet.model.profile import BgpTimers, PrefixLimit, Profile
from xcnet.model.routers import render
from xcnet.model.sabotage import Sabotage

_LONGEST = 65535
"""Seconds: BGP's longest hold time."""
_MOST = 4294967295
_STALE = 4095


def sabotaged(plan: Plan, sabotage: Sabotage) -> Plan:
    """The plan with ``sabotage`` in it. Names, keys and agreements stay; what is not the plan's business is left to the lab."""
    change = _CHANGES.get(sabotage)
    networks = plan.networks
    if change is not None:
        networks = {key: replace(start, network=change(start.network)) for key, start in networks.items()}
    profiles = plan.profiles
    if sabotage is Sabotage.NO_MONITOR:
        profiles = {name: _unwatched(profile) for name, profile in profiles.items()}
    routers: dict[str, RouterState] = {}
    for start in networks.values():
        routers |= render(start.network, start.channels, start.attachments)
    return replace(plan, networks=networks, profiles=profiles, routers=routers, sabotage=sabotage)


def _unwatched(profile: Profile) -> Profile:
    off = MonitorPolicy(enabled=False)
    return profile.model_copy(update={"coordinator": profile.coordinator.model_copy(update={"monitor": off})})


def _bfd_off(network: ProviderNetwork) -> ProviderNetwork:
    return network.model_copy(update={"external": network.external.model_copy(update={"bfd": None})})


def _hold_off(network: ProviderNetwork) -> ProviderNetwork:
    timers = BgpTimers(keepalive=_LONGEST // 3, hold=_LONGEST)
    return network.model_copy(update={"external": network.external.model_copy(update={"bgp": timers})})


def _no_limit(network: ProviderNetwork) -> ProviderNetwork:
    return network.model_copy(update={"prefix_limit": PrefixLimit(ipv4=_MOST, ipv6=_MOST)})


def _no_withdrawal(network: ProviderNetwork) -> ProviderNetwork:
    """Graceful restart (RFC 4724) of routers that do not forward meanwhile: their routes are kept all the same."""
    stale = GracefulRestart(restart_time=_STALE, stale_path_time=_STALE)
    internal = network.internal.model_copy(update={"bfd": None})
    external = network.external.model_copy(update={"bfd": None})
    return network.model_copy(update={"graceful_restart": stale, "internal": internal, "external": external})


_CHANGES: dict[Sabotage, Callable[[ProviderNetwork], ProviderNetwork]] = {
    Sabotage.BFD_OFF: _bfd_off,
    Sabotage.HOLD_OFF: _hold_off,
    Sabotage.NO_LIMIT: _no_limit,
    Sabotage.NO_WITHDRAWAL: _no_withdrawal,
}


__all__ = ["sabotaged"]
