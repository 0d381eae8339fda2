"""What is to be recorded of a run."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from xcnet.lab.capture_mode import Capture

SNAP = 64
"""Bytes that are kept of a MACsec frame where only headers are wanted: more than is legible."""

MEBI = 2**20


class RecordPlan(BaseModel):
    """:param folder: below the lab's own. :param keys: tell the SAKs that frames are under, as they come into use.
    :param limit: bytes of each channel's file, at most.
    """

    model_config = ConfigDict(frozen=True)

    folder: str
    capture: Capture = Capture.HEADERS
    keys: bool = False
    limit: int = 64 * MEBI


__all__ = ["MEBI", "SNAP", "RecordPlan"]
