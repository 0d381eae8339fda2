"""Drives the real ``xcnet`` command against real labs, in whichever engine this machine has."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xcnet.model.load import read_shipped

COMMAND = (sys.executable, "-m", "xcnet")


@dataclass
class Xcnet:
    """The command with a state folder of its own."""

    state: Path
    environment: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = COMMAND

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "XCNET_STATE": str(self.state), "NO_COLOR": "1", "COLUMNS": "200", **self.environment}

    def __call__(self, *arguments: str, timeout: float = 180.0, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            **options,
        )

    def ok(self, *arguments: str, timeout: float = 180.0) -> str:
        """Its standard output; fails the test with everything it said if it fails."""
        done = self(*arguments, timeout=timeout)
        assert done.returncode == 0, f"xcnet {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        # In a background job of a script children inherit that they ignore Ctrl-C; this one shall hear it.
        return subprocess.Popen(["env", "--default-signal=INT", *self.command, *arguments], env=self.env, **options)

    def processes(self, lab: str) -> list[int]:
        """Processes on this machine that carry the lab's tag."""
        tag = f"XCNET_RUN={self.state / 'labs' / lab}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    environment = (entry / "environ").read_bytes()
                except OSError:
                    continue
                if tag in environment.split(b"\0"):
                    found.append(int(entry.name))
        return found

    def kill_all(self, lab: str) -> int:
        """SIGKILL to every process of a lab, as a crash of the machine's memory would."""
        pids = self.processes(lab)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return len(pids)


def default_topology(folder: Path, monitor: str) -> Path:
    """The shipped default topology with monitors that differ. :param monitor: their policy, in YAML's flow style."""
    lines = []
    for line in read_shipped("aws-google").splitlines():
        lines.append(line)
        if line.strip().startswith("profile: "):
            indent = line[: len(line) - len(line.lstrip())]
            lines.append(f"{indent}overrides: {{coordinator: {{monitor: {monitor}}}}}")
    file = folder / "aws-google.yaml"
    file.write_text("\n".join(lines) + "\n")
    return file


__all__ = ["COMMAND", "Xcnet", "default_topology"]
