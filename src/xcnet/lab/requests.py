"""Requests that attach something to the caller's session: programs in nodes, captures, the proof, functions."""

from __future__ import annotations

import importlib
import json
import os
import shutil
from typing import TYPE_CHECKING

from xcnet.engine.server import Session
from xcnet.errors import InputError, LabError
from xcnet.frr.binaries import find_program
from xcnet.model.plan import NodeKind, PlannedChannel

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab


def _environment(lab: RunningLab, node: str) -> dict[str, str]:
    environment = dict(os.environ)
    environment["XCNET_NODE"] = node
    environment["TERM"] = environment.get("TERM", "xterm-256color")
    if node in lab.plan.routers:
        environment["XCNET_VTY_DIR"] = str(lab.frr_dirs(node).vty)
    return environment


def _node(lab: RunningLab, name: str) -> str:
    if name not in {node.name for node in lab.plan.nodes}:
        raise InputError(
            f"there is no node {name!r} in this lab",
            remedy=f"there are: {', '.join(node.name for node in lab.plan.nodes)}",
        )
    return name


def channel_named(lab: RunningLab, name: str) -> PlannedChannel:
    """:raises InputError: there is none of that name."""
    try:
        return lab.plan.channel(name)
    except KeyError:
        known = ", ".join(channel.name for channel in lab.plan.channels)
        raise InputError(f"there is no channel {name!r} in this lab", remedy=f"there are: {known}") from None


async def execute(lab: RunningLab, session: Session, arguments: list[str]) -> int:
    """``exec NODE ARGV...``"""
    node, *argv = arguments
    _node(lab, node)
    program = shutil.which(argv[0]) if argv else None
    if program is None:
        raise LabError(
            f"no program {argv[0] if argv else ''!r} on this machine",
            where=node,
            remedy="nodes see the machine's own files; install it there, or give its full path",
        )
    return await session.spawn(
        [program, *argv[1:]], env=_environment(lab, node), netns_fd=lab.fabric.netns(node).fd, title=argv[0]
    )


async def shell(lab: RunningLab, session: Session, arguments: list[str]) -> int:
    """``shell NODE``: bash where there is one, with a prompt that says where one is."""
    (node,) = arguments
    _node(lab, node)
    environment = _environment(lab, node)
    environment["PS1"] = f"{lab.paths.name}/{node}:\\w# "
    bash = shutil.which("bash")
    argv = [bash, "--norc", "--noprofile"] if bash else [shutil.which("sh") or "/bin/sh"]
    if session.terminal is not None:
        argv.append("-i")
    return await session.spawn(argv, env=environment, netns_fd=lab.fabric.netns(node).fd)


async def vtysh(lab: RunningLab, session: Session, arguments: list[str]) -> int:
    """``vtysh NODE [-c COMMAND]...``"""
    node, *rest = arguments
    if node not in lab.plan.routers:
        raise InputError(f"{node!r} is no router", remedy=f"routers are: {', '.join(lab.plan.routers)}")
    dirs = lab.frr_dirs(node)
    argv = [find_program("vtysh"), "--vty_socket", str(dirs.vty), "--config_dir", str(dirs.config), *rest]
    environment = _environment(lab, node)
    environment.setdefault("VTYSH_PAGER", "cat")
    return await session.spawn(argv, env=environment, netns_fd=lab.fabric.netns(node).fd)


async def capture(lab: RunningLab, session: Session, arguments: list[str]) -> int:
    """``capture CHANNEL DECRYPT COUNT SECONDS``: pcapng on standard output."""
    from xcnet.lab.capture import stream_capture

    name, decrypt, count, seconds = arguments
    channel = channel_named(lab, name)
    return await stream_capture(lab, session, channel, decrypt=decrypt == "1", count=int(count), seconds=float(seconds))


async def verify(lab: RunningLab, session: Session, arguments: list[str]) -> int:
    """``verify PARAMETERS``: progress and the proof as JSON lines on standard output."""
    from xcnet.lab.proof import run_proof

    (parameters,) = arguments
    return await run_proof(lab, session, **json.loads(parameters))


async def probe(lab: RunningLab, session: Session, arguments: list[str]) -> int:
    """``probe PARAMETERS``: what becomes of datagrams, as JSON lines, until standard input ends (see ``lab/probe.py``)."""
    from xcnet.lab.probe import run_probe
    from xcnet.probe.plan import ProbePlan

    (parameters,) = arguments
    return await run_probe(lab, session, ProbePlan.model_validate_json(parameters))


async def record(lab: RunningLab, session: Session, arguments: list[str]) -> int:
    """``record PARAMETERS``: what crosses the channels, to files, until standard input ends (see ``lab/recorder.py``)."""
    from xcnet.lab.recorder import run_recorder
    from xcnet.lab.recording_plan import RecordPlan

    (parameters,) = arguments
    return await run_recorder(lab, session, RecordPlan.model_validate_json(parameters))


async def coordinator(lab: RunningLab, session: Session, arguments: list[str]) -> int:
    """``coordinator PROVIDER``: the request on standard input goes to its admin socket; its JSON lines on standard output."""
    (provider,) = arguments
    client = await lab.coordinators.client(provider)
    status = 1
    async for line in client.lines(json.loads(await session.stdin.read())):
        session.stdout.write(line)
        await session.stdout.drain()
        status = 0
    return status


async def call(lab: RunningLab, session: Session, arguments: list[str]) -> int:
    """``call MODULE:FUNCTION PARAMETERS``: run ``function(lab_view, **parameters)`` in a forked child; its result as JSON.

    For benchmarks and tests that must run in the lab's own kernel, beside its nodes.
    """
    target, parameters = arguments
    module_name, _, function_name = target.partition(":")
    view = {
        "name": lab.paths.name,
        "run_dir": str(lab.paths.run_dir),
        "nodes": {node.name: str(lab.fabric.netns(node.name).path) for node in lab.plan.nodes},
        "hosts": [node.name for node in lab.plan.nodes if node.kind is NodeKind.HOST],
    }

    def run() -> int:
        function = getattr(importlib.import_module(module_name), function_name)
        print(json.dumps(function(view, **json.loads(parameters)), default=str), flush=True)
        return 0

    return await session.call_in_fork(run)


__all__ = ["call", "capture", "channel_named", "coordinator", "execute", "probe", "record", "shell", "verify", "vtysh"]
