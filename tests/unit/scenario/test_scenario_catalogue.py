"""The page of the shipped scenarios, and the schema of scenario files, keep step with the files."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from xcnet.scenario.catalogue import catalogue, shipped_scenarios
from xcnet.scenario.load import ACTIONS, CHECKS, FAULTS
from xcnet.scenario.schema import scenario_schema

PAGE = Path(__file__).parents[3] / "docs" / "scenarios.md"


def test_the_page_is_what_the_command_prints() -> None:
    assert PAGE.read_text() == catalogue(shipped_scenarios()), "run: xcnet scenario catalogue > docs/scenarios.md"


@pytest.mark.parametrize("file", shipped_scenarios(), ids=lambda file: file.stem)
def test_what_is_shipped_is_right_by_the_schema(file: Path) -> None:
    jsonschema.validate(YAML(typ="safe").load(file.read_text()), scenario_schema())


def test_the_schema_knows_every_fault_action_and_check() -> None:
    text = str(scenario_schema())
    for kind in (*FAULTS, *ACTIONS, *CHECKS):
        assert f"'const': '{kind}'" in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": []},
        {"steps": [{"at": "3s", "fault": "cut"}]},
        {"steps": [{"at": "3s", "fault": "cutt", "on": "ch2"}]},
        {"steps": [{"at": "3s", "do": "rotate", "channel": "ch1", "for": "3s"}]},
        {"expect": [{"check": "longest-loss", "most": 3}]},
        {"title": ""},
    ],
)
def test_mistakes_are_mistakes_by_the_schema_too(wrong: dict[str, object]) -> None:
    good = {
        "scenario": "x",
        "title": "x",
        "steps": [{"at": "3s", "fault": "cut", "on": "ch2"}],
        "expect": [{"check": "lost", "at_most": 0}],
    }
    jsonschema.validate(good, scenario_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**good, **wrong}, scenario_schema())
