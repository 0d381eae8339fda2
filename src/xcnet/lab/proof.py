"""Runs the proof beside a running lab: live SAKs fetched from the routers, the checks in a forked child."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from xcnet.engine.server import Session
from xcnet.lab.live import live_plan
from xcnet.lab.saks import live_saks

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab


async def run_proof(lab: RunningLab, session: Session, flows: int) -> int:
    """Progress and, last, the proof, as JSON lines on the session's standard output."""
    plan = await live_plan(lab)
    saks = {channel.name: await live_saks(lab, channel) for channel in plan.channels}
    namespaces = {node.name: lab.fabric.netns(node.name) for node in lab.plan.nodes}

    def run() -> int:
        from xcnet.proof.prove import prove
        from xcnet.proof.subject import Subject

        def step(text: str) -> None:
            print(json.dumps({"step": text}), flush=True)

        proof = prove(Subject(plan, namespaces, saks), lab=lab.paths.name, flows=flows, step=step)
        print(json.dumps({"proof": proof.model_dump(mode="json")}), flush=True)
        return 0

    return await session.call_in_fork(run, keep=[netns.fd for netns in namespaces.values()])


__all__ = ["run_proof"]
