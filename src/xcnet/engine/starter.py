"""How whoever starts a run hears of it: lines of JSON over a socket, from the process that becomes the run's own."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence

from xcnet.engine.base import Progress
from xcnet.engine.failures import error_from_json, error_to_json
from xcnet.engine.rundir import LAB_VARIABLE, RUN_VARIABLE, RunDir, tail
from xcnet.errors import EngineError, XcnetError
from xcnet.waiting import Deadline


def detach() -> None:
    """Go on as an orphan, whom init buries: the one who starts a run may live as long as it, and has no time to."""
    if os.fork() > 0:
        os._exit(0)


class StarterLink:
    """The started side's end."""

    def __init__(self, fd: int) -> None:
        self._socket: socket.socket | None = socket.socket(fileno=fd)
        self._socket.set_inheritable(False)

    def progress(self, text: str) -> None:
        self._tell({"progress": text})

    def fail(self, error: XcnetError) -> None:
        self._tell({"error": error_to_json(error)})

    def ready(self) -> None:
        self._tell({"ready": "yes"})

    def fileno(self) -> int:
        """Readable once the starter has gone: it never writes."""
        return self._socket.fileno() if self._socket is not None else -1

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, message: dict[str, str]) -> None:
        if self._socket is not None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._socket.sendall(json.dumps(message).encode() + b"\n")


def launch_process(
    run: RunDir, name: str, module: str, arguments: Sequence[str], progress: Progress, *, log: str, seconds: float
) -> None:
    """Start ``python -m module FD ARGUMENTS`` as a process of its own, tagged as this run's, and wait until it is ready.

    :raises XcnetError: what it said went wrong; :class:`EngineError` if it ended without a word or took too long.
    """
    here, there = socket.socketpair()
    environment = {
        **os.environ,
        LAB_VARIABLE: name,
        RUN_VARIABLE: str(run.path),
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
    }
    log_file = run.path / log
    with here, os.fdopen(os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(there.fileno()), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            pass_fds=[there.fileno()],
            env=environment,
            start_new_session=True,
            cwd="/",
        )
        there.close()
        process.wait()  # for the detaching only
        _listen(here, progress, Deadline(seconds), log_file)


def _listen(link: socket.socket, progress: Progress, deadline: Deadline, log_file: os.PathLike[str]) -> None:
    from pathlib import Path

    rest = b""
    while True:
        link.settimeout(max(deadline.remaining, 0.001))
        try:
            data = link.recv(65536)
        except TimeoutError:
            raise EngineError(
                f"the lab's process did not start within {deadline.seconds:g} s", remedy="try again"
            ) from None
        if not data:
            raise EngineError(
                "the lab's process ended while it was starting",
                where=tail(Path(log_file)),
                remedy="run 'xcnet doctor' to see what this machine can do",
            )
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "progress" in message:
                progress(message["progress"])
            elif "error" in message:
                raise error_from_json(message["error"])
            else:
                return


__all__ = ["StarterLink", "launch_process"]
