"""Reading a scenario: every mistake with its place and remedy, those against the lab included."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from xcnet.errors import InputError
from xcnet.lab.directory import Directory
from xcnet.model.faults import Fault
from xcnet.model.problems import Path as Way
from xcnet.model.problems import Problem, TopologyError, did_you_mean, twice
from xcnet.model.validation import placed, validate
from xcnet.model.yamldoc import YamlDocument, decode, parse
from xcnet.scenario.document import Check, Doing, Restored, Scenario
from xcnet.scenario.formula import FormulaError, evaluate
from xcnet.scenario.timers import figures

_STEP_FIELDS = ("name", "at", "when", "for")


def _kinds(union: Any, field: str) -> dict[str, type[BaseModel]]:
    """What a field may say -> the model that the rest of the mapping has then."""
    members = get_args(get_args(union)[0])
    return {get_args(member.model_fields[field].annotation)[0]: member for member in members}


FAULTS = _kinds(Fault, "fault")
ACTIONS = _kinds(Doing, "do")
CHECKS = _kinds(Check, "check")


def load_scenario(path: str | os.PathLike[str]) -> tuple[Scenario, YamlDocument]:
    """Read and check a scenario's file.

    :returns: the scenario, and the document, for :func:`check_against`.
    :raises InputError: there is no such file. :raises TopologyError: it has mistakes; ``problems`` holds all that were found.
    """
    file = Path(path)
    try:
        raw = file.read_bytes()
    except OSError as error:
        what = "there is no file" if isinstance(error, FileNotFoundError) else "cannot read"
        raise InputError(
            f"{what} '{file}'", where=str(file), remedy="name a scenario's YAML file, or a folder of them"
        ) from None
    return parse_scenario(decode(raw, str(file)), str(file))


def parse_scenario(text: str, name: str = "<text>") -> tuple[Scenario, YamlDocument]:
    """:func:`load_scenario` of what has been read already."""
    document = parse(text, name)
    data = dict(document.data)
    problems: list[Problem] = []
    steps, expectations = data.get("steps"), data.get("expect")
    if isinstance(steps, list):
        data["steps"] = [_step(each, ("steps", order), problems) for order, each in enumerate(steps)]
    if isinstance(expectations, list):
        data["expect"] = [
            _one(each, CHECKS, "check", ("expect", order), problems) for order, each in enumerate(expectations)
        ]
    if problems:
        # Of the rest only what does not hang on these.
        _, others = validate(Scenario, {**data, "steps": _NO_STEPS, "expect": _NO_CHECKS})
        raise TopologyError(placed(problems + others, document))
    scenario, found = validate(Scenario, data)
    if scenario is not None:
        found += list(_names(scenario))
    if scenario is None or found:
        raise TopologyError(placed(found, document))
    return scenario, document


_NO_STEPS = [{"name": "none", "at": 0, "fault": {"fault": "cut", "on": "ch1"}}]
_NO_CHECKS = [{"check": "verified"}]


def _step(raw: Any, way: Way, problems: list[Problem]) -> Any:
    """A step with its fault's or action's fields below a field of their own, as the model has it."""
    if not isinstance(raw, dict):
        problems.append(Problem(way, "a step is a mapping", "write e.g. - {name: cut, at: 5s, fault: cut, on: ch2}"))
        return raw
    own = {key: value for key, value in raw.items() if key in _STEP_FIELDS}
    rest = {key: value for key, value in raw.items() if key not in _STEP_FIELDS}
    if "for" in own:
        own["lasts"] = own.pop("for")
    if "fault" in rest and "do" in rest:
        problems.append(Problem(way, "a step does one thing", "make two steps of it"))
    elif "fault" in rest:
        own["fault"] = _one(rest, FAULTS, "fault", way, problems)
    elif "do" in rest:
        own["action"] = _one(rest, ACTIONS, "do", way, problems)
    else:
        problems.append(
            Problem(
                way, "this step does nothing", f"write 'fault' ({', '.join(FAULTS)}) or 'do' ({', '.join(ACTIONS)})"
            )
        )
    own.setdefault("name", str(rest.get("fault") or rest.get("do")))
    return own


def _one(raw: Any, kinds: dict[str, type[BaseModel]], field: str, way: Way, problems: list[Problem]) -> Any:
    """A model chosen by one of its fields; what is wrong with it is put with the problems."""
    if not isinstance(raw, dict) or field not in raw:
        problems.append(Problem(way, f"'{field}' is missing", f"write one of {', '.join(kinds)}"))
        return raw
    kind = raw[field]
    if kind not in kinds:
        problems.append(Problem((*way, field), f"there is no {field} '{kind}'", did_you_mean(str(kind), kinds)))
        return raw
    made, found = validate(kinds[kind], raw)
    problems += [Problem((*way, *each.path), each.cause, each.remedy, at_key=each.at_key) for each in found]
    return made


def _names(scenario: Scenario) -> Iterator[Problem]:
    """Names within the scenario."""
    yield from twice("step", ((("steps", order), step.name) for order, step in enumerate(scenario.steps)))
    known = [step.name for step in scenario.steps]
    for order, check in enumerate(scenario.expect):
        for field in ("of", "after", "during"):
            wanted = getattr(check, field, None)
            if wanted is not None and wanted not in known:
                yield Problem(("expect", order, field), f"there is no step '{wanted}'", did_you_mean(wanted, known))
            elif field in ("of", "during") and wanted is not None and scenario.step(wanted).fault is None:
                yield Problem(("expect", order, field), f"step '{wanted}' is no fault", "name a step with a fault")
        if isinstance(check, Restored) and check.of in known and scenario.step(check.of).lasts is None:
            cause = f"step '{check.of}' stays to the run's end: nothing can be seen to come back"
            yield Problem(("expect", order, "of"), cause, "say with 'for' how long it stays, e.g. for: 5s")
        if scenario.traffic is None and check.check in _OF_TRAFFIC:
            yield Problem(("expect", order, "check"), "there is no traffic to judge", "take 'traffic: null' away")

    kinds = [*dict.fromkeys(check.check for check in scenario.expect), "actions"]
    yield from twice("sabotage", ((("sabotage", order), each.without) for order, each in enumerate(scenario.sabotage)))
    for order, each in enumerate(scenario.sabotage):
        if each.fails not in kinds:
            cause = f"nothing of kind '{each.fails}' is expected, so that it cannot fail"
            yield Problem(("sabotage", order, "fails"), cause, did_you_mean(each.fails, kinds))


_OF_TRAFFIC = {"longest-loss", "lost", "lost-share", "flows-hit", "duplicated", "worst-delay", "channel-share"}


def check_against(scenario: Scenario, document: YamlDocument, lab: Directory) -> None:
    """What can be told only when the lab is known: formulas and names in it.

    :raises TopologyError: with all that is wrong.
    """
    functions = figures(lab)
    concerned = (*lab.channels, *lab.nodes, *lab.providers)
    orders = tuple(dict.fromkeys(network.name for network in lab.networks))
    problems: list[Problem] = []
    for order, check in enumerate(scenario.expect):
        for field in ("at_most", "at_least", "within", "computed", "earliest", "mtu"):
            formula = getattr(check, field, None)
            if formula is None:
                continue
            try:
                evaluate(formula, functions)
            except FormulaError as error:
                problems.append(Problem(("expect", order, field), str(error), error.remedy))
        for field, known in (
            ("channel", lab.channels),
            ("on", concerned),
            ("by", tuple(lab.providers)),
            ("connection", orders),
        ):
            wanted = getattr(check, field, None)
            if wanted is not None and wanted not in known:
                problems.append(_unknown(("expect", order, field), field, wanted, known))
    for order, step in enumerate(scenario.steps):
        at = ("steps", order)
        if step.when is not None and step.when.on is not None and step.when.on not in concerned:
            problems.append(_unknown((*at, "when", "on"), "on", step.when.on, concerned))
        doing = step.action or step.fault
        for field, known in (("channel", lab.channels), ("by", tuple(lab.providers)), ("side", tuple(lab.providers))):
            wanted = getattr(doing, field, None)
            if isinstance(wanted, str) and wanted not in known:
                problems.append(_unknown((*at, field), field, wanted, known))
        on = getattr(step.fault, "on", None)
        if on is not None and not _is_target(on, lab):
            facilities = tuple(dict.fromkeys(entry.facility for entry in lab.layout))
            problems.append(
                _unknown((*at, "on"), "on", on, (*lab.channels, *facilities, *lab.providers, *lab.nodes, "all"))
            )
    if problems:
        raise TopologyError(placed(problems, document))


def _unknown(way: Way, field: str, wanted: str, known: tuple[str, ...]) -> Problem:
    kinds = {"channel": "channel", "by": "provider", "side": "provider", "connection": "connection"}
    kind = kinds.get(field, "channel or node")
    return Problem(way, f"there is no {kind} '{wanted}' in this lab", did_you_mean(wanted, dict.fromkeys(known)))


def _is_target(on: str, lab: Directory) -> bool:
    known = {*lab.channels, *lab.nodes, *lab.providers, *(entry.facility for entry in lab.layout), "all"}
    return all(part in known for part in on.split("/"))


__all__ = ["ACTIONS", "CHECKS", "FAULTS", "check_against", "load_scenario", "parse_scenario"]
