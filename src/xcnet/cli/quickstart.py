"""The first five minutes: a lab up, its path built by the handshake and proved, its state shown, everything taken down again."""

from __future__ import annotations

import os

from xcnet.cli.output import err, out
from xcnet.cli.progress import Progress
from xcnet.cli.show import status_view


def run_quickstart(topology: str, *, engine: str, keep: bool) -> int:
    """:returns: 0 if the path was proved, 1 if a check failed. The lab is taken down in every case unless ``keep``."""
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
    return 0 if proof.ok else 1


def _connect_all(lab: str) -> None:
    """Make the topology's connections as customers do: an activation key at one provider, accepted at the other."""
    from xcnet.cli.connection_commands import talking
    from xcnet.cli.handshake import Steps

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
