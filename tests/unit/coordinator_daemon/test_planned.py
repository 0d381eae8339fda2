"""What a coordinator takes over from a lab's plan is the network that the plan itself asks for."""

from __future__ import annotations

import random
import time

import pytest

from xcnet.coordinator.core import Core
from xcnet.coordinator.planned import config_of, seed_of
from xcnet.model.load import load_topology
from xcnet.model.plan import Plan
from xcnet.model.planner import make_plan
from xcnet.model.routers import render
from xcnet.model.shipped import topologies


def plan_of(topology: str, *, bare: bool = False) -> Plan:
    return make_plan(load_topology(topology), bare=bare)


def core_of(plan: Plan, provider: str) -> Core:
    seed = seed_of(plan, provider)
    return Core(config_of(plan, provider), None, wall=time.time, rng=random.Random(1), seed=seed)


@pytest.mark.parametrize("topology", topologies())
def test_a_seeded_coordinator_wants_the_planned_routers(topology: str) -> None:
    plan = plan_of(topology)
    rendered = {}
    for provider, planned in plan.networks.items():
        view = core_of(plan, provider).network()
        rendered |= render(planned.network, view.channels, view.attachments)
    assert rendered == plan.routers


@pytest.mark.parametrize("topology", topologies())
def test_a_bare_coordinator_wants_no_connection(topology: str) -> None:
    plan = plan_of(topology, bare=True)
    for provider in plan.networks:
        assert core_of(plan, provider).network().attachments == ()


def test_the_next_connection_gets_numbers_of_its_own() -> None:
    plan = plan_of("aws-google")
    core = core_of(plan, "aws")
    account = core.database.value("SELECT account FROM attachments")
    answer = core.commands.run(
        "intent",
        {
            "environment": "aws-gcp-us-east",
            "mbps": 100,
            "account": account,
            "peer_account": "x",
            "attach": {"networks": ["10.99.0.0/24"]},
        },
    )
    rows = core.database.all("SELECT number, internal_vlan FROM attachments")
    assert len({row["number"] for row in rows}) == len({row["internal_vlan"] for row in rows}) == 2
    assert answer["workflow"]
