"""What a lab left behind when its own process was killed, found by its name and removed; nothing else is touched."""

from __future__ import annotations

import os
import shutil

from xcnet.engine.leftovers import end_leftovers
from xcnet.lab import stores
from xcnet.lab.cpu_groups import remove_leftovers as remove_groups
from xcnet.lab.paths import LabPaths


def remove_leftovers(paths: LabPaths) -> list[str]:
    """Kill, unmount and delete what carries this lab's name.

    :returns: a few words for each kind of thing found; empty after a clean end.
    """
    found = []
    if killed := end_leftovers(paths.run_dir):
        found.append(f"{len(killed)} process(es)")
    # Namespaces and sockets exist on this kernel only with the native engine; a user-mode kernel took its own with it.
    if os.geteuid() == 0:
        from xcnet.fabric.network import remove_leftovers as remove_namespaces

        if removed := remove_namespaces(paths.name):
            found.append(f"{len(removed)} namespace(s)")
        if groups := remove_groups(paths.name):
            found.append(f"{len(groups)} control group(s)")
        if paths.sockets.is_dir():
            stores.unmount_all(paths.sockets)
            shutil.rmtree(paths.sockets, ignore_errors=True)
            found.append("sockets")
    return found


__all__ = ["remove_leftovers"]
