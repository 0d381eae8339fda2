"""Generic netlink: the number that the running kernel has given to a family."""

from __future__ import annotations

from pyroute2.netlink import ctrlmsg

from xcnet.errors import KernelError
from xcnet.netlink.request import Request
from xcnet.netlink.socket import NetlinkSocket, decoder

_GENL_ID_CTRL = 16
_CTRL_CMD_GETFAMILY = 3

_numbers: dict[str, int] = {}


def family_number(netlink: NetlinkSocket, name: str) -> int:
    """The message type of a family: the same in every namespace, and asked of the kernel once.

    :raises KernelError: the kernel has no such family (its module is not loaded).
    """
    if name not in _numbers:
        message = ctrlmsg()
        message["cmd"] = _CTRL_CMD_GETFAMILY
        message["version"] = 1
        message["attrs"] = [("CTRL_ATTR_FAMILY_NAME", name)]
        remedy = f"load the kernel module {name}, or use an engine whose kernel has it (`xcnet doctor`)"
        request = Request(message, _GENL_ID_CTRL, f"find the netlink family {name}", remedy=remedy)
        answer = netlink.ask(request, decoder(ctrlmsg))
        if answer is None:
            raise KernelError(f"the kernel does not say the number of the netlink family {name}", remedy=remedy)
        _numbers[name] = answer.get_attr("CTRL_ATTR_FAMILY_ID")
    return _numbers[name]


__all__ = ["family_number"]
