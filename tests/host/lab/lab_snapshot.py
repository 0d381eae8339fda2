"""What a lab's kernel and daemons hold, so that it can be compared: read inside the lab by a process that ``xcnet exec`` begins."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Self

from labtool import Xcnet

from xcnet.lab.manager import lab_status
from xcnet.lab.paths import LabPaths
from xcnet.waiting import Deadline, wait_until

SCRIPT = Path(__file__)
SETTLING = 90.0
"""Seconds for sessions and routes to come back: BGP's connect retry and BFD's slow start are the longest waits."""


def taken(prefix: str, sockets: Path) -> dict[str, list[str]]:
    """Inside the lab: namespace -> everything in it that does not change by itself while the lab stands idle."""
    from xcnet.netlink import addresses, filters, links, netns, obstacles, qdisc, routes
    from xcnet.netlink.macsec import Macsec
    from xcnet.netlink.socket import NetlinkSocket

    found: dict[str, list[str]] = {}
    for name in sorted(netns.names()):
        if not name.startswith(prefix):
            continue
        node = name.removeprefix(prefix)
        with netns.open_named(name) as space, NetlinkSocket(netns=space) as netlink, Macsec(space) as macsec:
            there = links.dump(netlink)
            # Which association number is in use changes whenever keys are agreed anew.
            lines = [
                str(replace(each, macsec=replace(each.macsec, encoding_sa=0) if each.macsec else None))
                for each in there
            ]
            lines += sorted(f"address {each}" for each in map(str, addresses.dump(netlink)))
            lines += [f"qdisc {each.index} {each.kind} {each.netem}" for each in qdisc.dump(netlink)]
            for link in there:
                lines.append(f"filters {link.name} {filters.spliced_to(netlink, link.index)}")
                lines.append(f"gate {link.name} {filters.gate_counters(netlink, link.index) is not None}")
                dropping = obstacles.standing(netlink, link.index)
                lines += [f"dropping {link.name} {priority} {what}" for priority, (what, _) in dropping.items()]
            for index, secy in macsec.dump().items():
                lines.append(f"secy {index} {secy.operational} {secy.window} {len(secy.tx_sas)} {len(secy.rx_scs)}")
            lines += sorted(f"route {each}" for each in map(str, routes.dump(netlink)))
        found[node] = lines + _routing(sockets / node)
    return found


def _routing(folder: Path) -> list[str]:
    from xcnet.errors import RoutingError
    from xcnet.frr.lifecycle import FrrDirs
    from xcnet.frr.vty import Vty

    lines = []
    dirs = FrrDirs.of(folder, folder)
    for daemon in ("zebra", "bgpd", "bfdd"):
        if dirs.socket(daemon).exists():
            try:
                with Vty(dirs.socket(daemon)) as vty:
                    lines.append(f"{daemon} {vty.run('show running-config')}")
            except RoutingError as error:  # killed: its socket is left
                lines.append(f"{daemon} {error.cause}")
    return lines


class Onlooker:
    """A process in a lab that takes a snapshot for each line it is sent; to start one for each takes seconds in a user-mode kernel."""

    def __init__(self, xcnet: Xcnet, lab: str) -> None:
        self._paths = LabPaths(lab, xcnet.state / "labs" / lab)
        call = ["exec", "-n", lab, "aws-app", "--", sys.executable, str(SCRIPT), lab]
        self._process = subprocess.Popen(
            [*xcnet.command, *call], env=xcnet.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._first = self._look()

    def _look(self) -> dict[str, list[str]]:
        """The lab's processes and sessions too."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("look\n")
        self._process.stdin.flush()
        found: dict[str, list[str]] = json.loads(self._process.stdout.readline())
        status = lab_status(self._paths)
        found["processes"] = sorted(f"{node.name} {node.processes}" for node in status.nodes)
        found["sessions"] = sorted(f"{each.node} {each.peer} {each.state} {each.bfd}" for each in status.sessions)
        return found

    def changes(self) -> list[str]:
        """What is not as it was in the beginning."""
        return differences(self._first, self._look())

    def wait_until_as_before(self) -> None:
        """Until nothing differs from the beginning; fails with what does."""

        def seen() -> str | None:
            return "; ".join(self.changes()) or None

        wait_until("the lab to be as it was before the fault", seen, Deadline(SETTLING), interval=0.5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=30)


def differences(one: dict[str, list[str]], other: dict[str, list[str]]) -> list[str]:
    """What is in one and not in the other, each line with its node."""
    found = []
    for node in sorted(one.keys() | other.keys()):
        before, after = one.get(node, []), other.get(node, [])
        found += [f"{node}: - {line}" for line in before if line not in after]
        found += [f"{node}: + {line}" for line in after if line not in before]
    return found


if __name__ == "__main__":
    for _line in sys.stdin:
        print(json.dumps(taken(f"xcnet.{sys.argv[1]}.", Path("/run/xcnet") / sys.argv[1])), flush=True)
