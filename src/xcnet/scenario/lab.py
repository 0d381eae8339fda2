"""A lab for programs: brought up, broken, measured and taken down from Python. ``from xcnet import Lab``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from xcnet.engine.client import LabClient
from xcnet.errors import InputError
from xcnet.events import Event
from xcnet.lab import faulting, probing
from xcnet.lab.capture_mode import Capture
from xcnet.lab.coordination import Coordination
from xcnet.lab.directory import Directory, find_lab
from xcnet.lab.manager import Removal, bring_up, lab_status, take_down
from xcnet.lab.paths import LabPaths
from xcnet.lab.status import Health, LabStatus
from xcnet.lab.timeline import read_events
from xcnet.model.monitoring import MonitorPolicy
from xcnet.model.problems import did_you_mean
from xcnet.model.validation import validate
from xcnet.probe.plan import ProbePlan
from xcnet.probe.results import ProbeResult
from xcnet.scenario.actions import connect_order
from xcnet.scenario.conduct import conduct
from xcnet.scenario.evidence.options import EvidenceOptions
from xcnet.scenario.evidence.run import Source, conduct_recorded
from xcnet.scenario.load import FAULTS, check_against, load_scenario
from xcnet.scenario.report.write import write_report
from xcnet.scenario.results import RunResult
from xcnet.scenario.stage import LabStage
from xcnet.waiting import Deadline, wait_until

_LOOK_SECONDS = 0.25
"""Between two looks at a whole lab: each asks every daemon."""


class _Quiet:
    def step(self, text: str) -> None:
        """Nobody watches."""

    def detail(self, text: str) -> None:
        """Nobody watches."""


class Lab:
    """A running lab. All methods wait until what they do is done.

    Example::

        from xcnet import Lab

        with Lab.up("aws-google") as lab, lab.traffic() as traffic:
            with lab.fault("cut", on="ch2"):
                ...
            print(traffic.stop().longest_loss)

    Every method raises :class:`xcnet.errors.XcnetError` with a cause, a place and a remedy.
    """

    def __init__(self, name: str, *, owned: bool = False) -> None:
        """:param owned: leaving ``with`` takes it down."""
        self.paths = LabPaths.of(name)
        self.directory = Directory.read(self.paths)
        self._owned = owned

    @classmethod
    def up(
        cls,
        topology: str = "aws-google",
        *,
        name: str | None = None,
        engine: str = "auto",
        fast: bool = False,
        bare: bool = False,
        monitor: MonitorPolicy | None = None,
    ) -> Self:
        """Bring one up. :param name: by default one that no other has. :param fast: the fast timers.
        :param bare: without keys and connections, see :meth:`connect`. :param monitor: every provider's; the topology's if absent.
        """
        made = bring_up(
            topology,
            name=name or f"py-{os.getpid()}",
            engine=engine,
            fast=fast,
            bare=bare,
            monitor=monitor,
            progress=_Quiet(),
        )
        return cls(made.name, owned=True)

    @classmethod
    def attach(cls, name: str | None = None) -> Self:
        """One that runs already; leaving ``with`` leaves it up. :param name: may be left out while only one runs."""
        return cls(find_lab(name).name)

    @property
    def name(self) -> str:
        return self.paths.name

    def down(self) -> Removal:
        """Take it down, and everything that is left of it."""
        return take_down(self.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._owned:
            self.down()

    def status(self) -> LabStatus:
        """Channels, keys, sessions and routes as they are now."""
        return lab_status(self.paths)

    def wait_until_up(self, seconds: float = 60.0) -> None:
        """Wait until every node, channel, session and route is as it should be.

        :raises DeadlineError: something is not, after so many seconds; the error names it.
        """

        def seen() -> str | None:
            status = self.status()
            if status.health is Health.UP:
                return None
            wrong = [each.name for each in status.nodes if each.health is not Health.UP]
            wrong += [each.name for each in status.channels if each.health is not Health.UP]
            wrong += [f"{each.node} to {each.peer}" for each in status.sessions if each.state != "Established"]
            return f"{status.health}: {', '.join(wrong) or 'routes are missing'}"

        wait_until(
            "the lab to be up",
            seen,
            Deadline(seconds),
            where=self.name,
            remedy="end its faults",
            interval=_LOOK_SECONDS,
        )

    def events(self) -> list[Event]:
        """Everything that happened so far, in order of time."""
        return read_events(self.paths)

    @contextmanager
    def coordinators(self) -> Iterator[Coordination]:
        """A connection to the coordinators: commands and queries."""
        with LabClient(self.paths.run_dir) as client:
            yield Coordination(self.paths, client)

    def connect(self, order: str | None = None) -> None:
        """Have one of the topology's connections made, from the activation key to both sides seeing it work.

        :param order: its name; the first by default.
        """
        with self.coordinators() as talk:
            connect_order(talk, self.directory, order)

    @contextmanager
    def fault(self, kind: str, **settings: Any) -> Iterator[faulting.StandingFault]:
        """A fault that stands as long as the block runs, e.g. ``lab.fault("loss", on="ch2", percent=3)``.

        :raises InputError: there is no such fault, or a setting is wrong.
        """
        if kind not in FAULTS:
            raise InputError(f"there is no fault {kind!r}", where="fault", remedy=did_you_mean(kind, FAULTS))
        made, problems = validate(FAULTS[kind], {"fault": kind, **settings})
        if made is None:
            first = problems[0]
            raise InputError(first.cause, where=".".join(["fault", *map(str, first.path)]), remedy=first.remedy)
        with LabClient(self.paths.run_dir) as client:
            standing = faulting.begin(client, made)  # type: ignore[arg-type]
            try:
                yield standing
            finally:
                faulting.end(client, standing.id)

    def traffic(self, plan: ProbePlan | None = None) -> probing.Probing:
        """Begin to measure; use it in ``with``, and take what was found with ``stop()``."""
        return probing.start(self.paths, plan or ProbePlan())

    def measure(self, seconds: float, plan: ProbePlan | None = None) -> ProbeResult:
        """What a probe of so many seconds finds."""
        settings = (plan or ProbePlan()).model_copy(update={"duration": seconds})
        with probing.start(self.paths, settings) as found:
            found.wait()
            return found.stop()

    def run(
        self,
        scenario: str | os.PathLike[str],
        *,
        report: Path | None = None,
        capture: Capture | None = None,
        keep_keys: bool = False,
        told: Callable[[str], None] = lambda _: None,
    ) -> RunResult:
        """Run a scenario's file on this lab.

        :param report: a folder for its report and evidence. :param capture: how much of the frames on the channels is kept there,
            whatever the scenario says. :param keep_keys: keep whole frames and what decrypts them. :param told: of each step.
        :raises InputError: the scenario has mistakes, or does not fit this lab; evidence without a report to lie beside.
        """
        if report is None and (capture not in (None, Capture.NONE) or keep_keys):
            raise InputError(
                "evidence lies beside a report, and none is written",
                where="report",
                remedy="name a folder for the report",
            )
        options = EvidenceOptions(capture, keep_keys)
        read, document = load_scenario(scenario)
        check_against(read, document, self.directory)
        kernel = self.status().kernel
        with LabStage(self.paths) as stage:
            if report is None:
                return conduct(read, stage, self.paths, kernel, told)
            source = Source(Path(scenario).read_text(encoding="utf-8"))
            result = conduct_recorded(read, stage, self.paths, kernel, report, source, told, options=options)
        write_report(result, report)
        return result


__all__ = ["Lab"]
