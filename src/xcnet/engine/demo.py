"""The smallest application: runs what it is asked to. For trying an engine without a lab."""

from __future__ import annotations

import json
import os

from xcnet.engine.server import Application, Session, WarmContext
from xcnet.errors import InputError


class Demo(Application):
    """``exec ARGV...`` attaches a program; ``rpc echo VALUE`` answers with the value."""

    def __init__(self, context: WarmContext) -> None:
        self._context = context

    async def start(self) -> None:
        self._context.progress(f"hello from kernel {os.uname().release}")

    async def handle(self, session: Session) -> int:
        match session.argv:
            case ["exec", *argv] if argv:
                return await session.spawn(argv)
            case ["rpc", "echo", value]:
                session.stdout.write(json.dumps(json.loads(value)).encode())
                return 0
            case _:
                raise InputError(
                    f"the demonstration knows no request {session.argv[:1]}", remedy="try exec or rpc echo"
                )


def application(context: WarmContext) -> Demo:
    """Entry: ``xcnet.engine.demo:application``."""
    return Demo(context)


__all__ = ["application"]
