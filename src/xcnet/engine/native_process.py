"""The warm process of the native engine: a daemon of the host's own kernel."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import traceback
from pathlib import Path

from xcnet.engine.crypto import instantiate_ciphers
from xcnet.engine.launch import Launch
from xcnet.engine.links import raise_loopback
from xcnet.engine.processes import ProcessMark
from xcnet.engine.rundir import RunDir, RunRecord
from xcnet.engine.starter import StarterLink, detach
from xcnet.engine.warm import WarmProcess, prepare
from xcnet.errors import EngineError, XcnetError

RUNTIME = Path("/run/xcnet-engine")


async def _serve(launch: Launch, run: RunDir, runtime: Path, starter: StarterLink) -> None:
    loop = asyncio.get_running_loop()
    warm = WarmProcess(launch, runtime)
    serving = loop.create_task(warm.run(connection=None, listener=run.listen()))
    coming_up = loop.create_task(warm.start(starter.progress))
    # Nobody waits for a lab any more whose starter was killed: it comes down again.
    loop.add_reader(starter.fileno(), warm.terminate)
    await asyncio.wait([serving, coming_up], return_when=asyncio.FIRST_COMPLETED)
    loop.remove_reader(starter.fileno())
    if not coming_up.done():
        coming_up.cancel()
        raise EngineError("whoever started the lab went away")
    if (error := coming_up.exception()) is not None:
        warm.terminate()
        await serving
        raise error
    starter.ready()
    starter.close()
    await serving


def main(argv: list[str]) -> int:
    """``FD RUN_DIR``; see :func:`xcnet.engine.starter.launch_process`."""
    detach()
    starter, run = StarterLink(int(argv[0])), RunDir(Path(argv[1]))
    launch = Launch.from_json(run.launch_file.read_text())
    prepare(launch, run.log)
    runtime = RUNTIME / f"{launch.name}-{os.getpid()}"
    mark = ProcessMark.of(os.getpid())
    assert mark is not None
    run.write_record(RunRecord("native", os.uname().release, (mark,), {"runtime_dir": str(runtime)}))
    try:
        raise_loopback()
        instantiate_ciphers()
        asyncio.run(_serve(launch, run, runtime, starter))
    except XcnetError as error:
        print(error, file=sys.stderr)
        starter.fail(error)
        return 1
    except Exception as error:  # a defect: whoever waits is told, the log has the traceback
        traceback.print_exc()
        starter.fail(EngineError(f"the lab's process failed: {type(error).__name__}: {error}"))
        return 1
    finally:
        shutil.rmtree(runtime, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
