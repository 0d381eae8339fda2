"""Runs a probe beside a running lab, in a forked child: what it says goes to the caller as it is said."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from xcnet.engine.server import Session
from xcnet.probe.ground import chosen_hosts, ground
from xcnet.probe.plan import ProbePlan

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab


async def run_probe(lab: RunningLab, session: Session, plan: ProbePlan) -> int:
    """JSON lines on the session's standard output: ``began`` once all flows arrive, ``progress`` each second, ``ended``
    and, a second and the reckoning later, ``result``.

    Measuring ends with the session's standard input, or with the plan's duration.
    """
    source, target = chosen_hosts(lab.plan, plan.source, plan.target)
    needed = {source, target, *(channel.facility for channel in lab.plan.channels)}
    namespaces = {name: lab.fabric.netns(name) for name in needed}
    raw = lab.paths.run_dir / plan.raw if plan.raw is not None else None

    def run() -> int:
        from xcnet.probe.run import Probe

        def say(message: dict[str, Any]) -> None:
            print(json.dumps(message), flush=True)

        Probe(ground(lab.plan, namespaces, source, target), plan, say, sys.stdin.fileno()).run(raw)
        return 0

    return await session.call_in_fork(run, keep=[netns.fd for netns in namespaces.values()])


__all__ = ["run_probe"]
