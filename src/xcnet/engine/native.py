"""The native engine: the lab in the host's own kernel, where that can do what is needed and this is root."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from xcnet.engine.base import LaunchSpec, Progress
from xcnet.engine.keys import make_keys
from xcnet.engine.launch import Launch
from xcnet.engine.leftovers import end_leftovers
from xcnet.engine.processes import end_processes
from xcnet.engine.rundir import RunDir
from xcnet.engine.starter import launch_process
from xcnet.engine.stopping import stop_run
from xcnet.errors import EngineError
from xcnet.waiting import Deadline

_START_SECONDS = 600.0


class NativeEngine:
    """See :class:`xcnet.engine.base.Engine`."""

    name = "native"

    def start(self, spec: LaunchSpec, progress: Progress) -> None:
        from xcnet.engine.kernel_features import kernel_shortcomings

        if os.geteuid() != 0:
            raise EngineError("the native engine needs root", remedy="use sudo, or --engine uml, which does not")
        if missing := kernel_shortcomings():
            raise EngineError(
                "this machine's kernel lacks what a lab needs: " + ", ".join(missing),
                where="; ".join(missing.values()),
                remedy="use --engine uml; 'xcnet doctor' tells what each is for",
            )
        run = RunDir(spec.run_dir.absolute())
        run.make()
        make_keys(run)
        launch = Launch(spec.name, self.name, str(run.path), spec.entry, list(spec.path), dict(spec.env))
        run.write_private(run.launch_file, launch.to_json())
        progress("starting the lab's process")
        try:
            launch_process(
                run,
                spec.name,
                "xcnet.engine.native_process",
                [str(run.path)],
                progress,
                log=run.log.name,
                seconds=_START_SECONDS,
            )
        except BaseException:
            self.kill(run.path)
            raise

    def stop(self, run_dir: Path, *, seconds: float = 20.0) -> bool:
        clean = stop_run(RunDir(run_dir), seconds)
        self._remove_runtime(run_dir)
        return clean

    def kill(self, run_dir: Path) -> None:
        record = RunDir(run_dir).read_record()
        if record is not None:
            end_processes(list(record.processes), Deadline(10.0))
        end_leftovers(run_dir)
        self._remove_runtime(run_dir)

    @staticmethod
    def _remove_runtime(run_dir: Path) -> None:
        record = RunDir(run_dir).read_record()
        if record is not None and (folder := record.details.get("runtime_dir")):
            shutil.rmtree(folder, ignore_errors=True)

    def alive(self, run_dir: Path) -> bool:
        return RunDir(run_dir).alive

    def kernel(self, run_dir: Path) -> str:
        record = RunDir(run_dir).read_record()
        return record.kernel if record is not None else ""


__all__ = ["NativeEngine"]
