"""The first five minutes: a lab up, its path built by the handshake and proved, a channel cut under traffic, everything taken down."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from xcnet.cli.output import err, out
from xcnet.cli.progress import Progress
from xcnet.cli.run_commands import EXIT_OF
from xcnet.cli.show import status_view

if TYPE_CHECKING:
    from xcnet.lab.paths import LabPaths
    from xcnet.scenario.results import Verdict

_SCENARIO = "channel-cut"


def run_quickstart(topology: str, *, engine: str, keep: bool) -> int:
    """:returns: 0 if the path was proved and a cut channel cost no more than expected, 1 if a check failed, 3 where the machine was too
    busy to judge. The lab is taken down in every case unless ``keep``.
    """
    from xcnet.lab.manager import bring_up, lab_status, prove, take_down
    from xcnet.lab.paths import LabPaths

    name = f"quickstart-{os.getpid()}"
    with Progress() as progress:
        result = bring_up(topology, name=name, engine=engine, bare=True, progress=progress)
    paths = LabPaths.of(name)
    try:
        _connect_all(name)
        with Progress() as progress:
            proof = prove(paths, flows=1000, progress=progress)
        out.print(proof.as_table())
        out.print()
        out.print(status_view(lab_status(paths)))
        out.print()
        cut = _cut_a_channel(paths, result.kernel)
    finally:
        if keep:
            err.print(f"the lab stays up: xcnet status --name {name}; xcnet down {name}")
        else:
            with Progress() as progress:
                progress.step("taking the lab down")
                take_down(name)
    verdict = "[green]proved[/]" if proof.ok else "[bold red]NOT proved[/]"
    out.print(
        f"{verdict}: lab up in {result.seconds:.1f} s ({result.engine} engine, kernel {result.kernel}); "
        f"{proof.held} of {len(proof.results)} checks hold"
    )
    if not proof.ok:
        return 1
    return EXIT_OF[cut.value]


def _cut_a_channel(paths: LabPaths, kernel: str) -> Verdict:
    """The scenario that everybody tries first, with its report."""
    from datetime import datetime
    from pathlib import Path

    from xcnet.cli.run_commands import show_result
    from xcnet.scenario.catalogue import shipped_scenarios
    from xcnet.scenario.conduct import conduct
    from xcnet.scenario.load import load_scenario
    from xcnet.scenario.report.write import write_report
    from xcnet.scenario.stage import LabStage

    file = next(each for each in shipped_scenarios() if each.stem == _SCENARIO)
    scenario, _ = load_scenario(file)
    with Progress() as progress:
        progress.step(f"{scenario.title}, under traffic")
        with LabStage(paths) as stage:
            result = conduct(scenario, stage, paths, kernel, progress.detail)
    page = write_report(result, Path("xcnet-reports") / f"{datetime.now():%Y%m%d-%H%M%S}-{scenario.scenario}")
    show_result(result, scenario.scenario, page)
    out.print()
    return result.verdict


def _connect_all(lab: str) -> None:
    """Make the topology's connections as customers do: an activation key at one provider, accepted at the other."""
    from xcnet.cli.handshake import Steps
    from xcnet.cli.talk import talking

    with talking(lab) as talk:
        directory = talk.directory
        for order in dict.fromkeys(network.name for network in directory.networks):
            sides = {network.provider: network for network in directory.networks if network.name == order}
            first = next(iter(sides.values()))
            here, there = next(each.providers for each in directory.environments if each.name == first.environment)
            attach = {
                provider: {"name": order, "port": side.port, "networks": list(side.networks)}
                for provider, side in sides.items()
            }
            names = directory.providers
            err.print(f"[bold]{order}[/]: {first.mbps} Mbit/s from {names[here]} to {names[there]}")
            accounts = directory.customers[first.customer]
            talk.coordinators.connect(
                here, there, first.environment, first.mbps, accounts, attach, heard=Steps(directory.providers)
            )


__all__ = ["run_quickstart"]
