"""What a lab's kernel and daemons hold, so that it can be compared: run inside the lab by ``xcnet exec``."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from labtool import Xcnet

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


def snapshot(xcnet: Xcnet, lab: str) -> dict[str, list[str]]:
    """From outside; the lab's processes too."""
    found: dict[str, list[str]] = json.loads(
        xcnet.ok("exec", "-n", lab, "aws-app", "--", sys.executable, str(SCRIPT), lab)
    )
    # Its exit status says that something is down: that is what is to be seen here.
    status = json.loads(xcnet("status", "-n", lab, "--json").stdout)
    found["processes"] = sorted(f"{node['name']} {node['processes']}" for node in status["nodes"])
    sessions = [f"{each['node']} {each['peer']} {each['state']} {each['bfd']}" for each in status["sessions"]]
    found["sessions"] = sorted(sessions)
    return found


def differences(one: dict[str, list[str]], other: dict[str, list[str]]) -> list[str]:
    """What is in one and not in the other, each line with its node."""
    found = []
    for node in sorted(one.keys() | other.keys()):
        before, after = one.get(node, []), other.get(node, [])
        found += [f"{node}: - {line}" for line in before if line not in after]
        found += [f"{node}: + {line}" for line in after if line not in before]
    return found


def wait_until_as_before(xcnet: Xcnet, lab: str, before: dict[str, list[str]]) -> None:
    """Until nothing differs; fails with what does."""

    def seen() -> str | None:
        return "; ".join(differences(before, snapshot(xcnet, lab))) or None

    wait_until("the lab to be as it was before the fault", seen, Deadline(SETTLING), interval=0.5)


if __name__ == "__main__":
    print(json.dumps(taken(f"xcnet.{sys.argv[1]}.", Path("/run/xcnet") / sys.argv[1])))
