"""An application for the tests of requests."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from xcnet.engine.server import Application, Session, WarmContext
from xcnet.errors import EngineError, InputError, KernelError

WARM = {"imported": False}


class Everything(Application):
    def __init__(self, context: WarmContext) -> None:
        self._context = context
        self._flooded = 0

    async def start(self) -> None:
        WARM["imported"] = True
        self._context.progress(f"ready in {self._context.name}")

    def destination(self, host: str) -> tuple[int | None, str]:
        return None, "127.0.0.1" if host == "named-by-the-application" else host

    async def handle(self, session: Session) -> int:
        match session.argv:
            case ["exec", *argv]:
                return await session.spawn(argv)
            case ["fork", "raise"]:
                return await session.call_in_fork(_raise)
            case ["fork", "look"]:
                return await session.call_in_fork(_look)
            case ["defect"]:
                return 1 // 0
            case ["wait"]:
                await asyncio.sleep(60)
                return 0
            case ["flood"]:
                while True:
                    session.stdout.write(bytes(65536))
                    self._flooded += 65536
                    await session.stdout.drain()
            case ["rpc", "flooded", _]:
                session.stdout.write(json.dumps(self._flooded).encode())
                return 0
            case ["rpc", "echo", value]:
                session.stdout.write(value.encode())
                return 0
            case _:
                raise InputError("the application knows no request of that name", remedy="ask for another")


def _raise() -> int:
    raise KernelError("from the child", where="there")


def _look() -> int:
    print("to stderr", file=sys.stderr)
    loop = asyncio._get_running_loop() is not None
    seen = {
        "stdin": sys.stdin.read(),
        "warm": WARM["imported"],
        # The last two are the channel for failures and the one that lists this folder.
        "descriptors": sorted(int(entry.name) for entry in Path("/proc/self/fd").iterdir())[:-2],
        "loop": loop,
    }
    print(json.dumps(seen))
    return 7


class Broken(Application):
    async def start(self) -> None:
        raise EngineError("the start failed", remedy="try another")


def application(context: WarmContext) -> Everything:
    return Everything(context)


def broken(_context: WarmContext) -> Broken:
    return Broken()


def wrong(_context: WarmContext) -> str:
    return "no application"
