"""Which interfaces zebra has seen, and in which VRF it believes them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from xcnet.errors import RoutingError
from xcnet.frr.lifecycle import FrrDirs
from xcnet.frr.vty import Vty
from xcnet.waiting import Deadline, wait_until

_LOOK_SECONDS = 0.01
_SHOWN = 4


def wait_for_interfaces(dirs: FrrDirs, wanted: Mapping[str, set[str]], deadline: Deadline) -> None:
    """Wait until zebra has the interfaces in their VRFs; where no zebra runs there is nothing to wait for.

    zebra reads the kernel's news about addresses and about interfaces on two ways, and one may overtake the other (FRR 8).
    An address that it learns while it holds the interface for one of another VRF it tells to nobody in the right one:
    bgpd then refuses every session from there, for good. So addresses are given when this returns.

    :param wanted: VRF -> names of interfaces. Blocks: call it from a thread of its own.
    :raises DeadlineError: zebra does not see them.
    """
    try:
        zebra = Vty(dirs.socket("zebra"))
    except RoutingError:
        return
    missing = dict(wanted)

    def seen() -> str | None:
        answers = zebra.try_run([f"show interface vrf {vrf} brief json" for vrf in missing])
        for vrf, answer in zip(list(missing), answers, strict=True):
            # Of a VRF that it does not know zebra says so, in JSON or in words.
            held = json.loads(answer.text) if answer.ok else {}
            if missing[vrf] <= held.keys():
                del missing[vrf]
        if not missing:
            return None
        names = [f"{name} in {vrf}" for vrf, interfaces in missing.items() for name in sorted(interfaces)]
        return f"not {', '.join(names[:_SHOWN])}" + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")

    with zebra:
        wait_until(
            "zebra to see interfaces in their VRFs",
            seen,
            deadline,
            where=str(zebra.path),
            remedy="see zebra's log; 'xcnet status' shows whether it runs",
            interval=_LOOK_SECONDS,
        )


__all__ = ["wait_for_interfaces"]
