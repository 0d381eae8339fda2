"""Which BGP sessions are established and which BFD sessions are up, followed through the daemons' own announcements.

A daemon is asked once for all it has, when it is there; from then on its log, which the kernel announces as it grows, tells
of each change. An open connection to it tells of its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from pathlib import Path

from xcnet.errors import DeadlineError, RoutingError
from xcnet.frr.filewatch import FileWatch
from xcnet.frr.lifecycle import FrrDirs
from xcnet.frr.logs import parse_log_line
from xcnet.frr.state import Address, bfd_up, established
from xcnet.frr.vty import Vty, open_when_ready
from xcnet.waiting import Deadline

Session = tuple[str, Address]
"""VRF and neighbour."""

_START_SECONDS = 10.0
"""From a daemon's socket appearing to its answering there."""

_READ = 64 * 1024

_MISSED = "bgp.address_unknown"
_TOLD = frozenset({"bgp.established", "bgp.down", _MISSED})


class SessionWatch:
    """Use inside a running event loop.

    :param changed: called in the loop, with the VRFs of which something changed.
    :param missed: called in the loop, with a neighbour that bgpd refuses as it knows no own address towards it.
    """

    def __init__(
        self,
        dirs: FrrDirs,
        changed: Callable[[set[str]], None],
        missed: Callable[[Address], None] = lambda _peer: None,
    ) -> None:
        self._files = FileWatch()
        self._bgp = _Daemon(dirs, "bgpd", established, self._files, changed, missed)
        self._bfd = _Daemon(dirs, "bfdd", bfd_up, self._files, changed, missed)
        for folder in {dirs.run, dirs.logs}:
            with contextlib.suppress(FileNotFoundError):  # no daemon was prepared for here
                self._files.new_in(folder)
        asyncio.get_running_loop().add_reader(self._files.fileno(), self._announced)
        for daemon in (self._bgp, self._bfd):
            daemon.start()

    @property
    def established(self) -> set[Session]:
        """BGP sessions."""
        return self._bgp.up

    @property
    def bfd_up(self) -> set[Session]:
        """BFD sessions."""
        return self._bfd.up

    async def known(self) -> None:
        """Wait until each daemon has told what it has, or is seen not to be there."""
        await self._bgp.known.wait()
        await self._bfd.known.wait()

    def forget(self, bgp: Iterable[Session], bfd: Iterable[Session]) -> None:
        """These are configured no longer: a daemon does not announce the end of a session that it deletes."""
        self._bgp.up -= set(bgp)
        self._bfd.up -= set(bfd)

    def _announced(self) -> None:
        paths = self._files.drain()
        for daemon in (self._bgp, self._bfd):
            daemon.announced(paths)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._files.fileno())
        for daemon in (self._bgp, self._bfd):
            daemon.close()
        self._files.close()


class _Daemon:
    """One daemon: present or not, its log, and the sessions that it has up."""

    def __init__(
        self,
        dirs: FrrDirs,
        name: str,
        ask: Callable[[Vty], set[Session]],
        files: FileWatch,
        changed: Callable[[set[str]], None],
        missed: Callable[[Address], None],
    ) -> None:
        self._missed = missed
        self._path = dirs.socket(name)
        self._log = _Log(dirs.log(name), files)
        self._ask = ask
        self._changed = changed
        self._vty: Vty | None = None
        self._asking: asyncio.Task[None] | None = None
        self._again = False
        self._meanwhile: list[tuple[Session, bool]] = []
        self.up: set[Session] = set()
        self.known = asyncio.Event()

    def start(self) -> None:
        if self._path.exists():
            # What a killed daemon leaves behind looks the same: one look tells.
            self._begin(0.0)
        else:
            self.known.set()

    def announced(self, paths: set[Path]) -> None:
        if self._path in paths:
            self._lost()
            self._begin(_START_SECONDS)
        if self._log.path in paths:
            changes = self._read_log()
            if self._vty is not None:
                self._apply(changes)
            elif self._asking is not None:
                self._meanwhile += changes
            elif self._path.exists():
                self._begin(0.0)

    def _begin(self, patience: float) -> None:
        if self._asking is not None:
            self._again = True
            return
        self._read_log()  # what was logged before is part of what it answers
        self._meanwhile.clear()
        self._asking = asyncio.ensure_future(self._look(patience))

    async def _look(self, patience: float) -> None:
        try:
            vty, up = await asyncio.to_thread(self._open, patience)
        except (RoutingError, DeadlineError):
            self._asking = None
        else:
            self._asking = None
            self._vty = vty
            asyncio.get_running_loop().add_reader(vty.fileno(), self._lost)
            before, self.up = self.up, up
            # All of it, in order: what was logged before the answer ends in what the answer says.
            self._apply([*self._meanwhile, *self._read_log()])
            self._tell(before ^ self.up)
        self.known.set()
        if self._again:
            self._again = False
            self._lost()
            self._begin(_START_SECONDS)

    def _open(self, patience: float) -> tuple[Vty, set[Session]]:
        # Answers are not urgent; whoever runs this loop may be.
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        vty = open_when_ready(self._path, Deadline(patience))
        try:
            return vty, self._ask(vty)
        except RoutingError:
            vty.close()
            raise

    def _lost(self) -> None:
        """The daemon is gone, and its sessions with it: it says nothing unasked, so that its connection can only have ended."""
        if self._vty is None:
            return
        asyncio.get_running_loop().remove_reader(self._vty.fileno())
        self._vty.close()
        self._vty = None
        gone, self.up = self.up, set()
        self._tell(gone)

    def _read_log(self) -> list[tuple[Session, bool]]:
        found: list[tuple[Session, bool]] = []
        for line in self._log.lines():
            told = _told(line)
            if isinstance(told, tuple):
                found.append(told)
            elif told is not None:
                self._missed(told)
        return found

    def _apply(self, changes: list[tuple[Session, bool]]) -> None:
        touched: set[Session] = set()
        for session, is_up in changes:
            if is_up != (session in self.up):
                touched.add(session)
            if is_up:
                self.up.add(session)
            else:
                self.up.discard(session)
        self._tell(touched)

    def _tell(self, sessions: set[Session]) -> None:
        if sessions:
            self._changed({vrf for vrf, _peer in sessions})

    def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        if self._vty is not None:
            asyncio.get_running_loop().remove_reader(self._vty.fileno())
            self._vty.close()
            self._vty = None
        self._log.close()


def _told(line: str) -> tuple[Session, bool] | Address | None:
    """A session and whether it is up now, or a neighbour towards which no own address is known; None for any other line."""
    event = parse_log_line(line, source="", wall_minus_monotonic=0.0)
    if event is None or not (event.kind.startswith("bfd.") or event.kind in _TOLD):
        return None
    try:
        peer = ip_address(event.data["peer"])
    except ValueError:  # an interface, or half a line
        return None
    if event.kind == _MISSED:
        return peer
    return (event.data["vrf"], peer), event.kind in ("bgp.established", "bfd.up")


class _Log:
    """A daemon's log, from where it ends when this begins; it may appear later."""

    def __init__(self, path: Path, files: FileWatch) -> None:
        self.path = path
        self._files = files
        self._fd = -1
        self._rest = b""
        if self._open():
            os.lseek(self._fd, 0, os.SEEK_END)

    def _open(self) -> bool:
        try:
            self._files.growth_of(self.path)
            self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        return True

    def lines(self) -> list[str]:
        """Whole lines since the last call."""
        if self._fd < 0 and not self._open():
            return []
        data = self._rest
        while chunk := os.read(self._fd, _READ):
            data += chunk
        *whole, self._rest = data.split(b"\n")
        return [line.decode(errors="replace") for line in whole]

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


__all__ = ["Session", "SessionWatch"]
