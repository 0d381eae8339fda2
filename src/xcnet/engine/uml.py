"""The user-mode engine: the lab's own kernel as an ordinary process of the host."""

from __future__ import annotations

from pathlib import Path

from xcnet.engine.base import LaunchSpec, Progress
from xcnet.engine.keys import make_keys
from xcnet.engine.leftovers import end_leftovers
from xcnet.engine.processes import end_processes
from xcnet.engine.rundir import RunDir
from xcnet.engine.starter import launch_process
from xcnet.engine.stopping import stop_run
from xcnet.engine.uml_choice import choose_kernel
from xcnet.engine.uml_kernel import UmlKernel
from xcnet.engine.uml_launch import launch_file
from xcnet.waiting import Deadline

_START_SECONDS = 600.0
"""For the boot and the application's own start, which has deadlines of its own; this one is for a hang without a word."""


class UmlEngine:
    """See :class:`xcnet.engine.base.Engine`.

    :param kernel: the one to boot; None to choose, and fetch if need be, when a run is started.
    """

    name = "uml"

    def __init__(self, kernel: UmlKernel | None = None) -> None:
        self._kernel = kernel

    def start(self, spec: LaunchSpec, progress: Progress) -> None:
        kernel = self._kernel or choose_kernel(progress)
        run = RunDir(spec.run_dir.absolute())
        run.make()
        make_keys(run)
        run.write_private(run.launch_file, launch_file(spec, run, kernel).to_json())
        progress("booting a user-mode kernel")
        arguments = [str(run.path), str(spec.memory), str(kernel.binary), str(kernel.modules), kernel.root]
        try:
            launch_process(
                run,
                spec.name,
                "xcnet.engine.uml_supervisor",
                [*arguments, "1" if kernel.seccomp else "0"],
                progress,
                log=run.supervisor_log.name,
                seconds=_START_SECONDS,
            )
        except BaseException:
            self.kill(run.path)
            raise

    def stop(self, run_dir: Path, *, seconds: float = 20.0) -> bool:
        return stop_run(RunDir(run_dir), seconds)

    def kill(self, run_dir: Path) -> None:
        record = RunDir(run_dir).read_record()
        if record is not None:
            end_processes(list(record.processes), Deadline(10.0))
        end_leftovers(run_dir)

    def alive(self, run_dir: Path) -> bool:
        return RunDir(run_dir).alive

    def kernel(self, run_dir: Path) -> str:
        record = RunDir(run_dir).read_record()
        return record.kernel if record is not None else ""


__all__ = ["UmlEngine"]
