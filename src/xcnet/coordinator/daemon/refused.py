"""The kernel's counters of frames that a SecY has not let in (IEEE 802.1AE, 10.7), and what each is as a label."""

from __future__ import annotations

REFUSED = {
    "InPktsNotValid": "not_valid",
    "InPktsLate": "late",
    "InPktsNotUsingSA": "not_using_sa",
    "InPktsNoSCI": "no_sci",
    "InPktsBadTag": "bad_tag",
    "InPktsUnknownSCI": "unknown_sci",
    "InPktsOverrun": "overrun",
}

__all__ = ["REFUSED"]
