"""Records a run beside a running lab, in a forked child: what crosses each channel, and on request what the routers show."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import select
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xcnet import __version__
from xcnet.edge.client import EdgeClient
from xcnet.engine.server import Session
from xcnet.errors import LabError, XcnetError
from xcnet.frr.lifecycle import FrrDirs
from xcnet.frr.snapshot import take
from xcnet.lab.capture_mode import Capture
from xcnet.lab.live import live_plan
from xcnet.lab.recording_plan import MEBI, SNAP, RecordPlan
from xcnet.model.desired import RouterState
from xcnet.model.plan import PlannedChannel
from xcnet.netlink.netns import Netns
from xcnet.proof.record import Record, RecordSummary
from xcnet.proof.ring import Ring
from xcnet.secret import Secret
from xcnet.waiting import Deadline

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab

_NICE = 10
"""The recorder has time: the kernel keeps frames for it. Routers and receivers have not."""
_LAST = 2.0
"""Seconds within which the kernel hands over the frames that it holds at the end."""
_ROUTERS_SECONDS = 15.0
"""For all routers' states together: a lab of hundreds of connections answers in hundreds of kilobytes."""
_EDGE_SECONDS = 2.0


_SNAP = {Capture.HEADERS: SNAP, Capture.FULL: 0}
_RING = {Capture.HEADERS: 2 * MEBI, Capture.FULL: 8 * MEBI}


async def run_recorder(lab: RunningLab, session: Session, plan: RecordPlan) -> int:
    """JSON lines on the session's standard output: ``recording`` once it does; an answer for each line on standard input
    (``{"snapshot": MOMENT}``), ``saks`` where keys are wanted, and, when standard input ends, ``recorded``.
    """
    live = await live_plan(lab)
    facilities = {channel.facility: lab.fabric.netns(channel.facility) for channel in live.channels}
    folder = lab.paths.run_dir / plan.folder
    dirs = {node: lab.frr_dirs(node) for node in live.routers}
    edges = {node: lab.edge(node) for node in live.routers if lab.supervisor.get(node, "edged") is not None}
    passwords = {node: list(_passwords(state)) for node, state in live.routers.items()}

    def run() -> int:
        recorder = Recorder(plan, folder, live.channels, facilities, dirs, passwords, edges)
        return recorder.run()

    return await session.call_in_fork(run, keep=[netns.fd for netns in facilities.values()])


def _passwords(state: RouterState) -> Iterator[Secret]:
    for vrf in state.vrfs:
        for neighbor in vrf.neighbors:
            if neighbor.md5 is not None:
                yield neighbor.md5


def say(message: Mapping[str, Any]) -> None:
    print(json.dumps(message), flush=True)


class Recorder:
    """:param edges: of routers whose key agreement is our own: only that tells its keys."""

    def __init__(
        self,
        plan: RecordPlan,
        folder: Path,
        channels: tuple[PlannedChannel, ...],
        facilities: Mapping[str, Netns],
        dirs: Mapping[str, FrrDirs],
        passwords: Mapping[str, list[Secret]],
        edges: Mapping[str, EdgeClient],
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._channels = channels
        self._facilities = facilities
        self._dirs = dirs
        self._passwords = passwords
        self._edges = edges
        self._rest = b""

    def run(self) -> int:
        """Until standard input ends."""
        gc.freeze()  # what was there before the fork is not to be looked through, and copied, here
        os.nice(_NICE)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return self._recorded()
        except OSError as error:
            raise LabError(
                f"the recorder cannot write: {error.strerror}", where=str(self._folder), remedy="make room on that disk"
            ) from None

    def _recorded(self) -> int:
        with ExitStack() as stack:
            rings: dict[int, tuple[PlannedChannel, Ring, Record]] = {}
            if self._plan.capture is not Capture.NONE:
                for channel in self._channels:
                    ring, record = self._record(channel)
                    stack.callback(ring.close)
                    rings[ring.fileno()] = (channel, ring, record)
            if self._plan.keys:
                self._tell_saks([channel for channel, _, _ in rings.values()])
            say({"recording": True})
            self._attend(rings)
            if self._plan.keys:
                self._tell_saks([channel for channel, _, _ in rings.values()])
            found: dict[str, RecordSummary] = {}
            deadline = Deadline(_LAST)
            for channel, _, record in rings.values():
                found[channel.name] = record.finish(deadline.remaining)
        say({"recorded": {name: summary.model_dump() for name, summary in found.items()}})
        return 0

    def _record(self, channel: PlannedChannel) -> tuple[Ring, Record]:
        port, mode = channel.ends[0].facility_port, self._plan.capture
        ring = Ring(self._facilities[channel.facility], port, snap=_SNAP[mode], size=_RING[mode])
        path = self._folder / f"{channel.name}.pcapng"
        return ring, Record(ring, path, f"{channel.facility}:{port}", f"xcnet {__version__}", limit=self._plan.limit)

    def _attend(self, rings: Mapping[int, tuple[PlannedChannel, Ring, Record]]) -> None:
        poll = select.poll()
        for fd in (sys.stdin.fileno(), *rings):
            poll.register(fd, select.POLLIN)
        while True:
            for fd, event in poll.poll():
                if fd not in rings:
                    if not self._obey(fd):
                        return
                    continue
                channel, ring, record = rings[fd]
                if event & select.POLLERR:
                    ring.calm()
                if record.take() and self._plan.keys:
                    self._tell_saks([channel])

    def _obey(self, fd: int) -> bool:
        """Do what standard input says; False at its end."""
        data = os.read(fd, 65536)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            say(self._snapshot(json.loads(line)["snapshot"]))
        return bool(data)

    def _snapshot(self, moment: str) -> dict[str, Any]:
        """A file with the tables and one with the configuration of each router."""
        began = time.monotonic()
        deadline = Deadline(_ROUTERS_SECONDS)
        folder = self._folder / moment
        folder.mkdir(exist_ok=True)
        problems: list[str] = []
        for node, dirs in self._dirs.items():
            if deadline.expired:
                problems.append(f"{node} was not asked any more")
                continue
            found = take(dirs, self._passwords[node])
            (folder / f"{node}.json").write_text(found.to_json())
            (folder / f"{node}.conf").write_text(found.configuration)
            problems += [f"{node}: {problem}" for problem in found.problems]
        return {"snapshot": moment, "began": began, "seconds": time.monotonic() - began, "problems": problems}

    def _tell_saks(self, channels: list[PlannedChannel]) -> None:
        """To standard output, which is encrypted from here to whoever asked for it."""
        say({"saks": asyncio.run(self._saks(channels))})

    async def _saks(self, channels: list[PlannedChannel]) -> list[dict[str, Any]]:
        names = {channel.name for channel in channels}
        nodes = dict.fromkeys(end.node for channel in channels for end in channel.ends if end.node in self._edges)
        found: dict[tuple[str, int, int], dict[str, Any]] = {}
        for node in nodes:
            try:
                reports = await self._edges[node].saks(deadline=Deadline(_EDGE_SECONDS))
            except XcnetError:
                continue  # the other end tells the same; where neither does, decryption says that a key is missing
            for sak in reports.saks:
                if sak.channel in names:
                    told = sak.model_dump(mode="json", context={"reveal": True})
                    found.setdefault((sak.channel, sak.sci, sak.an), told)
        return list(found.values())


__all__ = ["Recorder", "run_recorder"]
