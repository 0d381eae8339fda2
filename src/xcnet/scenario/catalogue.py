"""The scenarios that come with the program, as a page: what each does and what is expected of it, from the files themselves."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xcnet.model.monitoring import MonitorPolicy
from xcnet.scenario.document import Scenario, Step
from xcnet.scenario.load import load_scenario


def shipped_scenarios() -> list[Path]:
    """The files, in order of name. Of an installed wheel and of a source tree alike."""
    package = Path(__file__).parents[1]
    inside = package / "_data" / "scenarios"
    # A source tree (an editable install): the folder stands beside src/.
    folder = inside if inside.is_dir() else package.parents[1] / "lab" / "scenarios"
    return sorted(folder.glob("*.yaml"))


def catalogue(files: Iterable[Path]) -> str:
    """The page, in Markdown."""
    scenarios = [load_scenario(file)[0] for file in files]
    lines = [
        "# Scenarios",
        "",
        "What comes with xcnet, made by `xcnet scenario catalogue`. Run one with `xcnet run lab/scenarios/NAME.yaml`, all with",
        "`xcnet run lab/scenarios --jobs 2`. Bounds are formulas of the lab's own timers: a lab with other timers has other bounds.",
        "",
        "| scenario | what happens |",
        "|---|---|",
        *(f"| [{each.scenario}](#{each.scenario}) | {each.title} |" for each in scenarios),
    ]
    for each in scenarios:
        lines += ["", f"## {each.scenario}", "", f"**{each.title}.** {each.description.strip()}", "", *_table(each)]
    return "\n".join(lines) + "\n"


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


__all__ = ["catalogue", "shipped_scenarios"]
