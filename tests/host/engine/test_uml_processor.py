"""Where a user-mode kernel runs on the host: on one processor, and on another when that one is wanted by others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine_lab import ask, demo

from xcnet.engine.rundir import RunDir
from xcnet.engine.uml_processor import allowed_processors
from xcnet.waiting import Deadline, wait_until


def kernel_and_processes(run_dir: Path) -> list[int]:
    record = RunDir(run_dir).read_record()
    assert record is not None
    kernel = record.processes[1].pid
    listing = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [line.split() for line in listing.splitlines()]
    return [kernel, *(int(pid) for pid, parent in pairs if int(parent) == kernel)]


def processors(run_dir: Path) -> set[int]:
    found: set[int] = set()
    for pid in kernel_and_processes(run_dir):
        try:
            found |= os.sched_getaffinity(pid)
        except ProcessLookupError:
            continue
    return found


@contextmanager
def hog(processor: int) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        os.sched_setaffinity(process.pid, {processor})
        yield
    finally:
        process.kill()
        process.wait()


def test_a_kernel_and_all_its_processes_share_one_processor(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    with demo(run_dir):
        assert ask(run_dir, "exec", "sh", "-c", "sleep 30 & true")[0] == 0
        assert len(kernel_and_processes(run_dir)) > 2
        assert len(processors(run_dir)) == 1


def test_a_kernel_leaves_a_processor_that_somebody_else_wants_whole(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    with demo(run_dir):
        (first,) = processors(run_dir)
        with hog(first):
            others = allowed_processors() - {first}

            def seen() -> str | None:
                now = processors(run_dir)
                return None if len(now) == 1 and (now <= others or not others) else f"on {sorted(now)}"

            wait_until("the kernel to move away", seen, Deadline(20), interval=0.2)
            assert ask(run_dir, "rpc", "echo", "5") == (0, b"5")
