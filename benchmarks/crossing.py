"""Whether any customer's packet comes out at another's, run inside the lab's kernel: all have the same private prefixes."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from pathlib import Path
from typing import Any

from xcnet.netlink.netns import open_named

_PORT = 6000
_TRIES = 3


def at_leisure(_view: dict[str, Any]) -> int:
    """Take the real-time priority from every bfdd, whose detection times are a minute here: while hundreds of sessions come up, each
    with a hello a second, it would leave the processor to nobody else. :returns: from how many.
    """
    found = 0
    for path in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if path.read_text().strip() == "bfdd":
                os.sched_setscheduler(int(path.parent.name), os.SCHED_OTHER, os.sched_param(0))
                found += 1
    return found


def cross(
    view: dict[str, Any], *, source: str, target: str, connections: dict[str, list[str]], address: dict[str, str]
) -> dict[str, Any]:
    """Send a datagram from every connection's table at one gateway to the same address, IPv4 and IPv6, and see where it comes out.

    :param source: gateway that sends. :param target: gateway that receives. :param connections: UUID -> VRF at each of
        the two. :param address: IP version -> the address that every one of them has at ``target``.
    :returns: how many were sent, came out at their own connection, came out at another's.
    """
    spaces = {name: open_named(Path(view["nodes"][name]).name) for name in (source, target)}
    own = crossed = 0
    missing = []
    for version, to in address.items():
        family = socket.AF_INET if version == "4" else socket.AF_INET6
        receivers = {}
        for uuid, (_from, vrf) in connections.items():
            with spaces[target].entered():
                receiver = socket.socket(family, socket.SOCK_DGRAM)
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, vrf.encode())
            receiver.bind((to, _PORT))
            receivers[receiver] = uuid
        wanted = set(connections)
        for _ in range(_TRIES):
            for uuid in wanted:
                with spaces[source].entered():
                    sender = socket.socket(family, socket.SOCK_DGRAM)
                sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, connections[uuid][0].encode())
                with sender, contextlib.suppress(OSError):  # no route at this moment: it counts as missing
                    sender.sendto(uuid.encode(), (to, _PORT))
            end = time.monotonic() + 2.0
            while wanted and time.monotonic() < end:
                for ready in select.select(list(receivers), [], [], 0.2)[0]:
                    said = ready.recv(100).decode()
                    if said == receivers[ready]:
                        wanted.discard(said)
                    else:
                        crossed += 1
            if not wanted:
                break
        own += len(connections) - len(wanted)
        missing += [f"{uuid} IPv{version}" for uuid in sorted(wanted)]
        for receiver in receivers:
            receiver.close()
    return {"own": own, "crossed": crossed, "missing": missing}
