"""A coordinator's state as Prometheus metrics, made when it is scraped: nothing is kept up beside the state itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from xcnet.coordinator.daemon import views
from xcnet.coordinator.daemon.call_metrics import CallMetrics
from xcnet.coordinator.daemon.queries import Queries
from xcnet.coordinator.daemon.refused import REFUSED
from xcnet.coordinator.daemon.reports import Reports
from xcnet.edge.report import ChannelReport, EdgeReport
from xcnet.errors import XcnetError
from xcnet.events import Event
from xcnet.model.observed import RouterObservation
from xcnet.waiting import Deadline

_REPORT_SECONDS = 1.0
_BYTES_PER_MEGABIT = 125_000


class Shown(Protocol):
    """What the own routers show (:class:`xcnet.coordinator.daemon.observer.RouterObserver`)."""

    def shown(self) -> Mapping[str, RouterObservation]: ...


class Metrics:
    """:param provider: whose. :param routers: node -> its daemon; those that do not report are not asked."""

    def __init__(self, provider: str, queries: Queries, observer: Shown, routers: Mapping[str, object]) -> None:
        self._routers = {node: each for node, each in routers.items() if isinstance(each, Reports)}
        self._registry = CollectorRegistry()
        self._observer = observer
        self._calls = CallMetrics(self._registry, provider)
        self._state = StateCollector(provider, queries, observer)
        self._registry.register(self._state)

    def tell(self, event: Event) -> None:
        """Of everything that the process says on the event stream."""
        self._calls.tell(event)

    async def text(self) -> str:
        """One scrape, in Prometheus's text format. Edges that do not answer within a second are left without counters."""
        shown = self._observer.shown()
        edges = [node for node in self._routers if node in shown and shown[node].channels]
        reports = await asyncio.gather(*(self._report(node) for node in edges))
        self._state.reports = [each for each in reports if each is not None]
        return generate_latest(self._registry).decode()

    async def _report(self, node: str) -> EdgeReport | None:
        try:
            return await self._routers[node].status(deadline=Deadline(_REPORT_SECONDS))
        except XcnetError:
            return None


class StateCollector(Collector):
    """:ivar reports: what the edges have counted, as asked just before."""

    def __init__(self, provider: str, queries: Queries, observer: Shown) -> None:
        self._provider = provider
        self._queries = queries
        self._observer = observer
        self.reports: list[EdgeReport] = []

    def describe(self) -> Iterable[Metric]:
        # Its names are its own: registering it is not to ask for its state.
        return ()

    def collect(self) -> Iterator[Metric]:
        shown = self._observer.shown()
        yield from self._process()
        yield from self._channels(shown)
        yield from self._counters()
        yield from self._sessions(shown)
        yield from self._connections()
        yield from self._under_way()
        yield from self._monitor()

    def _gauge(self, name: str, text: str, *labels: str) -> _Gauge:
        return _Gauge(self._provider, name, text, labels)

    def _counter(self, name: str, text: str, *labels: str) -> _Counter:
        return _Counter(self._provider, name, text, labels)

    def _process(self) -> Iterator[Metric]:
        health = self._queries.health(ready=True)
        wanted = self._gauge("xcnet_network_generation", "Generation of the network that the coordinator wants.")
        applied = self._gauge("xcnet_network_applied_generation", "Generation of the network that its routers hold.")
        ahead = self._gauge("xcnet_policy_clock_ahead_seconds", "What policy time was advanced by.")
        wanted.put(health.generation)
        applied.put(health.applied)
        ahead.put(self._queries.run("clock", {})["ahead"])
        yield from (wanted, applied, ahead)

    def _channels(self, shown: Mapping[str, RouterObservation]) -> Iterator[Metric]:
        secured = self._gauge(
            "xcnet_channel_secured",
            "Whether the channel's own end is known to carry frames under agreed keys.",
            "channel",
        )
        enabled = self._gauge("xcnet_channel_enabled", "0 while anything holds the channel out of use.", "channel")
        drained = self._gauge("xcnet_channel_drained", "1 while it is held and carries nothing any more.", "channel")
        keys = self._gauge("xcnet_channel_macsec_keys", "MACsec keys that the channel has, in use or not.", "channel")
        capacity = self._gauge(
            "xcnet_interconnect_capacity_bytes_per_second", "Bandwidth that may be sold on it.", "interconnect"
        )
        free = self._gauge("xcnet_interconnect_free_bytes_per_second", "Of that, what is not sold.", "interconnect")
        ready = {each.name for router in shown.values() for each in router.channels if each.ready}
        for environment in self._queries.environments():
            for interconnect in environment.interconnects:
                capacity.put(interconnect.capacity_mbps * _BYTES_PER_MEGABIT, interconnect.name)
                free.put(interconnect.free_mbps * _BYTES_PER_MEGABIT, interconnect.name)
                for channel in interconnect.channels:
                    secured.put(channel.name in ready, channel.name)
                    enabled.put(channel.enabled, channel.name)
                    drained.put(channel.drained, channel.name)
                    keys.put(len(channel.keys), channel.name)
        yield from (secured, enabled, drained, keys, capacity, free)

    def _counters(self) -> Iterator[Metric]:
        frames = self._counter(
            "xcnet_channel_frames",
            "Frames that left encrypted, and that came and were accepted.",
            "channel",
            "direction",
        )
        octets = self._counter("xcnet_channel_bytes", "Bytes in those frames.", "channel", "direction")
        refused = self._counter(
            "xcnet_macsec_refused_frames", "Frames that MACsec has not let in.", "channel", "reason"
        )
        gate = self._counter(
            "xcnet_channel_gate_dropped_frames",
            "Frames that were neither MACsec nor MKA, dropped at the bare port.",
            "channel",
            "direction",
        )
        number = self._gauge("xcnet_macsec_next_packet_number", "Of what is sent under the key in use.", "channel")
        peers = self._gauge("xcnet_mka_live_peers", "Peers that key agreement hears.", "channel")
        for report in self.reports:
            for each in report.channels:
                _count(each, frames, octets, refused, gate)
                peers.put(each.live_peers, each.name)
                if each.next_packet_number is not None:
                    number.put(each.next_packet_number, each.name)
        yield from (frames, octets, refused, gate, number, peers)

    def _sessions(self, shown: Mapping[str, RouterObservation]) -> Iterator[Metric]:
        up = self._gauge("xcnet_router_up", "Whether the router's daemon answers.", "router")
        bgp = self._gauge(
            "xcnet_bgp_session_established", "Whether the BGP session is established.", "router", "vrf", "peer"
        )
        bfd = self._gauge("xcnet_bfd_session_up", "Whether the BFD session is up.", "router", "vrf", "peer")
        routes = self._gauge(
            "xcnet_bgp_routes",
            "Routes of BGP's in the forwarding table that lead somewhere.",
            "router",
            "vrf",
            "family",
        )
        for node, observation in shown.items():
            up.put(observation.running, node)
            for vrf in observation.vrfs.values():
                for session in vrf.sessions:
                    bgp.put(session.established, node, vrf.name, str(session.peer))
                    if session.bfd is not None:
                        bfd.put(session.bfd, node, vrf.name, str(session.peer))
                for family in (4, 6):
                    routes.put(vrf.held(family), node, vrf.name, f"ipv{family}")
        yield from (up, bgp, bfd, routes)

    def _connections(self) -> Iterator[Metric]:
        names = ("connection", "interconnect")
        verified = self._gauge("xcnet_connection_verified", "Whether both sides see the connection work.", *names)
        enabled = self._gauge("xcnet_connection_enabled", "Whether it is enabled here.", *names)
        bandwidth = self._gauge("xcnet_connection_bandwidth_bytes_per_second", "What was agreed on.", *names)
        features = self._gauge("xcnet_connection_features", "Features that it has, one for each channel.", *names)
        working = self._gauge("xcnet_connection_features_up", "Of those, the ones that are seen to work.", *names)
        state = self._gauge("xcnet_connection_state", "1 for the state that it is in here.", *names, "state")
        for view in self._queries.connections():
            for leg in view.legs:
                at = (view.name, leg.interconnect)
                verified.put(leg.verified, *at)
                enabled.put(leg.enabled, *at)
                bandwidth.put(leg.bandwidth_mbps * _BYTES_PER_MEGABIT, *at)
                features.put(len(leg.features), *at)
                working.put(sum(each.up is True for each in leg.features), *at)
                state.put(1, *at, leg.state)
        yield from (verified, enabled, bandwidth, features, working, state)

    def _under_way(self) -> Iterator[Metric]:
        workflows = self._gauge("xcnet_workflows", "Workflows under way.", "kind", "state")
        outbox = self._gauge("xcnet_outbox_calls", "Calls to a peer that are still to be answered.", "peer")
        issues = self._gauge(
            "xcnet_issues", "Issues, opened here by a peer (in) or at a peer (out).", "direction", "state"
        )
        windows = self._gauge("xcnet_maintenance_windows", "Windows of maintenance that are known of.", "state")
        under_way: list[views.WorkflowView] = self._queries.under_way()
        for (kind, state), number in Counter((each.kind, each.state) for each in under_way).items():
            workflows.put(number, kind, state)
        for peer, number in self._queries.calls().items():
            outbox.put(number, peer)
        opened = Counter((each["direction"], each["state"]) for each in self._queries.run("issues", {}))
        for (direction, state), number in opened.items():
            issues.put(number, direction, state.lower().removeprefix("state_"))
        for state, number in Counter(each["state"] for each in self._queries.run("maintenance", {})).items():
            windows.put(number, state)
        yield from (workflows, outbox, issues, windows)

    def _monitor(self) -> Iterator[Metric]:
        finding = self._gauge(
            "xcnet_monitor_finding", "1 for trouble that stands; no channel: the whole interconnect's.",
            "kind", "interconnect", "channel",
        )  # fmt: skip
        held = self._gauge("xcnet_monitor_held", "1 while the monitor has the channel used last.", "channel")
        opened = self._counter("xcnet_monitor_issues_opened", "Issues that the monitor has opened at a peer.")
        sent = self._counter("xcnet_channel_probe_sent", "Echo requests over the channel.", "channel")
        lost = self._counter("xcnet_channel_probe_lost", "Of those, the ones that did not come back.", "channel")
        rtt = self._gauge("xcnet_channel_probe_rtt_seconds", "Median round-trip time of a burst.", "channel")
        shown = self._queries.monitor()
        for each in shown.findings:
            channel = each.subject if each.subject != each.interconnect else ""
            finding.put(1, each.kind, each.interconnect, channel)
        for name in shown.held:
            held.put(1, name)
        opened.put(shown.opened)
        for report in self.reports:
            for probe in (each.probe for each in report.channels if each.probe is not None):
                sent.put(probe.sent, probe.channel)
                lost.put(probe.lost, probe.channel)
                if probe.rtt is not None:
                    rtt.put(probe.rtt, probe.channel)
        yield from (finding, held, opened, sent, lost, rtt)


class _Gauge(GaugeMetricFamily):
    """A gauge whose first label is the provider."""

    def __init__(self, provider: str, name: str, text: str, labels: tuple[str, ...]) -> None:
        super().__init__(name, text, labels=("provider", *labels))
        self._provider = provider

    def put(self, value: float, *labels: str) -> None:
        self.add_metric((self._provider, *labels), float(value))


class _Counter(CounterMetricFamily):
    """A counter whose first label is the provider."""

    def __init__(self, provider: str, name: str, text: str, labels: tuple[str, ...]) -> None:
        super().__init__(name, text, labels=("provider", *labels))
        self._provider = provider

    def put(self, value: float, *labels: str) -> None:
        self.add_metric((self._provider, *labels), float(value))


def _count(report: ChannelReport, frames: _Counter, octets: _Counter, refused: _Counter, gate: _Counter) -> None:
    counters, name = report.counters, report.name
    frames.put(counters.get("OutPktsEncrypted", 0), name, "out")
    frames.put(counters.get("InPktsOK", 0), name, "in")
    octets.put(counters.get("OutOctetsEncrypted", 0), name, "out")
    octets.put(counters.get("InOctetsDecrypted", 0), name, "in")
    for counter, reason in REFUSED.items():
        refused.put(counters.get(counter, 0), name, reason)
    gate.put(report.gate_dropped[0], name, "in")
    gate.put(report.gate_dropped[1], name, "out")


__all__ = ["Metrics", "Shown", "StateCollector"]
