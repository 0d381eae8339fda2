"""A scenario carried out on a lab that is up, its evidence gathered, and its report written."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from xcnet.errors import XcnetError
from xcnet.lab.paths import LabPaths
from xcnet.lab.record import LabRecord
from xcnet.lab.recording import Looked, Recorded, Recording
from xcnet.lab.timeline import read_events
from xcnet.scenario.conduct import Told, conduct
from xcnet.scenario.document import Scenario
from xcnet.scenario.evidence import keys
from xcnet.scenario.evidence.gather import Gathered
from xcnet.scenario.evidence.options import Wanted
from xcnet.scenario.evidence.witness import Witnessed
from xcnet.scenario.report.evidence import CAPTURES
from xcnet.scenario.report.write import write_report
from xcnet.scenario.results import RunResult
from xcnet.scenario.stage import LabStage


@dataclass(frozen=True, slots=True)
class Source:
    """:param text: of the scenario's file. :param topology: the reference that the lab's was read from; of the lab's record where
    absent.
    """

    text: str
    topology: str | None = None


def report(
    scenario: Scenario,
    paths: LabPaths,
    kernel: str,
    folder: Path,
    source: Source,
    told: Told = lambda _text: None,
    *,
    wanted: Wanted | None = None,
) -> RunResult:
    """:param kernel: the lab's. :param folder: for the report.

    :raises XcnetError: it could not be carried out: nothing is known then. What was gathered until then is in the folder.
    """
    wanted = wanted or Wanted()
    with LabStage(paths) as stage:
        gathered = Gathered(folder)
        since = stage.clock()
        with _recording(paths, scenario, wanted, gathered) as recording:
            witnessed = Witnessed(stage, scenario, recording)
            result: RunResult | None = None
            try:
                witnessed.look("before", "before the run")
                result = conduct(scenario, witnessed, paths, kernel, told)
                result = result.model_copy(
                    update={"settings": {**result.settings, "capture": wanted.of(scenario).value}}
                )
            except XcnetError:
                with contextlib.suppress(XcnetError):
                    _finish(gathered, witnessed, recording, paths, source, since, None)
                raise
            finally:
                witnessed.close()
            _finish(gathered, witnessed, recording, paths, source, since, result)
    found = {"evidence": gathered.close(), "evidence_problems": tuple(gathered.problems)}
    result = result.model_copy(update=found)
    write_report(result, folder)
    return result


class _Nothing:
    """In place of a recording that could not be begun."""

    folder = Path()

    def look(self, moment: str) -> Looked:
        return Looked(snapshot=moment, began=0.0, seconds=0.0, problems=())

    def end(self) -> Recorded:
        return Recorded(channels={}, saks=())

    def remove(self) -> None:
        """There is nothing."""

    def __enter__(self) -> _Nothing:
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing."""


def _recording(paths: LabPaths, scenario: Scenario, wanted: Wanted, gathered: Gathered) -> Recording | _Nothing:
    """:raises XcnetError: it cannot be begun, and keys were asked for: a run that cannot be decrypted is not what was wanted."""
    try:
        return Recording(paths, wanted.of(scenario), keys=wanted.keys)
    except XcnetError as error:
        if wanted.keys:
            raise
        gathered.problems.append(f"nothing was recorded: {error.cause}")
        return _Nothing()


def _finish(
    gathered: Gathered,
    witnessed: Witnessed,
    recording: Recording | _Nothing,
    paths: LabPaths,
    source: Source,
    since: float,
    result: RunResult | None,
) -> None:
    witnessed.close()
    witnessed.look("after", "after the run")
    try:
        recorded = recording.end()
    except XcnetError as error:
        witnessed.problems.append(f"the channels were not recorded: {error.cause}")
        recorded = Recorded(channels={}, saks=())
    gathered.problems += witnessed.problems
    gathered.captures(recording.folder, recorded.channels)
    gathered.routers(recording.folder, witnessed.looks)
    recording.remove()
    for each in gathered.found:
        if each.group == CAPTURES and recorded.saks:
            keys.keep(each.sha256, each.subject, recorded.saks)
    gathered.api(paths, since)
    record = LabRecord.read(paths)
    gathered.lab(
        result,
        (event for event in read_events(paths) if event.monotonic >= since),
        source.text,
        source.topology or (record.source if record is not None else ""),
        witnessed.began,
    )


__all__ = ["Source", "report"]
