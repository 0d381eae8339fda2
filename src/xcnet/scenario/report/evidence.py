"""A report's evidence in the order in which it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xcnet.scenario.results import Evidence, RunResult

CAPTURES, ROUTERS, API, LAB = "captures", "routers", "api", "lab"
"""Groups of evidence."""

TITLES = {CAPTURES: "Captures", ROUTERS: "Routers", API: "Coordinators", LAB: "The run itself"}

EXPLANATIONS = {
    CAPTURES: "Every channel as a wiretap in its building sees it: at the cross-connect's first port, encrypted, in nanoseconds.",
    ROUTERS: "What FRR's daemons showed of themselves. Passwords are taken out.",
    API: "What coordinators asked each other during the run. Secrets are taken out.",
    LAB: "",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One subject's files. :param cells: for each of the table's moments."""

    subject: str
    cells: tuple[tuple[Evidence, ...], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """:param moments: columns of a table with a row for each subject; none: it is a list."""

    name: str
    files: tuple[Evidence, ...]
    moments: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        return TITLES.get(self.name, "Files" if not self.name else self.name)

    @property
    def explanation(self) -> str:
        return EXPLANATIONS.get(self.name, "")

    @property
    def named(self) -> bool:
        """Whether its files are told apart by what they are of."""
        return self.name not in ("", LAB) and all(each.subject for each in self.files)

    @property
    def size(self) -> int | None:
        """Bytes of all of it; None where they were not told."""
        sizes = [each.size for each in self.files if each.size is not None]
        return sum(sizes) if sizes else None


def groups(result: RunResult) -> tuple[Group, ...]:
    """Those that have something, the known ones first."""
    names = dict.fromkeys((*TITLES, *(each.group for each in result.evidence)))
    made = (_group(name, [each for each in result.evidence if each.group == name]) for name in names)
    return tuple(group for group in made if group.files)


def _group(name: str, files: Sequence[Evidence]) -> Group:
    moments = tuple(dict.fromkeys(each.moment for each in files if each.moment))
    rows = tuple(
        Row(
            subject,
            tuple(
                tuple(each for each in files if (each.subject, each.moment) == (subject, moment)) for moment in moments
            ),
        )
        for subject in dict.fromkeys(each.subject for each in files if each.moment)
    )
    return Group(name, tuple(files), moments, rows)


__all__ = ["API", "CAPTURES", "LAB", "ROUTERS", "Group", "Row", "groups"]
