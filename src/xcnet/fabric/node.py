"""Mininet nodes whose namespace is made here, and whose shell starts only when someone asks for it.

Stock Mininet makes a node by starting ``mnexec`` and ``bash`` in a new namespace: three program starts for each node, most of
the time that it takes to build a network. Here the namespace comes from netlink, has a name in ``/run/netns``, and the shell
is started by the first ``cmd()``, ``popen()``, ``pexec()`` or look at ``pid``; from then on everything is stock Mininet's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from subprocess import Popen
from typing import Any

from mininet.node import Node

from xcnet.errors import LabError
from xcnet.netlink.netns import Netns
from xcnet.netlink.socket import NetlinkSocket

_PROGRAMS = ("mnexec", "bash", "ip")


class LabNode(Node):  # type: ignore[misc]
    """A node around a namespace that is there already.

    :param netns: held open by whoever made it; its name stands in ``/run/netns``.
    :param environment: added to the environment of everything started on the node through Mininet.
    """

    def __init__(self, name: str, netns: Netns, environment: Mapping[str, str] | None = None, **params: Any) -> None:
        self.netns = netns
        self._environment = dict(environment or {})
        self._shell: Popen[bytes] | None = None
        self._pid: int | None = None
        self._starting = False
        self._terminated = False
        self._route: NetlinkSocket | None = None
        super().__init__(name, inNamespace=True, **params)

    @classmethod
    def checkSetup(cls) -> None:
        """Nothing to check before a shell is asked for; stock Mininet searches for its programs here."""

    # -- the shell, when it is wanted

    @property
    def shell(self) -> Popen[bytes] | None:
        """The node's shell, started by looking at it; None once the node is terminated."""
        if self._shell is None and not self._starting and not self._terminated:
            self._start_now()
        return self._shell

    @shell.setter
    def shell(self, value: Popen[bytes] | None) -> None:
        self._shell = value

    @property
    def pid(self) -> int | None:
        """The shell's process number, as in stock Mininet: ``mnexec -a`` takes the node's namespaces from it."""
        if self._pid is None and self.shell is None:
            return None
        return self._pid

    @pid.setter
    def pid(self, value: int | None) -> None:
        self._pid = value

    @property
    def has_shell(self) -> bool:
        """Whether a shell runs, without starting one."""
        return self._shell is not None

    def startShell(self, mnopts: str | None = None) -> None:
        """Called by Mininet's constructor: put off until the shell is used."""
        if self.params.get("privateDirs"):
            self._start_now(mnopts)

    def _start_now(self, mnopts: str | None = None) -> None:
        for program in _PROGRAMS:
            if shutil.which(program) is None:
                raise LabError(
                    f"no shell can be started on {self.name}: there is no program {program}",
                    where=f"node {self.name}",
                    remedy="install the packages mininet, bash and iproute2",
                )
        self._starting = True
        # Stock's start would make another namespace for a node that is "in a namespace": this one has its own already.
        self.inNamespace = False
        try:
            super().startShell(mnopts)
        finally:
            self.inNamespace = True
            self._starting = False

    def _popen(self, cmd: list[str], **params: Any) -> Popen[bytes]:
        params.setdefault("env", {**os.environ, **self._environment})
        if self._starting:
            # ip-netns gives the shell a mount namespace whose /sys shows this node's interfaces, as mnexec -n would.
            cmd = ["ip", "netns", "exec", self.netns.name, *cmd]
        process: Popen[bytes] = super()._popen(cmd, **params)
        return process

    def mountPrivateDirs(self) -> None:
        if self.privateDirs:
            super().mountPrivateDirs()

    def unmountPrivateDirs(self) -> None:
        if self.privateDirs and self.has_shell:
            super().unmountPrivateDirs()

    def terminate(self) -> None:
        """End the shell if there is one. The namespace stays: it belongs to the fabric."""
        self._terminated = True
        shell = self._shell
        if shell is not None:
            super().terminate()
        if self._route is not None:
            self._route.close()
            self._route = None

    # -- interfaces, without a shell

    @property
    def route(self) -> NetlinkSocket:
        """A netlink socket in the node's namespace."""
        if self._route is None:
            self._route = NetlinkSocket(netns=self.netns)
        return self._route

    def addIntf(self, intf: Any, port: int | None = None, moveIntfFn: Any = None) -> None:
        """Take an interface into Mininet's tables; it stands in the namespace already."""
        super().addIntf(intf, port=port, moveIntfFn=moveIntfFn or (lambda *_: None))


class RouterNode(LabNode):
    """An edge or a gateway."""


class HostNode(LabNode):
    """A customer's host."""


class FacilityNode(LabNode):
    """A building where fibres end and are joined by cross-connects."""


class CoordinatorNode(LabNode):
    """Where a provider's Connection Coordinator runs: on the management network, and on no other."""


__all__ = ["CoordinatorNode", "FacilityNode", "HostNode", "LabNode", "RouterNode"]
