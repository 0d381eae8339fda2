"""One netlink request: a message to be sent, and in words what it asks for, so that a refusal can be explained."""

from __future__ import annotations

import errno as errnos
import os
from dataclasses import dataclass
from typing import Any

from xcnet.errors import KernelError

NLM_F_REQUEST = 0x1
NLM_F_ACK = 0x4
NLM_F_DUMP = 0x300
NLM_F_REPLACE = 0x100
NLM_F_EXCL = 0x200
NLM_F_CREATE = 0x400

_REMEDIES = {
    errnos.EPERM: "run as root in the namespace's own user namespace (CAP_NET_ADMIN is needed)",
    errnos.EACCES: "run as root in the namespace's own user namespace (CAP_NET_ADMIN is needed)",
    errnos.EEXIST: "delete what stands there under that name, or choose another name",
    errnos.ENODEV: "check that the interface exists in this namespace",
    errnos.EOPNOTSUPP: "load the kernel module for it; `xcnet doctor` names the modules and what they are for",
    errnos.EBUSY: "deactivate or delete what occupies the place first",
    errnos.EINVAL: "check the values against what this kernel takes",
    errnos.ENOBUFS: "free memory, or raise net.core.rmem_max",
}


@dataclass(slots=True)
class Request:
    """A request to the kernel, not yet sent.

    :param message: one of pyroute2's message classes (or ours after their manner), filled in except for its header.
    :param type: the netlink message type (RTM_..., or the generic netlink family's number).
    :param what: what is asked, continuing "cannot ...": ``make VLAN 1100 "prod" on "ch1"``.
    :param flags: NLM_F_... beyond NLM_F_REQUEST.
    :param tolerate: error numbers that mean that the wanted state is there already (EEXIST when adding, ...).
    :param remedy: what to do on refusal, where this request knows better than its error number.
    """

    message: Any
    type: int
    what: str
    flags: int = 0
    tolerate: frozenset[int] = frozenset()
    remedy: str = ""

    def tolerating(self, *numbers: int) -> Request:
        """The same request that also accepts these error numbers as success."""
        return Request(self.message, self.type, self.what, self.flags, self.tolerate | set(numbers), self.remedy)

    def encode(self, sequence: int, extra_flags: int = 0) -> bytes:
        """The bytes of the message, with its netlink header (RFC 3549, 2.3.2). May be called again for a repetition."""
        message = self.message
        message.reset()
        message["header"] = {
            "type": self.type,
            "flags": NLM_F_REQUEST | self.flags | extra_flags,
            "sequence_number": sequence,
            "pid": 0,
        }
        # Encoding replaces the attributes with encoded cells: hand over a copy so that the request can be sent again.
        attributes = list(message["attrs"])
        message["attrs"] = list(attributes)
        message.encode()
        message["attrs"] = attributes
        return bytes(message.data)


def refusal(request: Request, number: int, explanation: str, where: str) -> KernelError:
    """The error for a request that the kernel answered with ``number`` (> 0) and, perhaps, words of its own."""
    name = errnos.errorcode.get(number, str(number))
    words = explanation or os.strerror(number)
    return KernelError(
        f"cannot {request.what}: the kernel says {name}: {words}",
        where=where,
        remedy=request.remedy or _REMEDIES.get(number, ""),
        errno=number,
    )


__all__ = [
    "NLM_F_ACK",
    "NLM_F_CREATE",
    "NLM_F_DUMP",
    "NLM_F_EXCL",
    "NLM_F_REPLACE",
    "NLM_F_REQUEST",
    "Request",
    "refusal",
]
