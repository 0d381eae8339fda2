"""Scenarios one after the other or side by side, on labs of their own or on one that runs; a report folder for each."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from xcnet.errors import InputError, XcnetError
from xcnet.lab.directory import Directory
from xcnet.lab.manager import ProgressSink, lab_status
from xcnet.lab.paths import LabPaths
from xcnet.model.load import load_topology
from xcnet.model.planner import make_plan
from xcnet.model.topology import Timers
from xcnet.scenario.document import Scenario
from xcnet.scenario.evidence.options import EvidenceOptions
from xcnet.scenario.evidence.run import Source, conduct_recorded
from xcnet.scenario.load import check_against, load_scenario
from xcnet.scenario.report.write import write_report
from xcnet.scenario.results import RunResult, Verdict
from xcnet.scenario.reuse import Labs, Wanted, sweep
from xcnet.scenario.stage import LabStage
from xcnet.scenario.variants import PLAIN, Variant, as_sabotaged, with_coordinator_killed


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
    variant: Variant = PLAIN


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


Variants = Callable[[Scenario, Directory], Sequence[Variant]]
"""In which ways a scenario is to be run on its lab."""


def plan_jobs(
    files: Sequence[Path],
    *,
    out: Path | None,
    repeat: int,
    engine: str,
    lab: str | None,
    keep: bool,
    evidence: EvidenceOptions | None = None,
    variants: Variants = lambda _scenario, _lab: [PLAIN],
) -> list[Job]:
    """All files are read, and held against their labs, before anything runs: a mistake in the last one costs nobody the first.

    :raises XcnetError: a file has mistakes. :raises InputError: two of them have one name, or there is nothing to be run.
    """
    root = out or Path("xcnet-reports") / f"{datetime.now():%Y%m%d-%H%M%S}"
    jobs: list[Job] = []
    seen: dict[str, Path] = {}
    labs: dict[str, Directory] = {}
    for file in files:
        scenario, document = load_scenario(file)
        directory = _directory(scenario, file, lab, labs)
        check_against(scenario, document, directory)
        if scenario.scenario in seen:
            raise InputError(
                f"two scenarios are called '{scenario.scenario}'",
                where=f"{seen[scenario.scenario]}, {file}",
                remedy="give each its own name",
            )
        seen[scenario.scenario] = file
        for variant in variants(scenario, directory):
            for number in range(1, repeat + 1):
                name = scenario.scenario + variant.suffix + (f"-{number}" if repeat > 1 else "")
                kept = evidence or EvidenceOptions()
                jobs.append(Job(file, number, root / name, engine, lab, keep, kept, variant))
    if not jobs:
        raise InputError(
            "there is nothing to be run",
            where=", ".join(map(str, files)),
            remedy="name scenarios that have a 'sabotage'",
        )
    return jobs


def _directory(scenario: Scenario, file: Path, lab: str | None, known: dict[str, Directory]) -> Directory:
    """Of the lab that it will run on."""
    reference = lab if lab is not None else reference_of(scenario.topology, file)
    if reference not in known:
        known[reference] = (
            Directory.read(LabPaths.of(lab)) if lab is not None else Directory.of(make_plan(load_topology(reference)))
        )
    return known[reference]


def carry_out(jobs: Sequence[Job], *, at_once: int, progress: ProgressSink) -> Iterator[Done]:
    """Each run as it is done. Those that want the same lab come one after the other, so that it need not be brought up for each.

    :param at_once: labs side by side; runs on one running lab go one by one.
    """
    prefix = f"run-{os.getpid()}-"
    kept: set[str] = set()
    try:
        for done in _carried_out(sorted(jobs, key=_neighbours), at_once, prefix, progress):
            if done.kept is not None:
                kept.add(done.kept)
            yield done
    finally:
        sweep(prefix, kept)


def _carried_out(jobs: Sequence[Job], at_once: int, prefix: str, progress: ProgressSink) -> Iterator[Done]:
    if at_once <= 1 or len(jobs) == 1 or any(job.lab is not None for job in jobs):
        labs = Labs(prefix)
        for job in jobs:
            yield one(job, labs, progress)
        return
    # Processes of their own, started afresh: each has its own signals, event loops and connections.
    pool = ProcessPoolExecutor(at_once, mp_context=multiprocessing.get_context("spawn"))
    try:
        futures = [pool.submit(_beside, job, prefix) for job in jobs]
        for future in as_completed(futures):
            done = future.result()
            progress.step(f"{done.job.folder.name}: {done.verdict}")
            yield done
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _neighbours(job: Job) -> tuple[str, ...]:
    """Runs that can share a lab stand together."""
    scenario, _ = load_scenario(job.file)
    return (
        job.variant.sabotage or "",
        reference_of(scenario.topology, job.file),
        scenario.timers or "",
        scenario.monitor.model_dump_json() if scenario.monitor is not None else "",
        job.folder.name,
    )


_worker: list[Labs] = []
"""Of this process, where it is one of several."""


def _beside(job: Job, prefix: str) -> Done:
    if not _worker:
        _worker.append(Labs(f"{prefix}{os.getpid()}-"))
    return one(job, _worker[0], None)


def one(job: Job, labs: Labs, progress: ProgressSink | None) -> Done:
    """One run on a lab that is as if it had just been brought up, its report written."""
    sink = progress or _Nobody()
    try:
        if job.lab is not None:
            sink.step(f"{job.folder.name} on lab {job.lab}")
            paths = LabPaths.of(job.lab)
            return Done(job, _run(job, paths, lab_status(paths).kernel, sink))
        return _on_its_own(job, labs, sink)
    except XcnetError as error:
        return Done(job, None, {"cause": error.cause, "where": error.where, "remedy": error.remedy})


def _on_its_own(job: Job, labs: Labs, sink: ProgressSink) -> Done:
    scenario, document = load_scenario(job.file)
    sink.step(f"{job.folder.name}: a lab of {scenario.topology}")
    topology = reference_of(scenario.topology, job.file)
    wanted = Wanted(topology, scenario.timers is Timers.FAST, job.engine, scenario.monitor, job.variant.sabotage)
    held = labs.get(wanted, _Detail(sink))
    result: RunResult | None = None
    try:
        check_against(scenario, document, Directory.read(held.paths))
        sink.step(f"{job.folder.name}: {scenario.title}")
        result = _run(job, held.paths, held.kernel, sink, labs.settled, topology)
    finally:
        kept = job.keep and (result is None or result.verdict is not Verdict.PASS)
        if kept:
            labs.leave()
        elif result is None:
            # Nobody knows what state it is in.
            labs.drop()
    return Done(job, result, kept=held.name if kept else None)


def _run(
    job: Job,
    paths: LabPaths,
    kernel: str,
    sink: ProgressSink,
    settled: Callable[[], None] = lambda: None,
    topology: str | None = None,
) -> RunResult:
    """:param settled: called once everything in the lab works. :param topology: where the lab's was read from; of the lab's record
    where absent.
    """
    scenario, _ = load_scenario(job.file)
    if job.variant.killed is not None:
        scenario = with_coordinator_killed(scenario, job.variant.killed)
    source = Source(job.file.read_text(encoding="utf-8"), topology)
    with LabStage(paths) as stage:
        settled()
        result = conduct_recorded(scenario, stage, paths, kernel, job.folder, source, sink.detail, options=job.evidence)
    if job.variant.sabotage is not None:
        result = as_sabotaged(result, scenario, job.variant)
    elif job.variant != PLAIN:
        result = result.model_copy(update={"variant": str(job.variant), "title": f"{result.title} ({job.variant})"})
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


__all__ = ["Done", "Job", "Variants", "carry_out", "one", "overall", "plan_jobs", "reference_of", "scenario_files"]
