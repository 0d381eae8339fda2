"""What is written down about a lab when it is brought up, so that a later command knows it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from xcnet import __version__
from xcnet.errors import LabError
from xcnet.lab.paths import LabPaths, labs_root
from xcnet.model.sabotage import Sabotage


class LabRecord(BaseModel):
    """:param engine: the kernel it runs in, ``native`` or ``uml``. :param ready: bring-up went through to the end.
    :param sabotage: what it was robbed of on purpose; None for a lab that is whole.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    topology: str
    source: str
    engine: str
    created: datetime
    version: str = __version__
    ready: bool = False
    sabotage: Sabotage | None = None

    @classmethod
    def new(cls, name: str, topology: str, source: str, engine: str, sabotage: Sabotage | None = None) -> LabRecord:
        said = f"{topology} (sabotaged: {sabotage})" if sabotage is not None else topology
        return cls(name=name, topology=said, source=source, engine=engine, created=datetime.now(UTC), sabotage=sabotage)

    def write(self, paths: LabPaths) -> None:
        """Whole or not at all: a reader never sees half a record."""
        temporary = paths.record.with_suffix(".new")
        temporary.write_text(self.model_dump_json(indent=2) + "\n")
        temporary.replace(paths.record)

    @classmethod
    def read(cls, paths: LabPaths) -> LabRecord | None:
        """None where there is no lab of that name.

        :raises LabError: the record is there but cannot be read.
        """
        try:
            return cls.model_validate_json(paths.record.read_text())
        except FileNotFoundError:
            return None
        except (ValidationError, OSError) as error:
            raise LabError(
                f"the record of lab {paths.name!r} cannot be read: {type(error).__name__}",
                where=str(paths.record),
                remedy=f"run 'xcnet down --name {paths.name}' to remove what is left of it",
            ) from None


def recorded_labs() -> list[str]:
    """Names of the labs that have a folder, running or not, in alphabetical order."""
    root: Path = labs_root()
    if not root.is_dir():
        return []
    return sorted(entry.name for entry in root.iterdir() if entry.is_dir())


__all__ = ["LabRecord", "recorded_labs"]
