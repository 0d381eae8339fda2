"""The lab inside its kernel: the warm process's application, which builds a plan and then answers for it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from xcnet.engine.server import Application, Session, WarmContext
from xcnet.errors import InputError, LabError
from xcnet.events import EventWriter
from xcnet.frr.render import load_templates
from xcnet.lab import requests
from xcnet.lab.collect import collect_status
from xcnet.lab.faults.settings import read_fault
from xcnet.lab.paths import LabPaths
from xcnet.lab.running import RunningLab
from xcnet.lab.sabotage.faults import met
from xcnet.lab.wire import plan_from_wire

_TASKS_ON_THE_WAY = 4
"""At least: the SSH channel, its connection, the relay of the serial line, and its writer."""


class LabApplication(Application):
    """Handles the requests of the command line. One request is one SSH session; its first word says what it is.

    ``build`` (plan on standard input, progress as JSON lines on standard output), ``rpc METHOD PARAMS``, and those that
    attach a program to the session: ``exec``, ``shell``, ``vtysh``, ``capture``, ``verify``, ``probe``, ``record``, ``call``,
    ``coordinator``.
    """

    def __init__(self, context: WarmContext) -> None:
        self._context = context
        self._paths = LabPaths(context.name, Path(context.run_dir))
        self._lab: RunningLab | None = None
        self._started = time.monotonic()
        self._handlers: dict[str, Callable[[RunningLab, Session, list[str]], Awaitable[int]]] = {
            "exec": requests.execute,
            "shell": requests.shell,
            "vtysh": requests.vtysh,
            "capture": requests.capture,
            "verify": requests.verify,
            "probe": requests.probe,
            "record": requests.record,
            "call": requests.call,
            "coordinator": requests.coordinator,
        }

    async def start(self) -> None:
        for folder in (self._paths.events, self._paths.logs):
            folder.mkdir(mode=0o755, exist_ok=True)
        load_templates()
        self._events = EventWriter(self._paths.events / "lab.jsonl", "lab")
        self._events.emit("lab.started", self._paths.name)

    async def stop(self) -> None:
        if self._lab is not None:
            await self._lab.stop()
        self._events.emit("lab.stopped", self._paths.name)

    async def handle(self, session: Session) -> int:
        match session.argv:
            case ["build"]:
                return await self._build(session)
            case ["rpc", method, params]:
                return await self._rpc(session, method, json.loads(params))
            case [word, *arguments] if word in self._handlers:
                return await self._handlers[word](self._running(), session, arguments)
            case _:
                raise InputError(
                    f"the lab knows no request {session.argv[:1]}", remedy="use the xcnet command of the same version"
                )

    def _running(self) -> RunningLab:
        if self._lab is None or not self._lab.built:
            raise LabError(
                f"lab {self._paths.name!r} is not built yet",
                remedy="wait for 'xcnet up' to end, or run 'xcnet down' and bring it up again",
            )
        return self._lab

    async def _build(self, session: Session) -> int:
        if self._lab is not None:
            raise LabError(f"lab {self._paths.name!r} is built already", remedy="run 'xcnet down' first")
        plan = plan_from_wire(await session.stdin.read())

        async def report(kind: str, text: str) -> None:
            session.stdout.write(json.dumps({kind: text}).encode() + b"\n")
            await session.stdout.drain()
            # What follows may not let go of the processor for a while; the words pass through other tasks on their way out.
            for _ in range(_TASKS_ON_THE_WAY):
                await asyncio.sleep(0)

        self._lab = RunningLab(self._paths, plan, self._events)
        seconds = await self._lab.build(report)
        await report("built", f"{seconds:.3f}")
        return 0

    async def _rpc(self, session: Session, method: str, params: dict[str, Any]) -> int:
        lab = self._running()
        match method:
            case "status":
                value: Any = (await collect_status(lab)).model_dump(mode="json")
            case "clock":
                value = {"monotonic": time.monotonic(), "wall": time.time()}
            case "processes":
                value = [{"node": c.node, "name": c.name, "pid": c.pid} for c in lab.supervisor.children()]
            case "memory":
                value = lab.memory()
            case "coordinator-halt":
                value = lab.coordinators.halt(params["provider"])
            case "coordinator-kill":
                value = lab.coordinators.kill(params["provider"])
            case "coordinator-resume":
                lab.coordinators.resume(params["provider"])
                value = True
            case "fault-begin":
                fault = met(read_fault(params["fault"]), lab.plan)
                value = await lab.faults.begin(fault, params.get("lasts"))
            case "fault-end":
                value = await lab.faults.end(params["id"])
            case "fault-end-all":
                value = await lab.faults.end_all()
            case "fault-check":
                value = await lab.faults.check(params["id"])
            case "fault-history":
                value = lab.faults.history()
            case "faults":
                value = lab.faults.standing()
            case "apply":
                value = {"changed": await lab.apply(params["node"], params["state"])}
            case _:
                raise InputError(
                    f"the lab knows no method {method!r}", remedy="use the xcnet command of the same version"
                )
        session.stdout.write(json.dumps(value, default=str).encode())
        await session.stdout.drain()
        return 0


def application(context: WarmContext) -> LabApplication:
    """Entry for the engine: ``xcnet.lab.application:application``."""
    return LabApplication(context)


__all__ = ["LabApplication", "application"]
