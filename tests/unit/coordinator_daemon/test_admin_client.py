"""What whoever asks a coordinator is told when it dies meanwhile: that it ended, and no defect's trace."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from xcnet.coordinator.daemon.admin import SOCKET_NAME
from xcnet.coordinator.daemon.client import AdminClient
from xcnet.errors import LabError


def test_a_coordinator_that_is_killed_before_it_has_read_the_question_has_ended(tmp_path: Path) -> None:
    async def asked() -> None:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(tmp_path / SOCKET_NAME))
            listening.listen()
            question = asyncio.ensure_future(AdminClient(tmp_path).ask({"query": "health"}))
            listening.setblocking(False)
            connection, _ = await asyncio.get_running_loop().sock_accept(listening)
            await asyncio.sleep(0.05)  # what was written lies unread: the kernel resets the connection
            connection.close()
            await question

    with pytest.raises(LabError, match="ended while it was asked"):
        asyncio.run(asked())
