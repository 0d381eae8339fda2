"""Which engine a lab is given: the one that was asked for, or the first that works."""

from __future__ import annotations

import os

from xcnet.engine.base import Engine, Progress
from xcnet.errors import InputError

NAMES = ("native", "uml")


def engine_named(name: str) -> Engine:
    """:raises InputError: there is no engine of that name."""
    match name:
        case "native":
            from xcnet.engine.native import NativeEngine

            return NativeEngine()
        case "uml":
            from xcnet.engine.uml import UmlEngine

            return UmlEngine()
        case _:
            raise InputError(f"there is no engine {name!r}", where="--engine", remedy="use native, uml or auto")


def choose_engine(wanted: str, *, progress: Progress) -> Engine:
    """The engine for a new lab. Whether it works shows when it is started: choosing tries this machine's kernel only.

    :param wanted: ``native``, ``uml``, or ``auto``: native as root in a kernel with every feature, else uml.
    :raises InputError: there is no engine of that name.
    """
    if wanted != "auto":
        return engine_named(wanted)
    if os.geteuid() == 0:
        from xcnet.engine.kernel_features import kernel_shortcomings

        progress("trying what this machine's kernel can do")
        if not kernel_shortcomings():
            return engine_named("native")
    return engine_named("uml")


__all__ = ["NAMES", "choose_engine", "engine_named"]
