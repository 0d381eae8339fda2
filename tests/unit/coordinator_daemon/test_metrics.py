"""What Prometheus is shown of a coordinator: read back with its own parser, and compared with what is known to be so."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from xcnet.coordinator.daemon.call_metrics import CallMetrics
from xcnet.coordinator.daemon.double import DoubleNetwork, RouterDouble
from xcnet.coordinator.daemon.exposition import CONTENT_TYPE, serve_texts
from xcnet.coordinator.daemon.local import LocalCoordinators, local_settings, serving
from xcnet.edge.report import ChannelReport, EdgeReport
from xcnet.errors import LabError
from xcnet.events import Event
from xcnet.model.desired import CipherSuite
from xcnet.model.load import load_topology
from xcnet.model.observed import RouterObservation
from xcnet.model.planner import make_plan
from xcnet.waiting import Deadline, wait_until_async


class Scrape:
    """One text, parsed. :raises ValueError: it is not in Prometheus's format."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}

    def value(self, sample: str, **labels: str) -> float | None:
        """Of the one sample that has these labels at least; None: there is none."""
        found = [
            each.value
            for family in self.families.values()
            for each in family.samples
            if each.name == sample and labels.items() <= each.labels.items()
        ]
        assert len(found) <= 1, f"{sample}{labels} is not one"
        return found[0] if found else None

    def labels(self, sample: str, name: str) -> set[str]:
        return {
            each.labels[name] for family in self.families.values() for each in family.samples if each.name == sample
        }


class CountingRouter(RouterDouble):
    """A double that reports counters too; a fixed one for each channel."""

    asked = 0

    async def status(self, *, deadline: Deadline | None = None) -> EdgeReport:
        assert deadline is not None
        self.asked += 1
        if self.node == "aws-edge4":
            raise LabError("edged is not running", where=self.node)
        return EdgeReport(
            node=self.node,
            channels=tuple(
                ChannelReport(
                    name=each.name,
                    device="ch.sec",
                    key_agreement="xcnet",
                    secured=True,
                    cipher_suite=CipherSuite.GCM_AES_XPN_256,
                    next_packet_number=78,
                    live_peers=1,
                    counters={"OutPktsEncrypted": 77, "InPktsOK": 66, "OutOctetsEncrypted": 7700, "InPktsNotValid": 5},
                    gate_dropped=(3, 2),
                )
                for each in self.state.channels
            )
            if self.state is not None
            else (),
        )


class CountingNetwork(DoubleNetwork):
    def router(self, node: str) -> RouterDouble:
        if node not in self._routers:
            self._routers[node] = CountingRouter(node, self)
        return self._routers[node]


def with_coordinators(
    work: Callable[[LocalCoordinators], Awaitable[Any]],
    *,
    network: DoubleNetwork | None = None,
    port: int | None = None,
) -> Any:
    """Both coordinators of the default topology, speaking HTTPS over the loopback."""

    async def go() -> Any:
        plan = make_plan(load_topology("aws-google"), bare=True)
        with tempfile.TemporaryDirectory(prefix="xcnet-") as folder:
            settings = local_settings(plan, Path(folder))
            settings["aws"] = replace(settings["aws"], metrics_port=port)
            async with serving(settings, network) as local:
                return await work(local)

    return asyncio.run(go())


async def scrape(local: LocalCoordinators, provider: str = "aws") -> Scrape:
    return Scrape(await local.admin(provider).ask({"query": "metrics"}))


async def connected(local: LocalCoordinators) -> None:
    await local.connect("aws", "gcp", 1000, {"aws": "10.10.0.0/24", "gcp": "10.20.0.0/24"}, name="prod")


async def until(local: LocalCoordinators, holds: Callable[[Scrape], bool]) -> Scrape:
    last: list[Scrape] = []

    async def seen() -> str | None:
        last[:] = [await scrape(local)]
        return None if holds(last[0]) else "not shown yet"

    await wait_until_async("the metrics to show it", seen, Deadline(20.0), where="aws", remedy="none")
    return last[0]


def test_a_connection_that_works_is_shown_with_all_that_carries_it() -> None:
    async def work(local: LocalCoordinators) -> Scrape:
        await connected(local)
        return await scrape(local)

    got = with_coordinators(work)
    assert got.value("xcnet_connection_verified", provider="aws", connection="prod") == 1
    assert got.value("xcnet_connection_state", connection="prod") == 1
    assert got.value("xcnet_connection_bandwidth_bytes_per_second", connection="prod") == 125_000_000
    assert got.value("xcnet_connection_features", connection="prod") == 4
    assert got.value("xcnet_connection_features_up", connection="prod") == 4
    for channel in ("ch1", "ch2", "ch3", "ch4"):
        assert got.value("xcnet_channel_secured", provider="aws", channel=channel) == 1
        assert got.value("xcnet_channel_enabled", channel=channel) == 1
        assert got.value("xcnet_channel_drained", channel=channel) == 0
        assert got.value("xcnet_channel_macsec_keys", channel=channel) == 1
    assert got.labels("xcnet_bgp_session_established", "router") >= {f"aws-edge{number}" for number in (1, 2, 3, 4)}
    (up,) = {each.value for each in got.families["xcnet_bgp_session_established"].samples}
    assert up == 1
    assert got.value("xcnet_network_generation") == got.value("xcnet_network_applied_generation")
    capacity, free = (got.value(f"xcnet_interconnect_{each}_bytes_per_second") for each in ("capacity", "free"))
    assert capacity is not None
    assert free == capacity - 125_000_000


def test_calls_of_both_directions_are_counted_as_they_end() -> None:
    async def work(local: LocalCoordinators) -> tuple[Scrape, Scrape]:
        await connected(local)
        return await scrape(local, "aws"), await scrape(local, "gcp")

    aws, gcp = with_coordinators(work)
    call = {"operation": "CreateConnection", "code": "200"}
    assert aws.value("xcnet_api_requests_total", side="server", **call) == 1
    assert gcp.value("xcnet_api_requests_total", side="client", **call) == 1
    assert aws.value("xcnet_api_request_seconds_count", operation="CreateConnection", side="server") == 1
    took = aws.value("xcnet_api_request_seconds_sum", operation="CreateConnection", side="server")
    assert took is not None
    assert 0 < took < 30


def test_a_channel_that_is_disabled_and_an_issue_are_shown() -> None:
    async def work(local: LocalCoordinators) -> Scrape:
        await connected(local)
        await local.command("aws", "disable-channel", follow="done", channel="ch2")
        return await until(local, lambda got: got.value("xcnet_channel_drained", channel="ch2") == 1)

    got = with_coordinators(work)
    assert got.value("xcnet_channel_enabled", channel="ch2") == 0
    assert got.value("xcnet_channel_enabled", channel="ch1") == 1


def test_policy_time_that_was_advanced_is_shown() -> None:
    async def work(local: LocalCoordinators) -> Scrape:
        await connected(local)
        await local.command("aws", "advance", seconds=7200.0)
        return await scrape(local)

    ahead = with_coordinators(work).value("xcnet_policy_clock_ahead_seconds")
    assert ahead == pytest.approx(7200.0, abs=1.0)


def test_a_router_that_does_not_answer_takes_its_channel_with_it() -> None:
    network = DoubleNetwork()

    async def work(local: LocalCoordinators) -> Scrape:
        await connected(local)
        network.router("aws-edge1").show(RouterObservation(node="aws-edge1", running=False))
        return await until(local, lambda got: got.value("xcnet_router_up", router="aws-edge1") == 0)

    got = with_coordinators(work, network=network)
    assert got.value("xcnet_channel_secured", channel="ch1") == 0
    assert got.value("xcnet_channel_secured", channel="ch2") == 1
    assert "aws-edge1" not in got.labels("xcnet_bgp_session_established", "router")


def test_counters_are_the_edges_own_and_left_out_where_an_edge_does_not_answer() -> None:
    network = CountingNetwork()

    async def work(local: LocalCoordinators) -> Scrape:
        await connected(local)
        return await scrape(local)

    got = with_coordinators(work, network=network)
    assert got.value("xcnet_channel_frames_total", channel="ch1", direction="out") == 77
    assert got.value("xcnet_channel_frames_total", channel="ch1", direction="in") == 66
    assert got.value("xcnet_channel_bytes_total", channel="ch1", direction="out") == 7700
    assert got.value("xcnet_macsec_refused_frames_total", channel="ch1", reason="not_valid") == 5
    assert got.value("xcnet_macsec_refused_frames_total", channel="ch1", reason="late") == 0
    assert got.value("xcnet_channel_gate_dropped_frames_total", channel="ch1", direction="in") == 3
    assert got.value("xcnet_macsec_next_packet_number", channel="ch1") == 78
    assert got.labels("xcnet_channel_frames_total", "channel") == {"ch1", "ch2", "ch3"}
    gateway = network.router("aws-gw")
    assert isinstance(gateway, CountingRouter)
    assert gateway.asked == 0


def test_every_metric_says_what_it_is_in_base_units_and_names_its_provider() -> None:
    async def work(local: LocalCoordinators) -> Scrape:
        await connected(local)
        return await scrape(local)

    got = with_coordinators(work, network=CountingNetwork())
    assert len(got.families) > 25
    for name, family in got.families.items():
        assert re.fullmatch(r"xcnet(_[a-z]+)+", name), name
        assert family.documentation.endswith("."), name
        assert family.type in ("gauge", "counter", "histogram"), name
        assert not re.search(r"_(ms|milliseconds|mbps|bits|kilobytes|percent)(_|$)", name), name
        for sample in family.samples:
            assert sample.labels["provider"] == "aws", name
            if family.type == "counter":
                assert sample.name.endswith(("_total", "_created")), sample.name


def test_no_secret_is_in_it() -> None:
    async def work(local: LocalCoordinators) -> tuple[str, Any]:
        await connected(local)
        text = await local.admin("aws").ask({"query": "metrics"})
        return text, await local.query("aws", "network")

    text, network = with_coordinators(work)
    secrets = set(secrets_in(network["routers"]))
    assert len(secrets) > 4
    assert not [each for each in secrets if each in text]


def secrets_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key in ("cak", "md5") and isinstance(each, str):
                yield each
            yield from secrets_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from secrets_in(each)


def test_a_scrape_takes_no_longer_than_twenty_milliseconds() -> None:
    async def work(local: LocalCoordinators) -> float:
        await connected(local)
        times = []
        for _attempt in range(20):
            started = time.process_time()
            await local.admin("aws").ask({"query": "metrics"})
            times.append(time.process_time() - started)
        return min(times)

    # Of the processor, and the best of twenty: what both coordinators do meanwhile, and other processes, are none of it.
    assert with_coordinators(work) < 0.02


def counted(events: Iterable[Event]) -> Scrape:
    registry = CollectorRegistry()
    calls = CallMetrics(registry, "aws")
    for event in events:
        calls.tell(event)
    return Scrape(generate_latest(registry).decode())


def answered(subject: str, **data: Any) -> Event:
    return Event(1.0, 1.0, "aws-coord.coordinator", "api.response", subject, {"side": "client", "ms": 30.0, **data})


def test_an_exchange_without_an_answer_is_counted_by_how_it_ended() -> None:
    got = counted(
        [
            answered("GetChannel", status=200, ending="answered"),
            answered("GetChannel", status=503, ending="answered"),
            answered("GetChannel", status=0, ending="not-sent"),
            answered("GetChannel", status=200, ending="answered"),
            Event(1.0, 1.0, "aws-coord.coordinator", "api.request", "GetChannel", {"side": "client"}),
        ]
    )
    codes = {code: got.value("xcnet_api_requests_total", code=code) for code in ("200", "503", "not-sent")}
    assert codes == {"200": 2, "503": 1, "not-sent": 1}
    assert got.value("xcnet_api_request_seconds_sum") == pytest.approx(0.12)
    assert got.value("xcnet_api_request_seconds_bucket", le="0.025") == 0
    assert got.value("xcnet_api_request_seconds_bucket", le="0.05") == 4


def test_what_a_caller_invents_does_not_become_a_label() -> None:
    got = counted([answered(f"X{number}", status=405) for number in range(50)])
    assert got.labels("xcnet_api_requests_total", "operation") == {"unknown"}


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /good HTTP/1.1\r\nHost: x\r\n\r\n", b"200"),
        (b"GET /good?x=1 HTTP/1.0\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /good HTTP/1.1\r\n\r\n", b"405"),
        (b"GET /bad HTTP/1.1\r\n\r\n", b"503"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /good HTTP/1.1\r\n", b"400"),
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n", b"400"),
    ],
)
def test_texts_are_served_to_whoever_asks_rightly(request_: bytes, status: bytes) -> None:
    async def good() -> str:
        return "up 1\n"

    async def bad() -> str:
        raise LabError("the coordinator is not running")

    async def go() -> bytes:
        server = await serve_texts({"/good": good, "/bad": bad}, "127.0.0.1", 0)
        async with server:
            return await ask(server.sockets[0].getsockname()[1], request_)

    answer = asyncio.run(go())
    assert answer.startswith(b"HTTP/1.1 " + status)
    if status == b"200":
        assert CONTENT_TYPE.encode() in answer
        assert answer.endswith(b"\r\n\r\nup 1\n")
    if status == b"503":
        assert b"the coordinator is not running" in answer
    if status == b"404":
        assert b"/good /bad" in answer


def test_the_coordinator_serves_them_at_its_loopback() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    async def work(local: LocalCoordinators) -> bytes:
        await connected(local)
        return await ask(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")

    answer = with_coordinators(work, port=port).decode()
    assert Scrape(answer.partition("\r\n\r\n")[2]).value("xcnet_channel_enabled", channel="ch1") == 1
