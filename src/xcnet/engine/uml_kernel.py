"""One user-mode kernel: where it lies, how it is started, and where its memory goes."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from xcnet.engine import guest
from xcnet.engine.rundir import RunDir
from xcnet.errors import EngineError

_PR_SET_PDEATHSIG = 1
_MIB = 1024 * 1024

ROOTS = {
    "dev": ("root=/dev/root", "rootfstype=hostfs", "rootflags=/"),
    "none": ("root=none", "rootfstype=hostfs"),
}
"""How a kernel is told that its root is the host's tree: the first up to 6.1, the second since."""


@dataclass(frozen=True, slots=True)
class UmlKernel:
    """:param binary: the kernel, a program of the host. :param modules: the folder with a folder for each release.
    :param root: a key of :data:`ROOTS`. :param seccomp: whether it can use seccomp, several times faster than ptrace."""

    binary: Path
    modules: Path
    root: str = "dev"
    seccomp: bool = False

    def arguments(self, run: RunDir, memory: int, serial: Sequence[int]) -> list[str]:
        """Its command line. Holds no secret.

        :param serial: descriptors for its serial lines.
        """
        return [
            str(self.binary),
            f"mem={memory}M",
            *ROOTS[self.root],
            *(["seccomp=on"] if self.seccomp else []),
            *(f"ssl{number}=fd:{fd}" for number, fd in enumerate(serial)),
            "con=null",
            "con0=null,fd:1",
            "uml_dir=./",
            "umid=uml",
            "rw",
            "quiet",
            # Most of the boot would go into finding out which way to compute RAID checksums is the fastest.
            "initcall_blacklist=raid6_init,raid6_select_algo",
            # The kernel splits its command line at spaces; what comes behind "--" goes to the first process.
            f"XCNET_RUN={quote(str(run.path))}",
            f'init="{sys.executable}"',
            "--",
            "-I",
            "-S",
            f'"{Path(guest.__file__)}"',
        ]

    def boot(self, run: RunDir, memory: int, *, serial: Sequence[int], processor: int) -> subprocess.Popen[bytes]:
        """Start it, its console going to the run's ``console.log``. It dies with the calling process.

        :param processor: the host's one that it is kept on; see :mod:`xcnet.engine.uml_processor`.
        :raises EngineError: it cannot be started, or there is no room for its memory.
        """
        environment = {**os.environ, "TMPDIR": str(memory_folder(memory, run.path))}
        with os.fdopen(os.open(run.console, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as console:
            try:
                return subprocess.Popen(
                    self.arguments(run, memory, serial),
                    cwd=run.path,
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=subprocess.STDOUT,
                    pass_fds=serial,
                    env=environment,
                    start_new_session=True,
                    preexec_fn=lambda: _before_kernel(processor),  # noqa: PLW1509 - the caller has one thread
                )
            except OSError as error:
                raise EngineError(
                    f"the user-mode kernel cannot be started: {error.strerror}",
                    where=str(self.binary),
                    remedy="run 'xcnet doctor'",
                ) from None


_libc = ctypes.CDLL(None)


def _before_kernel(processor: int) -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.sched_setaffinity(0, {processor})
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a panic aborts; its console says more than its core would
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each process inside holds a few of the kernel's


def memory_candidates(run_dir: Path) -> Sequence[Path]:
    """Folders that a kernel's memory may be a file in, the best first."""
    return (Path("/dev/shm"), Path("/tmp"), Path("/var/tmp"), run_dir)


def memory_folder(memory: int, run_dir: Path) -> Path:
    """The first folder with room for ``memory`` MiB. The file is sparse, but must be able to grow: a kernel that runs
    out of room underneath is killed by SIGBUS.

    :raises EngineError: there is no such folder.
    """
    seen = []
    for folder in memory_candidates(run_dir):
        if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
            continue
        state = os.statvfs(folder)
        free = state.f_bavail * state.f_frsize // _MIB
        # Program text is mapped from the file: where nothing may be executed, the kernel does not start.
        if free >= memory and not state.f_flag & os.ST_NOEXEC:
            return folder
        seen.append(f"{folder}: {free} MiB" + (" (noexec)" if state.f_flag & os.ST_NOEXEC else ""))
    raise EngineError(
        f"no folder has room for a user-mode kernel's {memory} MiB of memory",
        where="; ".join(seen),
        remedy="make room in one of them, or ask for less with XCNET_MEMORY (MiB)",
    )


__all__ = ["ROOTS", "UmlKernel", "memory_candidates", "memory_folder"]
