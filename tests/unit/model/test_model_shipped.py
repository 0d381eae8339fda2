"""What is shipped: topologies and profiles load, the schema accepts them, and providers are data."""

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from xcnet.errors import InputError
from xcnet.model import shipped
from xcnet.model.load import load_profile, load_topology, parse_topology, read_shipped, shipped_topologies
from xcnet.model.planner import make_plan
from xcnet.model.schema import DIALECT, profile_schema, topology_schema

TOPOLOGIES = sorted(shipped_topologies())


def plain(text: str) -> object:
    return YAML(typ="safe").load(text)


def test_shipped_topologies_are_these_three() -> None:
    assert TOPOLOGIES == ["aws-google", "minimal", "two-interconnects"]


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_shipped_topology_loads_by_name_and_is_called_so(name: str) -> None:
    assert load_topology(name).name == name


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_schema_accepts_shipped_topology(name: str) -> None:
    jsonschema.Draft202012Validator(topology_schema()).validate(plain(read_shipped(name)))


@pytest.mark.parametrize("name", sorted(shipped.profiles()))
def test_schema_accepts_shipped_profile(name: str) -> None:
    text = shipped.profiles()[name].read_text(encoding="utf-8")
    jsonschema.Draft202012Validator(profile_schema()).validate(plain(text))


@pytest.mark.parametrize("schema", [topology_schema(), profile_schema()], ids=["topology", "profile"])
def test_schema_is_valid_draft_2020_12(schema: dict) -> None:  # type: ignore[type-arg]
    assert schema["$schema"] == DIALECT
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    "change",
    [
        lambda lab: lab.update(colour="red"),
        lambda lab: lab.pop("providers"),
        lambda lab: lab["connections"][0].update(vlan=5),
        lambda lab: lab["connections"][0].update(bandwidth="fast"),
        lambda lab: lab["interconnects"][0]["channels"][0].update(cipher="ROT13"),
        lambda lab: lab["providers"]["aws"].update(overrides={"bfd": {}}),
    ],
)
def test_schema_refuses_what_the_program_refuses(change) -> None:  # type: ignore[no-untyped-def]
    lab = json.loads(json.dumps(plain(read_shipped("minimal"))))
    change(lab)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(topology_schema()).validate(lab)
    with pytest.raises(InputError):
        parse_topology(json.dumps(lab))


def test_schema_file_beside_the_topologies_is_up_to_date() -> None:
    item = shipped_topologies()["minimal"]
    assert isinstance(item, Path)
    written = json.loads((item.parent / "topology.schema.json").read_text(encoding="utf-8"))
    assert written == topology_schema(), "write it anew: xcnet topology schema > topologies/topology.schema.json"


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_first_line_names_the_schema_for_editors(name: str) -> None:
    assert read_shipped(name).startswith("# yaml-language-server: $schema=topology.schema.json\n")


def test_profiles_hold_the_providers_published_timers_and_limits() -> None:
    aws, gcp = load_profile("aws"), load_profile("gcp")
    assert (aws.timers.bgp.keepalive, aws.timers.bgp.hold) == (30, 90)
    assert (gcp.timers.bgp.keepalive, gcp.timers.bgp.hold) == (20, 60)
    assert aws.timers.bfd is not None and gcp.timers.bfd is not None
    assert (aws.timers.bfd.transmit_ms, aws.timers.bfd.multiplier) == (300, 3)
    assert (gcp.timers.bfd.transmit_ms, gcp.timers.bfd.multiplier) == (1000, 5)
    assert (aws.asn, gcp.asn) == (64512, 16550)
    assert (aws.mtu.maximum, gcp.mtu.maximum) == (8500, 8896)
    assert (aws.prefix_limit.ipv4, gcp.prefix_limit.ipv4) == (1000, 5000)
    assert (gcp.macsec.key_server_priority, gcp.macsec.sak_rekey_seconds) == (15, 28_800)


def test_third_provider_is_a_file_beside_the_topology(tmp_path: Path) -> None:
    text = shipped.profiles()["aws"].read_text(encoding="utf-8")
    (tmp_path / "third.yaml").write_text(text.replace("64512", "31898").replace("display_name: AWS", "display_name: X"))
    (tmp_path / "lab.yaml").write_text(read_shipped("minimal").replace("profile: aws", "profile: ./third.yaml"))
    plan = make_plan(load_topology(tmp_path / "lab.yaml"))
    assert plan.providers["aws"].display_name == "X"
    assert plan.routers["aws-edge1"].vrfs[0].asn == 31898


def test_no_code_asks_which_provider_one_is() -> None:
    package = Path(shipped.__file__).parents[1]
    for source in package.rglob("*.py"):
        text = source.read_text(encoding="utf-8")
        for name in ('== "aws"', '== "gcp"', "== 'aws'", "== 'gcp'", 'in ("aws"', '("gcp"'):
            assert name not in text, f"{source} asks for a provider: {name}"


def test_unknown_names_are_refused_with_what_there_is() -> None:
    with pytest.raises(InputError) as caught:
        load_topology("aws-gogle")
    assert "aws-google" in caught.value.remedy
    with pytest.raises(InputError):
        load_profile("asw")
    with pytest.raises(InputError):
        read_shipped("nothing")
