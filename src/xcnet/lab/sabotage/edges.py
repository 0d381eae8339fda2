"""Edges that do wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xcnet.edge import kernel
from xcnet.edge.kernel import RouterKernel
from xcnet.lab.sabotage import replaced
from xcnet.model.desired import Channel
from xcnet.model.sabotage import Sabotage
from xcnet.netlink import filters, links
from xcnet.netlink.link_kinds import macsec_protection
from xcnet.netlink.links import Link


def _fail_open() -> None:
    """Where a channel would be closed its MACsec device stays up, and sends and takes frames in clear; the port has no gate."""

    def set_link(_closing: Any) -> Any:
        def open_instead(self: RouterKernel, name: str, *, up: bool) -> None:
            link = self.links().get(name)
            requests = [links.change(name, up=True)]
            if link is not None and link.kind == "macsec":
                requests.insert(0, macsec_protection(link.index, protected=up))
                requests.append(filters.ungate(link.parent))
            self._submit(requests)

        return open_instead

    def bare_port(original: Any) -> Any:
        def ungated(self: RouterKernel, channel: Channel, port: Link, changed: list[str]) -> None:
            original(self, channel, port, changed)
            self._submit([filters.ungate(port.index)])

        return ungated

    def is_secy(_original: Any) -> Any:
        # Protected or not, it is the device that was made.
        return lambda link, parent, *_: link.macsec is not None and link.parent == parent

    replaced(RouterKernel, "set_link", set_link)
    replaced(RouterKernel, "_bare_port", bare_port)
    replaced(kernel, "_is_secy", is_secy)


SPOILERS: dict[Sabotage, Callable[[], None]] = {Sabotage.FAIL_OPEN: _fail_open}


__all__ = ["SPOILERS"]
