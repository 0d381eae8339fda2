"""Which user-mode kernel to boot: the fastest that can be had and that a trial shows to work."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xcnet.engine.base import Progress
from xcnet.engine.cache import cache_folder
from xcnet.engine.uml_fetch import SUITES, fetch, fetched
from xcnet.engine.uml_kernel import UmlKernel
from xcnet.engine.uml_trial import Trial, try_kernel
from xcnet.errors import EngineError

SYSTEM_BINARIES = (Path("/usr/bin/linux.uml"), Path("/usr/bin/linux"), Path("/usr/local/bin/linux.uml"))
SYSTEM_MODULES = Path("/usr/lib/uml/modules")

_RETRY_SECONDS = 600.0
_UNREACHABLE = re.compile(r"resolv|connect|timed? ?out|unreachable|No route", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kernel that lies on this machine. :param origin: where it came from, in a few words."""

    origin: str
    variants: tuple[UmlKernel, ...]

    @property
    def binary(self) -> Path:
        return self.variants[0].binary

    def first_working(self, *, again: bool = False) -> tuple[UmlKernel | None, Trial]:
        """The first way of starting it that works, with its trial; else the most telling failure."""
        failures: list[Trial] = []
        for variant in self.variants:
            trial = try_kernel(variant, again=again)
            if trial.works:
                return variant, trial
            failures.append(trial)
        # A kernel that got as far as an answer, or a known reason, says more than one that found no root.
        failures.sort(key=lambda trial: (bool(trial.release), "processor" in trial.problem), reverse=True)
        return None, failures[0]


def _variants(binary: Path, modules: Path) -> tuple[UmlKernel, ...]:
    """The newest way first; a kernel that does not know it falls through to the next."""
    return (
        UmlKernel(binary, modules, "none", seccomp=True),
        UmlKernel(binary, modules, "none", seccomp=False),
        UmlKernel(binary, modules, "dev", seccomp=False),
    )


def candidates() -> Iterator[Candidate]:
    """The kernels on this machine, the most wanted first."""
    for suite in SUITES:
        kernel = fetched(suite)
        if kernel.present:
            yield Candidate(f"fetched from Debian {suite}", _variants(kernel.binary, kernel.modules))
    for binary in SYSTEM_BINARIES:
        if os.access(binary, os.X_OK) and SYSTEM_MODULES.is_dir():
            yield Candidate("this system's package", _variants(binary, SYSTEM_MODULES))
            return


def choose_kernel(progress: Progress) -> UmlKernel:
    """The kernel to boot. One that is not there yet is fetched, unless that failed within the last ten minutes.

    :raises EngineError: no kernel works; says of each why.
    """
    problems: list[str] = []
    may_fetch = _may_fetch()
    for suite in SUITES:
        if not fetched(suite).present and not may_fetch:
            continue
        try:
            kernel = fetch(suite, progress)
        except EngineError as error:
            problems.append(error.cause)
            _note_failure()
            progress(f"{error.cause} ({error.remedy})")
            if _UNREACHABLE.search(error.cause):
                break
            continue
        chosen, trial = Candidate(f"Debian {suite}", _variants(kernel.binary, kernel.modules)).first_working()
        if chosen is not None:
            return chosen
        problems.append(f"{kernel.binary}: {trial.problem}")
    if problems:
        progress("trying this system's own user-mode kernel, which is slower")
    for candidate in candidates():
        chosen, trial = candidate.first_working()
        if chosen is not None:
            return chosen
        problems.append(f"{candidate.binary}: {trial.problem}")
    raise EngineError(
        "no user-mode kernel works on this machine",
        where="\n         ".join(dict.fromkeys(problems)) or "none is installed",
        remedy="install the package user-mode-linux, or let xcnet reach Debian's archive; 'xcnet doctor' tells more",
    )


def _failure_note() -> Path:
    return cache_folder() / "fetch-failed"


def _may_fetch() -> bool:
    if os.environ.get("XCNET_FETCH") == "no":
        return False
    try:
        return time.time() - _failure_note().stat().st_mtime > _RETRY_SECONDS
    except OSError:
        return True


def _note_failure() -> None:
    try:
        _failure_note().touch()
    except OSError:
        return  # nowhere to note it: the next one tries again


__all__ = ["Candidate", "candidates", "choose_kernel"]
