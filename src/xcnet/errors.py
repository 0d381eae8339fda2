"""The tree of errors a person may see: each says what is wrong, where, and what to do about it.

Anything that can be caused from outside (input, the machine, a peer) is raised as an :class:`XcnetError`; the command line
prints it without a traceback and exits with :attr:`XcnetError.exit_code`. Everything else is a defect of this program.
"""

from __future__ import annotations


class XcnetError(Exception):
    """Base of every error with a remedy.

    :param cause: one sentence: what is wrong, in the reader's terms.
    :param where: the file and field, node, interface, daemon or namespace it concerns; empty if it concerns everything.
    :param remedy: what to do about it, as an imperative sentence; empty if there truly is nothing.
    """

    exit_code = 1

    def __init__(self, cause: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        lines = [self.cause]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.remedy:
            lines.append(f"  remedy: {self.remedy}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, str]:
        """The error for ``--json`` output and for the wire between the lab and the command line."""
        return {"error": type(self).__name__, "cause": self.cause, "where": self.where, "remedy": self.remedy}


class InputError(XcnetError):
    """A file, option or argument given by the user cannot be accepted."""

    exit_code = 2


class EngineError(XcnetError):
    """No kernel could be had, or the chosen one does not do what it must."""


class KernelError(XcnetError):
    """The kernel refused a request, or holds something else than what was written.

    :param errno: the kernel's error number, 0 where there was none.
    """

    def __init__(self, cause: str, *, where: str = "", remedy: str = "", errno: int = 0) -> None:
        super().__init__(cause, where=where, remedy=remedy)
        self.errno = errno


class RoutingError(XcnetError):
    """A routing daemon refused its configuration, or does not answer."""


class LabError(XcnetError):
    """A lab is not there, is there already, or is not in the state that the command needs."""


class DeadlineError(XcnetError):
    """Something that was watched for did not happen in time; the cause says what was seen instead."""


class InconclusiveError(XcnetError):
    """The machine was too busy to judge: neither pass nor fail can be said honestly."""

    exit_code = 3


__all__ = [
    "DeadlineError",
    "EngineError",
    "InconclusiveError",
    "InputError",
    "KernelError",
    "LabError",
    "RoutingError",
    "XcnetError",
]
