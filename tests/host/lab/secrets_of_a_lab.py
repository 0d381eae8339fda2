"""Every secret that a lab's own process holds; run inside of it, for tests that look where secrets have no business."""

from __future__ import annotations

import gc
from typing import Any

from xcnet.secret import Secret


def all_of_them(_view: dict[str, Any]) -> list[str]:
    """In hexadecimal. Found by their type in the process's memory: whatever holds them."""
    gc.unfreeze()
    return sorted({each.reveal().hex() for each in gc.get_objects() if isinstance(each, Secret) and len(each) > 3})
