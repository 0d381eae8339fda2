"""What a router's daemons show at one moment, for people to read later: their tables and their configuration, without passwords."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from xcnet.errors import RoutingError
from xcnet.frr.lifecycle import DAEMONS, FrrDirs
from xcnet.frr.vty import Vty
from xcnet.secret import Secret

QUESTIONS = {
    "zebra": ("show ip route vrf all json", "show ipv6 route vrf all json"),
    "bfdd": ("show bfd peers json",),
    "bgpd": ("show bgp vrf all summary json",),
}
_CONFIGURATION = "show running-config"
_PASSWORD = re.compile(r"(?m)\b(password[ \t]+)(?:\d[ \t]+)?\S.*$")
_HIDDEN = "<secret>"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """:param tables: command -> the answer, as JSON or, where it is none, its text.
    :param configuration: of all daemons, one after the other. :param problems: daemons that did not answer, in words.
    """

    tables: dict[str, Any]
    configuration: str
    problems: tuple[str, ...]

    def to_json(self) -> str:
        return json.dumps({"tables": self.tables, "problems": self.problems}, indent=1) + "\n"


def take(dirs: FrrDirs, secrets: Iterable[Secret] = (), *, patience: float = 2.0) -> Snapshot:
    """Ask each daemon over one connection. One that does not answer is part of what is found.

    :param secrets: taken out wherever they stand, beside what stands where passwords do. :param patience: seconds for each
        answer.
    """
    known = [each.reveal().decode(errors="ignore") for each in secrets]
    tables: dict[str, Any] = {}
    configuration: list[str] = []
    problems: list[str] = []
    for daemon in DAEMONS:
        try:
            with Vty(dirs.socket(daemon), timeout=patience) as vty:
                *shown, running = vty.try_run([*QUESTIONS[daemon], _CONFIGURATION])
        except RoutingError as error:
            problems.append(error.cause)
            continue
        tables |= {answer.command: _parsed(redacted(answer.text, known)) for answer in shown}
        configuration.append(f"! {daemon}\n{_body(redacted(running.text, known))}")
    return Snapshot(tables, "\n".join(configuration), tuple(problems))


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """Without what follows the word ``password``, and without these words wherever they are."""
    for each in known:
        if each:
            text = text.replace(each, _HIDDEN)
    return _PASSWORD.sub(rf"\1{_HIDDEN}", text)


def _parsed(text: str) -> Any:
    """JSON; where there is an object for each VRF behind the other (FRR 8), one with their names, as later releases have it."""
    found: list[Any] = []
    decoder = json.JSONDecoder()
    rest = text.strip()
    while rest:
        try:
            value, end = decoder.raw_decode(rest)
        except ValueError:
            return text
        found.append(value)
        rest = rest[end:].lstrip()
    if len(found) == 1:
        return found[0]
    tables: dict[str, Any] = {}
    for table in found:
        for prefix, routes in table.items():
            tables.setdefault(routes[0]["vrfName"], {})[prefix] = routes
    return tables


def _body(text: str) -> str:
    """A configuration without the lines about itself that precede it."""
    _, found, rest = text.partition("Current configuration:\n")
    lines = (rest if found else text).splitlines()
    # FRR writes a mark between parts, also between those that it leaves out.
    return "".join(f"{line}\n" for line in lines if line.strip() not in ("", "!"))


__all__ = ["QUESTIONS", "Snapshot", "redacted", "take"]
