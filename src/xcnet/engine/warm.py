"""The warm process: imports everything once, then serves its application over SSH until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from xcnet.engine.base import Progress
from xcnet.engine.engine_requests import ENGINE_WORD
from xcnet.engine.keys import read_keys
from xcnet.engine.launch import Launch
from xcnet.engine.rundir import RunDir
from xcnet.engine.server import Application, Session, SshServer, WarmContext
from xcnet.errors import EngineError, InputError

_log = logging.getLogger(__name__)

_FAREWELL = 2.0  # seconds for the caller to take the news that we are stopping


class WarmProcess:
    """Holds the application and tells the engine's requests from its own."""

    def __init__(self, launch: Launch, runtime_dir: Path) -> None:
        self._launch = launch
        self._runtime_dir = runtime_dir
        self._application: Application | None = None
        self._starting: asyncio.Lock = asyncio.Lock()
        self._started = False
        self._stopping = asyncio.Event()
        self._terminated = asyncio.Event()
        self._last_session: Session | None = None
        self._waiting: list[Progress] = []

    def destination(self, host: str) -> tuple[int | None, str]:
        return self._application.destination(host) if self._application is not None else (None, host)

    async def handle(self, session: Session) -> int:
        match session.argv:
            case [word, "hello"] if word == ENGINE_WORD:
                session.stdout.write(json.dumps({"kernel": os.uname().release, "pid": os.getpid()}).encode())
                return 0
            case [word, "start"] if word == ENGINE_WORD:
                await self.start(lambda text: session.stdout.write(json.dumps({"progress": text}).encode() + b"\n"))
                return 0
            case [word, "stop"] if word == ENGINE_WORD:
                await self._stop_application()
                self._last_session = session
                self._stopping.set()
                return 0
            case [word, *_] if word == ENGINE_WORD:
                raise InputError("the engine knows no such request", remedy="use the xcnet command of the same version")
        if self._application is None or not self._started or self._stopping.is_set():
            raise EngineError("the lab's process is not ready", remedy="wait until it has started")
        return await self._application.handle(session)

    async def start(self, progress: Progress) -> None:
        """Start the application, once; who comes while it starts waits for it too.

        :raises XcnetError: what the application raised.
        """
        self._waiting.append(progress)
        try:
            async with self._starting:
                if not self._started:
                    self._progress("importing what the lab needs")
                    await asyncio.sleep(0)  # let those words out: importing blocks
                    self._application = self._make_application()
                    await self._application.start()
                    # What is there now stays. The collector need not go through it again, and shall not write to every
                    # page that forked children share with this process.
                    gc.freeze()
                    self._started = True
        finally:
            self._waiting.remove(progress)

    def _make_application(self) -> Application:
        module_name, _, function_name = self._launch.entry.partition(":")
        self._runtime_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
        context = WarmContext(
            name=self._launch.name,
            engine=self._launch.engine,
            run_dir=Path(self._launch.run_dir),
            runtime_dir=self._runtime_dir,
            progress=self._progress,
        )
        application = getattr(importlib.import_module(module_name), function_name)(context)
        if not isinstance(application, Application):
            raise EngineError("the entry did not return an Application", where=self._launch.entry)
        return application

    def _progress(self, text: str) -> None:
        for tell in self._waiting:
            tell(text)

    async def _stop_application(self) -> None:
        if self._application is not None and self._started:
            self._started = False
            await self._application.stop()

    def terminate(self) -> None:
        """Stop, as if asked by a request."""
        self._terminated.set()

    async def run(self, *, connection: socket.socket | None, listener: socket.socket) -> None:
        """Serve until stopped by a request or SIGTERM."""
        loop = asyncio.get_running_loop()
        host_key, client_key = read_keys(RunDir(Path(self._launch.run_dir)))
        server = SshServer(self.handle, self.destination, host_key, client_key)
        loop.add_signal_handler(signal.SIGTERM, self.terminate)
        await server.listen(listener)
        serving = None if connection is None else loop.create_task(server.serve(connection))
        waits = [loop.create_task(event.wait()) for event in (self._terminated, self._stopping)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if self._terminated.is_set():
            await self._stop_application()
        if self._last_session is not None:
            farewell = loop.create_task(self._last_session.closed.wait())
            await asyncio.wait([farewell], timeout=_FAREWELL)
        server.close()
        if serving is not None:
            serving.cancel()


def prepare(launch: Launch, log: Path) -> None:
    """Make this process what ``launch`` says: its module path, its environment, its log for all that it prints."""
    sys.path[:] = launch.path
    os.environ.update(launch.env)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open("/dev/null", os.O_RDONLY)
    for number, fd in enumerate((null, out, out)):
        os.dup2(fd, number)
    os.close(out)
    os.close(null)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("asyncssh").setLevel(logging.WARNING)


__all__ = ["WarmProcess", "prepare"]
