"""The launch file of a user-mode kernel: what the guest must know and must be able to see."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import xcnet
from xcnet.engine.base import LaunchSpec
from xcnet.engine.launch import Launch
from xcnet.engine.rundir import RunDir
from xcnet.engine.uml_kernel import UmlKernel


def launch_file(spec: LaunchSpec, run: RunDir, kernel: UmlKernel) -> Launch:
    """Every folder that code or files come from stays visible, wherever it lies; so does the caller's working folder."""
    here = Path(xcnet.__file__).parent.parent
    visible = {str(run.path), str(here), sys.prefix, sys.base_prefix, str(kernel.modules)}
    with contextlib.suppress(OSError):
        visible.add(str(Path.cwd()))
    visible |= {entry for entry in spec.path if Path(entry).is_dir()}
    return Launch(
        name=spec.name,
        engine="uml",
        run_dir=str(run.path),
        entry=spec.entry,
        path=list(spec.path),
        env=dict(spec.env),
        modules=str(kernel.modules),
        visible=sorted(visible),
    )


__all__ = ["launch_file"]
