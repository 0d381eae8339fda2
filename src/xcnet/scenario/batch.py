"""Scenarios one after the other or side by side, each on a lab of its own or on one that runs; a report folder for each."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from xcnet.errors import InputError, XcnetError
from xcnet.lab.directory import Directory
from xcnet.lab.manager import ProgressSink, bring_up, lab_status, take_down
from xcnet.lab.paths import LabPaths
from xcnet.model.topology import Timers
from xcnet.scenario.document import Scenario
from xcnet.scenario.evidence.options import EvidenceOptions
from xcnet.scenario.evidence.run import Source, conduct_recorded
from xcnet.scenario.load import check_against, load_scenario
from xcnet.scenario.report.write import write_report
from xcnet.scenario.results import RunResult, Verdict
from xcnet.scenario.stage import LabStage


@dataclass(frozen=True, slots=True)
class Job:
    """One run to be done.

    :param round: counts from 1. :param lab: a running lab to do it on; None for one of its own.
    :param keep: leave a lab of its own up where the run does not pass. :param folder: of its report. :param evidence: how much of it.
    """

    file: Path
    round: int
    folder: Path
    engine: str
    lab: str | None = None
    keep: bool = False
    evidence: EvidenceOptions = field(default_factory=EvidenceOptions)


@dataclass(frozen=True, slots=True)
class Done:
    """:param result: None where the run could not be carried out; ``error`` says why then. :param kept: the lab that was left up."""

    job: Job
    result: RunResult | None
    error: dict[str, str] | None = None
    kept: str | None = None

    @property
    def verdict(self) -> Verdict:
        """A run that could not be carried out has failed: what it was to show was not shown."""
        return self.result.verdict if self.result is not None else Verdict.FAIL


def scenario_files(references: Sequence[str]) -> list[Path]:
    """The files that are named, and those in named folders, in order of name.

    :raises InputError: there is no such file, or nothing in a folder.
    """
    found: list[Path] = []
    for reference in references:
        path = Path(reference)
        if path.is_dir():
            inside = sorted(path.glob("*.yaml"))
            if not inside:
                raise InputError(
                    f"there is no scenario in '{path}'", where=reference, remedy="name a folder with *.yaml files"
                )
            found += inside
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def plan_jobs(
    files: Sequence[Path],
    *,
    out: Path | None,
    repeat: int,
    engine: str,
    lab: str | None,
    keep: bool,
    evidence: EvidenceOptions | None = None,
) -> list[Job]:
    """All files are read before anything runs: a mistake in the last one costs nobody the first.

    :raises XcnetError: a file has mistakes. :raises InputError: two of them have one name.
    """
    root = out or Path("xcnet-reports") / f"{datetime.now():%Y%m%d-%H%M%S}"
    jobs: list[Job] = []
    seen: dict[str, Path] = {}
    for file in files:
        scenario, document = load_scenario(file)
        if lab is not None:
            check_against(scenario, document, Directory.read(LabPaths.of(lab)))
        if scenario.scenario in seen:
            raise InputError(
                f"two scenarios are called '{scenario.scenario}'",
                where=f"{seen[scenario.scenario]}, {file}",
                remedy="give each its own name",
            )
        seen[scenario.scenario] = file
        for number in range(1, repeat + 1):
            name = scenario.scenario if repeat == 1 else f"{scenario.scenario}-{number}"
            jobs.append(Job(file, number, root / name, engine, lab, keep, evidence or EvidenceOptions()))
    return jobs


def carry_out(jobs: Sequence[Job], *, at_once: int, progress: ProgressSink) -> Iterator[Done]:
    """Each run as it is done. :param at_once: labs side by side; runs on one running lab go one by one."""
    if at_once <= 1 or len(jobs) == 1 or any(job.lab is not None for job in jobs):
        for job in jobs:
            yield one(job, progress)
        return
    # Processes of their own, started afresh: each has its own signals, event loops and connections.
    pool = ProcessPoolExecutor(at_once, mp_context=multiprocessing.get_context("spawn"))
    try:
        futures = [pool.submit(one, job, None) for job in jobs]
        for future in as_completed(futures):
            done = future.result()
            progress.step(f"{done.job.folder.name}: {done.verdict}")
            yield done
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def one(job: Job, progress: ProgressSink | None) -> Done:
    """One run, its lab brought up before and taken down after it, its report written."""
    sink = progress or _Nobody()
    try:
        if job.lab is not None:
            scenario, _ = load_scenario(job.file)
            sink.step(f"{job.folder.name} on lab {job.lab}")
            paths = LabPaths.of(job.lab)
            return Done(job, _run(scenario, paths, lab_status(paths).kernel, job, sink))
        return _on_its_own(job, sink)
    except XcnetError as error:
        return Done(job, None, {"cause": error.cause, "where": error.where, "remedy": error.remedy})


def _on_its_own(job: Job, sink: ProgressSink) -> Done:
    scenario, document = load_scenario(job.file)
    name = f"{job.folder.name[:24].rstrip('-')}-{os.getpid()}"
    sink.step(f"{job.folder.name}: bringing up {scenario.topology}")
    up = bring_up(
        reference_of(scenario.topology, job.file),
        name=name,
        engine=job.engine,
        fast=scenario.timers is Timers.FAST,
        monitor=scenario.monitor,
        progress=_Detail(sink),
    )
    paths = LabPaths.of(name)
    result: RunResult | None = None
    try:
        check_against(scenario, document, Directory.read(paths))
        sink.step(f"{job.folder.name}: {scenario.title}")
        result = _run(scenario, paths, up.kernel, job, sink, reference_of(scenario.topology, job.file))
    finally:
        kept = job.keep and (result is None or result.verdict is not Verdict.PASS)
        if not kept:
            take_down(name)
    return Done(job, result, kept=name if kept else None)


def _run(
    scenario: Scenario, paths: LabPaths, kernel: str, job: Job, sink: ProgressSink, topology: str | None = None
) -> RunResult:
    source = Source(job.file.read_text(encoding="utf-8"), topology)
    with LabStage(paths) as stage:
        result = conduct_recorded(scenario, stage, paths, kernel, job.folder, source, sink.detail, options=job.evidence)
    write_report(result, job.folder)
    return result


def reference_of(topology: str, file: Path) -> str:
    """A topology's file is seen from the scenario's folder."""
    beside = file.parent / topology
    return str(beside) if topology.endswith((".yaml", ".yml")) and beside.exists() else topology


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """Of several runs: a fail outweighs what could not be told, and that a pass."""
    for worst in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        if worst in verdicts:
            return worst
    return Verdict.PASS


class _Nobody:
    def step(self, text: str) -> None:
        """Nobody watches."""

    def detail(self, text: str) -> None:
        """Nobody watches."""


class _Detail:
    """Steps of a bring-up within one step of a run. :param sink: shown to whoever waits."""

    def __init__(self, sink: ProgressSink) -> None:
        self._sink = sink

    def step(self, text: str) -> None:
        self._sink.detail(text)

    def detail(self, text: str) -> None:
        self._sink.detail(text)


__all__ = ["Done", "Job", "carry_out", "one", "overall", "plan_jobs", "reference_of", "scenario_files"]
