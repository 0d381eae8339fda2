"""What this machine has of all that a lab may need, each found by trying it, with what to do where it is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from xcnet.engine.base import default_memory
from xcnet.engine.kernel_features import FEATURES, NETNS, kernel_shortcomings
from xcnet.engine.uml_choice import Candidate, candidates
from xcnet.engine.uml_fetch import obstacle
from xcnet.engine.uml_kernel import memory_folder
from xcnet.engine.uml_trial import Trial
from xcnet.errors import EngineError

_FRR_FOLDERS = ("/usr/lib/frr", "/usr/libexec/frr", "/usr/local/sbin", "/usr/sbin", "/usr/bin")
_OTHER_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


class Need(StrEnum):
    """Who needs a capability."""

    NATIVE = "native"
    UML = "uml"
    BOTH = "both"
    OPTIONAL = "optional"


class Capability(BaseModel):
    """One thing that was tried.

    :param detail: what was seen: a version, a path, the kernel's own words.
    :param purpose: what it is for. :param remedy: what to do about its absence; empty where it was found.
    """

    model_config = ConfigDict(frozen=True)

    group: str
    name: str
    need: Need
    found: bool
    detail: str
    purpose: str
    remedy: str = ""


_PROGRAMS = (
    ("zebra", "frr", Need.BOTH, "routes in each router's kernel tables"),
    ("bgpd", "frr", Need.BOTH, "BGP"),
    ("bfdd", "frr", Need.BOTH, "BFD"),
    ("vtysh", "frr", Need.BOTH, "configuration and state of the routing daemons"),
    ("mnexec", "mininet", Need.BOTH, "Mininet's nodes"),
    ("ip", "iproute2", Need.BOTH, "looking into nodes by hand"),
    ("wpa_supplicant", "wpasupplicant", Need.OPTIONAL, "a foreign implementation of key agreement, for interoperation"),
    ("tcpdump", "tcpdump", Need.OPTIONAL, "captures by hand"),
    ("iperf3", "iperf3", Need.OPTIONAL, "throughput by hand"),
)

_KERNEL_REMEDY = {
    "macsec": "load it with 'modprobe macsec' (package linux-modules-extra on Ubuntu's cloud kernels), or use the uml engine",
    NETNS: "run it as root outside a restricted container, or use the uml engine",
}


def native_capabilities() -> Iterator[Capability]:
    """What the native engine asks of this machine's own kernel."""
    root = os.geteuid() == 0
    yield Capability(
        group="this machine's kernel",
        name="root",
        need=Need.NATIVE,
        found=root,
        detail="" if root else f"user id {os.geteuid()}",
        purpose="the native engine: namespaces and links in this kernel",
        remedy="" if root else "use sudo, or the uml engine, which needs no root",
    )
    missing = kernel_shortcomings() if root else {}
    for name, purpose in [(NETNS, "one network namespace for each node"), *((f.name, f.purpose) for f in FEATURES)]:
        why = missing.get(name) or missing.get(NETNS, "")
        if not root:
            why = "cannot be tried without root"
        yield Capability(
            group="this machine's kernel",
            name=name,
            need=Need.NATIVE,
            found=not why,
            detail=why,
            purpose=purpose,
            remedy="" if not why else _KERNEL_REMEDY.get(name, "load its module, or use the uml engine"),
        )
    why = _realtime_shortcoming()
    yield Capability(
        group="this machine's kernel",
        name="real-time priority",
        need=Need.OPTIONAL,
        found=not why,
        detail=why,
        purpose="BFD and key agreement keep their times on a busy machine",
        remedy="" if not why else "use the uml engine, or raise the limit for real-time priority (ulimit -r)",
    )


def _realtime_shortcoming() -> str:
    """Try in a child: this process keeps the scheduler that it has."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
            status = 0
        except OSError as error:
            status = error.errno or 1
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return "" if status == 0 else os.strerror(status)


def program_capabilities() -> Iterator[Capability]:
    """Programs of the host; a user-mode kernel sees the same files."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_FRR_FOLDERS, *_OTHER_FOLDERS])
    for name, package, need, purpose in _PROGRAMS:
        found = shutil.which(name, path=path)
        yield Capability(
            group="programs",
            name=name,
            need=need,
            found=found is not None,
            detail=_describe(name, found) if found else "not installed",
            purpose=purpose,
            remedy="" if found else f"apt install {package}, or run lab/provision.sh",
        )


def _describe(name: str, path: str) -> str:
    """The path, and of FRR the version: it is what decides whether we know how to talk to it."""
    if name != "bgpd":
        return path
    try:
        answer = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=10, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{path} does not run: {error}"
    lines = answer.stdout.splitlines()
    return f"{path}, {lines[0].removeprefix('bgpd version ')}" if lines else path


def uml_kernel_capabilities() -> Iterator[Capability]:
    """The user-mode kernels on this machine, each by a trial boot. One that works is enough."""
    answered = tried = False
    for candidate in candidates():
        kernel, trial = candidate.first_working(again=True)
        tried, answered = True, answered or bool(trial.release)
        yield _kernel_capability(candidate, kernel is not None, trial)
    if not tried:
        yield Capability(
            group="user-mode kernel",
            name="kernel",
            need=Need.UML,
            found=False,
            detail="none on this machine",
            purpose="the lab's own kernel",
            remedy="apt install user-mode-linux, or let xcnet reach Debian's archive",
        )
    yield Capability(
        group="user-mode kernel",
        name="hostfs",
        need=Need.UML,
        found=answered,
        detail="a guest ran from this file tree" if answered else "no guest came up to try it",
        purpose="the lab's kernel boots from this machine's own files",
        remedy="" if answered else "see the kernels above",
    )


def uml_capabilities() -> Iterator[Capability]:
    """What the user-mode engine needs besides a kernel."""
    why = obstacle()
    yield Capability(
        group="user-mode kernel",
        name="fetching one",
        need=Need.OPTIONAL,
        found=not why,
        detail=why or "apt, Debian's keyring and patchelf are there",
        purpose="a newer kernel, several times faster, from Debian's archive",
        remedy="" if not why else "apt install debian-archive-keyring; run lab/provision.sh",
    )
    yield _memory_capability()


def _kernel_capability(candidate: Candidate, works: bool, trial: Trial) -> Capability:
    slow = "a newer one is several times faster: let xcnet reach Debian's archive" if works and not trial.fast else ""
    return Capability(
        group="user-mode kernel",
        name=f"kernel {trial.release}".strip(),
        need=Need.UML,
        found=works,
        detail=f"{trial.summary}; {candidate.origin}: {candidate.binary}",
        purpose="the lab's own kernel",
        remedy=slow if works else "use a newer one: let xcnet fetch it from Debian's archive",
    )


def _memory_capability() -> Capability:
    wanted = default_memory()
    try:
        detail, remedy, found = f"{wanted} MiB in {memory_folder(wanted, Path.home())}", "", True
    except EngineError as error:
        detail, remedy, found = error.where, error.remedy, False
    return Capability(
        group="user-mode kernel",
        name="room for memory",
        need=Need.UML,
        found=found,
        detail=detail,
        purpose="the memory of the lab's kernel is a sparse file",
        remedy=remedy,
    )


__all__ = [
    "Capability",
    "Need",
    "native_capabilities",
    "program_capabilities",
    "uml_capabilities",
    "uml_kernel_capabilities",
]
