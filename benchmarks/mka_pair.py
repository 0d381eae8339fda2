"""Two routers' daemons on a veth pair, started anew for each round; run inside the lab's kernel."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

from xcnet.edge.client import EdgeClient
from xcnet.edge.daemon import run
from xcnet.model.desired import Cak, Channel, RouterState
from xcnet.netlink import link_kinds, netns
from xcnet.netlink.link_kinds import VethEnd
from xcnet.netlink.monitor import LinkChange, Monitor, Watch
from xcnet.netlink.netns import Netns
from xcnet.netlink.socket import NetlinkSocket
from xcnet.secret import Secret
from xcnet.waiting import Deadline

_SECONDS = 20.0


def measure(_view: dict[str, Any], *, rounds: int) -> list[float]:
    """Seconds from handing both daemons their state to both MACsec devices being up."""
    return [_round(number) for number in range(rounds)]


def _round(number: int) -> float:
    folder = Path("/run/xcnet") / f"mka-bench-{number}"
    spaces = [netns.create(f"mka-bench-{number}-{end}") for end in "ab"]
    pids = []
    try:
        with NetlinkSocket() as netlink:
            netlink.submit([link_kinds.veth(*(VethEnd("ch1", netns=space, mtu=9100) for space in spaces))])
        for end, space in zip("ab", spaces, strict=True):
            (folder / end).mkdir(parents=True)
            pids.append(_daemon(end, folder / end, space))
        key = Cak(ckn=os.urandom(32).hex(), cak=Secret.random(32))
        clients = [EdgeClient(folder / end) for end in "ab"]
        return asyncio.run(_agree(clients, spaces, key))
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        for space in spaces:
            space.close()
            netns.delete(space.name)
        shutil.rmtree(folder, ignore_errors=True)


def _daemon(node: str, folder: Path, space: Netns) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            space.enter()
            run(node, folder, None)
        finally:
            os._exit(0)
    return pid


async def _agree(clients: list[EdgeClient], spaces: list[Netns], key: Cak) -> float:
    deadline = Deadline(_SECONDS)
    for client in clients:  # both are running before the clock starts
        await client.status(deadline=deadline)
    secured: set[int] = set()
    both = asyncio.Event()
    monitors = [Monitor(space, Watch.LINKS) for space in spaces]

    def look(end: int) -> None:
        for change in monitors[end].drain():
            if isinstance(change, LinkChange) and change.link.name == "ch1.sec" and change.link.up:
                secured.add(end)
        if len(secured) == 2:
            both.set()

    loop = asyncio.get_running_loop()
    for end, monitor in enumerate(monitors):
        loop.add_reader(monitor.fileno(), look, end)
    started = time.monotonic()
    states = [
        RouterState(
            node=f"r{end}",
            provider="bench",
            channels=(Channel(name="ch1", port="ch1", device="ch1.sec", keys=(key,)),),
        )
        for end in range(2)
    ]
    await asyncio.gather(
        *(client.apply(state, deadline=deadline) for client, state in zip(clients, states, strict=True))
    )
    await asyncio.wait_for(both.wait(), deadline.remaining)
    elapsed = time.monotonic() - started
    for monitor in monitors:
        loop.remove_reader(monitor.fileno())
        monitor.close()
    return elapsed
