"""The guest's side: an engine application that forks a pytest process, which runs one test for each line it reads."""

from __future__ import annotations

from plugins.told_pytest import run_pytest
from xcnet.engine.server import Application, Session, WarmContext
from xcnet.errors import InputError


class LabGuest(Application):
    async def handle(self, session: Session) -> int:
        match session.argv:
            case ["pytest", order]:
                return await session.call_in_fork(lambda: run_pytest(order))
            case _:
                raise InputError(f"the test guest knows no request {session.argv[:1]}")


def application(_context: WarmContext) -> LabGuest:
    return LabGuest()
