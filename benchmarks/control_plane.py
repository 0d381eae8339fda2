#!/usr/bin/env python3
"""The control plane alone: handshakes a minute over HTTPS with doubles for routers; list pages of a store of 5,000 connections."""

from __future__ import annotations

import asyncio
import gc
import resource
import statistics
import sys
import tempfile
import time
import uuid
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

from common import parser, report

from xcnet.clock import SystemClock
from xcnet.coordinator.auth.authenticators import create_signer
from xcnet.coordinator.auth.pki import client_context
from xcnet.coordinator.daemon.local import LocalCoordinators, local_settings, serving
from xcnet.coordinator.daemon.settings import DaemonSettings
from xcnet.coordinator.daemon.trust import PeerSigner
from xcnet.coordinator.http.client import CoordinatorClient, peer_caller
from xcnet.coordinator.http.transport import Endpoint
from xcnet.coordinator.seed import Seed, SeedConnection, SeedFeature
from xcnet.model.load import load_topology
from xcnet.model.plan import Plan
from xcnet.model.planner import make_plan
from xcnet.spec.connections import L3BaseConfig
from xcnet.spec.names import interconnect

_WANTED_PER_MINUTE = 100
_WANTED_PAGE_MS = 50.0
_PARTS = 10
_FLAT_BYTES_EACH = 4096
"""What a handshake that is over may leave behind in memory: less than one page."""


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--handshakes", type=int, default=8000)
    arguments.add_argument("--at-once", type=int, default=4, help="customers that connect at the same time")
    arguments.add_argument("--connections", type=int, default=5000, help="in the store whose pages are listed")
    arguments.add_argument("--lists", type=int, default=200, help="pages to be fetched")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="xcnet-bench-") as folder:
        figures = asyncio.run(handshakes(Path(folder), options.handshakes, options.at_once))
    with tempfile.TemporaryDirectory(prefix="xcnet-bench-") as folder:
        figures |= asyncio.run(lists(Path(folder), options.connections, options.lists))
    ok = (
        figures["handshakes per minute"] >= _WANTED_PER_MINUTE
        and figures["page, median (ms)"] <= _WANTED_PAGE_MS
        and figures["memory kept per handshake, second half (bytes)"] <= _FLAT_BYTES_EACH
    )
    target = (
        f">= {_WANTED_PER_MINUTE} handshakes per minute, pages <= {_WANTED_PAGE_MS:.0f} ms at the median,"
        f" <= {_FLAT_BYTES_EACH} bytes kept per handshake"
    )
    return report("control plane", figures, target=target, ok=ok, as_json=options.json)


# -- handshakes


async def handshakes(folder: Path, count: int, at_once: int) -> dict[str, object]:
    """Connections made and taken away again, some at once: intent, activation key, acceptance, to verified at both sides."""
    plan = make_plan(load_topology("aws-google"), bare=True)
    async with serving(local_settings(plan, folder, adjust=unbounded)) as local:
        await customer(local, plan, "warm-up", at_once)
        seconds: list[float] = []
        memory = [resident()]
        begin = time.monotonic()
        for part in range(_PARTS):
            left = iter(range(part * count // _PARTS, (part + 1) * count // _PARTS))

            async def one(number: int, left: object = left) -> None:
                for each in left:  # type: ignore[attr-defined]
                    seconds.append(await customer(local, plan, f"c{each}", number))

            await asyncio.gather(*(one(number) for number in range(at_once)))
            memory.append(resident())
        took = time.monotonic() - begin
    return {
        "handshakes": len(seconds),
        "at once": at_once,
        "handshakes per minute": round(60 * len(seconds) / took),
        "one handshake, median (s)": statistics.median(seconds),
        "one handshake, slowest (s)": max(seconds),
        "memory, every tenth (MB)": " ".join(f"{each / 1e6:.0f}" for each in memory),
        "memory kept per handshake, second half (bytes)": round(2 * (memory[-1] - memory[_PARTS // 2]) / count),
    }


async def customer(local: LocalCoordinators, plan: Plan, name: str, number: int) -> float:
    """One connection made and taken away. Returns the seconds that making it took."""
    here, there = list(plan.coordinators)[:: 1 if number % 2 else -1]
    begin = time.monotonic()
    networks = {here: f"10.{number}.0.0/24", there: f"10.{100 + number}.0.0/24"}
    connection = await local.connect(here, there, 1000, networks, name=name)
    took = time.monotonic() - begin
    await local.command(here, "disconnect", follow="gone", connection=connection)
    return took


def unbounded(settings: DaemonSettings) -> DaemonSettings:
    """Without the quotas that a provider has for its customers and peers."""
    config = settings.config
    rules = config.rules.model_copy(update={"connections_per_account": 100_000, "pending_per_account": 100_000})
    http = settings.http.model_copy(update={"requests_per_second": 1e6, "request_burst": 1_000_000})
    return replace(settings, config=config.model_copy(update={"rules": rules}), http=http)


def resident() -> int:
    """Bytes of memory that this process holds: both coordinators."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


# -- lists


async def lists(folder: Path, count: int, fetches: int) -> dict[str, object]:
    """Pages of connections as a peer gets them, from a store that holds many."""
    plan = make_plan(load_topology("two-interconnects"), bare=False)
    server, client = list(plan.coordinators)
    settings = local_settings(plan, folder, adjust=unbounded)
    settings[server] = replace(settings[server], seed=many(settings[server], count))
    async with serving({server: settings[server]}, routers=False):
        environment = settings[server].config.environments[0]
        at = settings[client].config.peers[server]
        trust = settings[client].trust
        signer = PeerSigner(create_signer(trust.auth.outbound[server]), SystemClock())
        endpoint = Endpoint(server, at.url, at.address)
        milliseconds: list[float] = []
        seen: set[str] = set()
        async with CoordinatorClient(peer_caller(endpoint, client_context(trust.credential), signer)) as caller:
            parents = [interconnect(client, environment.name, each.name) for each in environment.interconnects]
            await caller.list_connections(parents[0])
            while len(milliseconds) < fetches or len(seen) < count:
                for parent in parents:
                    token: str | None = None
                    while True:
                        begin = time.monotonic()
                        page = await caller.list_connections(parent, page_token=token)
                        milliseconds.append(1000 * (time.monotonic() - begin))
                        seen |= {each.name or "" for each in page.connections or ()}
                        token = page.next_page_token
                        if not token:
                            break
    return {
        "connections in the store": len(seen),
        "page, median (ms)": statistics.median(milliseconds),
        "page, slowest (ms)": max(milliseconds),
        "pages fetched": len(milliseconds),
    }


def many(settings: DaemonSettings, count: int) -> Seed:
    """The seed's first connection again and again, evenly on all interconnects, each with VLANs and subnets of its own."""
    assert settings.seed is not None
    pattern = settings.seed.connections[0]
    interconnects = settings.config.environments[0].interconnects
    made = []
    for number in range(count):
        place = interconnects[number % len(interconnects)]
        slot = number // len(interconnects)
        features = tuple(
            SeedFeature(channel=channel.name, id=str(uuid.uuid4()), config=feature_config(pattern, slot))
            for channel in place.channels
        )
        update = {
            "uuid": str(uuid.uuid4()),
            "name": f"n{number}",
            "interconnect": place.name,
            "bandwidth_mbps": 1,
            "number": number + 1,
            "internal_vlan": number + 1,
            "port": None,
            "internal": {},
            "features": features,
        }
        made.append(pattern.model_copy(update=update))
    return Seed(keys=settings.seed.keys, connections=tuple(made))


def feature_config(pattern: SeedConnection, slot: int) -> L3BaseConfig:
    """A VLAN and subnets by number."""
    config = pattern.features[0].config
    ipv4, ipv6 = ip_address("169.254.0.0") + 8 * slot, ip_address("fd00:169:254::") + 8 * slot
    own, peer = config.provider_bgp_configs or ()
    return config.model_copy(
        update={
            "vlan_id": 100 + slot,
            "ipv4_subnet": str(ipv4),
            "ipv4_subnet_prefix_length": 29,
            "ipv6_subnet": str(ipv6),
            "ipv6_subnet_prefix_length": 125,
            "provider_bgp_configs": [
                each.model_copy(update={"host_ipv4": str(ipv4 + host), "host_ipv6": str(ipv6 + host)})
                for host, each in enumerate((own, peer), start=1)
            ],
        }
    )


if __name__ == "__main__":
    sys.exit(main())
