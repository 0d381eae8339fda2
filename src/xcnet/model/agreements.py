"""What the providers of a topology have agreed on out of band, with everything made up that the topology leaves out."""

from __future__ import annotations

from collections import Counter
from itertools import count

from xcnet.model.accounts import made_up_account
from xcnet.model.environments import DEFERRAL_TIMEOUT_HOURS, Environment, Visibility
from xcnet.model.plan_agreed import PlannedCustomer, PlannedEnvironment, PlannedInterconnect, PlannedSite
from xcnet.model.topology import Interconnect, LoadedTopology, Topology

MEMBER_RATE = 100_000_000_000
"""Of a channel whose link has no rate: a port of 100 Gbit/s, as both providers interconnect with."""

LAB_CUSTOMER = "lab"
"""The customer of a topology that names none."""


def common_sizes(loaded: LoadedTopology, providers: tuple[str, ...]) -> tuple[int, ...]:
    """The bandwidths that all of these providers have, the smallest first."""
    offered = [set(loaded.profiles[key].coordinator.sizes) for key in providers]
    return tuple(sorted(set.intersection(*offered)))


def capacity(interconnect: Interconnect) -> int:
    """Bits per second for all connections together."""
    return interconnect.capacity or min(channel.link.rate or MEMBER_RATE for channel in interconnect.channels)


def macsec_managers(topology: Topology) -> dict[str, str]:
    """Channel -> the provider that makes its keys.

    Where the topology does not say, it is the one of the two that manages fewer of the channels between them so far.
    """
    managers: dict[str, str] = {}
    burden: dict[frozenset[str], Counter[str]] = {}
    for interconnect in topology.interconnects:
        held = burden.setdefault(frozenset(interconnect.providers), Counter())
        held.update(channel.macsec_manager for channel in interconnect.channels if channel.macsec_manager)
    for interconnect in topology.interconnects:
        held = burden[frozenset(interconnect.providers)]
        for channel in interconnect.channels:
            manager = channel.macsec_manager
            if manager is None:
                manager = min(interconnect.providers, key=lambda provider: held[provider])
                held[manager] += 1
            managers[channel.name] = manager
    return managers


def plan_environments(loaded: LoadedTopology) -> tuple[PlannedEnvironment, ...]:
    """The topology's environments; where it has none, one for each two providers that share an interconnect."""
    if loaded.topology.environments:
        return tuple(_written(loaded, environment) for environment in loaded.topology.environments)
    pairs: dict[frozenset[str], list[Interconnect]] = {}
    for interconnect in loaded.topology.interconnects:
        pairs.setdefault(frozenset(interconnect.providers), []).append(interconnect)
    made: dict[str, PlannedEnvironment] = {}
    for interconnects in pairs.values():
        first, second = interconnects[0].providers
        # Hyphens in providers' names can make two pairs sound alike.
        names = (f"{first}-{second}" + (f"-{number}" if number > 1 else "") for number in count(1))
        name = next(name for name in names if name not in made)
        made[name] = PlannedEnvironment(
            name=name,
            sites={
                key: PlannedSite(f"{key}-site", f"{loaded.profiles[key].display_name} site") for key in (first, second)
            },
            interconnects=tuple(interconnect.name for interconnect in interconnects),
            sizes_bps=common_sizes(loaded, (first, second)),
            defer_provisioning=False,
            deferral_timeout_hours=DEFERRAL_TIMEOUT_HOURS,
            visibility=Visibility.PUBLIC,
        )
    return tuple(made.values())


def _written(loaded: LoadedTopology, environment: Environment) -> PlannedEnvironment:
    sizes = environment.sizes
    return PlannedEnvironment(
        name=environment.name,
        sites={key: PlannedSite(site.site, site.display_name or site.site) for key, site in environment.sites.items()},
        interconnects=environment.interconnects,
        sizes_bps=common_sizes(loaded, tuple(environment.sites)) if sizes is None else tuple(sorted(sizes)),
        defer_provisioning=environment.defer_provisioning,
        deferral_timeout_hours=environment.deferral_timeout_hours,
        visibility=environment.visibility,
    )


def plan_interconnects(loaded: LoadedTopology) -> tuple[PlannedInterconnect, ...]:
    """The interconnects, in the topology's order."""
    environments = {
        name: environment.name for environment in plan_environments(loaded) for name in environment.interconnects
    }
    return tuple(
        PlannedInterconnect(
            name=interconnect.name,
            environment=environments[interconnect.name],
            providers=(interconnect.providers[0], interconnect.providers[1]),
            channels=tuple(channel.name for channel in interconnect.channels),
            capacity_bps=capacity(interconnect),
            closed=interconnect.closed,
        )
        for interconnect in loaded.topology.interconnects
    )


def plan_customers(loaded: LoadedTopology) -> tuple[PlannedCustomer, ...]:
    """The topology's customers; where it has none, one with an account at every provider."""
    if loaded.topology.customers:
        return tuple(PlannedCustomer(customer.name, dict(customer.accounts)) for customer in loaded.topology.customers)
    accounts = {
        key: made_up_account(profile.coordinator.customer_identity, loaded.name, LAB_CUSTOMER, key)
        for key, profile in loaded.profiles.items()
    }
    return (PlannedCustomer(LAB_CUSTOMER, accounts),)


__all__ = [
    "LAB_CUSTOMER",
    "MEMBER_RATE",
    "capacity",
    "common_sizes",
    "macsec_managers",
    "plan_customers",
    "plan_environments",
    "plan_interconnects",
]
