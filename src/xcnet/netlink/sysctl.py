"""Kernel parameters of a network namespace (``/proc/sys/net``).

The kernel shows each thread its own namespace's parameters there, so that they are written from inside it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from xcnet.errors import KernelError
from xcnet.netlink.netns import Netns

_ROOT = Path("/proc/sys")


@contextlib.contextmanager
def _without_hurry() -> Iterator[None]:
    """This thread at ordinary priority for a while.

    Many of these parameters are set under the kernel's lock on interfaces, and a thread that finds it taken asks again and
    again instead of sleeping: at real-time priority it would keep the only processor from the one that holds the lock.
    """
    policy = os.sched_getscheduler(0)
    if policy not in (os.SCHED_FIFO, os.SCHED_RR):
        yield
        return
    param = os.sched_getparam(0)
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, param)


def write(values: Mapping[str, int | str], netns: Netns | None = None) -> None:
    """Set parameters, and read back that they were taken. At ordinary priority, whatever the caller's is.

    :param values: by path with slashes, since interface names may hold dots: ``net/ipv4/ip_forward``.
    :raises KernelError: this kernel has no such parameter, or does not take the value.
    """
    with netns.entered() if netns else contextlib.nullcontext(), _without_hurry():
        for name, value in values.items():
            path = _ROOT / name
            try:
                path.write_text(f"{value}\n")
                held = path.read_text().strip()
            except OSError as error:
                raise _failed("set", name, netns, error) from error
            if held != str(value):
                raise KernelError(f"cannot set {name} to {value}: the kernel holds {held}", where=_where(netns))


def read(name: str, netns: Netns | None = None) -> str:
    """A parameter's value. :raises KernelError: this kernel has no such parameter."""
    with netns.entered() if netns else contextlib.nullcontext():
        try:
            return (_ROOT / name).read_text().strip()
        except OSError as error:
            raise _failed("read", name, netns, error) from error


def ipv4(interface: str, parameter: str) -> str:
    """The name of a per-interface IPv4 parameter; ``all`` and ``default`` are interfaces here."""
    return f"net/ipv4/conf/{interface}/{parameter}"


def ipv6(interface: str, parameter: str) -> str:
    """The name of a per-interface IPv6 parameter."""
    return f"net/ipv6/conf/{interface}/{parameter}"


def _where(netns: Netns | None) -> str:
    return f"namespace {netns.name}" if netns else "this namespace"


def _failed(verb: str, name: str, netns: Netns | None, error: OSError) -> KernelError:
    return KernelError(
        f"cannot {verb} the kernel parameter {name}: {error.strerror}",
        where=_where(netns),
        remedy="use a kernel that has this parameter, and have /proc/sys writable",
        errno=error.errno or 0,
    )


__all__ = ["ipv4", "ipv6", "read", "write"]
