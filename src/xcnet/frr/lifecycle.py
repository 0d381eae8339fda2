"""How a router's FRR daemons are started: folders, command lines, order, readiness. Starting them is the lab's business."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from xcnet.errors import RoutingError
from xcnet.frr.binaries import find_program, has_option
from xcnet.frr.render import startup
from xcnet.model.desired import RouterState
from xcnet.open_files import allow_open_files

DAEMONS = ("zebra", "bfdd", "bgpd")
"""What a router runs, in the order of starting."""

USER = "frr"
GROUP = "frr"
VTY_GROUP = "frrvty"
"""The packages' own user and groups. FRR refuses to run as a user outside the vty group, root included."""

CRASH_LOGS = Path("/var/tmp/frr")
"""Compiled into FRR: every daemon keeps a folder ``NAME.PID`` there while it runs."""

OPEN_FILES = 16384
"""How many files a daemon may have open. bfdd opens six sockets for each VRF and one for each session, bgpd two and one; a
daemon that runs out of them aborts. FRR sizes its tables by its option and touches no more of them than it uses; the
limit of the process it leaves as it found it."""

_ENVIRONMENT = {
    # FRR writes local time without saying so, and the C library looks at /etc/localtime for every line without TZ.
    "TZ": "UTC0",
    # One heap for all threads, grown in large steps: fewer page faults, which are dear in a user-mode kernel.
    "MALLOC_ARENA_MAX": "1",
    "GLIBC_TUNABLES": "glibc.malloc.top_pad=1048576",
}


@dataclass(frozen=True, slots=True)
class FrrDirs:
    """The folders of one router's daemons.

    :param run: sockets, pid files and start-up configuration; must be on a file system that carries Unix sockets, and
        every folder above it must let others pass (mode ``o+x``), as the daemons are not root. Its path and the longest
        name in it must fit into a socket address (107 bytes).
    :param logs: where the daemons' standard output goes; only the starter writes there.
    """

    run: Path
    logs: Path

    @classmethod
    def of(cls, sockets: Path, logs: Path) -> FrrDirs:
        """The layout under a router's folder of sockets."""
        return cls(sockets / "frr", logs)

    @property
    def vty(self) -> Path:
        """The folder that ``vtysh --vty_socket`` wants."""
        return self.run

    @property
    def config(self) -> Path:
        """The folder that ``vtysh --config_dir`` wants."""
        return self.run

    @property
    def zserv(self) -> Path:
        """Where zebra listens for the other daemons."""
        return self.run / "zserv.api"

    def socket(self, daemon: str) -> Path:
        """The vty socket of one daemon."""
        return self.run / f"{daemon}.vty"

    def log(self, daemon: str) -> Path:
        """What one daemon logs, and whatever else it writes to its standard output."""
        return self.logs / f"{daemon}.log"

    def startup(self, daemon: str) -> Path:
        """The start-up configuration of one daemon."""
        return self.run / f"{daemon}.conf"

    def prepare(self) -> None:
        """Make the run folder, for FRR's user alone.

        :raises RoutingError: there is no such user, or it could not reach the folder.
        """
        longest = len(os.fsencode(self.zserv))
        if longest > 107:
            raise RoutingError(
                f"the path is too long for a socket ({longest} bytes, 107 fit)",
                where=str(self.zserv),
                remedy="give the lab a shorter name",
            )
        try:
            user, group = pwd.getpwnam(USER).pw_uid, grp.getgrnam(VTY_GROUP).gr_gid
        except KeyError as error:
            raise RoutingError(
                f"FRR's user or group is missing: {error.args[0]}",
                where="/etc/passwd, /etc/group",
                remedy="install FRR from the distribution's packages, which make them",
            ) from None
        self.run.mkdir(parents=True, exist_ok=True)
        os.chown(self.run, user, group)
        self.run.chmod(0o750)
        # vtysh complains where there is none.
        (self.config / "vtysh.conf").touch(mode=0o640)
        self.logs.mkdir(parents=True, exist_ok=True)
        for folder in self.run.parents:
            if not folder.stat().st_mode & 0o001:
                raise RoutingError(
                    f"FRR's user {USER} cannot pass {folder}",
                    where=str(self.run),
                    remedy=f"chmod o+x {folder}",
                )

    def write(self, texts: dict[str, str]) -> None:
        """Write start-up configurations, each whole or not at all; those that stand already are left alone."""
        gid = grp.getgrnam(GROUP).gr_gid
        for daemon, text in texts.items():
            path = self.startup(daemon)
            if path.is_file() and path.read_text() == text:
                continue
            fresh = path.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
            with os.fdopen(descriptor, "w") as file:
                os.fchown(descriptor, -1, gid)
                file.write(text)
            fresh.replace(path)


@dataclass(frozen=True, slots=True)
class DaemonSpec:
    """How to start one daemon.

    :param argv: its command line; it stays in the foreground.
    :param env: added to the environment.
    :param cwd: an almost empty folder: libyang lists the current folder several times at the start.
    :param realtime: wants SCHED_FIFO: it keeps promises about milliseconds.
    :param serves: sockets of its own that others need: they are started when these are there. A daemon that finds no
        zebra tries again after 10 s only.
    :param ready: the vty socket; it has started when that answers.
    :param log: where its standard output and error belong.
    """

    name: str
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: Path
    realtime: bool
    serves: tuple[Path, ...]
    ready: Path
    log: Path


def daemon_specs(dirs: FrrDirs) -> list[DaemonSpec]:
    """The daemons of a router, in the order of starting.

    With many routers start all zebras first, then the rest as each zebra's socket appears: started strictly one by one,
    thirty daemons take two and a half times as long in a user-mode kernel.

    :raises RoutingError: a daemon is not installed.
    """
    return [_spec(name, dirs) for name in DAEMONS]


def _spec(name: str, dirs: FrrDirs) -> DaemonSpec:
    argv = [
        find_program(name),
        "-F",
        "traditional",
        "-f",
        str(dirs.startup(name)),
        "-i",
        str(dirs.run / f"{name}.pid"),
        "-z",
        str(dirs.zserv),
        "--vty_socket",
        str(dirs.vty),
        # No TCP port for the vty: the port is the same for every daemon of the kind, and open to the namespace.
        "-P",
        "0",
        "-u",
        USER,
        "-g",
        GROUP,
        "--log",
        "stdout",
        "--log-level",
        "debugging" if name == "bfdd" else "informational",
        # Every thread of a daemon keeps three tables of this size; the default limit may be a million.
        "--limit-fds",
        str(OPEN_FILES),
    ]
    if name == "bfdd" and has_option("bfdd", "--bfdctl"):
        # FRR 8 and 9 have a socket for a control program, whose place is the same for all routers unless it is told.
        argv += ["--bfdctl", str(dirs.run / "bfdd.sock")]
    if name == "zebra" and has_option("zebra", "--v6-rr-semantics"):
        # An IPv6 route whose next hops change is replaced, as an IPv4 one is; else it would be gone for a moment each time.
        argv.append("--v6-rr-semantics")
    return DaemonSpec(
        name=name,
        argv=tuple(argv),
        env=dict(_ENVIRONMENT),
        cwd=dirs.run,
        realtime=name == "bfdd",
        serves=(dirs.zserv,) if name == "zebra" else (),
        ready=dirs.socket(name),
        log=dirs.log(name),
    )


def prepare(state: RouterState, dirs: FrrDirs) -> list[DaemonSpec]:
    """Folders, start-up configuration and command lines of a router's daemons: everything before starting them.

    Whoever calls this may open as many files afterwards as they need: those that it starts inherit that.

    :raises RoutingError: FRR is not installed as it must be.
    """
    specs = daemon_specs(dirs)
    allow_open_files(OPEN_FILES)
    dirs.prepare()
    dirs.write(startup(state))
    return specs


def remove_crash_logs(daemon: str, pid: int) -> None:
    """Remove what a daemon left in FRR's common folder when it was killed: each has one of its own, by pid."""
    shutil.rmtree(CRASH_LOGS / f"{daemon}.{pid}", ignore_errors=True)


__all__ = ["CRASH_LOGS", "DAEMONS", "DaemonSpec", "FrrDirs", "daemon_specs", "prepare", "remove_crash_logs"]
