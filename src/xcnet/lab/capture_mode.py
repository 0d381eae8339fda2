"""How much of the frames on channels a run keeps. Nothing else: the command line reads this before anything heavy."""

from __future__ import annotations

from enum import StrEnum


class Capture(StrEnum):
    """How much of each frame on the channels is kept.

    :cvar HEADERS: of MACsec frames the first 64 bytes; of others, key agreement's, all. :cvar FULL: all of all.
    """

    NONE = "none"
    HEADERS = "headers"
    FULL = "full"


__all__ = ["Capture"]
