"""What the host writes down for the warm process to find: one file that both sides of a boot understand.

Read by the user-mode kernel's first process, which should import as little as it can: standard library only.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Launch:
    """:param path: ``sys.path`` there. :param modules: folder of the kernel's modules, a user-mode kernel only.
    :param visible: folders of the host that must stay visible, wherever they lie, a user-mode kernel only."""

    name: str
    engine: str
    run_dir: str
    entry: str
    path: list[str]
    env: dict[str, str] = field(default_factory=dict)
    modules: str = ""
    visible: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Launch:
        raw: dict[str, Any] = json.loads(text)
        return cls(**raw)


__all__ = ["Launch"]
