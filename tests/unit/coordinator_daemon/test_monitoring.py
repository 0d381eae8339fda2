"""The monitor in its process: coordinators that speak HTTPS with each other, over routers that show what they are told to."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from xcnet.coordinator.daemon.counted import Counters
from xcnet.coordinator.daemon.double import DoubleNetwork, RouterDouble
from xcnet.coordinator.daemon.drops import Drops
from xcnet.coordinator.daemon.local import LocalCoordinators, local_settings, serving
from xcnet.coordinator.daemon.settings import DaemonSettings
from xcnet.edge.report import ChannelReport, ProbeReport, ProbeReports
from xcnet.errors import LabError
from xcnet.model.desired import CipherSuite
from xcnet.model.load import load_topology
from xcnet.model.monitoring import MonitorPolicy
from xcnet.model.observed import ChannelObservation, RouterObservation, SessionObservation, VrfObservation
from xcnet.model.planner import make_plan
from xcnet.waiting import Deadline, wait_until_async

QUICK: dict[str, Any] = {
    "hold_seconds": 2,
    "channel_down": {"after_seconds": 1},
    "capacity": {"after_seconds": 2},
    "grey_loss": {"lossy_seconds": 2, "window_seconds": 10},
}


class ProbedRouter(RouterDouble):
    """Of each burst as many are lost as the network says."""

    def __init__(self, node: str, network: ProbedNetwork) -> None:
        super().__init__(node, network)
        self._probed = network
        self._answered: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self.asked = 0

    async def probe(self, count: int, *, deadline: Deadline) -> ProbeReports:
        del deadline
        self.asked += 1
        reports = []
        for channel in self.state.channels if self.state is not None else ():
            lost = self._probed.losing.get(channel.name, 0)
            self._lost[channel.name] += lost
            self._answered[channel.name] += count - lost
            reports.append(
                ProbeReport(
                    channel=channel.name,
                    vrf="vrf-prod",
                    interface="ch.1",
                    peer="169.254.0.1",
                    sent=self._answered[channel.name] + self._lost[channel.name],
                    answered=self._answered[channel.name],
                    lost=self._lost[channel.name],
                )
            )
        return ProbeReports(node=self.node, probes=tuple(reports))


class ProbedNetwork(DoubleNetwork):
    def __init__(self) -> None:
        super().__init__()
        self.losing: dict[str, int] = {}

    def router(self, node: str) -> RouterDouble:
        if node not in self._routers:
            self._routers[node] = ProbedRouter(node, self)
        return self._routers[node]


def with_monitors(work: Callable[[LocalCoordinators, ProbedNetwork], Awaitable[None]], **policy: Any) -> None:
    monitor = MonitorPolicy.model_validate({**QUICK, **policy})

    def adjust(settings: DaemonSettings) -> DaemonSettings:
        rules = settings.config.rules.model_copy(update={"monitor": monitor})
        return replace(settings, config=settings.config.model_copy(update={"rules": rules}))

    async def go() -> None:
        plan = make_plan(load_topology("aws-google"), bare=True)
        network = ProbedNetwork()
        with tempfile.TemporaryDirectory(prefix="xcnet-") as folder:
            async with serving(local_settings(plan, Path(folder), adjust=adjust), network) as local:
                await local.connect("aws", "gcp", 1000, {"aws": "10.10.0.0/24", "gcp": "10.20.0.0/24"}, name="prod")
                await work(local, network)

    asyncio.run(go())


async def until(what: str, holds: Callable[[], Awaitable[Any]]) -> None:
    async def seen() -> str | None:
        return None if await holds() else "not yet"

    await wait_until_async(what, seen, Deadline(25.0), where="aws", remedy="none")


async def looked(network: ProbedNetwork) -> None:
    """Both monitors have seen it work."""
    routers = [network.router(node) for node in ("aws-edge2", "gcp-edge2")]
    before = [each.asked for each in routers if isinstance(each, ProbedRouter)]

    async def again() -> bool:
        now = [each.asked for each in routers if isinstance(each, ProbedRouter)]
        return all(late > early + 1 for early, late in zip(before, now, strict=True))

    await until("they look", again)


async def told(local: LocalCoordinators, provider: str = "gcp") -> list[dict[str, Any]]:
    return [each for each in await local.query(provider, "issues") if each["direction"] == "in"]


async def held(local: LocalCoordinators, provider: str = "aws") -> list[str]:
    answer: list[str] = (await local.query(provider, "monitor"))["held"]
    return answer


def test_a_broken_channel_is_told_of_and_closed_once_it_works() -> None:
    async def work(local: LocalCoordinators, network: ProbedNetwork) -> None:
        await looked(network)
        network.broken.add("ch2")
        network.settle()

        async def opened() -> bool:
            return any("ch2" in each["about"] and each["state"] == "STATE_OPEN" for each in await told(local))

        await until("the peer is told", opened)
        network.broken.clear()
        network.settle()

        async def closed() -> bool:
            return all(each["state"] == "STATE_CLOSED" for each in await told(local))

        await until("it is closed", closed)
        found = (await local.query("aws", "monitor"))["findings"]
        assert found == []

    with_monitors(work)


def test_a_lossy_channel_is_drained_at_both_sides_and_put_back_when_it_is_well() -> None:
    async def work(local: LocalCoordinators, network: ProbedNetwork) -> None:
        network.losing["ch3"] = 2

        async def drained() -> bool:
            here, there = await held(local, "aws"), await held(local, "gcp")
            return here == there == ["ch3"]

        await until("drained", drained)
        gateway = network.router("aws-gw")
        view = gateway.state
        assert view is not None
        text = str(await local.query("aws", "metrics"))
        assert 'xcnet_monitor_finding{channel="ch3",interconnect="ic1",kind="grey-loss",provider="aws"} 1.0' in text
        assert 'xcnet_monitor_issues_opened_total{provider="aws"} 1.0' in text
        # Another that goes bad meanwhile is not held too.
        network.losing["ch1"] = 2

        async def both() -> bool:
            return {each["subject"] for each in (await local.query("aws", "monitor"))["findings"]} >= {"ch1", "ch3"}

        await until("found too", both)
        assert await held(local) == []
        network.losing.clear()

        async def well() -> bool:
            return not (await local.query("aws", "monitor"))["findings"] and not await held(local)

        await until("well", well)

    with_monitors(work)


def test_a_monitor_that_is_off_does_not_even_probe() -> None:
    async def work(local: LocalCoordinators, network: ProbedNetwork) -> None:
        network.losing["ch3"] = 2
        network.broken.add("ch2")
        network.settle()
        await asyncio.sleep(4.0)
        router = network.router("aws-edge2")
        assert isinstance(router, ProbedRouter)
        assert router.asked == 0
        assert await told(local) == []

    with_monitors(work, enabled=False)


def test_an_edge_that_does_not_answer_is_not_taken_for_a_loss() -> None:
    async def work(local: LocalCoordinators, network: ProbedNetwork) -> None:
        router = network.router("aws-edge1")
        assert isinstance(router, ProbedRouter)

        async def refuse(_count: int, *, deadline: Deadline) -> ProbeReports:
            del deadline
            raise LabError("edged is not running", where="aws-edge1")

        router.probe = refuse  # type: ignore[method-assign]
        await asyncio.sleep(4.0)
        assert (await local.query("aws", "monitor"))["findings"] == []

    with_monitors(work)


# -- what it is shown


NETWORK = make_plan(load_topology("aws-google")).networks["aws"].network


def observation(ready: bool = True, up: bool = True) -> RouterObservation:
    return RouterObservation(
        node="aws-edge2",
        channels=(ChannelObservation(name="ch2", carrier=True, ready=ready),),
        vrfs={
            "vrf-prod": VrfObservation(
                name="vrf-prod",
                sessions=(
                    SessionObservation(peer="169.254.0.6", interface="ch2.1100", established=up),
                    SessionObservation(peer="100.64.0.1", interface="to-gw.10", established=True),
                ),
            )
        },
    )


def test_a_channel_that_goes_down_is_counted_once_with_all_its_sessions() -> None:
    drops = Drops(NETWORK)
    drops.note(10.0, observation(), observation(ready=False))
    drops.note(10.1, observation(ready=False), observation(ready=False, up=False))
    assert drops.count["ch2"] == 1
    drops.note(12.0, observation(ready=False, up=False), observation(ready=True, up=False))
    drops.note(13.0, observation(ready=True, up=False), observation())
    assert drops.count["ch2"] == 1
    drops.note(14.0, observation(), observation(up=False))
    assert drops.count["ch2"] == 2
    # Another session of the same outage.
    drops.note(14.3, observation(), observation(up=False))
    assert drops.count["ch2"] == 2
    drops.note(15.5, observation(), observation(up=False))
    assert drops.count["ch2"] == 3


def report(**counters: int) -> ChannelReport:
    return ChannelReport(
        name="ch2",
        device="ch2.sec",
        key_agreement="xcnet",
        secured=True,
        cipher_suite=CipherSuite.GCM_AES_XPN_256,
        counters=counters,
    )


def probe(rate: int | None) -> dict[str, ProbeReport]:
    return {"ch2": ProbeReport(channel="ch2", vrf="v", interface="ch2.1100", peer="169.254.0.6", rate=rate)}


def test_refused_frames_of_all_kinds_are_added_up() -> None:
    counters = Counters()
    counters.note(1.0, [report(InPktsNotValid=3, InPktsNoSCI=4, InPktsOK=100)], {})
    assert counters.channels["ch2"].refused == 7


def test_a_channel_is_busy_near_what_the_probed_connection_is_shaped_to() -> None:
    counters = Counters()
    counters.note(0.0, [report(OutOctetsEncrypted=0)], probe(8_000_000))
    counters.note(10.0, [report(OutOctetsEncrypted=7_900_000)], probe(8_000_000))
    assert not counters.channels["ch2"].busy
    counters.note(20.0, [report(OutOctetsEncrypted=7_900_000 + 8_100_000)], probe(8_000_000))
    assert counters.channels["ch2"].busy
    counters.note(30.0, [report(OutOctetsEncrypted=90_000_000)], probe(None))
    assert not counters.channels["ch2"].busy


def test_traffic_that_arrives_is_told_from_what_keeps_a_channel_alive() -> None:
    counters = Counters()
    counters.note(0.0, [report(InPktsOK=0)], {})
    counters.note(10.0, [report(InPktsOK=400)], {})
    assert not counters.channels["ch2"].arriving
    counters.note(20.0, [report(InPktsOK=400 + 2000)], {})
    assert counters.channels["ch2"].arriving
