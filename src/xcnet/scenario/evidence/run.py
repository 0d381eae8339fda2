"""A scenario carried out on a lab that is up, with evidence of it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from xcnet.errors import InputError, XcnetError
from xcnet.lab.paths import LabPaths
from xcnet.lab.record import LabRecord
from xcnet.lab.recording import Looked, Recorded, Recording
from xcnet.lab.timeline import read_events
from xcnet.scenario.conduct import Told, conduct
from xcnet.scenario.document import Scenario
from xcnet.scenario.evidence import keys
from xcnet.scenario.evidence.gather import Gathered
from xcnet.scenario.evidence.options import EvidenceOptions
from xcnet.scenario.evidence.witness import Witnessed
from xcnet.scenario.report.evidence import CAPTURES
from xcnet.scenario.results import RunResult
from xcnet.scenario.stage import LabStage


@dataclass(frozen=True, slots=True)
class Source:
    """:param text: of the scenario's file. :param topology: the reference that the lab's was read from; of the lab's record where
    absent.
    """

    text: str
    topology: str | None = None


def conduct_recorded(
    scenario: Scenario,
    stage: LabStage,
    paths: LabPaths,
    kernel: str,
    folder: Path,
    source: Source,
    told: Told = lambda _text: None,
    *,
    options: EvidenceOptions | None = None,
) -> RunResult:
    """:func:`conduct`, with evidence of it.

    :param folder: where the report will be. :raises XcnetError: it could not be carried out: nothing is known then. What was
        gathered until then is in the folder.
    """
    options = options or EvidenceOptions()
    gathered = Gathered(folder)
    since = stage.clock()
    with _recording(paths, scenario, options, gathered) as recording:
        witnessed = Witnessed(stage, scenario, recording)
        result: RunResult | None = None
        try:
            witnessed.look("before", "before the run")
            result = conduct(scenario, witnessed.as_stage, paths, kernel, told)
            result = result.model_copy(update={"settings": {**result.settings, "capture": options.of(scenario).value}})
        except XcnetError:
            with contextlib.suppress(XcnetError):
                _finish(gathered, witnessed, recording, paths, source, since, None)
                gathered.close()
            raise
        finally:
            witnessed.close()
        _finish(gathered, witnessed, recording, paths, source, since, result)
    found = {"evidence": gathered.close(), "evidence_problems": tuple(gathered.problems)}
    return result.model_copy(update=found)


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


def _recording(
    paths: LabPaths, scenario: Scenario, options: EvidenceOptions, gathered: Gathered
) -> Recording | _Nothing:
    """:raises XcnetError: it cannot be begun, and keys were asked for: a run that cannot be decrypted is not what was wanted."""
    try:
        return Recording(paths, options.of(scenario), keys=options.keys)
    except XcnetError as error:
        if options.keys:
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
    _keep_keys(gathered, recorded)
    gathered.api(paths, since)
    record = LabRecord.read(paths)
    gathered.lab(
        result,
        (event for event in read_events(paths) if event.monotonic >= since),
        source.text,
        source.topology or (record.source if record is not None else ""),
        witnessed.began,
    )


def _keep_keys(gathered: Gathered, recorded: Recorded) -> None:
    """A run whose keys cannot be kept has its verdict all the same."""
    captures = [each for each in gathered.found if each.group == CAPTURES] if recorded.saks else []
    try:
        for each in captures:
            keys.keep(each.sha256, each.subject, recorded.saks)
    except InputError as error:
        gathered.problems.append(f"{error.cause}: its captures cannot be decrypted")


__all__ = ["Source", "conduct_recorded"]
