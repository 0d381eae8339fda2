"""Control groups that bound what processes get of the processor (CFS bandwidth), each with the lab's name, for one fault each."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from xcnet.errors import LabError

_PERIOD, _LONGEST_PERIOD = 100_000, 1_000_000
_LEAST_QUOTA = 1_000
"""Microseconds, as the kernel takes them."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A mounted hierarchy of groups. :param unified: of version 2."""

    root: Path
    unified: bool


def find_tree() -> Tree:
    """One that shares out processor time. Nothing is mounted or switched on for it: what the machine has is used.

    :raises LabError: there is none.
    """
    legacy: Tree | None = None
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _source, where, kind, options, *_ = line.split()
        root = Path(where.encode().decode("unicode_escape"))
        if kind == "cgroup2" and _shares_processor(root):
            return Tree(root, unified=True)
        if kind == "cgroup" and "cpu" in options.split(",") and (root / "cpu.cfs_quota_us").exists():
            legacy = Tree(root, unified=False)
    if legacy is None:
        raise LabError(
            "this kernel has no control groups that bound processor time",
            where="/proc/self/mounts",
            remedy="mount cgroup2 with its cpu controller switched on for child groups, or use --engine uml",
        )
    return legacy


def _shares_processor(root: Path) -> bool:
    try:
        return "cpu" in (root / "cgroup.subtree_control").read_text().split()
    except OSError:
        return False


class CpuGroup:
    """:param name: of the fault. Made by :meth:`make`; :meth:`remove` puts its processes back where they came from."""

    def __init__(self, lab: str, name: str) -> None:
        """:raises LabError: the kernel has nothing of the kind."""
        self._tree = find_tree()
        self.path = self._tree.root / f"{prefix(lab)}{name}"
        self._came_from: dict[int, Path] = {}

    def make(self, share: float) -> None:
        """:param share: of one processor, 0 to 1. :raises LabError: refused."""
        period = _PERIOD
        if share * period < _LEAST_QUOTA:
            period = _LONGEST_PERIOD
        quota = max(round(share * period), _LEAST_QUOTA)
        try:
            self.path.mkdir(exist_ok=True)
            if self._tree.unified:
                (self.path / "cpu.max").write_text(f"{quota} {period}")
            else:
                (self.path / "cpu.cfs_period_us").write_text(str(period))
                (self.path / "cpu.cfs_quota_us").write_text(str(quota))
        except OSError as error:
            with contextlib.suppress(OSError):
                self.path.rmdir()
            raise LabError(
                f"no control group can be made: {error.strerror}",
                where=str(self.path),
                remedy="give this user the right to make control groups, or use --engine uml",
            ) from None

    def take(self, pid: int) -> None:
        """Put a process with all of its threads in; one that has ended is passed over. :raises LabError: refused."""
        with contextlib.suppress(FileNotFoundError):
            self._came_from.setdefault(pid, self._group_of(pid))
        _move(pid, self.path)

    def members(self) -> set[int]:
        """Process numbers."""
        try:
            return {int(line) for line in (self.path / "cgroup.procs").read_text().split()}
        except FileNotFoundError:
            return set()

    def quota(self) -> tuple[int, int] | None:
        """Microseconds of each so many, as the kernel holds it; None: no bound, or no group."""
        try:
            if self._tree.unified:
                quota, period = (self.path / "cpu.max").read_text().split()
            else:
                quota = (self.path / "cpu.cfs_quota_us").read_text().strip()
                period = (self.path / "cpu.cfs_period_us").read_text().strip()
        except FileNotFoundError:
            return None
        return (int(quota), int(period)) if quota not in ("max", "-1") else None

    def throttled(self) -> int:
        """In how many periods its processes had to wait."""
        words = dict(line.split() for line in (self.path / "cpu.stat").read_text().splitlines())
        return int(words.get("nr_throttled", 0))

    def release(self) -> None:
        """Every process back where it came from; those that were born here go with the first of them."""
        home = next(iter(self._came_from.values()), self._tree.root)
        for pid in self.members():
            _move(pid, self._came_from.get(pid, home))

    def remove(self) -> None:
        """:meth:`release`, and no group any more. :raises LabError: something is still in it."""
        self.release()
        try:
            self.path.rmdir()
        except FileNotFoundError:
            pass
        except OSError as error:
            raise LabError(
                f"the control group cannot be removed: {error.strerror}", where=str(self.path), remedy="try again"
            ) from None

    def _group_of(self, pid: int) -> Path:
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            number, controllers, where = line.split(":", 2)
            if (number == "0") if self._tree.unified else ("cpu" in controllers.split(",")):
                path = self._tree.root / where.lstrip("/")
                return path if ".." not in where and path.is_dir() else self._tree.root
        return self._tree.root


def _move(pid: int, group: Path) -> None:
    try:
        (group / "cgroup.procs").write_text(str(pid))
    except (ProcessLookupError, FileNotFoundError):
        return  # it has ended
    except OSError as error:
        raise LabError(
            f"process {pid} cannot be put into a control group: {error.strerror}",
            where=str(group),
            remedy="see whether it has real-time priority, and a thread that keeps it",
        ) from None


def prefix(lab: str) -> str:
    """How the names of a lab's groups begin; the dot cannot stand in a lab's name."""
    return f"xcnet.{lab}."


def remove_leftovers(lab: str) -> list[str]:
    """Remove the groups that a killed lab has left, none of whose processes runs any more; their names."""
    try:
        root = find_tree().root
    except (LabError, OSError):
        return []
    found = []
    for path in root.glob(f"{prefix(lab)}*"):
        with contextlib.suppress(OSError):
            path.rmdir()
            found.append(path.name)
    return found


__all__ = ["CpuGroup", "Tree", "find_tree", "prefix", "remove_leftovers"]
