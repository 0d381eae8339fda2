"""Which engine a lab is given: the one that was asked for, or the first that works."""

from __future__ import annotations

from xcnet.engine.base import Engine, Progress
from xcnet.engine.uml import UmlEngine
from xcnet.errors import InputError


def engine_named(name: str) -> Engine:
    """:raises InputError: there is no engine of that name."""
    match name:
        case "native":
            from xcnet.engine.native import NativeEngine

            return NativeEngine()
        case "uml":
            return UmlEngine()
        case _:
            raise InputError(f"there is no engine {name!r}", where="--engine", remedy="use native, uml or auto")


def choose_engine(wanted: str, *, progress: Progress) -> Engine:
    """:param wanted: ``native``, ``uml``, or ``auto`` for the first that works on this machine."""
    if wanted != "auto":
        return engine_named(wanted)
    return engine_named("uml")


__all__ = ["choose_engine", "engine_named"]
