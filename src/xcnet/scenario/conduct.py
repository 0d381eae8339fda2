"""One scenario on one lab, from its file to its result: carried out, judged, and put together for the report."""

from __future__ import annotations

import platform
from collections.abc import Callable
from datetime import UTC, datetime

from xcnet import __version__
from xcnet.frr.binaries import version as frr_version
from xcnet.lab.paths import LabPaths
from xcnet.lab.record import LabRecord
from xcnet.scenario.course import phases, restoration
from xcnet.scenario.document import Scenario
from xcnet.scenario.judge import Seen, judge, verdict
from xcnet.scenario.results import ChannelPlace, Phase, RunResult
from xcnet.scenario.run import Run
from xcnet.scenario.staging import Stage

Told = Callable[[str], None]


def conduct(
    scenario: Scenario, stage: Stage, paths: LabPaths, kernel: str, told: Told = lambda _text: None
) -> RunResult:
    """Carry a scenario out on a lab that is up, and say what it came to.

    :param kernel: the lab's, for the report.
    :raises XcnetError: it could not be carried out: nothing is known then.
    """
    started = datetime.now(UTC)
    seen = Run(scenario, stage, told).carry_out()
    checks = judge(scenario, seen)
    said, reasons = verdict(checks, seen.probe)
    record = LabRecord.read(paths)
    return RunResult(
        scenario=scenario.scenario,
        title=scenario.title,
        description=scenario.description.strip(),
        lab=paths.name,
        topology=record.topology if record is not None else scenario.topology,
        began=started,
        seconds=round(seen.ended, 3),
        verdict=said,
        reasons=reasons,
        checks=checks,
        faults=tuple(seen.faults),
        phases=_courses(seen),
        timeline=seen.line.entries(seen.events),
        probe=seen.probe,
        providers=dict(stage.directory.providers),
        channels=tuple(
            ChannelPlace(name=each.name, facility=each.facility, interconnect=each.interconnect, ends=each.ends)
            for each in stage.directory.layout
        ),
        settings=scenario.settings(),
        versions={
            "xcnet": __version__,
            "engine": record.engine if record is not None else "unknown",
            "kernel": kernel,
            "FRR": _frr(),
            "Python": platform.python_version(),
        },
    )


def _courses(seen: Seen) -> tuple[Phase, ...]:
    entries = seen.line.entries(seen.events)
    streams = seen.probe.streams if seen.probe is not None else ()
    losses = [(window.start, window.length) for stream in streams for window in stream.windows]
    found = []
    for span in seen.faults:
        back = restoration(seen.events, seen.began + span.began).at
        restored = back - seen.began if back is not None else None
        found.append(phases(span, entries, losses, restored, seen.ended))
    return tuple(found)


def _frr() -> str:
    return ".".join(str(number) for number in frr_version())


__all__ = ["conduct"]
