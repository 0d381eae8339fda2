"""Checks of what providers have agreed on: environments, capacities, bandwidths, who makes keys, customers' accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xcnet.model.accounts import account_words, is_account
from xcnet.model.agreements import LAB_CUSTOMER, capacity, common_sizes, plan_customers, plan_environments
from xcnet.model.environments import Environment
from xcnet.model.fields import written_rate
from xcnet.model.problems import Path, Problem, did_you_mean, twice
from xcnet.model.topology import LoadedTopology, Topology


def check_agreed_names(topology: Topology) -> list[Problem]:
    """Everything that can be found without the profiles."""
    environments, customers = topology.environments, topology.customers
    return [
        *twice("environment", ((("environments", i, "name"), each.name) for i, each in enumerate(environments))),
        *twice("customer", ((("customers", i, "name"), each.name) for i, each in enumerate(customers))),
        *_environments(topology),
        *_managers(topology),
        *_customers(topology),
    ]


def check_agreed_terms(loaded: LoadedTopology) -> list[Problem]:
    """Everything wrong with a topology whose names are right."""
    offered = [*_sizes(loaded), *_deferral(loaded)]
    return [*offered, *([] if offered else _bandwidths(loaded)), *_accounts(loaded)]


def _environments(topology: Topology) -> Iterator[Problem]:
    if not topology.environments:
        return
    interconnects = {interconnect.name: interconnect for interconnect in topology.interconnects}
    members: dict[str, Environment] = {}
    for i, environment in enumerate(topology.environments):
        here: Path = ("environments", i)
        for key in environment.sites:
            if key not in topology.providers:
                remedy = did_you_mean(key, topology.providers)
                yield Problem((*here, "sites", key), f"there is no provider '{key}'", remedy, at_key=True)
        for number, name in enumerate(environment.interconnects):
            path = (*here, "interconnects", number)
            interconnect = interconnects.get(name)
            if interconnect is None:
                yield Problem(path, f"there is no interconnect '{name}'", did_you_mean(name, interconnects))
            elif name in members:
                cause = f"interconnect '{name}' is in environment '{members[name].name}' already"
                yield Problem(path, cause, "name each interconnect once")
            elif set(environment.sites) <= set(topology.providers) and set(environment.sites) != set(
                interconnect.providers
            ):
                cause = f"interconnect '{name}' joins {_both(interconnect.providers)}, the sites are of {_both(environment.sites)}"
                yield Problem(path, cause, "put it into an environment of its own two providers")
            if interconnect is not None:
                members.setdefault(name, environment)
    for i, interconnect in enumerate(topology.interconnects):
        if interconnect.name not in members:
            cause = f"interconnect '{interconnect.name}' is in no environment"
            known = ", ".join(environment.name for environment in topology.environments)
            remedy = f"add it to the interconnects of one: {known}"
            yield Problem(("interconnects", i, "name"), cause, remedy)


def _both(providers: Iterable[str]) -> str:
    return " and ".join(f"'{key}'" for key in providers)


def _managers(topology: Topology) -> Iterator[Problem]:
    for i, interconnect in enumerate(topology.interconnects):
        for c, channel in enumerate(interconnect.channels):
            manager = channel.macsec_manager
            if manager is not None and manager not in interconnect.providers:
                yield Problem(
                    ("interconnects", i, "channels", c, "macsec_manager"),
                    f"'{manager}' is not a side of interconnect '{interconnect.name}'",
                    did_you_mean(manager, interconnect.providers),
                )


def _customers(topology: Topology) -> Iterator[Problem]:
    for i, customer in enumerate(topology.customers):
        for key in customer.accounts:
            if key not in topology.providers:
                remedy = did_you_mean(key, topology.providers)
                yield Problem(("customers", i, "accounts", key), f"there is no provider '{key}'", remedy, at_key=True)
    known = [customer.name for customer in topology.customers] or [LAB_CUSTOMER]
    for i, connection in enumerate(topology.connections):
        name = connection.customer
        if name is not None and name not in known:
            yield Problem(("connections", i, "customer"), f"there is no customer '{name}'", did_you_mean(name, known))


def _sizes(loaded: LoadedTopology) -> Iterator[Problem]:
    if not loaded.topology.environments:
        for i, interconnect in enumerate(loaded.topology.interconnects):
            if not common_sizes(loaded, interconnect.providers):
                yield _nothing_common(("interconnects", i, "providers"), interconnect.providers)
        return
    for i, environment in enumerate(loaded.topology.environments):
        if environment.sizes is None:
            if not common_sizes(loaded, tuple(environment.sites)):
                yield _nothing_common(("environments", i, "sites"), tuple(environment.sites))
            continue
        for number, size in enumerate(environment.sizes):
            for key in environment.sites:
                offered = loaded.profiles[key].coordinator.sizes
                if size not in offered:
                    yield Problem(
                        ("environments", i, "sizes", number),
                        f"{loaded.profiles[key].display_name} has no connections of {written_rate(size)}",
                        f"write some of {_written(offered)}; or change providers.{key}.overrides.coordinator.sizes",
                    )
                    break


def _nothing_common(path: Path, providers: tuple[str, ...]) -> Problem:
    first, second = providers
    return Problem(
        path,
        f"'{first}' and '{second}' have no bandwidth in common that a customer could order",
        f"add one: providers.{second}.overrides.coordinator.sizes",
    )


def _written(sizes: tuple[int, ...]) -> str:
    return ", ".join(written_rate(size) for size in sorted(sizes))


def _deferral(loaded: LoadedTopology) -> Iterator[Problem]:
    for i, environment in enumerate(loaded.topology.environments):
        unwilling = [key for key in environment.sites if not loaded.profiles[key].coordinator.accepts_deferral]
        if environment.defer_provisioning and unwilling:
            yield Problem(
                ("environments", i, "defer_provisioning"),
                f"{loaded.profiles[unwilling[0]].display_name} does not provision for others",
                f"write false, or change providers.{unwilling[0]}.overrides.coordinator.accepts_deferral",
            )


def _bandwidths(loaded: LoadedTopology) -> Iterator[Problem]:
    sizes = {name: each for each in plan_environments(loaded) for name in each.interconnects}
    used: dict[str, int] = {}
    for i, connection in enumerate(loaded.topology.connections):
        path: Path = ("connections", i, "bandwidth")
        environment = sizes[connection.interconnect]
        if connection.bandwidth not in environment.sizes_bps:
            yield Problem(
                path,
                f"environment '{environment.name}' has no connections of {written_rate(connection.bandwidth)}",
                f"write one of {_written(environment.sizes_bps)}",
            )
            continue
        interconnect = loaded.interconnect(connection.interconnect)
        room = capacity(interconnect)
        before = used.setdefault(interconnect.name, 0)
        used[interconnect.name] += connection.bandwidth
        if before <= room < used[interconnect.name]:
            index = loaded.topology.interconnects.index(interconnect)
            yield Problem(
                path,
                f"the connections of interconnect '{interconnect.name}' come to {written_rate(used[interconnect.name])} "
                f"with this one, its capacity is {written_rate(room)}",
                f"order less, or give it more: interconnects[{index}].capacity",
            )


def _accounts(loaded: LoadedTopology) -> Iterator[Problem]:
    owners: dict[tuple[str, str], str] = {}
    for i, customer in enumerate(loaded.topology.customers):
        for key, account in customer.accounts.items():
            path: Path = ("customers", i, "accounts", key)
            profile = loaded.profiles[key]
            identity = profile.coordinator.customer_identity
            owner = owners.setdefault((key, account), customer.name)
            if not is_account(identity, account):
                cause = f"'{account}' is no account of {profile.display_name}"
                yield Problem(path, cause, f"write {account_words(identity)}")
            elif owner != customer.name:
                yield Problem(path, f"'{account}' is the account of customer '{owner}'", "give each customer its own")
    customers = {customer.name: customer for customer in plan_customers(loaded)}
    first = next(iter(customers))
    for i, connection in enumerate(loaded.topology.connections):
        buyer = customers[connection.customer or first]
        for key in connection.sides:
            if key not in buyer.accounts:
                yield Problem(
                    ("connections", i, "customer"),
                    f"customer '{buyer.name}' has no account at '{key}', where connection '{connection.name}' ends",
                    f"add one to the customer's accounts: {{{key}: ...}}",
                )


__all__ = ["check_agreed_names", "check_agreed_terms"]
