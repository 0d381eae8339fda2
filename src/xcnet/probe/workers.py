"""The probe's own processes: forked, each with one function to run, whose value comes back when it has ended."""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import signal
import traceback
from collections.abc import Callable
from typing import Any

from xcnet.errors import LabError

_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
_libc = ctypes.CDLL(None, use_errno=True)


class Worker:
    """A forked child that runs ``function``.

    :param name: what ``ps`` shows, at most 15 characters. :param realtime: SCHED_RR priority; None for the ordinary scheduler.
        Where that is not allowed it runs at ordinary priority, and its lateness tells.
    """

    def __init__(self, name: str, function: Callable[[], Any], *, realtime: int | None = None) -> None:
        self.name = name
        here, there = os.pipe()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(here)
            _run(name, function, there, parent, realtime)
        os.close(there)
        self._output = here
        self._ended = False

    def result(self) -> Any:
        """Wait for its end. :returns: what its function returned. :raises LabError: it did not end as it should."""
        chunks = []
        while data := os.read(self._output, 1 << 20):
            chunks.append(data)
        os.close(self._output)
        _, status = os.waitpid(self.pid, 0)
        self._ended = True
        if status != 0 or not chunks:
            raise LabError(
                f"the probe's {self.name} ended with status {os.waitstatus_to_exitcode(status)}",
                remedy="its messages are above; run the probe again",
            )
        return pickle.loads(b"".join(chunks))

    def kill(self) -> None:
        """End it, whatever it does; does nothing where it has ended and its result was taken."""
        if not self._ended:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self._output)
            self._ended = True


def _run(name: str, function: Callable[[], Any], output: int, parent: int, realtime: int | None) -> None:
    status = 1
    try:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            return
        _libc.prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)
        # Ctrl-C is for the process that all of them serve.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Nothing that runs for long makes cycles here, and a collection would hold up a packet.
        gc.freeze()
        gc.disable()
        if realtime is not None:
            _take_priority(realtime)
        with os.fdopen(output, "wb") as file:
            pickle.dump(function(), file, protocol=pickle.HIGHEST_PROTOCOL)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _take_priority(realtime: int) -> None:
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(realtime))
    except PermissionError:
        return


__all__ = ["Worker"]
