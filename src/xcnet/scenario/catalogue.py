"""The scenarios that come with the program, as a page: what each does and what is expected of it, from the files themselves."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xcnet.model.monitoring import MonitorPolicy
from xcnet.model.sabotage import Sabotage
from xcnet.scenario.document import Group, Scenario, Step
from xcnet.scenario.load import load_scenario

FAILURES = (
    "a channel loses its carrier",
    "a channel goes silent, and keeps its carrier",
    "a channel is silent one way",
    "a channel loses a few frames of a hundred",
    "a building is lost",
    "all channels are lost",
    "planned maintenance",
    "a key is replaced",
    "a key does not match",
    "too many prefixes are announced",
    "the MTUs do not match",
    "a routing daemon is started again",
    "a timed failover test",
    "faults of the handshake",
    "resize, migrate, delete",
)
"""What engineers ask to see fail; scenarios name them by number, from 1."""

GROUPS = {
    Group.CHANNELS: "One channel",
    Group.SITES: "Buildings and clouds",
    Group.ROUTING: "Routing",
    Group.MACSEC: "Keys",
    Group.MAINTENANCE: "Maintenance",
    Group.HANDSHAKE: "The handshake",
    Group.CHANGES: "Changes of a connection",
    Group.OWN: "Others",
}


def shipped_scenarios() -> list[Path]:
    """The files, in order of name. Of an installed wheel and of a source tree alike."""
    package = Path(__file__).parents[1]
    inside = package / "_data" / "scenarios"
    # A source tree (an editable install): the folder stands beside src/.
    folder = inside if inside.is_dir() else package.parents[1] / "lab" / "scenarios"
    return sorted(folder.glob("*.yaml"))


def catalogue(files: Iterable[Path]) -> str:
    """The page, in Markdown."""
    scenarios = sorted((load_scenario(file)[0] for file in files), key=_place)
    lines = [
        "# Scenarios",
        "",
        "What comes with xcnet, made by `xcnet scenario catalogue`. Bounds are formulas of the lab's own timers: a lab with other timers",
        "has other bounds.",
        "",
        "| to | type |",
        "|---|---|",
        "| run one | `xcnet run lab/scenarios/NAME.yaml` |",
        "| run all, with a page over them | `xcnet run lab/scenarios`; `--jobs N` where there are two processors for each lab |",
        "| see that each can fail: without the mechanism that it relies on it has to | `xcnet run lab/scenarios --sabotage` |",
        "| kill a coordinator in the middle of each, and expect the same | `xcnet run lab/scenarios --kill-coordinator each` |",
        "",
        *_failures(scenarios),
        *_sabotages(scenarios),
    ]
    for group, title in GROUPS.items():
        of_group = [each for each in scenarios if each.group is group]
        if not of_group:
            continue
        lines += ["", f"## {title}", "", "| scenario | what happens | without |", "|---|---|---|"]
        lines += [f"| [{each.scenario}](#{each.scenario}) | {each.title} | {_without(each)} |" for each in of_group]
        for each in of_group:
            lines += [
                "",
                f"### {each.scenario}",
                "",
                f"**{each.title}.** {each.description.strip()}",
                "",
                *_table(each),
            ]
    return "\n".join(lines) + "\n"


def _place(scenario: Scenario) -> tuple[int, int, str]:
    return list(GROUPS).index(scenario.group), scenario.number or len(FAILURES) + 1, scenario.scenario


def _failures(scenarios: list[Scenario]) -> list[str]:
    lines = ["## What engineers ask to see fail", "", "| | failure | scenarios |", "|---|---|---|"]
    for number, failure in enumerate(FAILURES, start=1):
        shown = ", ".join(f"[{each.scenario}](#{each.scenario})" for each in scenarios if each.number == number)
        lines.append(f"| {number} | {failure} | {shown or '–'} |")
    return lines


def _sabotages(scenarios: list[Scenario]) -> list[str]:
    named = {each.without for scenario in scenarios for each in scenario.sabotage}
    lines = [
        "",
        "## What a lab can be robbed of",
        "",
        "With `--sabotage` each scenario runs on a lab without a mechanism that it names, and *passes if it fails*: an expectation",
        "that holds all the same could not fail at all. The lab's record and the report say what was taken away.",
        "",
        "| sabotage | what is wrong then |",
        "|---|---|",
    ]
    return lines + [f"| `{each}` | {each.about.lost} |" for each in Sabotage if each in named]


def _without(scenario: Scenario) -> str:
    return ", ".join(f"`{each.without}`" for each in scenario.sabotage) or "–"


def _table(scenario: Scenario) -> list[str]:
    lines = []
    if scenario.monitor is not None:
        lines += [f"Monitors: {_monitor(scenario.monitor)}.", ""]
    lines += ["| when | what |", "|---|---|"]
    lines += [f"| {_moment(step)} | **{step.name}**: {_doing(step)} |" for step in scenario.steps]
    lines += ["", "Expected:", ""]
    for check in scenario.expect:
        fields = check.model_dump(exclude_none=True, exclude_defaults=True, exclude={"check", "name"})
        words = ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in fields.items())
        lines.append(f"- {check.check}" + (f": {words}" if words else ""))
    lines += [f"- without its mechanism, `{each.without}`: {each.fails} fails" for each in scenario.sabotage]
    return lines


def _monitor(monitor: MonitorPolicy) -> str:
    if not monitor.enabled:
        return "off"
    changed = monitor.model_dump(mode="json", exclude_defaults=True)
    return ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in changed.items()) or "as by default"


def _moment(step: Step) -> str:
    if step.when is not None:
        return f"at {step.when.event}" + (f" of {step.when.on}" if step.when.on else "")
    return f"{step.at:g} s"


def _doing(step: Step) -> str:
    doing = step.fault or step.action
    assert doing is not None
    fields = doing.model_dump(exclude_defaults=True, exclude_none=True)
    kind = fields.pop("fault", None) or fields.pop("do", None)
    words = [f"`{kind}`", *(f"{name} {_value(value)}" for name, value in fields.items())]
    return " ".join([*words, *([f"for {step.lasts:g} s"] if step.lasts is not None else [])])


def _value(value: Any) -> str:
    return f"`{value}`" if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


__all__ = ["FAILURES", "GROUPS", "catalogue", "shipped_scenarios"]
