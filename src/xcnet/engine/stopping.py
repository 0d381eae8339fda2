"""Ending a run: ask its warm process, wait for its processes to go, and see to it if they do not."""

from __future__ import annotations

import asyncio

from xcnet.engine.engine_requests import request_stop
from xcnet.engine.leftovers import end_leftovers
from xcnet.engine.processes import end_processes
from xcnet.engine.rundir import RunDir
from xcnet.engine.ssh_client import connect_ssh
from xcnet.engine.sshlib import asyncssh
from xcnet.errors import XcnetError
from xcnet.waiting import Deadline


def stop_run(run: RunDir, seconds: float) -> bool:
    """:returns: whether it was running and ended by itself within ``seconds``."""
    record = run.read_record()
    deadline = Deadline(seconds)
    asked = run.alive and _ask(run, deadline)
    clean = False
    if record is not None:
        clean = asked and all(mark.wait_gone(deadline) for mark in record.processes)
        end_processes([mark for mark in record.processes if mark.alive], Deadline(10.0))
    return not end_leftovers(run.path) and clean


def _ask(run: RunDir, deadline: Deadline) -> bool:
    async def ask() -> None:
        async with asyncio.timeout(deadline.remaining):
            connection = await connect_ssh(run.connect(), run)
            await request_stop(connection)
            connection.close()

    try:
        asyncio.run(ask())
    except (TimeoutError, OSError, asyncssh.Error, XcnetError):
        return False
    return True


__all__ = ["stop_run"]
