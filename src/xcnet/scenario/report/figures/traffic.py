"""Loss and delay over time, and each flow's losses."""

from __future__ import annotations

from xcnet.scenario.report.charts.area import Series, Step, area_chart
from xcnet.scenario.report.charts.strip import Bundle, Thread, strip_chart
from xcnet.scenario.report.facts import flows_of, last_moment, moments
from xcnet.scenario.report.figures.common import bands
from xcnet.scenario.report.words import count, seconds
from xcnet.scenario.results import RunResult


def loss_pictures(result: RunResult) -> tuple[str, ...]:
    """Packets sent, and, if any, packets lost on a scale of their own; each second's worth."""
    spans = moments(result)
    if not spans:
        return ()
    ends = [(each, each.start, each.start + each.seconds) for each in spans]
    sent = Series(tuple(Step(a, b, each.sent / each.seconds) for each, a, b in ends), "sent", filled=True)
    lost = Series(
        tuple(Step(a, b, each.lost / each.seconds if each.lost else None) for each, a, b in ends), "lost", filled=True
    )
    last, shaded = last_moment(result), bands(result)
    pictures = [area_chart("Packets sent over time", "sent,\npackets/s", [sent], 0.0, last, shaded, height=54, parts=2)]
    if any(each.lost for each in spans):
        pictures.append(
            area_chart("Packets lost over time", "lost,\npackets/s", [lost], 0.0, last, shaded, height=96, head=False)
        )
    return tuple(pictures)


def delay_picture(result: RunResult) -> str | None:
    """The median of the slowest stream, and the worst packet."""
    spans = moments(result)
    if not any(each.p50 is not None for each in spans):
        return None
    ends = [(each, each.start, each.start + each.seconds) for each in spans]
    worst = Series(tuple(Step(a, b, each.worst) for each, a, b in ends), "worst")
    median = Series(tuple(Step(a, b, each.p50) for each, a, b in ends), "median")
    return area_chart(
        "One-way delay over time", "delay, ms", [worst, median], 0.0, last_moment(result), bands(result), log=True
    )


def flows_picture(result: RunResult) -> str | None:
    """A row for each flow, coloured where it lost; None where no flow did."""
    if not any(flow.windows for _, flow in flows_of(result)):
        return None
    bundles = []
    for stream in result.probe.streams if result.probe is not None else ():
        threads = []
        for flow in stream.flows:
            windows = flow.windows
            longest = max((window.length for window in windows), default=0.0)
            harm = (
                f"lost {flow.lost:,} of {flow.sent:,} in {count(len(windows), 'window')}, longest {seconds(longest)}"
                if windows or flow.lost
                else f"lost none of {flow.sent:,}"
            )
            threads.append(
                Thread(f"flow {flow.flow}: {harm}", tuple((window.start, window.length) for window in windows))
            )
        if threads:
            source, target = (" ".join(name.split()) for name in (stream.source, stream.target))
            label = f"{source} →\n{target}\nIPv{stream.version}"
            bundles.append(Bundle(label, tuple(threads)))
    return strip_chart("Loss of each flow over time", bundles, 0.0, last_moment(result), bands(result))


__all__ = ["delay_picture", "flows_picture", "loss_pictures"]
