"""What a forked child has to shed of the process it was forked from, and how it ends."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

from xcnet.engine.failures import error_to_json
from xcnet.errors import XcnetError

_PR_SET_PDEATHSIG = 1
_INTERRUPTED = 130
_UNHEARD = 141
"""As of programs that SIGPIPE or Ctrl-C ended."""


def run_and_exit(
    function: Callable[[], int | None], parent: int, stdio: Sequence[int], failure: int, keep: Sequence[int]
) -> NoReturn:
    """Become a process of one's own with ``stdio`` as its input and outputs, run ``function``, and leave.

    :param failure: where an :class:`XcnetError` is written to, as JSON.
    """
    status: int = 1
    try:
        _become_child(parent, stdio, (failure, *keep))
        status = function() or 0
    except SystemExit as leave:
        status = leave.code if isinstance(leave.code, int) else 1
    except XcnetError as error:
        os.write(failure, error_to_json(error).encode())
        status = error.exit_code
    except KeyboardInterrupt:
        status = _INTERRUPTED
    except BrokenPipeError:
        status = _UNHEARD  # nobody listens any more, not even to that
    except BaseException:
        traceback.print_exc()
    finally:
        # Whatever happens, this copy of the process must never get back into the original's code.
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)


def _become_child(parent: int, stdio: Sequence[int], keep: Sequence[int]) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    os.setsid()
    asyncio._set_running_loop(None)
    asyncio.set_event_loop(None)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    # A daemon must outlive a client that hangs up before it is answered: an error to handle, as ever in Python.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for target, end in enumerate(stdio):
        os.dup2(end, target)
    first = 3
    for fd in sorted(set(keep)):
        os.closerange(first, fd)
        first = fd + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))
    # The parent's own streams may hold text that it has not written yet; that is not for this child to write again.
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False, errors="backslashreplace")  # noqa: SIM115


__all__ = ["run_and_exit"]
