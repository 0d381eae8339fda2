"""Runs as they might have been, made without a lab: what reports are tried on."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from xcnet.probe.results import (
    Bucket,
    ChannelShare,
    Delay,
    FlowResult,
    LossWindow,
    ProbeResult,
    Quality,
    RequestsResult,
    StreamResult,
    TransferResult,
)
from xcnet.scenario.results import (
    ChannelPlace,
    Check,
    Entry,
    Evidence,
    FaultSpan,
    Layer,
    Phase,
    RunResult,
    Verdict,
)

CHANNELS = ("ch1", "ch2", "ch3", "ch4")
PACE = 1000.0
"""Packets per second of all flows."""
HOSTILE = "<script>alert(1)</script>\"'&|`*_[x](javascript:y)\n# no\x00\x1b[31m\u202e"
_STREAMS = (("aws-app", "gcp-app", 4), ("gcp-app", "aws-app", 4), ("aws-app", "gcp-app", 6), ("gcp-app", "aws-app", 6))
_BUCKET = 0.1


def places() -> tuple[ChannelPlace, ...]:
    return tuple(
        ChannelPlace(
            name=name,
            facility="fac-a" if number < 3 else "fac-b",
            interconnect="aws-gcp-1",
            ends={"aws": f"aws-edge{number}", "gcp": f"gcp-edge{number}"},
        )
        for number, name in enumerate(CHANNELS, 1)
    )


def cut(name: str = "cut", target: str = "ch2", began: float = 20.0, ended: float | None = 40.0) -> FaultSpan:
    return FaultSpan(
        name=name,
        kind="cut",
        target=target,
        channels=(target,),
        began=began,
        ended=ended,
        artifact=f"fac-a.{target}-aws is administratively down",
    )


def stream(number: int, seconds: float, flows: int, losses: list[tuple[float, float]]) -> StreamResult:
    """One flow of four has the losses: (start, seconds)."""
    source, target, version = _STREAMS[number]
    dice = random.Random(number)
    pace = PACE / len(_STREAMS) / flows
    each = int(seconds * pace)
    results = []
    for flow in range(flows):
        windows = ()
        if flow % 4 == 1:
            windows = tuple(
                LossWindow(start=start + dice.random() * 0.01, length=length, lost=max(1, round(length * pace)))
                for start, length in losses
            )
        lost = sum(window.lost for window in windows)
        results.append(
            FlowResult(flow=flow, sent=each, received=each - lost, duplicated=0, reordered=0, windows=windows)
        )
    lost = sum(result.lost for result in results)
    harm, counted = sum(length for _, length in losses), 0
    buckets = []
    sent = round(PACE / len(_STREAMS) * _BUCKET)
    passed = 0.0
    for index in range(round(seconds / _BUCKET)):
        start = index * _BUCKET
        passed += sum(max(0.0, min(begin + length, start + _BUCKET) - max(begin, start)) for begin, length in losses)
        due = round(lost * passed / harm) if harm else 0
        median = 0.38 + 0.05 * dice.random() + 0.05 * number
        buckets.append(
            Bucket(
                start=start,
                seconds=_BUCKET,
                sent=sent,
                lost=due - counted,
                delay_p50=median,
                delay_worst=median * (1.5 + 2 * dice.random()) + (9.0 if dice.random() > 0.99 else 0.0),
            )
        )
        counted = due
    return StreamResult(
        source=source,
        target=target,
        version=version,
        sent=each * flows,
        received=each * flows - lost,
        duplicated=0,
        reordered=3,
        delay=Delay(p50=0.41, p95=0.82, p99=1.43, worst=11.2),
        windows=tuple(
            LossWindow(start=start, length=length, lost=max(1, round(length * pace)) * (flows // 4))
            for start, length in losses
        ),
        flows=tuple(results),
        buckets=tuple(buckets),
    )


def shares(seconds: float, fault: FaultSpan | None) -> tuple[ChannelShare, ...]:
    dice = random.Random(7)
    found = []
    for second in range(int(seconds)):
        down = fault is not None and fault.began <= second < (fault.ended or seconds)
        up = [name for name in CHANNELS if not (down and fault is not None and name in fault.channels)]
        found.append(
            ChannelShare(
                start=float(second),
                seconds=1.0,
                frames={
                    name: round(PACE / len(up) * (0.95 + 0.1 * dice.random())) if name in up else 0 for name in CHANNELS
                },
            )
        )
    return tuple(found)


def probe(
    seconds: float = 60.0,
    losses: tuple[tuple[float, float], ...] = ((20.0, 0.21),),
    fault: FaultSpan | None = None,
    problems: tuple[str, ...] = (),
) -> ProbeResult:
    return ProbeResult(
        began=0.0,
        ended=seconds,
        streams=tuple(stream(number, seconds, 16, list(losses)) for number in range(len(_STREAMS))),
        shares=shares(seconds, fault),
        quality=Quality(
            worst_lateness_ms=84.0 if problems else 3.2,
            late_share=0.012 if problems else 0.0,
            steal_share=0.31 if problems else 0.004,
            run_queue=3.9 if problems else 0.61,
            problems=problems,
        ),
        transfers=(
            TransferResult(
                source="aws-app",
                target="gcp-app",
                version=4,
                mbps=412.7,
                retransmits=37,
                intervals=tuple((float(second), 420.0 - 90.0 * (second == 20)) for second in range(int(seconds))),
            ),
        ),
        requests=(
            RequestsResult(
                source="aws-app",
                target="gcp-app",
                version=4,
                sent=600,
                failed=2,
                timeout=1.0,
                outages=(LossWindow(start=20.0, length=0.4, lost=2),),
                times=Delay(p50=2.1, p95=3.4, p99=5.9, worst=212.0),
            ),
        ),
    )


def entry(at: float, layer: Layer, channel: str, source: str, kind: str, text: str, tone: str = "") -> Entry:
    return Entry(
        at=at,
        layer=layer,
        channels=(channel,) if channel else (),
        source=source,
        kind=kind,
        subject=channel or "prod",
        text=text,
        bad=tone == "bad",
        good=tone == "good",
    )


def timeline(fault: FaultSpan) -> tuple[Entry, ...]:
    """What a cut channel sets off, at both of its edges and at both gateways."""
    ch, t = fault.channels[0], fault.began
    number = ch.removeprefix("ch")
    a, b = f"aws-edge{number}", f"gcp-edge{number}"
    found = [
        entry(-1.5, Layer.PROBE, "", "probe", "probe.warm", "warm-up is over"),
        entry(0.0, Layer.PROBE, "", "probe", "probe.began", "64 flows, 1,000 packets/s in all"),
        entry(t - 0.002, Layer.STEP, "", "scenario", "step.began", f"cut {ch}"),
        entry(t, Layer.FAULT, ch, "lab", "fault.begun", f"cut {ch}", "bad"),
    ]
    for index, edge in enumerate((a, b)):
        found += [
            entry(t + 0.0011 + index * 0.0007, Layer.LINK, ch, f"{edge}.edged", "link.carrier_lost", "carrier lost", "bad"),
            entry(t + 0.0048 + index * 0.001, Layer.MACSEC, ch, f"{edge}.edged", "macsec.closed", "device is down", "bad"),
            entry(t + 0.0095 + index * 0.001, Layer.BFD, ch, f"{edge}.bfdd", "bfd.down", "path down", "bad"),
            entry(t + 0.0131 + index * 0.003, Layer.BGP, ch, f"{edge}.bgpd", "bgp.down", "IPv4 session: interface down", "bad"),
            entry(t + 0.0139 + index * 0.003, Layer.BGP, ch, f"{edge}.bgpd", "bgp.down", "IPv6 session: interface down", "bad"),
        ]  # fmt: skip
    for index, gateway in enumerate(("aws-gw", "gcp-gw")):
        found += [
            entry(t + 0.118 + index * 0.041, Layer.FIB, ch, f"{gateway}.edged", "fib.lost", "next hops 3 of 4", "bad"),
            entry(t + 0.134 + index * 0.052, Layer.FIB, "", f"{gateway}.edged", "fib.changed", "IPv6 next hops 3 of 4"),
        ]
    found.append(
        entry(t + 0.9, Layer.API, "", "aws-coord", "channel.state", f"{ch} is down, so the peer was told", "bad")
    )
    if fault.ended is not None:
        e = fault.ended
        found.append(entry(e, Layer.FAULT, ch, "lab", "fault.ended", f"cut {ch} is over", "good"))
        for index, edge in enumerate((a, b)):
            found += [
                entry(e + 0.002, Layer.LINK, ch, f"{edge}.edged", "link.carrier_found", "carrier found", "good"),
                entry(e + 2.1 + index * 0.01, Layer.MACSEC, ch, f"{edge}.edged", "macsec.secured", "secured, AN 1", "good"),
                entry(e + 3.4 + index * 0.01, Layer.BFD, ch, f"{edge}.bfdd", "bfd.up", "up", "good"),
                entry(e + 4.9 + index * 0.2, Layer.BGP, ch, f"{edge}.bgpd", "bgp.established", "IPv4 session", "good"),
                entry(e + 5.3 + index * 0.2, Layer.BGP, ch, f"{edge}.bgpd", "bgp.established", "IPv6 session", "good"),
                entry(e + 5.6 + index * 0.4, Layer.FIB, ch, f"{('aws', 'gcp')[index]}-gw.edged", "fib.restored", "next hops 4 of 4", "good"),
            ]  # fmt: skip
    return tuple(sorted(found, key=lambda each: each.at))


def checks() -> tuple[Check, ...]:
    return (
        Check(
            name="longest loss",
            expected="at most 0.3 s",
            measured="0.21 s",
            verdict=Verdict.PASS,
            why="Carrier is lost at once, and the gateways take out the next hop: 0.3 s for the processes on one processor.",
        ),
        Check(name="flows hit", expected="10 to 22 of 64", measured="16 of 64", verdict=Verdict.PASS, why="A quarter, as ECMP spreads them."),
        Check(name="detection", expected="at most 0.1 s", measured="1.1 ms", verdict=Verdict.PASS),
        Check(name="ch2 carries nothing while it is cut", expected="0 frames", measured="0 frames", verdict=Verdict.PASS),
        Check(name="restored", expected="within 15 s", measured="6.0 s", verdict=Verdict.PASS, why="Key agreement, BFD and BGP one after the other."),
    )  # fmt: skip


def passed() -> RunResult:
    """ch2 cut for 20 s in a minute of traffic."""
    fault = cut()
    return RunResult(
        scenario="cut-one-channel",
        title="One of four channels is cut",
        description="The fibre of ch2 is cut for twenty seconds under traffic. Flows on it move to the three others.",
        lab="aws-google",
        topology="aws-google",
        began=datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC),
        seconds=60.0,
        verdict=Verdict.PASS,
        reasons=("All five expectations hold.",),
        checks=checks(),
        faults=(fault,),
        phases=(Phase(fault="cut", detection=0.0011, withdrawal=0.012, reroute=0.173, restoration=6.02),),
        timeline=timeline(fault),
        probe=probe(fault=fault),
        providers={"aws": "Amazon Web Services", "gcp": "Google Cloud"},
        channels=places(),
        settings={"timers": "default", "traffic": {"flows": 64, "packets_per_second": 1000}, "settle": 20.0},
        versions={"xcnet": "0.1.0", "kernel": "6.12.57 (user mode)", "FRR": "10.3", "Python": "3.11.2"},
        evidence=(
            Evidence(path="captures/ch2.pcapng", text="what crossed ch2, encrypted"),
            Evidence(path="api.har", text="what the coordinators said to each other, redacted"),
        ),
    )


def failed() -> RunResult:
    """The same with BFD off and a silent blackhole that stays: the worst of it."""
    fault = cut("hole", "ch3", 10.0, None).model_copy(
        update={"kind": "blackhole", "artifact": "fac-b drops every frame of ch3"}
    )
    return passed().model_copy(
        update={
            "scenario": "blackhole",
            "title": "A channel swallows frames in silence",
            "description": "Nothing passes on ch3, both ends keep their carrier, and BFD is off.",
            "verdict": Verdict.FAIL,
            "reasons": ("Flows on ch3 lost packets for 42.0 s, and at most 5.0 s were expected.",),
            "checks": (
                Check(name="longest loss", expected="at most 5.0 s", measured="42.0 s", verdict=Verdict.FAIL, why="BFD did not tell: 3 x 1,000 ms and a second for BGP were allowed."),
                Check(name="no frame in clear", expected="0 frames", measured="0 frames", verdict=Verdict.PASS),
            ),
            "faults": (fault,),
            "phases": (Phase(fault="hole", detection=None, withdrawal=41.2, reroute=0.4, restoration=None),),
            "timeline": (
                entry(10.0, Layer.FAULT, "ch3", "lab", "fault.begun", "blackhole ch3", "bad"),
                entry(51.2, Layer.BGP, "ch3", "aws-edge3.bgpd", "bgp.down", "hold timer expired", "bad"),
                entry(51.6, Layer.FIB, "ch3", "aws-gw.edged", "fib.lost", "next hops 3 of 4", "bad"),
            ),
            "probe": probe(losses=((10.0, 42.0),), fault=fault),
        }
    )  # fmt: skip


def inconclusive() -> RunResult:
    """As it passed, on a machine that was too busy to judge."""
    problem = "31 % of the host's processor time was taken by others; at most 5 % are allowed."
    fault = cut()
    return passed().model_copy(
        update={
            "verdict": Verdict.INCONCLUSIVE,
            "reasons": (problem,),
            "checks": tuple(each.model_copy(update={"verdict": Verdict.INCONCLUSIVE}) for each in checks()),
            "probe": probe(fault=fault, problems=(problem,)),
        }
    )


def without_probe() -> RunResult:
    """An API scenario: no fault on a link, no traffic, no channel in particular."""
    return passed().model_copy(
        update={
            "scenario": "reused-key",
            "title": "An activation key is used twice",
            "faults": (),
            "phases": (),
            "probe": None,
            "timeline": (entry(0.4, Layer.API, "", "gcp-coord", "connection.refused", "the key was used before"),),
            "checks": (Check(name="refused", expected="status 409", measured="status 409", verdict=Verdict.PASS),),
            "evidence": (),
        }
    )


def crowded(events: int = 5000) -> RunResult:
    """Thousands of events on every layer and channel, and a grey channel: losses all the time."""
    dice = random.Random(5)
    layers = [layer for layer in Layer if layer is not Layer.FAULT]
    entries = [
        entry(
            round(dice.uniform(-3, 60), 6),
            dice.choice(layers),
            dice.choice((*CHANNELS, "")),
            dice.choice(("aws-edge1.edged", "gcp-edge2.bfdd", "aws-gw.bgpd", "gcp-coord")),
            "layer.something",
            f"event {number} with a text as long as such texts usually are",
            dice.choice(("bad", "good", "", "")),
        )
        for number in range(events)
    ]
    faults = (
        cut("grey", "ch1", 5.0, 25.0).model_copy(update={"kind": "loss", "settings": {"percent": 5.0}}),
        cut("second", "ch2", 12.0, 30.0),
        cut("third", "ch4", 31.0, 33.5),
        cut("fourth", "ch3", 45.0, None),
    )
    losses = tuple((round(dice.uniform(0, 59), 4), 0.064) for _ in range(300))
    return passed().model_copy(
        update={
            "scenario": "crowded",
            "title": "Many faults, and events without end",
            "timeline": tuple(entries),
            "faults": faults,
            "phases": tuple(
                Phase(fault=fault.name, detection=0.3, withdrawal=0.01, reroute=0.2, restoration=4.0)
                for fault in faults
            ),
            "probe": probe(losses=tuple(sorted(losses))),
        }
    )


def hostile() -> RunResult:
    """Words that would break a page, a table or a link, in every place that holds words."""
    bad = HOSTILE
    fault = cut().model_copy(
        update={"name": bad, "kind": bad, "target": bad, "artifact": bad, "settings": {bad: [bad, {bad: bad}]}}
    )
    found = probe()
    streams = tuple(each.model_copy(update={"source": bad, "target": bad}) for each in found.streams)
    spans = tuple(each.model_copy(update={"frames": {bad: 3, "ch2": 4}}) for each in found.shares)
    transfers = tuple(each.model_copy(update={"source": bad}) for each in found.transfers)
    requests = tuple(each.model_copy(update={"target": bad}) for each in found.requests)
    quality = found.quality.model_copy(update={"problems": (bad,)})
    return RunResult(
        scenario=bad,
        title=bad,
        description=bad,
        lab=bad,
        topology=bad,
        began=datetime(2026, 3, 1, tzinfo=UTC),
        seconds=60.0,
        verdict=Verdict.FAIL,
        reasons=(bad,),
        checks=(Check(name=bad, expected=bad, measured=bad, why=bad, verdict=Verdict.FAIL),),
        faults=(fault,),
        phases=(Phase(fault=bad, detection=0.1, withdrawal=None, reroute=None, restoration=None),),
        timeline=(Entry(at=1.0, layer=Layer.BGP, channels=(bad, "ch2"), source=bad, kind=bad, subject=bad, text=bad),),
        probe=found.model_copy(
            update={
                "streams": streams,
                "shares": spans,
                "transfers": transfers,
                "requests": requests,
                "quality": quality,
            }
        ),
        providers={bad: bad, "gcp": bad},
        channels=(
            *places(),
            ChannelPlace(name=bad, facility=bad, interconnect=bad, ends={bad: bad, "gcp": "gcp-edge1"}),
        ),
        settings={bad: bad},
        versions={bad: bad},
        evidence=tuple(
            Evidence(path=path, text=bad)
            for path in (bad, "javascript:alert(1)", "../up", "/etc/passwd", "https://h/x", "a b.txt")
        ),
    )


def quiet() -> RunResult:
    """Ten minutes in which nothing was done and nothing lost."""
    return passed().model_copy(
        update={
            "scenario": "quiet",
            "title": "",
            "description": "",
            "faults": (),
            "phases": (),
            "timeline": (),
            "seconds": 600.0,
            "probe": probe(600.0, losses=()),
        }
    )


def empty() -> RunResult:
    """A run that came to nothing: as little as a result can hold."""
    bare = ProbeResult(
        began=0.0,
        ended=0.0,
        streams=(),
        shares=(),
        quality=Quality(worst_lateness_ms=0.0, late_share=0.0, steal_share=0.0, run_queue=0.0),
    )
    return passed().model_copy(
        update={
            "scenario": "empty",
            "seconds": 0.0,
            "verdict": Verdict.INCONCLUSIVE,
            "reasons": (),
            "checks": (),
            "faults": (cut(began=0.0, ended=0.0),),
            "phases": (Phase(fault="cut", detection=None, withdrawal=-0.01, reroute=None, restoration=None),),
            "timeline": (),
            "probe": bare,
            "providers": {},
            "channels": (),
            "settings": {},
            "versions": {},
            "evidence": (),
        }
    )


def wide() -> RunResult:
    """Forty channels of three providers through one building, and the building lost."""
    providers = {"aws": "Amazon Web Services", "gcp": "Google Cloud", "azure": "Microsoft Azure"}
    pairs = (("aws", "gcp"), ("aws", "azure"), ("gcp", "azure"))
    channels = tuple(
        ChannelPlace(
            name=f"channel-{number:02}",
            facility="fac-a" if number % 20 < 10 else "fac-b",
            interconnect="x",
            ends={side: f"{side}-edge{number // 2}" for side in pairs[number % 3]},
        )
        for number in range(40)
    )
    lost = tuple(place.name for place in channels if place.facility == "fac-a")
    found = probe(20.0, losses=((5.0, 0.4),))
    spans = tuple(
        ChannelShare(start=float(second), seconds=1.0, frames={place.name: 25 for place in channels})
        for second in range(20)
    )
    return passed().model_copy(
        update={
            "scenario": "wide",
            "seconds": 20.0,
            "providers": providers,
            "channels": channels,
            "faults": (cut("building", "fac-a", 5.0, 10.0).model_copy(update={"channels": lost}),),
            "phases": (Phase(fault="building", detection=0.2, withdrawal=0.1, reroute=0.1, restoration=3.0),),
            "timeline": tuple(
                entry(5.0 + index / 100, Layer.BFD, name, "edge", "bfd.down", "path down", "bad")
                for index, name in enumerate(lost)
            ),
            "probe": found.model_copy(update={"shares": spans}),
        }
    )


RUNS = {
    "quiet": quiet,
    "empty": empty,
    "wide": wide,
    "passed": passed,
    "failed": failed,
    "inconclusive": inconclusive,
    "without-probe": without_probe,
    "crowded": crowded,
    "hostile": hostile,
}
