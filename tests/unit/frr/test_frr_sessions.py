"""Sessions followed through a daemon that answers once and then only logs."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from ipaddress import ip_address
from pathlib import Path

import pytest

from xcnet.frr.lifecycle import FrrDirs
from xcnet.frr.sessions import SessionWatch

FIRST, SECOND = (("prod", ip_address(each)) for each in ("169.254.1.2", "fd00::2"))
_END = b"\0\0\0\0"


class Daemon:
    """What bgpd or bfdd is to somebody who watches: a socket that answers, and a log."""

    def __init__(self, dirs: FrrDirs, name: str, answer: object) -> None:
        self._log = dirs.log(name)
        self._log.touch()
        self._answer = json.dumps(answer).encode()
        path = dirs.socket(name)
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._talking: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                talking, _ = self._listener.accept()
            except OSError:
                return
            self._talking.append(talking)
            threading.Thread(target=self._talk, args=(talking,), daemon=True).start()

    def _talk(self, talking: socket.socket) -> None:
        rest = b""
        while received := talking.recv(4096):
            *commands, rest = (rest + received).split(b"\0")
            for command in commands:
                talking.sendall((self._answer if command.startswith(b"show") else b"") + _END)

    def logs(self, *lines: str) -> None:
        with self._log.open("a") as file:
            file.writelines(f"2026/11/23 04:29:10.192089 {line}\n" for line in lines)

    def die(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for talking in self._talking:
            talking.shutdown(socket.SHUT_RDWR)


def up(peer: str) -> str:
    return f"BGP: [N9HHH-F8H1M] %ADJCHANGE: neighbor {peer}(right) in vrf prod Up"


def down(peer: str) -> str:
    return f"BGP: [PXVXG-TFNNT] %ADJCHANGE: neighbor {peer}(right) in vrf prod Down Peer closed the session"


def bgp_answer(*established: str) -> object:
    return {"prod": {"ipv4Unicast": {"peers": {peer: {"state": "Established"} for peer in established}}}}


@pytest.fixture
def dirs(tmp_path: Path) -> FrrDirs:
    made = FrrDirs(tmp_path / "run", tmp_path / "logs")
    made.run.mkdir()
    made.logs.mkdir()
    return made


class Seen:
    """A watch, and what it told."""

    def __init__(self, dirs: FrrDirs) -> None:
        self.told: list[set[str]] = []
        self._news = asyncio.Event()
        self.watch = SessionWatch(dirs, self._changed)

    def _changed(self, vrfs: set[str]) -> None:
        self.told.append(vrfs)
        self._news.set()

    async def until(self, *sessions: object) -> None:
        while self.watch.established != set(sessions):
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 10)


def test_what_stands_is_asked_once_and_what_changes_is_read_from_the_log(dirs: FrrDirs) -> None:
    async def go() -> None:
        bgpd = Daemon(dirs, "bgpd", bgp_answer("169.254.1.2"))
        bgpd.logs(down("169.254.1.2"))  # of before: the answer knows better
        seen = Seen(dirs)
        await seen.watch.known()
        assert seen.watch.established == {FIRST}
        assert seen.watch.bfd_up == set()
        bgpd.logs(up("fd00::2"), "BGP: something else", down("169.254.1.2"))
        await seen.until(SECOND)
        assert {"prod"} in seen.told
        seen.watch.close()
        bgpd.die()

    asyncio.run(go())


def test_a_daemon_that_dies_has_no_sessions_and_one_that_comes_back_is_asked_again(dirs: FrrDirs) -> None:
    async def go() -> None:
        bgpd = Daemon(dirs, "bgpd", bgp_answer("169.254.1.2"))
        seen = Seen(dirs)
        await seen.watch.known()
        bgpd.die()
        await seen.until()
        again = Daemon(dirs, "bgpd", bgp_answer("169.254.1.2", "fd00::2"))
        await seen.until(FIRST, SECOND)
        seen.watch.close()
        again.die()

    asyncio.run(go())


def test_daemons_that_are_not_there_are_known_not_to_be_and_found_when_they_come(dirs: FrrDirs) -> None:
    async def go() -> None:
        seen = Seen(dirs)
        await asyncio.wait_for(seen.watch.known(), 1)
        assert seen.watch.established == set()
        bgpd = Daemon(dirs, "bgpd", bgp_answer("169.254.1.2"))
        await seen.until(FIRST)
        bgpd.logs(up("fd00::2"))
        await seen.until(FIRST, SECOND)
        seen.watch.close()
        bgpd.die()

    asyncio.run(go())


def test_a_socket_that_a_killed_daemon_left_behind_holds_up_nobody(dirs: FrrDirs) -> None:
    async def go() -> None:
        left = Daemon(dirs, "bgpd", {})
        left.die()
        assert dirs.socket("bgpd").exists()
        seen = Seen(dirs)
        await asyncio.wait_for(seen.watch.known(), 2)
        seen.watch.close()

    asyncio.run(go())


def test_what_is_configured_no_longer_is_forgotten(dirs: FrrDirs) -> None:
    async def go() -> None:
        bgpd = Daemon(dirs, "bgpd", bgp_answer("169.254.1.2", "fd00::2"))
        seen = Seen(dirs)
        await seen.watch.known()
        seen.watch.forget([FIRST], [])
        assert seen.watch.established == {SECOND}
        seen.watch.close()
        bgpd.die()

    asyncio.run(go())
