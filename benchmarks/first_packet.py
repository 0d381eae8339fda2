"""When the first datagram gets from one host to the other, run inside the lab's kernel beside whatever builds the path."""

from __future__ import annotations

import select
import socket
import time
from pathlib import Path
from typing import Any

from xcnet.netlink import addresses, links
from xcnet.netlink.netns import open_named
from xcnet.netlink.socket import NetlinkSocket

_INTERVAL = 0.005


def wait(view: dict[str, Any], *, most_seconds: float) -> dict[str, Any]:
    """Send one datagram after the other, IPv4 and IPv6, until one of each has arrived.

    :param view: the lab, as ``call`` gives it. :returns: IP version -> arrival on the kernel's CLOCK_MONOTONIC.
    """
    source, target = (open_named(Path(view["nodes"][name]).name) for name in view["hosts"][:2])
    with NetlinkSocket(netns=target) as netlink:
        index = links.get(netlink, "eth0").index
        found = {
            each.interface.version: each.interface.ip
            for each in addresses.dump(netlink, index)
            if not each.interface.ip.is_link_local
        }
    arrived: dict[int, float] = {}
    sockets = {}
    for version, address in found.items():
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        with target.entered():
            receiver = socket.socket(family, socket.SOCK_DGRAM)
        receiver.bind((str(address), 0))
        with source.entered():
            sender = socket.socket(family, socket.SOCK_DGRAM)
        sockets[version] = (sender, receiver, receiver.getsockname()[:2])
    end = time.monotonic() + most_seconds
    while len(arrived) < len(found) and time.monotonic() < end:
        for version, (sender, _receiver, address) in sockets.items():
            if version not in arrived:
                try:
                    sender.sendto(b"x", address)
                except OSError:
                    continue  # no route yet
        receivers = {each[1]: version for version, each in sockets.items()}
        for ready in select.select(list(receivers), [], [], _INTERVAL)[0]:
            arrived.setdefault(receivers[ready], time.monotonic())
            ready.recv(16)
    return {str(version): moment for version, moment in arrived.items()}
