"""What is to be recorded of a run."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

SNAP = 64
"""Bytes that are kept of a MACsec frame where only headers are wanted: more than is legible."""

MEBI = 2**20


class Capture(StrEnum):
    """How much of each frame on the channels is kept.

    :cvar HEADERS: of MACsec frames the first 64 bytes; of others, key agreement's, all. :cvar FULL: all of all.
    """

    NONE = "none"
    HEADERS = "headers"
    FULL = "full"


class RecordPlan(BaseModel):
    """:param folder: below the lab's own. :param keys: tell the SAKs that frames are under, as they come into use.
    :param limit: bytes of each channel's file, at most.
    """

    model_config = ConfigDict(frozen=True)

    folder: str
    capture: Capture = Capture.HEADERS
    keys: bool = False
    limit: int = 64 * MEBI


__all__ = ["MEBI", "SNAP", "Capture", "RecordPlan"]
