"""Labs seen from the host: bring one up in an engine, talk to it, take it down, find what was left of it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from xcnet.engine.base import Engine, LaunchSpec
from xcnet.engine.client import LabClient
from xcnet.engine.select import choose_engine, engine_named
from xcnet.errors import DeadlineError, LabError, XcnetError
from xcnet.lab.directory import Directory
from xcnet.lab.leftovers import remove_leftovers
from xcnet.lab.paths import LabPaths, check_name
from xcnet.lab.record import LabRecord, recorded_labs
from xcnet.lab.status import LabStatus
from xcnet.lab.wire import plan_to_wire
from xcnet.model.monitoring import MonitorPolicy
from xcnet.model.sabotage import Sabotage
from xcnet.proof.results import Proof

ENTRY = "xcnet.lab.application:application"


class ProgressSink(Protocol):
    """Shown to whoever waits."""

    def step(self, text: str) -> None: ...

    def detail(self, text: str) -> None: ...


class BringUp(BaseModel):
    """:param seconds: from the first action to everything established. :param build_seconds: of it, inside the kernel."""

    model_config = ConfigDict(frozen=True)

    name: str
    topology: str
    engine: str
    kernel: str
    seconds: float
    build_seconds: float


class Removal(BaseModel):
    """What taking a lab down found. :param leftovers: things removed that a clean end would not have left."""

    model_config = ConfigDict(frozen=True)

    name: str
    clean: bool
    leftovers: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        if self.clean and not self.leftovers:
            return "cleanly"
        if self.leftovers:
            return f"leftovers removed: {', '.join(self.leftovers)}"
        return "its own process was gone"


class LabOverview(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    topology: str
    engine: str
    state: str
    created: datetime


def bring_up(
    topology: str,
    *,
    name: str | None = None,
    engine: str = "auto",
    fast: bool = False,
    bare: bool = False,
    keep: bool = False,
    monitor: MonitorPolicy | None = None,
    sabotage: Sabotage | None = None,
    progress: ProgressSink,
) -> BringUp:
    """Bring up a lab from a shipped topology's name or a file, and return when its path stands.

    :param engine: ``native``, ``uml`` or ``auto``.
    :param fast: the fast timers, whatever the topology says.
    :param bare: without keys and connections: the coordinators are to make them.
    :param keep: leave a lab whose path did not come up, for inspection.
    :param monitor: every provider's, whatever the topology says.
    :param sabotage: rob it of a mechanism; what the lab says of itself (its timers, its limits) stays as the topology has it.
    :raises XcnetError: nothing was left behind; with :class:`DeadlineError` neither.
    """
    from xcnet.model.load import load_topology, with_monitor
    from xcnet.model.planner import make_plan
    from xcnet.model.sabotaged import sabotaged

    started = time.monotonic()
    loaded = load_topology(topology)
    if monitor is not None:
        loaded = with_monitor(loaded, monitor)
    plan = make_plan(loaded, fast=fast, bare=bare)
    directory = Directory.of(plan)
    if sabotage is not None:
        plan = sabotaged(plan, sabotage)
    lab = check_name(name or loaded.name)
    paths = LabPaths.of(lab)
    _refuse_or_sweep(paths)
    progress.step("choosing an engine")
    chosen = choose_engine(engine, progress=progress.detail)
    paths.run_dir.mkdir(mode=0o700, parents=True)
    LabRecord.new(lab, plan.topology, topology, chosen.name, sabotage).write(paths)
    directory.write(paths)
    try:
        progress.step(f"booting the lab's kernel ({chosen.name})")
        chosen.start(LaunchSpec(name=lab, run_dir=paths.run_dir, entry=ENTRY), progress.detail)
        build_seconds = _build(paths, plan_to_wire(plan), progress)
        LabRecord.read(paths).model_copy(update={"ready": True}).write(paths)  # type: ignore[union-attr]
    except DeadlineError:
        if not keep:
            _erase(paths, chosen)
        raise
    except BaseException:
        # Whatever went wrong, a failed or interrupted bring-up leaves nothing: its logs go into the error instead.
        _erase(paths, chosen)
        raise
    return BringUp(
        name=lab,
        topology=plan.topology,
        engine=chosen.name,
        kernel=chosen.kernel(paths.run_dir),
        seconds=round(time.monotonic() - started, 3),
        build_seconds=build_seconds,
    )


def _build(paths: LabPaths, plan: bytes, progress: ProgressSink) -> float:
    seconds = 0.0

    def heard(message: dict[str, Any]) -> None:
        nonlocal seconds
        if "step" in message:
            progress.step(message["step"])
        elif "detail" in message:
            progress.detail(message["detail"])
        elif "built" in message:
            seconds = float(message["built"])

    with LabClient(paths.run_dir) as client:
        status = client.stream(["build"], _json_lines(heard), stdin=plan)
    if status != 0:
        raise LabError("building the lab ended early", where=str(paths.logs), remedy="look at the logs in that folder")
    return seconds


def _json_lines(heard: Callable[[dict[str, Any]], None]) -> Callable[[bytes], None]:
    rest = b""

    def feed(data: bytes) -> None:
        nonlocal rest
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            heard(json.loads(line))

    return feed


def _refuse_or_sweep(paths: LabPaths) -> None:
    """A running lab of that name is refused; what a dead one left is removed."""
    if not paths.run_dir.exists():
        return
    record = LabRecord.read(paths) if paths.record.exists() else None
    if record is not None and engine_named(record.engine).alive(paths.run_dir):
        raise LabError(
            f"lab {paths.name!r} is running already",
            where="--name",
            remedy=f"give the new one another name, or run 'xcnet down --name {paths.name}' first",
        )
    take_down(paths.name)


def _erase(paths: LabPaths, engine: Engine) -> None:
    engine.stop(paths.run_dir)
    remove_leftovers(paths)
    shutil.rmtree(paths.run_dir, ignore_errors=True)


def take_down(name: str) -> Removal:
    """Take a lab down, in whatever state it is, and remove everything that carries its name and nothing else."""
    paths = LabPaths.of(name)
    try:
        record = LabRecord.read(paths)
    except XcnetError:
        record = None
    clean = False
    if record is not None:
        clean = engine_named(record.engine).stop(paths.run_dir)
    leftovers = remove_leftovers(paths)
    shutil.rmtree(paths.run_dir, ignore_errors=True)
    return Removal(name=name, clean=clean, leftovers=tuple(leftovers))


def overview() -> list[LabOverview]:
    """The labs of this user; one whose own process is gone is ``dead``: ``down`` removes it."""
    labs = []
    for name in recorded_labs():
        paths = LabPaths.of(name)
        record = LabRecord.read(paths)
        if record is None:
            continue
        alive = engine_named(record.engine).alive(paths.run_dir)
        state = "dead" if not alive else "ready" if record.ready else "coming up"
        labs.append(
            LabOverview(name=name, topology=record.topology, engine=record.engine, state=state, created=record.created)
        )
    return labs


def lab_status(paths: LabPaths) -> LabStatus:
    """:raises LabError: the lab does not answer."""
    record = LabRecord.read(paths)
    with LabClient(paths.run_dir) as client:
        raw = client.call("status", {})
    return LabStatus.model_validate({**raw, "engine": record.engine if record else "unknown"})


def watch_status(paths: LabPaths, interval: float = 1.0) -> Iterator[LabStatus]:
    """The state again and again over one connection, ``interval`` seconds apart, until the lab is gone."""
    record = LabRecord.read(paths)
    with LabClient(paths.run_dir) as client:
        while True:
            raw = client.call("status", {})
            yield LabStatus.model_validate({**raw, "engine": record.engine if record else "unknown"})
            time.sleep(interval)


def prove(paths: LabPaths, *, flows: int, progress: ProgressSink) -> Proof:
    """Run the proof in the lab; takes some ten seconds for each four channels."""
    found: list[Proof] = []

    def heard(message: dict[str, Any]) -> None:
        if "step" in message:
            progress.step(message["step"])
        elif "proof" in message:
            found.append(Proof.model_validate(message["proof"]))

    with LabClient(paths.run_dir) as client:
        status = client.stream(["verify", json.dumps({"flows": flows})], _json_lines(heard))
    if status != 0 or not found:
        raise LabError("the proof ended early", where=str(paths.run_dir), remedy="look at engine.log in that folder")
    return found[0]


def lab_memory(paths: LabPaths) -> dict[str, int]:
    """Bytes of each process of the lab, by label (proportional set size: shared pages are shared out)."""
    with LabClient(paths.run_dir) as client:
        answer: dict[str, int] = client.call("memory", {})
        return answer


def run_in_lab(paths: LabPaths, argv: list[str], *, terminal: bool = False) -> int:
    """Attach this terminal, or these pipes, to a request; its exit status."""
    with LabClient(paths.run_dir) as client:
        return client.run(argv, terminal=terminal)


def stream_from_lab(paths: LabPaths, argv: list[str], received: Callable[[bytes], object]) -> int:
    """Hand a request's output to ``received`` as it comes; its exit status. Ctrl-C ends the request."""
    with LabClient(paths.run_dir) as client:
        try:
            return client.stream(argv, received)
        except KeyboardInterrupt:
            return 0


def call_in_lab(paths: LabPaths, target: str, parameters: dict[str, Any]) -> Any:
    """Run ``module:function`` in the lab's kernel (see ``requests.call``) and return its value."""
    chunks: list[bytes] = []
    with LabClient(paths.run_dir) as client:
        status = client.stream(["call", target, json.dumps(parameters)], chunks.append)
    if status != 0:
        raise LabError(f"{target} failed in the lab", remedy="its messages are above")
    return json.loads(b"".join(chunks))


__all__ = [
    "BringUp",
    "LabOverview",
    "Removal",
    "bring_up",
    "call_in_lab",
    "lab_memory",
    "lab_status",
    "overview",
    "prove",
    "run_in_lab",
    "stream_from_lab",
    "take_down",
    "watch_status",
]
