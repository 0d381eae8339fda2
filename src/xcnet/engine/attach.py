"""This process's own input, outputs and terminal, attached to a request."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Iterator, Sequence

from xcnet.engine.spawn import Terminal
from xcnet.engine.ssh_client import Request, Sink, open_request
from xcnet.engine.sshlib import asyncssh

_CHUNK = 65536
_INTERRUPTED = 130
_GRACE = 2.0  # seconds for a program to end after Ctrl-C, so that its last words are seen


async def attach(connection: asyncssh.SSHClientConnection, argv: Sequence[str], *, terminal: bool) -> int:
    """Run a request on standard input, output and error output.

    :param terminal: give it a terminal like ours. Ctrl-C is then a character like any other; without one it interrupts
        the request's program.
    :returns: the exit status; 130 if interrupted.
    :raises OSError: our own output cannot be written, e.g. nobody reads it any more.
    """
    size = shutil.get_terminal_size()
    kind = Terminal(os.environ.get("TERM", "dumb"), size.columns, size.lines) if terminal else None
    with _raw_terminal(sys.stdin.fileno(), terminal):
        request = await open_request(
            connection, argv, stdout=_writer(sys.stdout.fileno()), stderr=_writer(sys.stderr.fileno()), terminal=kind
        )
        feeding = asyncio.ensure_future(_feed(request, sys.stdin.fileno()))
        try:
            with _window_changes(request, terminal), _interrupts(request) as interrupted:
                status = await request.result()
                return _INTERRUPTED if interrupted.is_set() else status
        finally:
            feeding.cancel()
            request.channel.close()


def _writer(fd: int) -> Sink:
    def write(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]

    return write


async def _feed(request: Request, fd: int) -> None:
    """Standard input to the request, to its end. A file is always ready; what else there is announces itself."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    try:
        loop.add_reader(fd, arrived.set)
        waits = True
    except PermissionError:
        waits = False
    try:
        while True:
            if waits:
                await arrived.wait()
                arrived.clear()
                # The loop may call once more for what was read already, and others share this input: it stays blocking.
                if not select.select([fd], [], [], 0)[0]:
                    continue
            try:
                data = os.read(fd, _CHUNK)
            except BlockingIOError:
                continue
            except OSError:
                data = b""  # e.g. a terminal that hung up
            if not data:
                break
            await request.send(data)
    finally:
        if waits:
            loop.remove_reader(fd)
    request.end_input()


@contextlib.contextmanager
def _raw_terminal(fd: int, wanted: bool) -> Iterator[None]:
    """Every key reaches the other side's terminal, which does the rest; ours is put back afterwards."""
    if not (wanted and os.isatty(fd)):
        yield
        return
    before = termios.tcgetattr(fd)
    tty.setraw(fd, termios.TCSADRAIN)  # what was typed ahead is not thrown away
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _window_changes(request: Request, wanted: bool) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def changed() -> None:
        size = shutil.get_terminal_size()
        request.channel.change_terminal_size(size.columns, size.lines)

    if not wanted:
        yield
        return
    loop.add_signal_handler(signal.SIGWINCH, changed)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)


@contextlib.contextmanager
def _interrupts(request: Request) -> Iterator[asyncio.Event]:
    """Ctrl-C and termination become signals to the other side; if it has not ended soon after, the request does."""
    loop = asyncio.get_running_loop()
    interrupted = asyncio.Event()

    def interrupt(name: str) -> None:
        if interrupted.is_set():
            request.channel.abort()
            return
        interrupted.set()
        request.channel.send_signal(name)
        loop.call_later(_GRACE, request.channel.abort)

    numbers = {signal.SIGINT: "INT", signal.SIGTERM: "TERM", signal.SIGHUP: "HUP"}
    before = {number: signal.getsignal(number) for number in numbers}
    for number, name in numbers.items():
        loop.add_signal_handler(number, interrupt, name)
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


__all__ = ["attach"]
