"""First process of a user-mode kernel: makes it usable, starts the warm process, buries orphans, powers off.

Started by the kernel itself as ``python -I -S guest.py``, with the launch file's folder in ``XCNET_RUN``. It imports
little and forks early, so that what waits for orphans stays small.
"""

# The first process does without pathlib, which is slow to import.
# ruff: noqa: PTH100, PTH112, PTH120, PTH123

from __future__ import annotations

import ctypes
import os
import sys
from urllib.parse import unquote

_LINUX_REBOOT_CMD_POWER_OFF = 0x4321FEDC

_NEIGHBOURS = (16384, 32768, 65536)
"""Entries of the neighbour table, which all namespaces share: kept without a question, soon collected, refused. By default 1024
are too many, which some thirty connections reach: next hops then cannot be resolved, and packets are dropped."""


def power_off() -> None:
    """End this kernel, and with it every process in it."""
    sys.stdout.flush()
    os.sync()
    ctypes.CDLL(None).reboot(_LINUX_REBOOT_CMD_POWER_OFF)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _prepare(modules: str, visible: list[str], name: str) -> None:
    from xcnet.engine.guest_modules import ModuleTree
    from xcnet.engine.guest_mounts import bind, mount_all

    mount_all(visible)
    _write("/proc/sys/kernel/printk", "1")
    _write("/proc/sys/kernel/hostname", name)
    for family in ("ipv4", "ipv6"):
        for number, entries in enumerate(_NEIGHBOURS, start=1):
            _write(f"/proc/sys/net/{family}/neigh/default/gc_thresh{number}", str(entries))
    release = os.uname().release
    try:
        refused = ModuleTree(f"{modules}/{release}").load()
    except OSError as error:
        refused = [f"{modules}: {error.strerror}"]
    for line in refused:
        print(f"module refused: {line}", flush=True)
    try:
        bind(modules, "/lib/modules")
    except OSError:
        # With no modules to find, each question for one would start a modprobe in vain.
        _write("/proc/sys/kernel/modprobe", "")


def _environment(name: str, run_dir: str) -> dict[str, str]:
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/run/home",
        "TMPDIR": "/run/tmp",
        "LANG": "C.UTF-8",
        "USER": "root",
        "LOGNAME": "root",
        "TERM": "dumb",
        "XCNET_LAB": name,
        "XCNET_RUN": run_dir,
    }


def _run_warm(launch_text: str) -> int:
    """In the forked child: become the warm process, and return when it was told to stop."""
    import asyncio
    from pathlib import Path

    from xcnet.engine.launch import Launch
    from xcnet.engine.rundir import RunDir

    launch = Launch.from_json(launch_text)
    os.setsid()
    os.environ.clear()
    os.environ.update(_environment(launch.name, launch.run_dir))
    sys.path[:] = launch.path
    if not launch.entry:
        from xcnet.engine.trial import report

        report(launch.run_dir)
        return 0
    from xcnet.engine.crypto import instantiate_ciphers
    from xcnet.engine.links import raise_loopback
    from xcnet.engine.warm import WarmProcess, prepare

    prepare(launch, RunDir(Path(launch.run_dir)).log)
    raise_loopback()
    instantiate_ciphers()

    runtime = Path("/run/xcnet-engine")
    runtime.mkdir(mode=0o700)

    async def serve() -> None:
        from xcnet.engine.serial import GuestLine

        line = GuestLine()
        await WarmProcess(launch, runtime).run(connection=line.socket, listener=RunDir(runtime).listen())
        line.close()

    asyncio.run(serve())
    return 0


def _reap_until(pid: int) -> int:
    """Bury every process that nobody waits for, until ``pid`` ends. :returns: its status as waitpid(2) gives it."""
    while True:
        gone, status = os.wait()
        if gone == pid:
            return status


def main() -> None:
    run_dir = unquote(os.environ["XCNET_RUN"])
    # The folder that holds the package, wherever it was installed: this file is three levels below it.
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    if not os.path.isdir(run_dir):
        # It lies under /dev, over which the kernel has laid devices already.
        from xcnet.engine.guest_mounts import show

        show(run_dir)
    with open(f"{run_dir}/launch.json") as file:
        text = file.read()
    import json

    raw = json.loads(text)
    try:
        _prepare(raw["modules"], raw["visible"], raw["name"])
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                status = _run_warm(text)
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        status = _reap_until(pid)
        if status:
            print(f"xcnet: the warm process ended with status {os.waitstatus_to_exitcode(status)}", flush=True)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        power_off()


if __name__ == "__main__":
    main()
