"""Trial boots: a user-mode kernel counts only if it was seen to work on this machine. Results are remembered."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from xcnet.engine.base import LaunchSpec
from xcnet.engine.cache import cache_folder
from xcnet.engine.rundir import RunDir, tail
from xcnet.engine.uml_kernel import UmlKernel
from xcnet.engine.uml_launch import launch_file
from xcnet.engine.uml_processor import any_processor
from xcnet.errors import EngineError

_MEMORY = 256
_SECONDS = 60.0
_FAST_MS = 40.0
_REVISION = 2
"""Part of what results are remembered under: raised when a trial comes to ask for more."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a trial boot showed.

    :param release: the kernel's version; empty if it did not come up.
    :param problem: why it cannot be used; empty if it can.
    :param boot_seconds: start to power-off. :param spawn_ms: cost of starting a small program in it.
    """

    release: str = ""
    problem: str = ""
    boot_seconds: float = 0.0
    spawn_ms: float = 0.0
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def works(self) -> bool:
        return not self.problem

    @property
    def fast(self) -> bool:
        return self.works and self.spawn_ms <= _FAST_MS

    @property
    def summary(self) -> str:
        if not self.works:
            return self.problem
        pace = "fast" if self.fast else "slow"
        return f"{self.release}, {pace}: boots in {self.boot_seconds:.1f} s, {self.spawn_ms:.0f} ms for each process"


def try_kernel(kernel: UmlKernel, *, again: bool = False) -> Trial:
    """Boot a kernel and have it try what a lab needs; or say what was seen the last time, on the same machine.

    :param again: try even if a result is remembered.
    """
    key = _key(kernel)
    known = _remembered()
    if not again and key in known:
        return Trial(**known[key])
    trial, certain = _boot(kernel)
    if certain:
        _remember(key, trial)
    return trial


def _boot(kernel: UmlKernel) -> tuple[Trial, bool]:
    """The trial, and whether its result would be the same the next time."""
    with tempfile.TemporaryDirectory(prefix="xcnet-trial-") as folder:
        run = RunDir(Path(folder).resolve())
        spec = LaunchSpec(name="trial", run_dir=run.path, entry="", memory=_MEMORY)
        run.write_private(run.launch_file, launch_file(spec, run, kernel).to_json())
        started = time.monotonic()
        try:
            process = kernel.boot(run, _MEMORY, serial=(), processor=any_processor())
        except EngineError as error:
            return Trial(problem=error.cause), False
        try:
            process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            return Trial(problem=f"did not end its trial within {_SECONDS:g} s"), False
        finally:
            process.kill()
            process.wait()
        seconds = time.monotonic() - started
        try:
            answer = json.loads((run.path / "trial.json").read_text())
        except (OSError, ValueError):
            return Trial(problem=explain_console(tail(run.console, 60)), boot_seconds=seconds), True
    missing = answer["missing"]
    problem = "; ".join(f"no {name}: {why}" for name, why in missing.items())
    return Trial(answer["release"], problem, round(seconds, 2), answer["spawn_ms"], missing), True


def explain_console(text: str) -> str:
    """Why a kernel did not come up, from the last that it said."""
    if re.search(r"ptrace set fp regs failed|set_fpregs|PTRACE_SETREGSET", text):
        return (
            "panics on this processor: it is older than the processor's extended registers (AMX), "
            "which it cannot save and restore"
        )
    if "GLIBC_" in text and "not found" in text:
        return "needs a newer C library than this system's"
    for line in text.splitlines():
        if "Kernel panic" in line:
            return line.strip()
    last = text.splitlines()[-1].strip() if text else "it said nothing"
    return f"ended before its first process could say anything: {last}"


def _key(kernel: UmlKernel) -> str:
    """The same file on the same processor under the same host kernel gives the same result."""
    try:
        state = kernel.binary.stat()
        flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        return ""
    parts = [
        *(str(kernel.binary), state.st_size, state.st_mtime_ns, state.st_ino),
        *(str(kernel.modules), kernel.root, kernel.seccomp, os.uname().release, os.geteuid(), _REVISION),
        flags[1] if flags else "",
    ]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _results_file() -> Path:
    return cache_folder() / "trials.json"


def _remembered() -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(_results_file().read_text())
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def _remember(key: str, trial: Trial) -> None:
    known = _remembered()
    known[key] = asdict(trial)
    try:
        _results_file().parent.mkdir(parents=True, exist_ok=True)
        temporary = _results_file().with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(known, indent=2))
        temporary.replace(_results_file())
    except OSError:
        return  # nowhere to remember it: the next one tries again


__all__ = ["Trial", "explain_console", "try_kernel"]
